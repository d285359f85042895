//! The port to takers of outside holds: asking what became of a hold before its deadline ends it.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::id::TenantName;
use crate::ledger::{CheckUrl, Part};
use crate::time::UnixMillis;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldQuestion {
    /// Where.
    pub url: CheckUrl,
    /// Whose hold.
    pub tenant: TenantName,
    /// The name that its taker gave it.
    pub hold_id: String,
    /// The part.
    pub part: Part,
    /// The deadline that has passed.
    pub deadline: UnixMillis,
    /// How often it was asked before.
    pub asked: i32,
}

/// What the taker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldWord {
    /// The goods are sold.
    Committed,
    /// They are not wanted any more.
    Released,
    /// It cannot say yet: the part stays held and is asked for again.
    Unknown,
}

impl HoldWord {
    /// The name in metrics and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Unknown => "unknown",
        }
    }
}

/// Asks takers of outside holds.
#[async_trait]
pub trait HoldChecker: Send + Sync + 'static {
    /// Why an address cannot be asked; `None` if it can. Judged before a hold is taken with it.
    fn objection(&self, url: &CheckUrl) -> Option<String>;

    /// Asks once. A fault means what `Unknown` means: nothing is known.
    async fn ask(&self, question: &HoldQuestion) -> Result<HoldWord, Fault>;
}

/// Nobody can be asked: a program that was given no key to sign questions with.
#[derive(Debug, Clone, Copy)]
pub struct NobodyAsks;

#[async_trait]
impl HoldChecker for NobodyAsks {
    fn objection(&self, _: &CheckUrl) -> Option<String> {
        Some("cannot be asked: no key to sign questions with is configured (holds.check_secret)".to_owned())
    }

    async fn ask(&self, _: &HoldQuestion) -> Result<HoldWord, Fault> {
        Ok(HoldWord::Unknown)
    }
}
