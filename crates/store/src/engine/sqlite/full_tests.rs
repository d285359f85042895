//! A full disk, as SQLite tells of it.

use holdline_domain::fault::Outcome;

use super::tests::{Scene, Writing, references, stored};
use super::*;

/// More pages than any test fills.
const ROOM: i64 = 1 << 30;
/// Accounts that need many pages.
const MANY: std::ops::Range<i64> = 100..3_000;

async fn limit_pages(engine: &Sqlite, pages_max: i64) {
    let (done, is_done) = oneshot::channel();
    let job: writer::Job = Box::new(move |writer| {
        writer.limit_pages(pages_max);
        done.send(()).expect("the test waits");
    });
    assert!(engine.jobs().writer.send(job).await.is_ok());
    is_done.await.unwrap();
}

fn many() -> Writing {
    let rows: Vec<_> = MANY.map(|account_no| (account_no, "a rather long reference of an adjustment", 5)).collect();
    Writing(vec![references(&rows, false)])
}

#[tokio::test]
async fn a_full_database_refuses_serves_reads_and_goes_on_when_there_is_room() {
    let scene = Scene::new();
    let engine = scene.open().unwrap();
    engine.run(Writing(vec![references(&[(1, "a", 5)], false)])).await.unwrap();
    // Not below the present size: nothing more fits.
    limit_pages(&engine, 1).await;
    for _ in 0..3 {
        let fault = engine.run(many()).await.unwrap_err();
        assert_eq!((fault.kind, fault.outcome), (FaultKind::Full, Outcome::NotDone), "{fault}");
        assert_eq!(stored(&engine, &[1, MANY.start]).await, [(1, "a".to_owned(), 5)]);
    }
    limit_pages(&engine, ROOM).await;
    engine.run(many()).await.unwrap();
    assert_eq!(stored(&engine, &[1, MANY.start]).await.len(), 2);
}
