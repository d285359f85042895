//! The picture of growth: orders per second and p99 against the orders in the store, one line per run, as one SVG.
//!
//! Hand-written: two panels of lines need no library of charts, and colours that follow the reader's light or dark
//! page need a style sheet, which such libraries do not write.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// One run, as `bench growth --json` prints it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    store: String,
    keys: String,
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Point {
    orders: u64,
    orders_per_second: f64,
    p99_ms: f64,
}

/// The whole picture, one panel, and where a panel's axes begin, in SVG's units.
const WIDTH: f64 = 760.0;
const PANEL_HEIGHT: f64 = 250.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const GAP: f64 = 64.0;
/// The engines' colours on light and on dark ground (Okabe and Ito's palette, which colour-blind readers tell apart).
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#222}.title{font-weight:600}.axis{stroke:#555}.grid{stroke:#ddd}\
.line{fill:none;stroke-width:2}.random{stroke-dasharray:7 4}.sqlite{stroke:#0072b2}.postgres{stroke:#d55e00}\
circle.sqlite{fill:#0072b2}circle.postgres{fill:#d55e00}.ground{fill:#fff}\
@media (prefers-color-scheme:dark){text{fill:#e6e6e6}.axis{stroke:#aaa}.grid{stroke:#3a3a3a}.ground{fill:#161616}\
.sqlite{stroke:#56b4e9}.postgres{stroke:#e69f00}circle.sqlite{fill:#56b4e9}circle.postgres{fill:#e69f00}}";

/// Reads the JSON lines of growth runs from files and draws them.
pub(super) fn draw_files(files: &[PathBuf], out: &Path) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let run = serde_json::from_str(line);
            runs.push(run.with_context(|| format!("{} is not what `bench growth --json` prints", file.display()))?);
        }
    }
    draw(&runs, out)
}

/// Draws runs into a file.
pub(super) fn draw(runs: &[Run], out: &Path) -> anyhow::Result<()> {
    ensure!(runs.iter().any(|run| !run.points.is_empty()), "there is nothing to draw");
    std::fs::write(out, svg(runs)).with_context(|| format!("cannot write {}", out.display()))
}

/// A panel: its title, where it begins, what it shows.
struct Panel<'a> {
    title: &'a str,
    top: f64,
    value: fn(&Point) -> f64,
    /// Powers of ten: the sizes at its left and right edge.
    decades: (f64, f64),
    highest: f64,
}

fn svg(runs: &[Run]) -> String {
    let points = || runs.iter().flat_map(|run| &run.points);
    let sizes = || points().map(|point| decade(point.orders));
    let decades = (sizes().fold(f64::INFINITY, f64::min).floor(), sizes().fold(0.0, f64::max).ceil());
    // A single size would have no width.
    let decades = (decades.0, decades.1.max(decades.0 + 1.0));
    let panel = |title, place: f64, value: fn(&Point) -> f64| Panel {
        title,
        top: TOP + place * (PANEL_HEIGHT + GAP),
        value,
        decades,
        highest: points().map(value).fold(0.0, f64::max),
    };
    let panels = [
        panel("orders per second", 0.0, |point| point.orders_per_second),
        panel("p99 in milliseconds", 1.0, |point| point.p99_ms),
    ];
    let height = TOP + 2.0 * (PANEL_HEIGHT + GAP);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>Orders per second and p99 by the number of orders in the store</title><style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
    );
    legend(runs, &mut picture);
    for panel in &panels {
        panel.axes(&mut picture);
        for run in runs {
            panel.line(run, &mut picture);
        }
    }
    picture.push_str("</svg>\n");
    picture
}

fn legend(runs: &[Run], into: &mut String) {
    for (place, run) in (0_u8..).zip(runs) {
        let x = LEFT + f64::from(place % 4) * 170.0;
        let y = 18.0 + f64::from(place / 4) * 18.0;
        let (class, store) = (class(run), escaped(&run.store));
        let keys = if run.keys == "time" { "UUIDv7" } else { "UUIDv4" };
        add(into, format_args!("<path class=\"{class}\" d=\"M{x} {y}h26\"/>"));
        add(into, format_args!("<text x=\"{}\" y=\"{}\">{store}, {keys}</text>\n", x + 32.0, y + 4.0));
    }
}

