//! Finds PostgreSQL's server programs: in PATH, in Debian's own place, by `pg_config`.
//!
//! A distribution may keep them out of PATH (Debian does), and PATH may hold links to them: links are followed,
//! because PostgreSQL finds its other files from the place of the program itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::PostgresError;
use super::user::User;

/// Where Debian and Ubuntu keep each version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of one installation that works for the user in question.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    /// For example `15.10`.
    pub(super) version: String,
}

impl Binaries {
    pub(super) fn find(user: &User) -> Result<Self, PostgresError> {
        let in_path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&in_path).map(|directory| directory.join("postgres"));
        let candidates = in_path
            .filter_map(|program| Some(program.canonicalize().ok()?.parent()?.to_owned()))
            .chain(newest_first(Path::new(DEBIAN)))
            .chain(pg_config());
        candidates.into_iter().find_map(|directory| Self::working(user, directory)).ok_or(PostgresError::NotInstalled)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The installation in `directory` when it is whole and this user may run it.
    fn working(user: &User, directory: PathBuf) -> Option<Self> {
        for program in ["initdb", "postgres", "createdb", "psql"] {
            if !directory.join(program).is_file() {
                return None;
            }
        }
        let mut command = user.command(&directory.join("postgres"));
        let output = command.arg("--version").current_dir("/").stdin(Stdio::null()).output().ok()?;
        let output = String::from_utf8(output.stdout).ok()?;
        // "postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)"
        let version = output.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next()?.to_owned();
        Some(Self { directory, version })
    }
}

/// The `bin` directories of all versions below `root`, the newest first.
fn newest_first(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(|entry| {
            let version =
                entry.file_name().to_str()?.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_by_number() {
        let root = tempfile::tempdir().expect("a temporary directory");
        for name in ["9.6", "15", "common", "10"] {
            fs::create_dir(root.path().join(name)).expect("a new directory");
        }
        let found = newest_first(root.path());
        assert_eq!(found, ["15", "10", "9.6"].map(|version| root.path().join(version).join("bin")));
    }

    #[test]
    fn a_directory_without_the_programs_is_no_installation() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(Binaries::working(&User::Own, directory.path().to_owned()).is_none());
    }
}
