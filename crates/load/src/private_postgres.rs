//! A PostgreSQL cluster of our own: made in a directory, started on a free port, stopped and removed on drop.
//!
//! Invariants: it never touches the system's own PostgreSQL (its port is ephemeral, its directory new); it listens on
//! 127.0.0.1 and on a socket in its directory, behind a random password; it is as durable as PostgreSQL's defaults; a
//! start that fails leaves neither process nor directory.
//!
//! PostgreSQL refuses to run as root. As root the cluster belongs to the user `postgres`, or `nobody` without one, and
//! its programs run as that user; the standard library changes the user itself, so neither `su` nor `runuser` is needed.
//!
//! Deliberately absent: an async runtime, a database driver, upgrade. When this process is killed with
//! SIGKILL the cluster stays behind: `pg_ctl stop -D DIRECTORY/data` and remove the directory.

mod binaries;
mod cluster;
mod recovery;
mod user;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::ProcessError;
use binaries::Binaries;
use cluster::Server;
pub use recovery::ARCHIVING;
use user::User;

use crate::process::free_port;

/// Settings that differ from PostgreSQL's defaults or that a figure depends on; the same for Holdline and the baseline.
///
/// - `fsync`, `synchronous_commit`, `full_page_writes`: the defaults, written out, because durability is the point.
/// - `shared_buffers` 256 MB: a quarter of the smallest machine measured (1 GiB); a bench run takes more.
/// - `max_wal_size` 8 GB: a run of some minutes is not cut by a checkpoint forced by volume, which comes at half of it; those by time stay.
/// - `max_connections` 200: 100 connections of the baseline, and room for pools and lookups beside them.
pub const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "8GB"),
    ("max_connections", "200"),
    ("listen_addresses", "127.0.0.1"),
];

/// The superuser's name.
pub const USER: &str = "postgres";

/// Why there is no private PostgreSQL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// No server binaries on this machine.
    #[error(
        "no PostgreSQL server binaries found (looked for initdb and postgres in PATH, /usr/lib/postgresql/*/bin and \
         `pg_config --bindir`): install them, on Debian and Ubuntu with `apt-get install postgresql`"
    )]
    NotInstalled,
    /// This process is root and there is nobody else to run PostgreSQL as.
    #[error("PostgreSQL does not run as root, and /etc/passwd has neither a user postgres nor nobody")]
    NoUser,
    /// The user that would run PostgreSQL cannot reach the directory.
    #[error(
        "the user {user} cannot enter {}, which is on the way to PostgreSQL's directory: choose a directory that every \
         user can reach, or allow entering it",
        directory.display()
    )]
    Unreachable {
        /// Who cannot enter.
        user: String,
        /// The closed directory.
        directory: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A PostgreSQL program failed.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        output: String,
    },
    /// The server ended or was not ready in time.
    #[error("PostgreSQL did not start: {reason}{log_tail}")]
    NotStarted {
        /// What happened.
        reason: String,
        /// The end of its log; starts with a separator when not empty.
        log_tail: String,
    },
    /// The operating system refused a signal or a wait.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Where and how to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// An existing directory in which the cluster's own directory is made; `None` for the system's temporary one.
    pub parent: Option<PathBuf>,
    /// Settings after [`SETTINGS`], which they may override.
    pub settings: Vec<(String, String)>,
    /// Most time for the server to become ready.
    pub ready_within: Duration,
    /// Most time for a clean stop, after which the server is stopped at once.
    pub stop_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parent: None,
            settings: Vec::new(),
            ready_within: Duration::from_mins(1),
            stop_within: Duration::from_secs(20),
        }
    }
}

/// A running private cluster; stopped and removed on drop.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Order matters: the server stops before its directory goes.
    server: Server,
    directory: TempDir,
    standby: Option<Standby>,
    options: Options,
}

/// A second server that has everything the first one has acknowledged.
#[derive(Debug)]
struct Standby {
    // Order matters, as above.
    server: Server,
    directory: TempDir,
}

impl PrivatePostgres {
    /// Makes a cluster and starts it. On any error neither process nor directory is left.
    pub fn start(options: Options) -> Result<Self, PostgresError> {
        let user = User::for_postgres()?;
        let binaries = Binaries::find(&user)?;
        let directory = own_directory(&options, &user)?;
        let server = Server::start(binaries, user, directory.path(), &options)?;
        Ok(Self { server, directory, standby: None, options })
    }

    /// Starts a standby, for which every commit waits from now on.
    pub fn add_standby(&mut self) -> Result<(), PostgresError> {
        let port = free_port().map_err(|source| PostgresError::File {
            action: "find a free port with",
            path: "127.0.0.1".into(),
            source,
        })?;
        self.start_standby(port)
    }

