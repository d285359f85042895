//! `deny`: licences, banned crates and sources of the whole dependency tree, by the rules in deny.toml.
//!
//! Advisories are asked for only by flag: their database is fetched from the internet, and CI must give the same answer
//! on a machine without it.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Runs cargo-deny's offline checks, and the advisories when asked.
pub(crate) fn run(workspace: &Workspace, advisories: bool) -> Result<()> {
    let mut deny = workspace.cargo(&[
        "deny",
        "--workspace",
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    if advisories {
        deny.arg("advisories");
    }
    process::run(&mut deny)
}
