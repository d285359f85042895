//! The JSON texts and codes of the schema, read anew: nothing here comes from the code that writes them.

use serde::Deserialize;

/// Codes of `movement.kind`.
pub(super) mod kind {
    pub(in crate::audit) const HOLD: i64 = 0;
    pub(in crate::audit) const COMMIT: i64 = 1;
    pub(in crate::audit) const RELEASE: i64 = 2;
    pub(in crate::audit) const SHIP: i64 = 3;
    pub(in crate::audit) const UNALLOCATE: i64 = 4;
    pub(in crate::audit) const ADJUST: i64 = 5;
    pub(in crate::audit) const FLAGS: i64 = 6;
    pub(in crate::audit) const DANGER: i64 = 7;
    pub(in crate::audit) const SHORTFALL: i64 = 8;
    pub(in crate::audit) const TRANSFER: i64 = 9;

    /// Whether it changes its account: the others are alerts.
    pub(in crate::audit) fn changes(code: i64) -> bool {
        code <= FLAGS || code == TRANSFER
    }

    /// The kind in words.
    pub(in crate::audit) fn name(code: i64) -> &'static str {
        match code {
            HOLD => "hold",
            COMMIT => "commit",
            RELEASE => "release",
            SHIP => "ship",
            UNALLOCATE => "unallocate",
            ADJUST => "adjust",
            FLAGS => "flags",
            DANGER => "danger",
            SHORTFALL => "shortfall",
            TRANSFER => "transfer",
            _ => "unknown",
        }
    }
}

/// The format of a hold's texts that this audit knows.
pub(super) const HOLD_FORMAT: i64 = 1;
/// The schema that this audit knows.
pub(super) const SCHEMA_KNOWN: i64 = 7;
/// `account.kind` of a stock account.
pub(super) const STOCK: i64 = 0;

/// One part of a hold: its name (`s:` and the seller, or `g`), and its state: `h`eld, `c`ommitted, `r`eleased.
#[derive(Debug, Deserialize)]
pub(super) struct Part(pub(super) String, pub(super) String);

/// One claim of a hold: the place of its part, the account, units.
#[derive(Debug, Deserialize)]
pub(super) struct Claim(pub(super) usize, pub(super) i64, pub(super) i64);

/// A hold's parts and claims, or `None` when the texts are not what they should be.
pub(super) fn hold_texts(parts: &str, lines: &str) -> Option<(Vec<Part>, Vec<Claim>)> {
    let parts = parts_of(parts)?;
    let claims: Vec<Claim> = serde_json::from_str(lines).ok()?;
    let places_known = claims.iter().all(|claim| claim.0 < parts.len());
    (places_known && !claims.is_empty()).then_some((parts, claims))
}

/// A hold's parts, or `None` when the text is not what it should be.
pub(super) fn parts_of(text: &str) -> Option<Vec<Part>> {
    let parts: Vec<Part> = serde_json::from_str(text).ok()?;
    let states_known = parts.iter().all(|part| matches!(part.1.as_str(), "h" | "c" | "r"));
    (states_known && !parts.is_empty()).then_some(parts)
}

/// A part's state in words.
pub(super) fn state_name(letter: &str) -> &'static str {
    match letter {
        "h" => "held",
        "c" => "committed",
        "r" => "released",
        _ => "unknown",
    }
}

/// What became of a submit.
#[derive(Debug, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum GroupState {
    Placed { order_nos: Vec<String> },
    Refused {},
    Abandoned,
}

/// Freight or discount of an order.
#[derive(Debug, Deserialize)]
pub(super) struct Adjustment {
    pub(super) kind: String,
    pub(super) amount: i64,
}

/// Units of a line of an order.
#[derive(Debug, Deserialize)]
pub(super) struct LineUnits {
    pub(super) line_no: i64,
    pub(super) quantity: i64,
}

/// What an attempt is to pay of one order: its number and the amount.
#[derive(Debug, Deserialize)]
pub(super) struct Share(pub(super) String, pub(super) i64);
