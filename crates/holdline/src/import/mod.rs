//! `import`: files from outside, read, judged line by line and written.

pub(crate) mod catalog;
pub(crate) mod online_retail;
