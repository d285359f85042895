//! One private PostgreSQL server: a free port on 127.0.0.1, its own data directory, its own password.
//!
//! Who owns it: a keeper, which is this same program started once more in a process group of its own. The keeper
//! holds the server for as long as its standard input is open. The other end of that pipe belongs to [`Postgres`] and
//! to nobody else, so the kernel closes it whatever ends xtask: success, a failed step, ctrl-c, SIGKILL. The keeper
//! then stops the server and removes its data. No signal handler, and no promise that an end which runs no code of
//! ours could break.
//!
//! A keeper that was itself killed leaves a folder and a lock file that nobody holds; the next keeper clears them.
//!
//! Deliberately absent: weaker durability. fsync and `synchronous_commit` keep their defaults, so that tests see the
//! waits and batches of production.

mod folder;
mod server;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};

pub(crate) use self::server::keep;
use crate::setup;
use crate::workspace::Workspace;

/// The variable that tells a test process where the server is: a superuser's address, in which a test makes
/// databases of its own.
pub(crate) const URL_VARIABLE: &str = "HOLDLINE_TEST_POSTGRES";

/// A running private server; dropping it stops the server and removes its data.
pub(crate) struct Postgres {
    keeper: Child,
    /// The keeper's life line: closed on drop, or by the kernel when we die.
    life_line: Option<ChildStdin>,
    url: String,
}

impl Postgres {
    /// Starts a server and waits until it answers.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        let programs = setup::find_postgres()
            .context("PostgreSQL server programs not found; `cargo xtask setup` installs them or says how")?;
        let base = workspace.target().join("xtask");
        fs::create_dir_all(&base)?;
        let mut keeper = Command::new(own_program()?)
            .arg("postgres-keeper")
            .args([OsStr::new("--programs"), programs.as_os_str(), OsStr::new("--base"), base.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper of PostgreSQL")?;
        let life_line = keeper.stdin.take();
        let mut url = String::new();
        if let Some(said) = keeper.stdout.take() {
            BufReader::new(said).read_line(&mut url)?;
        }
        let url = url.trim().to_owned();
        let server = Self { keeper, life_line, url };
        if server.url.is_empty() {
            bail!("the private PostgreSQL did not start; its keeper says why above");
        }
        Ok(server)
    }

    /// Where it listens, with user and password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.life_line.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("xtask: lost the keeper of PostgreSQL: {error}");
        }
    }
}

/// This very program. Cargo may have replaced the file since we started, which the link survives and the path does not.
fn own_program() -> io::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { env::current_exe() }
}