    fn start_standby(&mut self, port: u16) -> Result<(), PostgresError> {
        let directory = own_directory(&self.options, &User::for_postgres()?)?;
        let server = self.server.start_standby(directory.path(), port, &self.options)?;
        self.standby = Some(Standby { server, directory });
        Ok(())
    }

    /// Stops the server at once and for ever, and makes its standby the server. A new standby takes the old one's place, its
    /// port included. Nothing without a standby.
    pub fn fail_over(&mut self) -> Result<(), PostgresError> {
        let Some(mut standby) = self.standby.take() else { return Ok(()) };
        let port = self.server.port();
        // Fenced before the other one writes: there must never be two.
        self.server.stop_at_once()?;
        standby.server.promote()?;
        std::mem::swap(&mut self.server, &mut standby.server);
        std::mem::swap(&mut self.directory, &mut standby.directory);
        drop(standby);
        self.start_standby(port)
    }

    /// A connection URL that names the server and its standby, and asks for the one that takes writes.
    pub fn url_of_both(&self, database: &str) -> String {
        let other = self.standby.as_ref().map(|standby| format!(",127.0.0.1:{}", standby.server.port()));
        let (password, port) = (self.server.password(), self.server.port());
        let other = other.unwrap_or_default();
        format!("postgres://{USER}:{password}@127.0.0.1:{port}{other}/{database}?target_session_attrs=read-write")
    }

    /// A connection URL of a database, with user and password. `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        let (password, port) = (self.server.password(), self.server.port());
        format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) -> Result<(), PostgresError> {
        self.server.create_database(name)
    }

    /// Puts segments of log in stock, 16 MiB each, as a server has them that has run for a while: its checkpoints keep the
    /// used ones. A new server makes each segment when it needs it, and every commit waits meanwhile.
    pub fn stock_log(&self, segments: u32) -> Result<(), PostgresError> {
        self.server.stock_log(segments)
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The cluster's data directory, for the filesystem's facts.
    pub fn data_dir(&self) -> PathBuf {
        self.server.data_dir()
    }

    /// The directory that holds everything of this cluster; gone after the drop.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The server's version, for example `15.10`.
    pub fn version(&self) -> &str {
        self.server.version()
    }

    /// CPU time in seconds of the server and its present backends; a backend that has ended counts through its parent.
    pub fn cpu_seconds(&self) -> Result<f64, PostgresError> {
        Ok(crate::process::tree_cpu_seconds(self.pid())?)
    }

    /// Stops every process of the server at once, without a checkpoint (SIGQUIT): a crash as PostgreSQL sees it. Its
    /// data stays for [`Self::restart`].
    pub fn kill(&mut self) -> Result<(), PostgresError> {
        self.server.stop_at_once()
    }

    /// Whether the server ends by itself within some time, as it does when it cannot recover from a crash; no time for
    /// whether it has ended.
    pub fn ends_within(&mut self, within: Duration) -> Result<bool, PostgresError> {
        self.server.ends_within(within)
    }

    /// Stops every process of the server where it stands (SIGSTOP): connections stay open and nobody answers.
    pub fn pause(&self) -> Result<(), PostgresError> {
        self.server.signal_all(Signal::STOP)
    }

    /// Lets a paused server go on.
    pub fn resume(&self) -> Result<(), PostgresError> {
        self.server.signal_all(Signal::CONT)
    }

    /// Starts it again on the same port and data, stopping it cleanly first when it runs.
    pub fn restart(&mut self) -> Result<(), PostgresError> {
        self.server.restart(&self.options)
    }

    /// Stops cleanly (SIGINT, fast shutdown) and removes the directory; says what a drop would hide.
    pub fn stop(mut self) -> Result<(), PostgresError> {
        self.server.stop(self.options.stop_within)?;
        let path = self.directory.path().to_owned();
        self.directory.close().map_err(|source| PostgresError::File { action: "remove", path, source })
    }
}

/// A new directory for a cluster. Absolute, because PostgreSQL's programs run with another current directory; closed to
/// other users.
fn own_directory(options: &Options, user: &User) -> Result<TempDir, PostgresError> {
    let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
    let made = parent.canonicalize().and_then(|parent| {
        let closed = Permissions::from_mode(0o700);
        tempfile::Builder::new().prefix("holdline-postgres-").permissions(closed).tempdir_in(parent)
    });
    let directory =
        made.map_err(|source| PostgresError::File { action: "make a directory in", path: parent, source })?;
    user.take_over(directory.path())?;
    Ok(directory)
}
