//! One connection: its session, its prepared statements, and the steps of a program as round trips.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::time::UnixMillis;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Statement};

use super::error::{is_missed_update, of_commit, of_statement};
use super::pipeline::in_order;
use super::session::{ANSWER_WITHIN, Server};
use super::statement::{Bound, Shape, bound, columns_of, decoded, parameters, statements, updated_tables};
use super::unavailable;
use crate::engine::{Lookup, Row, Value, Write};

/// How often a connection is tried before the caller is told. A server that restarts is back within a second or so;
/// a longer outage is for the caller to wait out.
const CONNECT_ATTEMPTS: u32 = 4;

/// The wait after the first failed attempt; it doubles each time, so all waits together stay below a second.
const CONNECT_BACKOFF: Duration = Duration::from_millis(100);

/// Statements that stay prepared on a connection. Lookups and queries are a few dozen; which writes come together in a batch differs
/// more often, some dozens more, though there could be thousands.
const STATEMENTS_MAX: usize = 250;

/// A connection and what is prepared on it.
pub(super) struct Connection {
    database: &'static str,
    client: Client,
    statements: HashMap<Shape, Statement>,
}

/// What the server answered to one message of a round trip.
enum Answer {
    Done,
    Rows(Vec<tokio_postgres::Row>),
}

type Sent<'a> = BoxFuture<'a, Result<Answer, Error>>;

impl Connection {
    pub(super) async fn open(server: &Server) -> Result<Self, Fault> {
        let mut backoff = CONNECT_BACKOFF;
        for _ in 1..CONNECT_ATTEMPTS {
            match Self::try_open(server).await {
                Err(fault) if fault.kind == FaultKind::Unavailable => {
                    tracing::debug!(database = server.database, error = %fault, "cannot connect, trying again");
                    sleep(backoff).await;
                    backoff *= 2;
                }
                done => return done,
            }
        }
        Self::try_open(server).await
    }

