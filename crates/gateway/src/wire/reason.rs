//! A person's reason, in JSON.

use std::borrow::Cow;

use holdline_domain::id::{InvalidCode, InvalidField};
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest reason, in bytes: a sentence or two.
const REASON_BYTES_MAX: usize = 500;

/// Why somebody ends by hand what does not end by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonInput<'a> {
    /// For whoever asks later, up to 500 bytes. Kept for ever; no personal data.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 500, example = "stock counted and adjusted by hand")]
    reason: Cow<'a, str>,
}

impl ReasonInput<'_> {
    pub(crate) fn parse(self) -> Result<String, InvalidField> {
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Err(InvalidField::new("/reason", InvalidCode::Empty, "must not be empty"));
        }
        if reason.len() > REASON_BYTES_MAX {
            let problem = format!("must have at most {REASON_BYTES_MAX} bytes, has {}", reason.len());
            return Err(InvalidField::new("/reason", InvalidCode::TooLong, problem));
        }
        if reason.chars().any(char::is_control) {
            return Err(InvalidField::new("/reason", InvalidCode::BadCharacter, "must not contain control characters"));
        }
        Ok(reason.to_owned())
    }
}
