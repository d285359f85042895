//! A PostgreSQL schema, read in one REPEATABLE READ, READ ONLY transaction: one state, and no lock that stops a writer.

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, IsolationLevel, NoTls, Transaction};

use super::{Command, Rows, Statement};
use crate::audit::rows::{CHUNK_ROWS, Chunk, Value};

/// Settings of the session, each with its reason: memory for the sorts of 10^6 orders; no compiling of statements that
/// run once; a long statement is what an audit is.
const SESSION: &str = "SET work_mem = '64MB'; SET jit = off; SET statement_timeout = 0; \
                       SET idle_in_transaction_session_timeout = 0";

/// Connects and starts the task that reads. It ends when nobody can ask any more.
pub(super) async fn connect(url: &str, name: &'static str, asked: mpsc::Receiver<Command>) -> anyhow::Result<()> {
    // The URL may carry a password: the error says what is wrong without it.
    let unreachable = || format!("cannot connect to PostgreSQL for the {name} database");
    let parsed: Result<tokio_postgres::Config, _> = url.parse();
    let Ok(mut config) = parsed else {
        bail!("the database URL is not understood: postgres://user:password@host:port/database is expected");
    };
    config.application_name("holdline-audit");
    let (client, connection) = config.connect(NoTls).await.with_context(unreachable)?;
    // A lost connection shows as an error of the statement that is under way.
    tokio::spawn(async move { drop(connection.await) });
    client.batch_execute(&format!("{SESSION}; SET search_path = {name}")).await.with_context(unreachable)?;
    tokio::spawn(serve(client, asked));
    Ok(())
}

async fn serve(mut client: Client, mut asked: mpsc::Receiver<Command>) {
    // Before the freeze every statement has a transaction of its own, after it they share one.
    while let Some(command) = asked.recv().await {
        let level = IsolationLevel::RepeatableRead;
        let transaction = client.build_transaction().isolation_level(level).read_only(true).start().await;
        match (command, transaction) {
            (Command::Freeze(done), Ok(transaction)) => {
                // A transaction sees the state at its first statement, not at its BEGIN.
                let frozen = transaction.batch_execute("SELECT version FROM schema_version").await;
                let _ = done.send(frozen.map_err(anyhow::Error::from));
                while let Some(command) = asked.recv().await {
                    match command {
                        Command::Freeze(done) => drop(done.send(Ok(()))),
                        Command::Run { statement, parameters, rows } => {
                            answer(&transaction, statement, &parameters, rows).await;
                        }
                    }
                }
                return;
            }
            (Command::Freeze(done), Err(error)) => drop(done.send(Err(error.into()))),
            (Command::Run { statement, parameters, rows }, Ok(transaction)) => {
                answer(&transaction, statement, &parameters, rows).await;
            }
            (Command::Run { rows, .. }, Err(error)) => drop(rows.send(Err(error.into())).await),
        }
    }
}

async fn answer(transaction: &Transaction<'_>, statement: Statement, parameters: &[i64], rows: Rows) {
    if let Err(error) = run(transaction, statement, parameters, &rows).await {
        let _ = rows.send(Err(error)).await;
    }
}

async fn run(
    transaction: &Transaction<'_>,
    statement: Statement,
    parameters: &[i64],
    rows: &Rows,
) -> anyhow::Result<()> {
    let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|whole| whole as &(dyn ToSql + Sync)).collect();
    let portal = transaction.bind(statement.text, &parameters).await?;
    loop {
        let found = transaction.query_portal(&portal, i32::try_from(CHUNK_ROWS)?).await?;
        let columns = found.first().map_or(0, tokio_postgres::Row::len);
        let mut chunk = Chunk { columns, values: Vec::with_capacity(columns * found.len()) };
        for row in &found {
            for (place, column) in row.columns().iter().enumerate() {
                chunk.values.push(match *column.type_() {
                    Type::INT8 => row.try_get::<_, Option<i64>>(place)?.map_or(Value::Null, Value::Int),
                    Type::TEXT => row.try_get::<_, Option<String>>(place)?.map_or(Value::Null, Value::Text),
                    ref other => bail!("column {} is a {other}, neither bigint nor text", column.name()),
                });
            }
        }
        if rows.send(Ok(chunk)).await.is_err() || found.len() < CHUNK_ROWS {
            return Ok(());
        }
    }
}
