//! `holdline config`: the documentation of every setting with what is in force, who said so, and the default.

use std::fmt::Write as _;

use toml::Table;

use super::layers::{DEFAULTS, Layers, SECRETS, Source};

/// The text of `holdline.default.toml` with the effective values in it: a settings file that says the same, except for
/// secrets.
pub(super) fn settings(layers: &Layers) -> String {
    let defaults: Table = DEFAULTS.parse().expect("the defaults are compiled in and tested");
    let mut shown = String::with_capacity(2 * DEFAULTS.len());
    let mut section = "";
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let name = line.split_once(" = ").filter(|_| !line.starts_with('#')).map(|(name, _)| name);
        let setting = name.and_then(|name| {
            let key = format!("{section}.{name}");
            let (value, source) = layers.get(&key)?;
            Some((name, SECRETS.contains(&key.as_str()), value, source))
        });
        let Some((name, secret, value, source)) = setting else {
            shown.push_str(line);
            shown.push('\n');
            continue;
        };
        let hide = secret && value.as_str().is_none_or(|text| !text.is_empty());
        let value = if hide { "\"(hidden)\"".to_owned() } else { value.to_string() };
        // A String takes every text.
        let _ = match source {
            Source::Default => writeln!(shown, "{name} = {value}  # default"),
            _ => writeln!(shown, "{name} = {value}  # from {source}; default {}", defaults[section][name]),
        };
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_setting_is_shown_with_its_documentation_once() {
        let shown = settings(&Layers::defaults());
        let defaults: Table = DEFAULTS.parse().unwrap();
        assert_eq!(shown.parse::<Table>().unwrap(), defaults);
        let count: usize = defaults.values().map(|section| section.as_table().unwrap().len()).sum();
        assert_eq!(shown.matches("  # default").count(), count);
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for (number, line) in
            lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'))
        {
            assert!(lines[number - 1].starts_with("# "), "{line} has no documentation above it");
        }
    }

    #[test]
    fn changed_values_show_their_source_and_secrets_stay_hidden() {
        let mut layers = Layers::defaults();
        let text = "[store]\nkind = \"postgres\"\ndatabase_url = \"postgres://u:hunter2@h/d\"\n";
        layers.add_file(Path::new("a.toml"), text).unwrap();
        let shown = settings(&layers);
        assert!(shown.contains("kind = \"postgres\"  # from a.toml:2; default \"sqlite\""), "{shown}");
        assert!(shown.contains("database_url = \"(hidden)\"  # from a.toml:3") && !shown.contains("hunter2"));
    }
}
