//! The PostgreSQL engine: what a program sees under the head's lock, and what each failure means to its caller.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod own_database;
#[path = "engine_postgres/writes.rs"]
mod writes;

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::time::UnixMillis;
use holdline_store::engine::migration::LEDGER;
use holdline_store::engine::postgres::Postgres;
use holdline_store::engine::{Column, Engine, Lookup, Program, Row, Step, Value, Write};
use own_database::{plain, with_database};
use tokio_postgres::Client;

/// A program of one read, then these writes; its outcome is what it read.
struct ReadThenWrite {
    lookups: Option<Vec<Lookup>>,
    writes: Vec<Write>,
}

impl Program for ReadThenWrite {
    type Outcome = (Vec<Vec<Row>>, UnixMillis);

    fn next(&mut self, results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<Self::Outcome>, Fault> {
        Ok(match self.lookups.take() {
            Some(lookups) => Step::Read(lookups),
            None => Step::Write(std::mem::take(&mut self.writes), (results, now)),
        })
    }
}

const TABLES: &str = "CREATE TABLE head (id bigint PRIMARY KEY, next bigint NOT NULL);
    INSERT INTO head VALUES (1, 1);
    CREATE TABLE thing (tenant bigint, name text COLLATE \"C\", amount bigint, note text, hash bytea,
        PRIMARY KEY (tenant, name));";
const ALL: &[&str] = &["tenant", "name", "amount", "note", "hash"];

async fn opened(url: &str) -> Postgres {
    let engine = Postgres::connect(url, "things").await.unwrap();
    engine.execute_script(TABLES).await.unwrap();
    engine
}

/// A plain connection in the engine's schema.
async fn beside(url: &str) -> Client {
    let client = plain(url).await;
    client.batch_execute("SET search_path TO things").await.unwrap();
    client
}

fn ints(values: &[i64]) -> Column {
    Column::Int(values.to_vec())
}

fn texts(values: &[&str]) -> Column {
    Column::Text(values.iter().map(|text| (*text).to_owned()).collect())
}

fn head() -> Lookup {
    Lookup { table: "head", columns: &["next"], key: &["id"], keys: vec![ints(&[1])], lock: true }
}

fn things(names: &[&str]) -> Lookup {
    let keys = vec![ints(&vec![7; names.len()]), texts(names)];
    Lookup { table: "thing", columns: ALL, key: &["tenant", "name"], keys, lock: false }
}

fn insert(names: &[&str], or_ignore: bool) -> Write {
    let count = names.len();
    let values = vec![
        ints(&vec![7; count]),
        texts(names),
        ints(&vec![10; count]),
        Column::OptText(vec![None; count]),
        Column::OptBytes(vec![Some(vec![0, 255]); count]),
    ];
    Write::Insert { table: "thing", columns: ALL, values, or_ignore }
}

async fn run(engine: &Postgres, lookups: Vec<Lookup>, writes: Vec<Write>) -> Result<Vec<Vec<Row>>, Fault> {
    engine.run(ReadThenWrite { lookups: Some(lookups), writes }).await.map(|(rows, _)| rows)
}

async fn names(engine: &Postgres) -> Vec<Value> {
    let rows = engine.query("SELECT name FROM thing ORDER BY name", vec![]).await.unwrap();
    rows.into_iter().map(|mut row| row.0.remove(0)).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn assert_fault<T: std::fmt::Debug>(result: Result<T, Fault>, kind: FaultKind, outcome: Outcome) {
    let fault = result.expect_err("a fault was expected");
    assert_eq!((fault.kind, fault.outcome), (kind, outcome), "{fault}");
}

/// Waits until a backend of this database waits for a lock.
async fn until_somebody_waits(client: &Client) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
}

async fn kill(client: &Client, which: &str) {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    client.query_one(&sql, &[]).await.unwrap();
    let left = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    while client.query_one(&left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reads_after_the_heads_lock_see_what_was_committed_while_waiting_for_it() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let other = beside(&url).await;
        other.batch_execute("BEGIN; SELECT * FROM head WHERE id = 1 FOR UPDATE").await.unwrap();
        let waiting = {
            let engine = engine.clone();
            let program =
                ReadThenWrite { lookups: Some(vec![things(&["early"]), head(), things(&["late"])]), writes: vec![] };
            tokio::spawn(async move { engine.run(program).await })
        };
        until_somebody_waits(&beside(&url).await).await;
        other
            .batch_execute(
                "UPDATE head SET next = 2; INSERT INTO thing (tenant, name) VALUES (7, 'early'), (7, 'late')",
            )
            .await
            .unwrap();
        let clock = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let before_commit: i64 = other.query_one(clock, &[]).await.unwrap().get(0);
        other.batch_execute("COMMIT").await.unwrap();

        let (rows, now) = waiting.await.unwrap().unwrap();
        assert_eq!(rows[1], [Row(vec![Value::Int(2)])], "the head as it is now");
        assert_eq!(rows[2].len(), 1, "a read behind the lock sees what was committed before the lock was granted");
        assert_eq!(rows[0].len(), 0, "a read before the lock does not: the head comes first in every program");
        assert!(now.0 >= before_commit, "the clock is read after the lock was granted");
    })
    .await;
}

