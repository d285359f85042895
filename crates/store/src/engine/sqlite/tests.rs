//! What the engine promises to programs, on a real file.

use std::sync::atomic::{AtomicI64, Ordering};

use holdline_domain::fault::Outcome;

use super::*;
use crate::engine::migration::LEDGER;
use crate::engine::{Column, Step, Write};

const REFERENCE: &[&str] = &["tenant", "account_no", "reference", "kind", "quantity"];

pub(super) struct Scene {
    pub(super) directory: tempfile::TempDir,
    time: Arc<AtomicI64>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), time: Arc::new(AtomicI64::new(1_000)) }
    }

    pub(super) fn open(&self) -> Result<Sqlite, Fault> {
        self.open_owned_by(&Arc::new(DirectoryLock::take(self.directory.path())?))
    }

    pub(super) fn open_owned_by(&self, owner: &Arc<DirectoryLock>) -> Result<Sqlite, Fault> {
        let time = Arc::clone(&self.time);
        let clock = Arc::new(move || UnixMillis(time.load(Ordering::SeqCst)));
        Sqlite::open(self.directory.path(), &LEDGER, clock, Some(Arc::clone(owner)))
    }

    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

/// Writes fixed rows, without reading.
pub(super) struct Writing(pub(super) Vec<Write>);

impl Program for Writing {
    type Outcome = ();

    fn next(&mut self, _results: Vec<Vec<Row>>, _now: UnixMillis) -> Result<Step<()>, Fault> {
        Ok(Step::Write(std::mem::take(&mut self.0), ()))
    }
}

/// Writes one row, then goes wrong.
struct GoingWrong(fn() -> Result<Step<()>, Fault>);

impl Program for GoingWrong {
    type Outcome = ();

    fn next(&mut self, _results: Vec<Vec<Row>>, _now: UnixMillis) -> Result<Step<()>, Fault> {
        (self.0)()
    }
}

pub(super) fn references(rows: &[(i64, &str, i64)], or_ignore: bool) -> Write {
    Write::Insert {
        table: "reference",
        columns: REFERENCE,
        values: vec![
            Column::Int(vec![1; rows.len()]),
            Column::Int(rows.iter().map(|row| row.0).collect()),
            Column::Text(rows.iter().map(|row| row.1.to_owned()).collect()),
            Column::Int(vec![5; rows.len()]),
            Column::Int(rows.iter().map(|row| row.2).collect()),
        ],
        or_ignore,
    }
}

fn reference_lookup(account_nos: &[i64]) -> Lookup {
    Lookup {
        table: "reference",
        columns: &["account_no", "reference", "quantity"],
        key: &["tenant", "account_no"],
        keys: vec![Column::Int(vec![1; account_nos.len()]), Column::Int(account_nos.to_vec())],
        lock: false,
    }
}

pub(super) async fn stored(engine: &Sqlite, account_nos: &[i64]) -> Vec<(i64, String, i64)> {
    let mut results = engine.lookup(vec![reference_lookup(account_nos)]).await.unwrap();
    let row = |row: Row| match row.0.as_slice() {
        [Value::Int(account_no), Value::Text(reference), Value::Int(quantity)] => {
            (*account_no, reference.clone(), *quantity)
        }
        other => panic!("not what was asked for: {other:?}"),
    };
    results.pop().unwrap().into_iter().map(row).collect()
}

#[tokio::test]
async fn durability_is_read_back_as_full_wal() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    assert_eq!(*engine.durability(), Durability { journal_mode: "wal".to_owned(), synchronous: "full" });
}

#[tokio::test]
async fn rows_are_found_after_the_file_is_closed_and_opened() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(7, "r", 3)], false)])).await.unwrap();
    drop(engine);
    let engine = scene.open().unwrap();
    assert_eq!(stored(&engine, &[7]).await, [(7, "r".to_owned(), 3)]);
}

#[tokio::test]
async fn lookups_answer_in_the_order_of_their_keys() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 1), (2, "b", 2), (2, "c", 3)], false)])).await.unwrap();
    let found = stored(&engine, &[2, 9, 1]).await;
    assert_eq!(found, [(2, "b".to_owned(), 2), (2, "c".to_owned(), 3), (1, "a".to_owned(), 1)]);
}

#[tokio::test]
async fn a_taken_key_is_a_conflict_and_nothing_of_the_program_is_done() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap();
    let fault = engine.run(Writing(vec![references(&[(2, "b", 1), (1, "a", 2)], false)])).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Conflict, Outcome::NotDone));
    assert_eq!(stored(&engine, &[1, 2]).await, [(1, "a".to_owned(), 1)]);
}

#[tokio::test]
async fn or_ignore_leaves_the_row_that_has_the_key() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 9), (1, "b", 2)], true)])).await.unwrap();
    assert_eq!(stored(&engine, &[1]).await, [(1, "a".to_owned(), 1), (1, "b".to_owned(), 2)]);
}

