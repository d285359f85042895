//! The cluster itself: initdb, the server process, its readiness and its ways to stop.
//!
//! Directory: `data` (the cluster), `log`, `password` (read by initdb), and the socket. The server is a direct child;
//! it says that it is ready in the last line of `data/postmaster.pid` (since PostgreSQL 10), so no client is needed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::binaries::Binaries;
use super::user::User;
use super::{Options, PostgresError, SETTINGS, USER};
use crate::process::{ProcessError, children, free_port, send, tail, wait_end};

/// Attempts to start, each on another port: another program may take the free port first.
const START_ATTEMPTS: u32 = 5;
/// What the server's log says then; the cluster's locale is C.
const PORT_TAKEN: &str = "Address already in use";
/// Longest path of a socket's directory, in bytes: a socket's path has room for 107 and `/.s.PGSQL.65535` needs 15.
const SOCKET_DIRECTORY_BYTES_MAX: usize = 92;
/// Grain of asking whether the server is ready; its end is noticed at once.
const POLL: Duration = Duration::from_millis(10);
/// Most time for an immediate stop before the server is killed.
const STOP_AT_ONCE_WITHIN: Duration = Duration::from_secs(5);
/// Most time for a clean stop in a drop.
const DROP_WITHIN: Duration = Duration::from_secs(10);
/// PostgreSQL's default, in MiB.
const LOG_SEGMENT_MB: u32 = 16;

/// A cluster and its server process, if it runs.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) binaries: Binaries,
    pub(super) user: User,
    pub(super) directory: PathBuf,
    pub(super) password: String,
    pub(super) port: u16,
    /// The last process id; of a reaped process when `child` is none.
    pid: u32,
    child: Option<Child>,
}

impl Server {
    pub(super) fn start(
        binaries: Binaries,
        user: User,
        directory: &Path,
        options: &Options,
    ) -> Result<Self, PostgresError> {
        let password = uuid::Uuid::new_v4().simple().to_string();
        let directory = directory.to_owned();
        let mut server = Self { binaries, user, directory, password, port: 0, pid: 0, child: None };
        server.initialize()?;
        let mut attempt = 1;
        loop {
            server.port = free_port().map_err(|source| PostgresError::File {
                action: "find a free port with",
                path: "127.0.0.1".into(),
                source,
            })?;
            match server.launch(options) {
                Err(PostgresError::NotStarted { log_tail, .. })
                    if attempt < START_ATTEMPTS && log_tail.contains(PORT_TAKEN) =>
                {
                    attempt += 1;
                }
                result => return result.map(|()| server),
            }
        }
    }

