//! `gen`: the files that are written by the code: api/openapi.json and api/errors.md.
//!
//! The contract with the binary: `holdline gen openapi` and `holdline gen errors` write the whole file to standard
//! output. They are committed, so that a reviewer sees what a change does to the API; a stale one fails `test`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// What `holdline gen` is asked for, and the file that holds the answer.
const FILES: [(&str, &str); 2] = [("openapi", "api/openapi.json"), ("errors", "api/errors.md")];

/// Writes every generated file.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let program = workspace.debug_program("holdline")?;
    for (subject, file) in FILES {
        let fresh = generate(&program, subject)?;
        let path = workspace.root().join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let changed = is_stale(&path, &fresh);
        fs::write(&path, &fresh)?;
        println!("{file}: {}", if changed { "rewritten" } else { "unchanged" });
    }
    Ok(())
}

/// Fails with the names of the files that differ from what the code says.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let program = workspace.debug_program("holdline")?;
    let mut stale = Vec::new();
    for (subject, file) in FILES {
        if is_stale(&workspace.root().join(file), &generate(&program, subject)?) {
            stale.push(file);
        }
    }
    if !stale.is_empty() {
        bail!("stale: {}; run `cargo xtask gen` and commit what it writes", stale.join(", "));
    }
    println!("{} generated files are fresh", FILES.len());
    Ok(())
}

fn generate(program: &Path, subject: &str) -> Result<Vec<u8>> {
    let fresh = process::output(Command::new(program).args(["gen", subject]))?;
    if fresh.is_empty() {
        bail!("`holdline gen {subject}` wrote nothing");
    }
    Ok(fresh)
}

fn is_stale(path: &Path, fresh: &[u8]) -> bool {
    fs::read(path).map_or(true, |current| current != fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_different_file_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.md");
        assert!(is_stale(&path, b"new"));
        fs::write(&path, "old").unwrap();
        assert!(is_stale(&path, b"new"));
        fs::write(&path, "new").unwrap();
        assert!(!is_stale(&path, b"new"));
    }
}
