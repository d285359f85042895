//! Flushes: what counts after one has failed, and that a commit's own needs nothing but the pages.

use holdline_domain::fault::Outcome;

use super::tests::{Scene, Writing, references, stored};
use super::*;
use crate::engine::Step;

/// Writes a row while a flush of another database of the directory fails.
struct BesideAFailure(Arc<Failure>);

impl Program for BesideAFailure {
    type Outcome = ();

    fn next(&mut self, _results: Vec<Vec<Row>>, _now: UnixMillis) -> Result<Step<()>, Fault> {
        self.0.set(flush_failed());
        Ok(Step::Write(vec![references(&[(1, "a", 1)], false)], ()))
    }
}

fn flush_failed() -> Fault {
    Fault::unknown("orders", FaultKind::Unavailable, "flush failed")
}

fn log_bytes(scene: &Scene) -> u64 {
    std::fs::metadata(scene.file("ledger.sqlite-wal")).unwrap().len()
}

#[tokio::test]
async fn after_a_failed_flush_nothing_is_written_or_told_and_the_owner_hears_of_it() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.open.failure.set(flush_failed());
    let fault = engine.run(Writing(vec![references(&[(1, "a", 1)], false)])).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Unavailable, Outcome::NotDone));
    let fault = engine.query("SELECT 1", vec![]).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Unavailable, Outcome::NotDone));
    assert_eq!(engine.open.failure.wait().await.message, "flush failed");
}

#[tokio::test]
async fn a_commit_beside_a_failed_flush_of_the_directory_is_unknown() {
    let scene = Scene::new();
    let owner = Arc::new(DirectoryLock::take(scene.directory.path()).unwrap());
    let engine = scene.open_owned_by(&owner).unwrap();
    let fault = engine.run(BesideAFailure(owner.failure())).await.unwrap_err();
    assert_eq!((fault.kind, fault.outcome), (FaultKind::Unavailable, Outcome::Unknown));
}

#[tokio::test]
async fn a_commit_does_not_make_the_log_longer() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(0, "first", 1)], false)])).await.unwrap();
    let mut lengths = vec![log_bytes(&scene)];
    // Some three pages each: more than the first room in all.
    for number in 1..500 {
        engine.run(Writing(vec![references(&[(number, &"x".repeat(9_000), 1)], false)])).await.unwrap();
        lengths.push(log_bytes(&scene));
    }
    let (first, last) = (lengths[0], lengths[lengths.len() - 1]);
    lengths.dedup();
    assert!(last > first && lengths.len() < 10, "{lengths:?}");
}

#[tokio::test]
async fn a_log_with_room_behind_it_is_recovered_from() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(7, "r", 3)], false)])).await.unwrap();
    // As a power cut leaves them: nothing closed, nothing copied back.
    let after = Scene::new();
    for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
        std::fs::copy(scene.file(file), after.file(file)).unwrap();
    }
    let engine = after.open().unwrap();
    engine.run(Writing(vec![references(&[(8, "s", 4)], false)])).await.unwrap();
    assert_eq!(stored(&engine, &[7, 8]).await, [(7, "r".to_owned(), 3), (8, "s".to_owned(), 4)]);
}