    /// Makes a standby of this server in a directory and starts it on a port of its own, or on a given one. From now on this
    /// server answers a commit only once the standby has flushed it too.
    pub(super) fn start_standby(&self, directory: &Path, port: u16, options: &Options) -> Result<Self, PostgresError> {
        let (binaries, user) = (self.binaries.clone(), self.user.clone());
        let (directory, password) = (directory.to_owned(), self.password.clone());
        let mut standby = Self { binaries, user, directory, password, port, pid: 0, child: None };
        let mut copy = self.client("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "-D"]).arg(standby.data_dir());
        standby.run("pg_basebackup", copy)?;
        standby.launch(options)?;
        let settings = self.data_dir().join("postgresql.auto.conf");
        let failed = |source| PostgresError::File { action: "write", path: settings.clone(), source };
        let mut file = File::options().append(true).open(&settings).map_err(failed)?;
        io::Write::write_all(&mut file, b"synchronous_standby_names = '*'\n").map_err(failed)?;
        if let Some(child) = &self.child {
            send(child, Signal::HUP)?;
        }
        Ok(standby)
    }

    /// Makes a standby the primary.
    pub(super) fn promote(&self) -> Result<(), PostgresError> {
        let mut promote = self.user.command(&self.binaries.program("pg_ctl"));
        promote.arg("promote").arg("--wait").arg("-D").arg(self.data_dir());
        self.run("pg_ctl", promote)
    }

    fn initialize(&self) -> Result<(), PostgresError> {
        let password_file = self.directory.join("password");
        let failed = |source| PostgresError::File { action: "write", path: password_file.clone(), source };
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&password_file).map_err(failed)?;
        io::Write::write_all(&mut file, self.password.as_bytes()).map_err(failed)?;
        if let User::Other { uid, gid, .. } = self.user {
            std::os::unix::fs::chown(&password_file, Some(uid), Some(gid)).map_err(failed)?;
        }
        let mut initdb = self.user.command(&self.binaries.program("initdb"));
        initdb.arg("-D").arg(self.data_dir()).arg("--pwfile").arg(&password_file);
        initdb.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]);
        self.run("initdb", initdb)
    }

    pub(super) fn create_database(&self, name: &str) -> Result<(), PostgresError> {
        let mut createdb = self.client("createdb");
        createdb.args(["--", name]);
        self.run("createdb", createdb)
    }

    /// Uses up segments of the log and has a checkpoint put them in stock.
    pub(super) fn stock_log(&self, segments: u32) -> Result<(), PostgresError> {
        let keep = format!("ALTER SYSTEM SET min_wal_size = '{}MB'", (segments + 1) * LOG_SEGMENT_MB);
        let use_up = format!(
            "DO $$ BEGIN FOR n IN 1..{segments} LOOP PERFORM pg_logical_emit_message(false, '', ''), pg_switch_wal(); \
             END LOOP; END $$"
        );
        let mut psql = self.client("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null"]);
        for sql in [&keep, "SELECT pg_reload_conf()", &use_up, "CHECKPOINT"] {
            psql.args(["-c", sql]);
        }
        psql.arg("postgres");
        self.run("psql", psql)
    }

    /// A client program that is told how to reach this server as its superuser.
    pub(super) fn client(&self, program: &str) -> Command {
        let mut client = self.user.command(&self.binaries.program(program));
        client.env("PGPASSWORD", &self.password).args(["-h", "127.0.0.1", "-p"]).arg(self.port.to_string());
        client.args(["-U", USER]);
        client
    }

    /// Runs a program of PostgreSQL to its end.
    pub(super) fn run(&self, program: &'static str, mut command: Command) -> Result<(), PostgresError> {
        command.current_dir(&self.directory).env("HOME", &self.directory).stdin(Stdio::null());
        let path = || self.binaries.program(program);
        let output = command.output().map_err(|source| PostgresError::File { action: "run", path: path(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(PostgresError::Program { program, status: output.status, output: text })
    }

    pub(super) fn launch(&mut self, options: &Options) -> Result<(), PostgresError> {
        let log = self.directory.join("log");
        let failed = |path: PathBuf| move |source| PostgresError::File { action: "start", path, source };
        let log_file = File::options().create(true).append(true).open(&log).map_err(failed(log.clone()))?;
        let program = self.binaries.program("postgres");
        let mut command = self.user.command(&program);
        command.arg("-D").arg(self.data_dir()).arg("-p").arg(self.port.to_string());
        let short = self.directory.as_os_str().len() <= SOCKET_DIRECTORY_BYTES_MAX;
        let socket_directory = if short { self.directory.to_string_lossy() } else { "".into() };
        command.arg("-c").arg(format!("unix_socket_directories={socket_directory}"));
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in &options.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.current_dir(&self.directory).env("HOME", &self.directory);
        let stdout = log_file.try_clone().map_err(failed(log.clone()))?;
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(log_file).spawn().map_err(failed(program))?;
        self.pid = child.id();
        self.child = Some(child);
        self.wait_ready(options.ready_within, &log)
    }

    fn wait_ready(&mut self, within: Duration, log: &Path) -> Result<(), PostgresError> {
        let deadline = Instant::now() + within;
        let reason = loop {
            if let Some(status) = self.ended()? {
                self.child = None;
                break format!("it ended ({status})");
            }
            if self.is_ready() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                self.stop_at_once()?;
                break format!("it was not ready within {} s", within.as_secs_f64());
            }
            if let Some(child) = &self.child {
                wait_end(child, POLL);
            }
        };
        Err(PostgresError::NotStarted { reason, log_tail: tail(log) })
    }

    /// Whether the lock file of the running server says ready. Format: PostgreSQL's `miscinit.h`, `LOCK_FILE_LINE_*`:
    /// line 1 the process id, line 8 the state.
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data_dir().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let ours = lines.next().and_then(|pid| pid.trim().parse().ok()) == Some(self.pid);
        ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>, PostgresError> {
        let pid = self.pid;
        let Some(child) = &mut self.child else { return Ok(None) };
        let status = child.try_wait().map_err(|source| ProcessError::System { action: "wait for", pid, source })?;
        Ok(status)
    }

    pub(super) fn restart(&mut self, options: &Options) -> Result<(), PostgresError> {
        self.stop(options.stop_within)?;
        self.launch(options)
    }

    /// Fast shutdown (SIGINT), then an immediate one when it takes longer than `within`. Nothing when it does not run.
    pub(super) fn stop(&mut self, within: Duration) -> Result<(), PostgresError> {
        if self.signal_and_wait(Signal::INT, within)? { Ok(()) } else { self.stop_at_once() }
    }

    /// Immediate shutdown (SIGQUIT): the server ends its backends, whose shared memory it gives back, and itself.
    pub(super) fn stop_at_once(&mut self) -> Result<(), PostgresError> {
        if !self.signal_and_wait(Signal::QUIT, STOP_AT_ONCE_WITHIN)? {
            self.signal_and_wait(Signal::KILL, STOP_AT_ONCE_WITHIN)?;
        }
        Ok(())
    }

    /// Sends a signal to the server and then to each of its processes, so that none is made in between.
    pub(super) fn signal_all(&self, signal: Signal) -> Result<(), PostgresError> {
        let Some(child) = &self.child else { return Ok(()) };
        send(child, signal)?;
        for pid in children(self.pid)?.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            match kill_process(pid, signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => {
                    return Err(ProcessError::System { action: "signal", pid: self.pid, source: error.into() }.into());
                }
            }
        }
        Ok(())
    }

    /// Whether the process ends within some time and is reaped.
    pub(super) fn ends_within(&mut self, within: Duration) -> Result<bool, PostgresError> {
        let Some(child) = &self.child else { return Ok(true) };
        wait_end(child, within);
        let gone = self.ended()?.is_some();
        if gone {
            self.child = None;
        }
        Ok(gone)
    }

    /// Whether the process is gone and reaped.
    fn signal_and_wait(&mut self, signal: Signal, within: Duration) -> Result<bool, PostgresError> {
        let Some(child) = &self.child else { return Ok(true) };
        send(child, signal)?;
        self.ends_within(within)
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn version(&self) -> &str {
        &self.binaries.version
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Best effort in a drop; `stop` is there for who wants to know.
        let _ = self.stop(DROP_WITHIN);
    }
}
