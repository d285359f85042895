//! Records to columns, rows to records: the small words that every capability's `stored.rs` is written in.

use holdline_domain::fault::{Fault, FaultKind};

use crate::engine::{Column, Row, Value};

/// A column of whole numbers.
pub(crate) fn ints<T>(records: &[T], value: impl Fn(&T) -> i64) -> Column {
    Column::Int(records.iter().map(value).collect())
}

/// A column of whole numbers or NULL.
pub(crate) fn opt_ints<T>(records: &[T], value: impl Fn(&T) -> Option<i64>) -> Column {
    Column::OptInt(records.iter().map(value).collect())
}

/// A column of texts.
pub(crate) fn texts<T>(records: &[T], value: impl Fn(&T) -> &str) -> Column {
    Column::Text(records.iter().map(|record| value(record).to_owned()).collect())
}

/// A column of texts made for it.
pub(crate) fn made_texts<T>(records: &[T], value: impl Fn(&T) -> String) -> Column {
    Column::Text(records.iter().map(value).collect())
}

/// A column of texts or NULL.
pub(crate) fn opt_texts<T>(records: &[T], value: impl Fn(&T) -> Option<String>) -> Column {
    Column::OptText(records.iter().map(value).collect())
}

/// A row taken apart from left to right. A value of another type than asked for is a fault of kind `Schema`: somebody
/// else wrote it.
pub(crate) struct Fields {
    database: &'static str,
    values: std::vec::IntoIter<Value>,
}

impl Fields {
    pub(crate) fn of(database: &'static str, row: Row) -> Self {
        Self { database, values: row.0.into_iter() }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        match self.values.next() {
            Some(Value::Int(whole)) => Ok(whole),
            other => Err(self.unexpected("a whole number", other.as_ref())),
        }
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, Fault> {
        match self.values.next() {
            Some(Value::Int(whole)) => Ok(Some(whole)),
            Some(Value::Null) => Ok(None),
            other => Err(self.unexpected("a whole number or NULL", other.as_ref())),
        }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Fault> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn text(&mut self) -> Result<String, Fault> {
        match self.values.next() {
            Some(Value::Text(text)) => Ok(text),
            other => Err(self.unexpected("a text", other.as_ref())),
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, Fault> {
        match self.values.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            other => Err(self.unexpected("a text or NULL", other.as_ref())),
        }
    }

    /// 32 bytes: a SHA-256.
    pub(crate) fn hash(&mut self) -> Result<[u8; 32], Fault> {
        self.opt_hash()?.ok_or_else(|| self.unexpected("32 bytes", Some(&Value::Null)))
    }

    /// 32 bytes or NULL.
    pub(crate) fn opt_hash(&mut self) -> Result<Option<[u8; 32]>, Fault> {
        match self.values.next() {
            Some(Value::Null) => Ok(None),
            Some(Value::Bytes(bytes)) => {
                bytes.try_into().map(Some).map_err(|bytes| self.unexpected("32 bytes", Some(&Value::Bytes(bytes))))
            }
            other => Err(self.unexpected("32 bytes", other.as_ref())),
        }
    }

    /// A value that `parse` knows.
    pub(crate) fn parsed<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| self.unknown(what, &text))
    }

    /// A value that `parse` knows, or NULL.
    pub(crate) fn opt_parsed<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(text) = self.opt_text()? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.unknown(what, &text))
    }

    /// Any bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        match self.values.next() {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(self.unexpected("bytes", other.as_ref())),
        }
    }

    /// A JSON text or NULL.
    pub(crate) fn opt_json<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<Option<T>, Fault> {
        let Some(text) = self.opt_text()? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| self.unknown(what, &text))
    }

    /// A JSON text.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T, Fault> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.unknown(what, &text))
    }

    /// What this version does not understand. The text may be personal: only its length is told.
    pub(crate) fn unknown(&self, what: &str, text: &str) -> Fault {
        schema(self.database, format!("a stored {what} of {} bytes is not one this version knows", text.len()))
    }

    fn unexpected(&self, wanted: &str, found: Option<&Value>) -> Fault {
        let found = match found {
            None => "no column",
            Some(Value::Null) => "NULL",
            Some(Value::Int(_)) => "a whole number",
            Some(Value::Text(_)) => "a text",
            Some(Value::Bytes(_)) => "bytes",
        };
        schema(self.database, format!("{wanted} was expected in a row, found {found}"))
    }
}

/// A stored row is not what this version understands.
pub(crate) fn schema(database: &'static str, message: impl Into<String>) -> Fault {
    Fault::not_done(database, FaultKind::Schema, message)
}

/// The JSON text of a stored form.
pub(crate) fn json<T: serde::Serialize + ?Sized>(form: &T) -> String {
    serde_json::to_string(form).expect("stored forms are plain data, which JSON can always say")
}

/// A count as SQL says it.
pub(crate) fn count(limit: usize) -> Value {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}