impl Panel<'_> {
    fn x(&self, decade: f64) -> f64 {
        let share = (decade - self.decades.0) / (self.decades.1 - self.decades.0);
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let top = step(self.highest) * (self.highest / step(self.highest)).ceil();
        self.top + PANEL_HEIGHT * (1.0 - value / top.max(f64::MIN_POSITIVE))
    }

    fn axes(&self, into: &mut String) {
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, self.top + PANEL_HEIGHT);
        add(into, format_args!("<text class=\"title\" x=\"{left}\" y=\"{}\">{}</text>\n", self.top - 12.0, self.title));
        let step = step(self.highest);
        let mut value = 0.0;
        while value <= self.highest + step * 0.999 {
            let y = self.y(value);
            add(into, format_args!("<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/>"));
            let (x, y, label) = (left - 8.0, y + 4.0, (value * 1_000.0).round() / 1_000.0);
            add(into, format_args!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>\n"));
            value += step;
        }
        let mut decade = self.decades.0;
        while decade <= self.decades.1 {
            let x = self.x(decade);
            add(into, format_args!("<path class=\"grid\" d=\"M{x:.1} {}V{bottom}\"/>", self.top));
            let size = size_name(decade);
            add(
                into,
                format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{size}</text>\n", bottom + 18.0),
            );
            decade += 1.0;
        }
        add(into, format_args!("<path class=\"axis\" fill=\"none\" d=\"M{left} {}V{bottom}H{right}\"/>", self.top));
        let (x, y) = (f64::midpoint(left, right), bottom + 34.0);
        add(into, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">orders in the store</text>\n"));
    }

    fn line(&self, run: &Run, into: &mut String) {
        let class = class(run);
        let places: Vec<(f64, f64)> =
            run.points.iter().map(|point| (self.x(decade(point.orders)), self.y((self.value)(point)))).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        add(into, format_args!("<path class=\"{class}\" d=\"M{}\"/>\n", path.join("L")));
        for ((x, y), point) in places.iter().zip(&run.points) {
            let (orders, value) = (point.orders, (self.value)(point));
            add(into, format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\">"));
            add(into, format_args!("<title>{orders} orders: {value:.1}</title></circle>\n"));
        }
    }
}

fn add(into: &mut String, text: std::fmt::Arguments<'_>) {
    into.write_fmt(text).expect("a String takes every text");
}

#[expect(clippy::cast_precision_loss, reason = "a place on an axis")]
fn decade(orders: u64) -> f64 {
    (orders.max(1) as f64).log10()
}

/// `10²` as 100, from 10,000 on with k and M.
fn size_name(decade: f64) -> String {
    let size = 10_f64.powf(decade);
    match size {
        1e6.. => format!("{:.0} M", size / 1e6),
        1e4.. => format!("{:.0} k", size / 1e3),
        _ => format!("{size:.0}"),
    }
}

/// The distance of two grid lines: 1, 2 or 5 times a power of ten, so that there are four to ten of them.
fn step(highest: f64) -> f64 {
    let power = 10_f64.powf((highest.max(1e-9) / 4.0).log10().floor());
    let times = highest / 4.0 / power;
    power
        * if times >= 5.0 {
            5.0
        } else if times >= 2.0 {
            2.0
        } else {
            1.0
        }
}

fn class(run: &Run) -> String {
    let engine = if run.store == "postgres" { "postgres" } else { "sqlite" };
    let keys = if run.keys == "time" { "time" } else { "random" };
    format!("line {engine} {keys}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_a_line_in_both_panels_and_the_grid_holds_every_point() {
        let run = |store: &str, keys: &str, scale: f64| Run {
            store: store.to_owned(),
            keys: keys.to_owned(),
            points: [10_000, 3_000_000].map(|orders| Point { orders, orders_per_second: scale, p99_ms: 7.5 }).into(),
        };
        let picture = svg(&[run("sqlite", "time", 12_345.0), run("postgres", "random", 99.0)]);
        assert_eq!(picture.matches("class=\"line sqlite time\" d=").count(), 3, "legend and two panels: {picture}");
        assert_eq!(picture.matches("<circle class=\"line postgres random\"").count(), 4, "{picture}");
        for label in [">10 k<", ">10 M<", ">14000<", ">8<", "postgres, UUIDv4", "sqlite, UUIDv7"] {
            assert!(picture.contains(label), "{label} is missing: {picture}");
        }
        let places = picture.split("cy=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for y in places.map(|y| y.parse::<f64>().expect("a number")) {
            assert!((TOP..TOP + 2.0 * (PANEL_HEIGHT + GAP)).contains(&y), "{y} lies outside");
        }
    }

    #[test]
    fn grid_lines_lie_at_round_numbers() {
        for (highest, expected) in [(4.0, 1.0), (9.0, 2.0), (12_345.0, 2_000.0), (20.1, 5.0), (0.0, 1e-10)] {
            let found = step(highest);
            assert!((found / expected - 1.0).abs() < 0.01 || highest == 0.0, "{highest}: {found}");
        }
    }
}