#[tokio::test]
async fn an_update_sets_and_adds_and_a_missing_row_is_a_conflict() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap();
    let update = |reference: &str| Write::Update {
        table: "reference",
        key: &["tenant", "account_no", "reference"],
        set: &["kind"],
        add: &["quantity"],
        values: vec![
            Column::Int(vec![1]),
            Column::Int(vec![1]),
            Column::Text(vec![reference.to_owned()]),
            Column::Int(vec![6]),
            Column::Int(vec![41]),
        ],
    };
    engine.run(Writing(vec![update("a")])).await.unwrap();
    assert_eq!(stored(&engine, &[1]).await, [(1, "a".to_owned(), 42)]);
    let fault = engine.run(Writing(vec![update("a"), update("missing")])).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Conflict, Outcome::NotDone));
    assert_eq!(stored(&engine, &[1]).await, [(1, "a".to_owned(), 42)], "the first update was rolled back");
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_error() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 1), (1, "b", 1)], false)])).await.unwrap();
    let delete = Write::Delete {
        table: "reference",
        key: &["tenant", "account_no", "reference"],
        values: vec![
            Column::Int(vec![1, 1]),
            Column::Int(vec![1, 1]),
            Column::Text(vec!["a".to_owned(), "x".to_owned()]),
        ],
    };
    engine.run(Writing(vec![delete])).await.unwrap();
    assert_eq!(stored(&engine, &[1]).await, [(1, "b".to_owned(), 1)]);
}

#[tokio::test]
async fn a_program_that_panics_answers_its_caller_and_harms_nobody() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    let fault = engine.run(GoingWrong(|| panic!("on purpose"))).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Rejected, Outcome::NotDone));
    assert!(fault.message.contains("on purpose"), "{fault}");
    engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap();
    assert_eq!(stored(&engine, &[1]).await.len(), 1);
}

#[tokio::test]
async fn a_program_that_gives_up_changes_nothing() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    let give_up = GoingWrong(|| Err(Fault::not_done("ledger", FaultKind::Clock, "gives up")));
    assert_eq!(engine.run(give_up).await.unwrap_err().kind, FaultKind::Clock);
    engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap();
}

#[tokio::test]
async fn a_negative_balance_is_rejected_by_the_table_itself() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    let held = Write::Insert {
        table: "account",
        columns: &[
            "tenant",
            "kind",
            "sku",
            "location",
            "channel",
            "period",
            "buyer",
            "on_hand",
            "held",
            "allocated",
            "version",
            "last_seq",
            "infinite",
            "shortage_max",
            "sold_out",
        ],
        values: [1, 0]
            .map(|n| Column::Int(vec![n]))
            .into_iter()
            .chain(["A", "", "", "", ""].map(|text| Column::Text(vec![text.to_owned()])))
            .chain([0, -1, 0, 1, 0, 0, 0, 0].map(|n| Column::Int(vec![n])))
            .collect(),
        or_ignore: false,
    };
    let fault = engine.run(Writing(vec![held])).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Rejected, Outcome::NotDone));
}

#[tokio::test]
async fn a_program_is_told_the_database_clock() {
    struct Telling;
    impl Program for Telling {
        type Outcome = UnixMillis;
        fn next(&mut self, _results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<UnixMillis>, Fault> {
            Ok(Step::Write(Vec::new(), now))
        }
    }
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    scene.time.store(77, Ordering::SeqCst);
    assert_eq!(engine.run(Telling).await.unwrap(), UnixMillis(77));
    assert_eq!(engine.now().await.unwrap(), UnixMillis(77));
}

#[tokio::test]
async fn a_second_owner_is_refused_with_one_sentence() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    let fault = scene.open().err().unwrap();
    assert!(fault.message.starts_with("another Holdline process owns the data directory"), "{fault}");
    drop(engine);
    scene.open().unwrap();
}

#[tokio::test]
async fn a_database_that_needs_a_newer_program_is_refused() {
    let scene = Scene::new();
    drop(scene.open().unwrap());
    let file = rusqlite::Connection::open(scene.file("ledger.sqlite")).unwrap();
    file.execute("UPDATE schema_version SET version = 9, min_writer = 9", []).unwrap();
    drop(file);
    let fault = scene.open().err().unwrap();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("needs a program that knows schema 9"), "{fault}");
}

#[tokio::test]
async fn a_newer_database_that_older_programs_may_write_is_opened() {
    let scene = Scene::new();
    drop(scene.open().unwrap());
    let file = rusqlite::Connection::open(scene.file("ledger.sqlite")).unwrap();
    file.execute("UPDATE schema_version SET version = 9", []).unwrap();
    drop(file);
    scene.open().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_starts_anew_while_programs_run() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    // 200 rows of a page each in random order: 120,000 pages of log if nothing copied them away.
    let row = "x".repeat(3_000);
    let mut place = 1_i64;
    for batch in 0..600 {
        let names: Vec<(i64, String)> = (0..200)
            .map(|i| {
                place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (place >> 33, format!("{batch}-{i}-{row}"))
            })
            .collect();
        let rows: Vec<(i64, &str, i64)> = names.iter().map(|(no, name)| (*no, name.as_str(), 1)).collect();
        engine.run(Writing(vec![references(&rows, false)])).await.unwrap();
    }
    let log = std::fs::metadata(scene.file("ledger.sqlite-wal")).unwrap().len();
    assert!(log < 320 << 20, "the log has {} MiB", log >> 20);
}
