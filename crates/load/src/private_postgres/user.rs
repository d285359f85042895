//! Who runs the cluster: this process's own user, or, when that is root, an unprivileged one from `/etc/passwd`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::PostgresError;

/// Runs the cluster's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// This process's user, which is not root.
    Own,
    /// Another one, because this process is root.
    Other { name: String, uid: u32, gid: u32 },
}

impl User {
    pub(super) fn for_postgres() -> Result<Self, PostgresError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].into_iter().find_map(|name| entry(&passwd, name)).ok_or(PostgresError::NoUser)
    }

    /// A command that runs as this user. The standard library drops root's supplementary groups as well.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives the directory to this user and checks that it can be reached.
    pub(super) fn take_over(&self, directory: &Path) -> Result<(), PostgresError> {
        let Self::Other { name, uid, gid } = self else { return Ok(()) };
        let failed = |action| move |source| PostgresError::File { action, path: directory.to_owned(), source };
        chown(directory, Some(*uid), Some(*gid)).map_err(failed("give away"))?;
        let absolute = directory.canonicalize().map_err(failed("resolve"))?;
        let closed = absolute.ancestors().skip(1).find(|above| !enters(above, *uid, *gid));
        match closed {
            None => Ok(()),
            Some(closed) => Err(PostgresError::Unreachable { user: name.clone(), directory: closed.to_owned() }),
        }
    }
}

/// Whether a user may pass through a directory, by its mode alone.
fn enters(directory: &Path, uid: u32, gid: u32) -> bool {
    let Ok(metadata) = fs::metadata(directory) else { return false };
    let search = if metadata.uid() == uid {
        0o100
    } else if metadata.gid() == gid {
        0o010
    } else {
        0o001
    };
    metadata.mode() & search != 0
}

/// A user of a passwd(5) text.
fn entry(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let mut number = || fields.next()?.parse().ok();
        // The password field comes first and is no number worth having.
        let _ = number();
        let (uid, gid) = (number()?, number()?);
        found.then(|| User::Other { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104:P:/var:/bin/sh\n";
        let expected = User::Other { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(entry(passwd, "postgres"), Some(expected));
        assert_eq!(entry(passwd, "nobody"), None);
    }

    #[test]
    fn a_directory_closed_to_others_is_not_entered() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let owner = fs::metadata(directory.path()).expect("it exists").uid();
        let mode = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).expect("our own");
        mode(0o700);
        assert!(enters(directory.path(), owner, u32::MAX) && !enters(directory.path(), u32::MAX, u32::MAX));
        mode(0o701);
        assert!(enters(directory.path(), u32::MAX, u32::MAX));
    }
}