    async fn try_open(server: &Server) -> Result<Self, Fault> {
        let database = server.database;
        let (client, driver) = timeout(ANSWER_WITHIN, server.config.connect(NoTls))
            .await
            .map_err(|_| unavailable(database, "the server accepts no connection in time"))?
            .map_err(|error| of_statement(database, error))?;
        // Ends when the client is dropped or the server hangs up; the client then says so at its next use.
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::warn!(database, error = %of_statement(database, error), "a connection broke");
            }
        });
        let connection = Self { database, client, statements: HashMap::new() };
        connection.script(&server.greeting).await?;
        Ok(connection)
    }

    pub(super) fn database(&self) -> &'static str {
        self.database
    }

    /// Between two uses: what is prepared is prepared anew when it has become too much for the server to keep.
    pub(super) fn forget_statements(&mut self) {
        if self.statements.len() > STATEMENTS_MAX {
            self.statements.clear();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Any number of statements without parameters.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Fault> {
        self.client.batch_execute(sql).await.map_err(|error| of_statement(self.database, error))
    }

    /// One statement that is not kept prepared.
    pub(super) async fn query_once(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let fault = |error| of_statement(self.database, error);
        let statement = self.client.prepare(sql).await.map_err(fault)?;
        let values = bound(self.database, values, statement.params())?;
        let rows = self.client.query(&statement, &referred(&values)).await.map_err(fault)?;
        decoded(self.database, &rows)
    }

    /// One statement of `sql/`.
    pub(super) async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let shape = Shape::Query(sql);
        self.prepare(&shape).await?;
        let values = bound(self.database, values, self.statements[&shape].params())?;
        let answers = self.sent(vec![self.asked(&shape, referred(&values))]).await?;
        decoded(self.database, &rows_of(answers).pop().unwrap_or_default())
    }

    /// Rows by key, one list per lookup.
    pub(super) async fn look_up(&mut self, lookups: &[Lookup]) -> Result<Vec<Vec<Row>>, Fault> {
        let asked = self.prepared(lookups).await?;
        let sends = asked.iter().map(|(_, lookup, shape)| self.asked(shape, parameters(&lookup.keys))).collect();
        let answers = rows_of(self.sent(sends).await?);
        self.spread(lookups.len(), &asked, answers)
    }

    /// One step of a program: BEGIN if it is the first, and the lookups in their order. The clock comes with the first row that is
    /// locked, as the lock was granted; where nothing is locked, it is asked for; where a step before has read it, it stays.
    pub(super) async fn read(
        &mut self,
        lookups: &[Lookup],
        begin: bool,
        mut now: Option<UnixMillis>,
    ) -> Result<(Vec<Vec<Row>>, UnixMillis), Fault> {
        let asked = self.prepared(lookups).await?;
        let mut sends: Vec<Sent<'_>> = Vec::with_capacity(asked.len() + 1);
        if begin {
            sends.push(self.told("BEGIN"));
        }
        sends.extend(asked.iter().map(|(_, lookup, shape)| self.asked(shape, parameters(&lookup.keys))));
        let answers = rows_of(self.sent(sends).await?);
        let mut results = self.spread(lookups.len(), &asked, answers)?;
        for (_, rows) in lookups.iter().zip(&mut results).filter(|(lookup, _)| lookup.lock) {
            for row in rows {
                let clock = self.instant(row.0.pop().as_ref())?;
                now.get_or_insert(clock);
            }
        }
        let now = match now {
            Some(now) => now,
            None => self.now().await?,
        };
        Ok((results, now))
    }

    /// The server's clock.
    pub(super) async fn now(&mut self) -> Result<UnixMillis, Fault> {
        self.prepare(&Shape::Now).await?;
        let answers = rows_of(self.sent(vec![self.asked(&Shape::Now, Vec::new())]).await?);
        let row = decoded(self.database, &answers.concat())?.pop();
        self.instant(row.as_ref().and_then(|row| row.0.first()))
    }

    fn instant(&self, value: Option<&Value>) -> Result<UnixMillis, Fault> {
        let Some(Value::Int(ms)) = value else {
            let message = "the answer to the clock makes no sense";
            return Err(Fault::not_done(self.database, FaultKind::Rejected, message));
        };
        Ok(UnixMillis(*ms))
    }

    /// The writes of a program in their order, and COMMIT behind them in the same round trip. A statement that fails, or an update
    /// that does not find its rows, leaves COMMIT nothing but to roll back.
    pub(super) async fn write_and_commit(&mut self, writes: &[Write], begin: bool) -> Result<(), Fault> {
        let statements = statements(writes.iter().filter(|write| row_count(write) > 0));
        let mut shaped = Vec::with_capacity(statements.len());
        for writes in statements {
            let shape = Shape::of_writes(&writes);
            self.prepare(&shape).await?;
            shaped.push((writes, shape));
        }
        let mut sends: Vec<Sent<'_>> = Vec::with_capacity(shaped.len() + 2);
        if begin {
            sends.push(self.told("BEGIN"));
        }
        for (writes, shape) in &shaped {
            sends.push(self.asked(shape, parameters(writes.iter().flat_map(|write| columns_of(write)))));
        }
        sends.push(self.told("COMMIT"));
        let messages = sends.len();
        let Ok(answers) = timeout(ANSWER_WITHIN, in_order(sends)).await else {
            return Err(commit_unanswered(self.database));
        };
        let commit_was_sent = answers.len() == messages;
        match answers.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(error) if is_missed_update(&error) => {
                let tables: Vec<&str> = shaped.iter().flat_map(|(writes, _)| updated_tables(writes)).collect();
                let message = format!("a row of {} that was to change does not exist", tables.join(" or "));
                Err(Fault::not_done(self.database, FaultKind::Conflict, message))
            }
            Some(error) if !commit_was_sent => Err(of_statement(self.database, error)),
            Some(error) => Err(of_commit(self.database, error)),
        }
    }

    /// Ends the transaction durably. The server answers COMMIT with a ROLLBACK only where a statement before it failed,
    /// and after a failed statement nobody gets here.
    pub(super) async fn commit(&self) -> Result<(), Fault> {
        match timeout(ANSWER_WITHIN, self.client.batch_execute("COMMIT")).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(of_commit(self.database, error)),
            Err(_) => Err(commit_unanswered(self.database)),
        }
    }

    pub(super) async fn roll_back(&self) -> Result<(), Fault> {
        self.sent(vec![self.told("ROLLBACK")]).await.map(drop)
    }

    /// The lookups that have keys, each with its place and its shape, which is prepared.
    async fn prepared<'a>(&mut self, lookups: &'a [Lookup]) -> Result<Vec<(usize, &'a Lookup, Shape)>, Fault> {
        let mut asked = Vec::with_capacity(lookups.len());
        for (place, lookup) in lookups.iter().enumerate().filter(|(_, lookup)| has_keys(lookup)) {
            let shape = Shape::of_lookup(lookup);
            self.prepare(&shape).await?;
            asked.push((place, lookup, shape));
        }
        Ok(asked)
    }

    /// Prepares a statement unless it is: one round trip, once per connection.
    async fn prepare(&mut self, shape: &Shape) -> Result<(), Fault> {
        if !self.statements.contains_key(shape) {
            let statement = timeout(ANSWER_WITHIN, self.client.prepare(&shape.sql()))
                .await
                .map_err(|_| unavailable(self.database, "no answer in time"))?
                .map_err(|error| of_statement(self.database, error))?;
            self.statements.insert(shape.clone(), statement);
        }
        Ok(())
    }

    fn told<'a>(&'a self, sql: &'static str) -> Sent<'a> {
        async move { self.client.batch_execute(sql).await.map(|()| Answer::Done) }.boxed()
    }

    fn asked<'a>(&'a self, shape: &Shape, values: Vec<&'a (dyn ToSql + Sync)>) -> Sent<'a> {
        let statement = &self.statements[shape];
        async move { self.client.query(statement, &values).await.map(Answer::Rows) }.boxed()
    }

    /// One round trip. The first error in the order of the messages is the cause; those after it only echo it.
    async fn sent(&self, messages: Vec<Sent<'_>>) -> Result<Vec<Answer>, Fault> {
        let answers = timeout(ANSWER_WITHIN, in_order(messages))
            .await
            .map_err(|_| unavailable(self.database, "no answer in time"))?;
        answers.into_iter().collect::<Result<_, _>>().map_err(|error| of_statement(self.database, error))
    }

    /// The lists of the lookups that were asked, at their places; lookups without keys have no rows.
    fn spread(
        &self,
        lookups: usize,
        asked: &[(usize, &Lookup, Shape)],
        answers: Vec<Vec<tokio_postgres::Row>>,
    ) -> Result<Vec<Vec<Row>>, Fault> {
        let mut results = vec![Vec::new(); lookups];
        for ((place, _, _), rows) in asked.iter().zip(answers) {
            results[*place] = decoded(self.database, &rows)?;
        }
        Ok(results)
    }
}

/// Whether the transaction was committed nobody knows.
fn commit_unanswered(database: &'static str) -> Fault {
    Fault::unknown(database, FaultKind::Unavailable, "no answer to COMMIT in time")
}

fn referred(values: &[Bound]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as _).collect()
}

fn has_keys(lookup: &Lookup) -> bool {
    lookup.keys.first().is_some_and(|column| !column.is_empty())
}

fn row_count(write: &Write) -> usize {
    columns_of(write).first().map_or(0, crate::engine::Column::len)
}

fn rows_of(answers: Vec<Answer>) -> Vec<Vec<tokio_postgres::Row>> {
    let rows = answers.into_iter().filter_map(|answer| match answer {
        Answer::Rows(rows) => Some(rows),
        Answer::Done => None,
    });
    rows.collect()
}
