//! `/order/…`, the source documents' own paths.

mod is_created;
mod submit;
