//! Rows as they come from a database, one after the other, in chunks that cross from the reading thread to the judge.
//!
//! Whole numbers and texts only. A value of another type than asked for ends the audit: what cannot be read cannot be
//! judged.

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;

/// Rows of one chunk: large enough that handing it over costs nothing, small enough to stay in the processor's cache.
pub(super) const CHUNK_ROWS: usize = 1_024;
/// Chunks that may wait for the judge: the reader is at most this far ahead.
pub(super) const CHUNKS_AHEAD: usize = 4;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
}

/// Some rows of one statement, value after value.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) columns: usize,
    pub(super) values: Vec<Value>,
}

/// The receiving end of one statement. Ends when the sender is dropped.
pub(super) struct Cursor {
    statement: &'static str,
    chunks: mpsc::Receiver<anyhow::Result<Chunk>>,
    chunk: Chunk,
    at: usize,
}

impl Cursor {
    pub(super) fn new(statement: &'static str, chunks: mpsc::Receiver<anyhow::Result<Chunk>>) -> Self {
        Self { statement, chunks, chunk: Chunk::default(), at: 0 }
    }

    /// The next row, or `None` after the last one.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row<'_>>> {
        while self.at >= self.chunk.values.len() {
            let Some(chunk) = self.chunks.blocking_recv() else { return Ok(None) };
            self.chunk = chunk.with_context(|| format!("statement {} failed", self.statement))?;
            self.at = 0;
        }
        let from = self.at;
        self.at += self.chunk.columns;
        let values = self.chunk.values.get(from..self.at).unwrap_or_default();
        Ok(Some(Row { statement: self.statement, values }))
    }

    /// The only row of a statement that must have one.
    pub(super) fn only<T>(mut self, read: impl FnOnce(&Row<'_>) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let statement = self.statement;
        let row = self.next()?.with_context(|| format!("{statement} should have a row, and has none"))?;
        read(&row)
    }
}

/// One row; its values by place, from 0.
pub(super) struct Row<'a> {
    statement: &'static str,
    values: &'a [Value],
}

impl<'a> Row<'a> {
    pub(super) fn int(&self, place: usize) -> anyhow::Result<i64> {
        match self.values.get(place) {
            Some(Value::Int(whole)) => Ok(*whole),
            other => self.unexpected(place, "a whole number", other),
        }
    }

    pub(super) fn opt_int(&self, place: usize) -> anyhow::Result<Option<i64>> {
        match self.values.get(place) {
            Some(Value::Int(whole)) => Ok(Some(*whole)),
            Some(Value::Null) => Ok(None),
            other => self.unexpected(place, "a whole number or NULL", other),
        }
    }

    pub(super) fn text(&self, place: usize) -> anyhow::Result<&'a str> {
        match self.values.get(place) {
            Some(Value::Text(text)) => Ok(text),
            other => self.unexpected(place, "a text", other),
        }
    }

    pub(super) fn opt_text(&self, place: usize) -> anyhow::Result<Option<&'a str>> {
        match self.values.get(place) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            other => self.unexpected(place, "a text or NULL", other),
        }
    }

    fn unexpected<T>(&self, place: usize, wanted: &str, found: Option<&Value>) -> anyhow::Result<T> {
        let found = match found {
            None => "no column",
            Some(Value::Null) => "NULL",
            Some(Value::Int(_)) => "a whole number",
            Some(Value::Text(_)) => "a text",
        };
        bail!("statement {}, column {}: {wanted} was expected, found {found}", self.statement, place + 1)
    }
}