#[tokio::test]
async fn every_type_of_value_comes_back_as_it_was_written() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let write = Write::Insert {
            table: "thing",
            columns: ALL,
            values: vec![
                ints(&[7, 7]),
                texts(&["a", "价格 '\"\\"]),
                Column::OptInt(vec![Some(i64::MIN), None]),
                Column::OptText(vec![None, Some(String::new())]),
                Column::Bytes(vec![vec![], vec![0, 1, 255]]),
            ],
            or_ignore: false,
        };
        run(&engine, vec![], vec![write]).await.unwrap();
        let found = engine.lookup(vec![things(&["价格 '\"\\"]), things(&[]), things(&["none", "a"])]).await.unwrap();
        let a = Row(vec![Value::Int(7), text("a"), Value::Int(i64::MIN), Value::Null, Value::Bytes(vec![])]);
        let b = Row(vec![Value::Int(7), text("价格 '\"\\"), Value::Null, text(""), Value::Bytes(vec![0, 1, 255])]);
        assert_eq!(found, [vec![b], vec![], vec![a]]);
    })
    .await;
}

#[tokio::test]
async fn many_lookups_of_one_step_answer_in_their_order() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let names: Vec<String> = (0..50).map(|n| format!("n{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        run(&engine, vec![], vec![insert(&names, false)]).await.unwrap();
        let found = run(&engine, names.iter().map(|name| things(&[name])).collect(), vec![]).await.unwrap();
        let found: Vec<Value> = found.into_iter().map(|mut rows| rows.remove(0).0.remove(1)).collect();
        assert_eq!(found, names.into_iter().map(text).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_text_that_the_server_cannot_store_is_rejected_and_the_next_program_runs() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let poison = run(&engine, vec![head()], vec![insert(&["a"], false), insert(&["b\0"], false)]).await;
        assert_fault(poison, FaultKind::Rejected, Outcome::NotDone);
        run(&engine, vec![head()], vec![insert(&["b"], false)]).await.unwrap();
        assert_eq!(names(&engine).await, [text("b")]);
    })
    .await;
}

