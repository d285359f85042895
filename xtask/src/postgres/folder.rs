//! The server's folder: who owns it, how its keeper's life is seen from outside, how it goes away.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self as std_process, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// Name of a data folder, followed by its keeper's process id.
const FOLDER_PREFIX: &str = "holdline-postgres-";

/// Server accounts to run as when we are root, first found wins; PostgreSQL refuses to run as root.
const UNPRIVILEGED_ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// A folder that belongs to the account the server runs as, beside a lock file that says its keeper lives.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    lock_path: PathBuf,
    /// Held for the keeper's life; the kernel gives it back.
    _lock: File,
    /// Set when we are root.
    account: Option<Account>,
}

impl Folder {
    pub(super) fn create(base: &Path, programs: &Path) -> Result<Self> {
        clear_abandoned(base, programs);
        let name = format!("{FOLDER_PREFIX}{}", std_process::id());
        let lock_path = base.join(format!("{name}.lock"));
        let lock = OpenOptions::new().write(true).create_new(true).open(&lock_path)?;
        lock.lock()?;
        let mut folder = Self { path: base.join(name), lock_path, _lock: lock, account: None };
        folder.fill().inspect_err(|_| folder.remove())?;
        Ok(folder)
    }

    fn fill(&mut self) -> Result<()> {
        // create fails on a folder that exists, so nobody can prepare one for us in a shared place.
        DirBuilder::new().mode(0o700).create(&self.path)?;
        // The owner of what we have just made is who we are.
        if fs::metadata(&self.path)?.uid() == 0 {
            let accounts = fs::read_to_string("/etc/passwd")?;
            self.account = Some(Account::find(&accounts).context("there is no account to run PostgreSQL as")?);
            self.give(&self.path)?;
        }
        let mut reach = Command::new("test");
        reach.arg("-w").arg(&self.path);
        if !process::succeeds(self.as_account(&mut reach)) {
            let name = self.account.as_ref().map_or("this account", |account| &account.name);
            bail!("{name} cannot enter {}", self.path.display());
        }
        Ok(())
    }

    /// The data directory, written out in full so that a list of processes says whose server it is.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// A program run as the server's account, inside the folder.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.as_account(&mut command).current_dir(&self.path).stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    fn as_account<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        match &self.account {
            Some(account) => command.uid(account.uid).gid(account.gid),
            None => command,
        }
    }

    /// Makes the server's account the owner of a path.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        match &self.account {
            Some(account) => Ok(chown(path, Some(account.uid), Some(account.gid))?),
            None => Ok(()),
        }
    }

    pub(super) fn stop_server(&self, programs: &Path) {
        let mut stop = self.command(&programs.join("pg_ctl"));
        stop.args(["stop", "--wait", "--mode=immediate", "--pgdata"]).arg(self.data());
        // immediate: nobody reads this data again.
        if let Err(error) = process::output(&mut stop) {
            eprintln!("xtask: cannot stop the private PostgreSQL in {}: {error:#}", self.path.display());
        }
    }

    pub(super) fn remove(&self) {
        for gone in [fs::remove_dir_all(&self.path), fs::remove_file(&self.lock_path)] {
            if let Err(error) = gone
                && error.kind() != io::ErrorKind::NotFound
            {
                eprintln!("xtask: cannot remove {}: {error}", self.path.display());
            }
        }
    }
}

/// Stops and removes what keepers left that were killed: their lock files are held by nobody.
fn clear_abandoned(base: &Path, programs: &Path) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten().map(|entry| entry.path());
    for lock_path in entries.filter(|path| path.extension() == Some(OsStr::new("lock"))) {
        let path = lock_path.with_extension("");
        let ours = path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(FOLDER_PREFIX));
        let Some(lock) = ours.then(|| File::open(&lock_path).ok()).flatten() else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        let owner = fs::metadata(&path).ok().filter(|data| data.uid() != 0);
        let account = owner.map(|data| Account { name: String::new(), uid: data.uid(), gid: data.gid() });
        let folder = Folder { path, lock_path, _lock: lock, account };
        if folder.data().join("postmaster.pid").exists() {
            folder.stop_server(programs);
        }
        folder.remove();
    }
}

/// Somebody the server may run as.
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// The first of [`UNPRIVILEGED_ACCOUNTS`] in the text of /etc/passwd.
    fn find(passwd: &str) -> Option<Self> {
        UNPRIVILEGED_ACCOUNTS.iter().find_map(|wanted| {
            passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
                [name, _, uid, gid, ..] if name == *wanted => {
                    Some(Self { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? })
                }
                _ => None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_postgres_account_over_nobody() {
        let both = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104::/:/bin/sh\n";
        let found = Account::find(both).unwrap();
        assert_eq!((found.name.as_str(), found.uid, found.gid), ("postgres", 101, 104));
        assert_eq!(Account::find("nobody:x:65534:65534::/:/bin/false\n").unwrap().uid, 65534);
        assert!(Account::find("root:x:0:0::/:/bin/sh\n").is_none());
    }

    #[test]
    fn clears_a_folder_whose_keeper_is_gone_and_keeps_one_whose_keeper_lives() {
        let base = tempfile::tempdir().unwrap();
        let named = |id: &str| base.path().join(format!("{FOLDER_PREFIX}{id}"));
        for id in ["1", "2"] {
            fs::create_dir(named(id)).unwrap();
        }
        File::create(named("1").with_extension("lock")).unwrap();
        let held = File::create(named("2").with_extension("lock")).unwrap();
        held.lock().unwrap();
        clear_abandoned(base.path(), Path::new("/nowhere"));
        assert!(!named("1").exists() && !named("1").with_extension("lock").exists());
        assert!(named("2").exists() && named("2").with_extension("lock").exists());
    }
}
