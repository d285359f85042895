//! `holdline bench` over the real binary: the one line of JSON and what must hold in it, never how fast it was.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdline"));
    command.arg("bench").args(arguments).output().expect("the binary starts")
}

fn report(arguments: &[&str]) -> Value {
    let output = bench(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), 1, "standard output: {text}\nstandard error: {said}");
    let report = serde_json::from_str(&text).expect("JSON");
    assert!(output.status.success(), "{} {report}\n{said}", output.status);
    report
}

#[test]
fn hot_sku_reports_every_field_and_loses_nothing() {
    let report = report(&["hot-sku", "--seconds", "1", "--connections", "20", "--json"]);
    for field in [
        "scenario",
        "store",
        "durability",
        "filesystem",
        "connections",
        "seconds",
        "orders_per_second",
        "noop_per_second",
        "ratio_to_noop",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "p99_ms_at_70_percent",
        "errors",
        "refused",
        "flushes",
        "avg_batch",
        "fdatasync_p50_ms",
        "cpu_server",
        "cpu_load",
        "rss_mb",
        "acknowledged",
        "stored",
        "lost",
        "oversold",
        "audit_ok",
    ] {
        assert!(!report[field].is_null(), "{field} is missing: {report}");
    }
    assert_eq!((&report["scenario"], &report["store"]), (&"hot-sku".into(), &"sqlite".into()));
    for field in ["errors", "refused", "lost", "oversold"] {
        assert_eq!(report[field], 0, "{field}: {report}");
    }
    assert_eq!(report["audit_ok"], true, "{report}");
    assert_eq!(report["durability"], "journal_mode=wal synchronous=full");
    let number = |field: &str| report[field].as_f64().unwrap();
    assert!(number("acknowledged") > 0.0 && report["acknowledged"] == report["stored"], "{report}");
    // Everything acknowledged in the measured second is among what was looked up.
    assert!(number("orders_per_second") * number("seconds") <= number("acknowledged") + 1.0, "{report}");
    assert!(number("p50_ms") <= number("p95_ms") && number("p95_ms") <= number("p99_ms"), "{report}");
    assert!(number("flushes") > 0.0 && number("avg_batch") >= 1.0, "{report}");
}

#[test]
fn the_flash_sale_sells_what_there_is_and_nothing_beyond() {
    let report = report(&["flash-sale", "--seconds", "4", "--connections", "20", "--json"]);
    // A busy machine may not come to the end of the sale in the time given.
    let sold = report["acknowledged"].as_u64().unwrap();
    assert!(sold == 1_000 || (sold < 1_000 && report["refused"] == 0), "{report}");
    assert_eq!((&report["oversold"], &report["audit_ok"]), (&0.into(), &true.into()), "{report}");
}

#[test]
fn orders_due_in_one_second_read_right_at_once_and_give_back_what_they_held() {
    let report = report(&["expiry-storm", "--orders", "1000", "--seconds", "1", "--connections", "10", "--json"]);
    for field in ["release_seconds", "placing_p99_ratio", "p99_ms_before", "rate", "due_within_seconds"] {
        assert!(report[field].as_f64() > Some(0.0), "{field}: {report}");
    }
    assert_eq!((&report["due"], &report["reads_wrong"]), (&1_000.into(), &0.into()), "{report}");
    // Two hundred are asked for per second, for a second before the storm and for one that it lasts at least.
    assert!(report["reads"].as_u64() > Some(100), "{report}");
    // Everything placed counts, before, beside and among the due ones.
    assert!(report["acknowledged"].as_u64() > Some(1_000) && report["acknowledged"] == report["stored"], "{report}");
    assert_eq!((&report["oversold"], &report["audit_ok"]), (&0.into(), &true.into()), "{report}");
}

#[test]
fn every_fen_that_lives_captured_is_refunded_or_kept_and_the_center_knows_it() {
    let report = report(&["life", "--seconds", "2", "--connections", "10", "--json"]);
    for field in ["lives_per_second", "orders_per_second", "p50_ms", "p99_ms", "placing_p50_ms", "placing_p99_ms"] {
        assert!(report[field].as_f64() > Some(0.0), "{field}: {report}");
    }
    let minor = |field: &str| report[field].as_i64().unwrap();
    assert!(minor("refunded") > 0 && minor("kept") > 0, "{report}");
    assert_eq!(minor("captured"), minor("refunded") + minor("kept"), "{report}");
    assert_eq!(
        (minor("captured"), minor("refunded")),
        (minor("center_captured"), minor("center_refunded")),
        "{report}"
    );
    // One unit of one price is bought in each life, and every life came to its end.
    assert_eq!(Some(minor("captured")), report["acknowledged"].as_i64().map(|lives| lives * 1_200), "{report}");
    assert_eq!(
        (&report["errors"], &report["lost"], &report["audit_ok"]),
        (&0.into(), &0.into(), &true.into()),
        "{report}"
    );
}

#[test]
fn growth_measures_at_the_sizes_asked_for_and_the_store_is_sound() {
    let report = report(&["growth", "--orders", "200,500", "--keys", "random", "--connections", "20", "--json"]);
    let points = report["points"].as_array().unwrap();
    assert_eq!((points.len(), &points[0]["orders"]), (2, &200.into()), "{report}");
    // The second size was passed while the first was measured: it is measured where the store is by then.
    assert_eq!((&points[1]["orders"], &points[0]["share_of_first"]), (&20_200.into(), &1.0.into()), "{report}");
    assert!(points.iter().all(|point| point["orders_per_second"].as_f64() > Some(0.0)), "{report}");
    assert_eq!((&report["audit_ok"], &report["keys"]), (&true.into(), &"random".into()), "{report}");
}

#[test]
fn runs_of_growth_are_drawn_as_one_picture() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (run, one, both) = (path("run.jsonl"), path("one.svg"), path("both.svg"));
    let report = report(&["growth", "--orders", "100", "--connections", "20", "--json", "--plot", &one]);
    let other = report.to_string().replace("\"time\"", "\"random\"");
    std::fs::write(&run, format!("{report}\n{other}\n")).unwrap();
    let output = bench(&["plot", &run, "--out", &both]);
    assert!(output.status.success(), "{output:?}");
    let lines = |file: &str| std::fs::read_to_string(file).unwrap().matches("<path class=\"line ").count();
    // Each run has its line in two panels, and in the legend.
    assert_eq!((lines(&one), lines(&both)), (3, 6));
    std::fs::write(&run, "{}\n").unwrap();
    assert_eq!(bench(&["plot", &run, "--out", &both]).status.code(), Some(2));
}

#[test]
fn memory_is_no_place_for_a_measurement() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let data = directory.path().to_str().unwrap().to_owned();
    let output = bench(&["hot-sku", "--seconds", "1", "--data", &data, "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("tmpfs"), "{said}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}