#[tokio::test]
async fn a_program_that_gives_up_is_rolled_back_and_its_fault_is_the_answer() {
    struct GivesUp;
    impl Program for GivesUp {
        type Outcome = ();
        fn next(&mut self, results: Vec<Vec<Row>>, _: UnixMillis) -> Result<Step<()>, Fault> {
            if results.is_empty() {
                return Ok(Step::Read(vec![head()]));
            }
            Err(Fault::not_done("things", FaultKind::Schema, "not today"))
        }
    }
    with_database(async |url| {
        let engine = opened(&url).await;
        assert_fault(engine.run(GivesUp).await, FaultKind::Schema, Outcome::NotDone);
        // The head is free again.
        run(&engine, vec![head()], vec![]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn connections_killed_while_idle_are_replaced_by_the_next_call() {
    with_database(async |url| {
        let engine = opened(&url).await;
        run(&engine, vec![head()], vec![insert(&["a"], false)]).await.unwrap();
        engine.now().await.unwrap();
        kill(&plain(&url).await, "application_name = 'holdline'").await;
        // At most the call that meets the dead connection fails, and says that nothing was done.
        let mut tries = 0;
        while let Err(fault) = run(&engine, vec![head()], vec![insert(&["b"], true)]).await {
            assert_eq!((fault.kind, fault.outcome), (FaultKind::Unavailable, Outcome::NotDone), "{fault}");
            tries += 1;
            assert!(tries < 3, "a new connection is opened");
        }
        assert_eq!(names(&engine).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_connection_lost_before_commit_wrote_nothing() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let other = beside(&url).await;
        other.batch_execute("BEGIN; SELECT * FROM head FOR UPDATE").await.unwrap();
        let waiting = {
            let engine = engine.clone();
            tokio::spawn(async move { run(&engine, vec![head()], vec![insert(&["a"], false)]).await })
        };
        let observer = plain(&url).await;
        until_somebody_waits(&observer).await;
        kill(&observer, "wait_event_type = 'Lock'").await;
        assert_fault(waiting.await.unwrap(), FaultKind::Unavailable, Outcome::NotDone);
        other.batch_execute("COMMIT").await.unwrap();
        assert_eq!(names(&engine).await, []);
    })
    .await;
}

/// A trigger that runs inside COMMIT, after every statement of the program has succeeded.
const AT_COMMIT: &str = "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name = 'refused' THEN RAISE EXCEPTION 'no'; END IF;
        PERFORM pg_advisory_xact_lock(4711);
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION at_commit();";

#[tokio::test]
async fn a_commit_that_the_server_refuses_wrote_nothing() {
    with_database(async |url| {
        let engine = opened(&url).await;
        engine.execute_script(AT_COMMIT).await.unwrap();
        let refused = run(&engine, vec![head()], vec![insert(&["refused"], false)]).await;
        assert_fault(refused, FaultKind::Rejected, Outcome::NotDone);
        assert_eq!(names(&engine).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_connection_lost_during_commit_leaves_the_outcome_unknown() {
    with_database(async |url| {
        let engine = opened(&url).await;
        engine.execute_script(AT_COMMIT).await.unwrap();
        let other = beside(&url).await;
        other.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
        let committing = {
            let engine = engine.clone();
            tokio::spawn(async move { run(&engine, vec![head()], vec![insert(&["a"], false)]).await })
        };
        let observer = plain(&url).await;
        until_somebody_waits(&observer).await;
        kill(&observer, "wait_event_type = 'Lock'").await;
        assert_fault(committing.await.unwrap(), FaultKind::Unavailable, Outcome::Unknown);
        other.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
        run(&engine, vec![head()], vec![insert(&["a"], true)]).await.unwrap();
        assert_eq!(names(&engine).await, [text("a")]);
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_no_lock_and_no_row() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let other = beside(&url).await;
        other.batch_execute("BEGIN; SELECT * FROM head FOR UPDATE").await.unwrap();
        let waiting = {
            let engine = engine.clone();
            tokio::spawn(async move { run(&engine, vec![head()], vec![insert(&["a"], false)]).await })
        };
        until_somebody_waits(&plain(&url).await).await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        other.batch_execute("COMMIT").await.unwrap();
        run(&engine, vec![head()], vec![insert(&["b"], false)]).await.unwrap();
        assert_eq!(names(&engine).await, [text("b")]);
    })
    .await;
}

#[tokio::test]
async fn more_programs_than_connections_take_turns() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let runs = (0..40).map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let next = Write::Update {
                    table: "head",
                    key: &["id"],
                    set: &[],
                    add: &["next"],
                    values: vec![ints(&[1]), ints(&[1])],
                };
                run(&engine, vec![head()], vec![next, insert(&[&format!("n{n:02}")], false)]).await.unwrap()
            })
        });
        let mut seen: Vec<i64> = Vec::new();
        for run in runs.collect::<Vec<_>>() {
            let rows = run.await.unwrap();
            let [Value::Int(next)] = rows[0][0].0[..] else { panic!("the head is one number") };
            seen.push(next);
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=40).collect::<Vec<_>>(), "each saw what the one before it had left");
    })
    .await;
}

#[tokio::test]
async fn what_is_acknowledged_survives_power_loss_whatever_the_database_defaults_to() {
    with_database(async |url| {
        let client = plain(&url).await;
        client
            .batch_execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$")
            .await
            .unwrap();
        let engine = opened(&url).await;
        assert_eq!(engine.durability().synchronous_commit, "on");
        assert!(matches!(engine.durability().fsync.as_str(), "on" | "off"));
    })
    .await;
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    with_database(async |url| {
        let starts = (0..4).map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let engine = Postgres::connect(&url, "ledger").await.unwrap();
                engine.migrate(&LEDGER).await.unwrap();
                engine.schema_version().await.unwrap().unwrap().version
            })
        });
        for start in starts.collect::<Vec<_>>() {
            assert_eq!(start.await.unwrap(), LEDGER.migrations.last().unwrap().version);
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_nothing_was_done() {
    let refused = Postgres::connect("postgres://postgres@127.0.0.1:1/none", "things").await.map(drop);
    assert_fault(refused, FaultKind::Unavailable, Outcome::NotDone);
}

#[tokio::test]
async fn a_url_that_is_not_understood_is_told_without_its_password() {
    for url in ["postgres://ann:s3cret@host:port/x", "postgres://ann:s3cret@host/x?sslmode=require"] {
        let fault = Postgres::connect(url, "things").await.map(drop).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Rejected);
        assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
    }
}
