//! A child server process: started, waited for until ready, measured, signalled, and never left behind.
//!
//! Invariants: dropping a [`ServerProcess`] kills and reaps it; a start that fails leaves no process; its standard
//! output is always drained, so a talkative server never blocks on a full pipe.
//!
//! Deliberately absent: an async runtime (the calls block), process groups (Ctrl-C reaches the child as well, which is
//! wanted), and the death of the child when this process itself is killed: a server may ask the kernel for that.

mod figures;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

pub use figures::{children, cpu_seconds, own_cpu_seconds, rss_bytes, tree_cpu_seconds};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// Grain of asking a server again whether it is ready; its end is noticed at once.
const POLL: Duration = Duration::from_millis(10);
/// Most of the log's end that an error shows, in bytes.
const LOG_TAIL_BYTES_MAX: u64 = 4096;

/// Why a child process is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The program ended before it was ready.
    #[error("{} ended before it was ready ({status}){log_tail}", program.display())]
    EndedEarly {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log, when it goes to a file; starts with a line break.
        log_tail: String,
    },
    /// The program was not ready in time and has been killed.
    #[error("{} was not ready within {} s{log_tail}", program.display(), within.as_secs_f64())]
    NotReady {
        /// The program.
        program: PathBuf,
        /// The time it had.
        within: Duration,
        /// The end of its log, when it goes to a file; starts with a line break.
        log_tail: String,
    },
    /// The operating system refused to tell or to do something.
    #[error("cannot {action} process {pid}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The process.
        pid: u32,
        /// What the operating system said.
        source: io::Error,
    },
}

/// How a server says that it can be used.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// A line of its standard output starts with this text; see [`ServerProcess::ready_line`].
    Line(String),
    /// `GET path` at `address` answers 200.
    Http {
        /// Where the server listens.
        address: SocketAddr,
        /// For example `/readyz`.
        path: String,
    },
}

/// Where the server's standard error goes.
#[derive(Clone, Debug, Default)]
pub enum Log {
    /// To this process's own.
    #[default]
    Inherit,
    /// Nowhere.
    Discard,
    /// Appended to a file, whose end is shown when the start fails.
    File(PathBuf),
}

/// What to start and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables added to this process's environment.
    pub environment: Vec<(OsString, OsString)>,
    /// How it says that it is ready.
    pub readiness: Readiness,
    /// Most time until it is ready.
    pub ready_within: Duration,
    /// Where its standard error goes.
    pub log: Log,
}

impl Launch {
    /// Without arguments, ready within 30 s, its standard error on this process's own.
    pub fn new(program: impl Into<PathBuf>, readiness: Readiness) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            readiness,
            ready_within: Duration::from_secs(30),
            log: Log::Inherit,
        }
    }
}

/// A running child; killed and reaped on drop.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    ready_line: Option<String>,
}

impl ServerProcess {
    /// Starts the program and waits until it is ready. On any error no process is left.
    pub fn start(launch: &Launch) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Start { program: launch.program.clone(), source };
        let stderr = match &launch.log {
            Log::Inherit => Stdio::inherit(),
            Log::Discard => Stdio::null(),
            Log::File(path) => File::options().create(true).append(true).open(path).map_err(failed)?.into(),
        };
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(failed)?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let mut server = Self { child, ready_line: None };
        let prefix = match &launch.readiness {
            Readiness::Line(prefix) => Some(prefix.clone()),
            Readiness::Http { .. } => None,
        };
        let (found, ready) = mpsc::sync_channel(1);
        // Ends with the child's standard output, that is with the child.
        thread::spawn(move || drain(BufReader::new(stdout), prefix.as_deref(), &found));
        server.wait_ready(launch, &ready)?;
        Ok(server)
    }

    fn wait_ready(&mut self, launch: &Launch, ready: &mpsc::Receiver<String>) -> Result<(), ProcessError> {
        let deadline = Instant::now() + launch.ready_within;
        loop {
            match &launch.readiness {
                // A closed channel means that the output has ended; then the child's own end is waited for below.
                Readiness::Line(_) => match ready.recv_timeout(POLL) {
                    Ok(line) => {
                        self.ready_line = Some(line);
                        return Ok(());
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => wait_end(&self.child, POLL),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                },
                Readiness::Http { address, path } => {
                    if answers_ok(*address, path, deadline) {
                        return Ok(());
                    }
                    wait_end(&self.child, POLL);
                }
            }
            let program = || launch.program.clone();
            if let Some(status) = self.ended()? {
                return Err(ProcessError::EndedEarly { program: program(), status, log_tail: log_tail(&launch.log) });
            }
            if Instant::now() >= deadline {
                let within = launch.ready_within;
                return Err(ProcessError::NotReady { program: program(), within, log_tail: log_tail(&launch.log) });
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The line that said it is ready, whole, when [`Readiness::Line`] was asked for.
    pub fn ready_line(&self) -> Option<&str> {
        self.ready_line.as_deref()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        let pid = self.pid();
        self.child.try_wait().map_err(|source| ProcessError::System { action: "wait for", pid, source })
    }

    /// CPU time so far, user and system, of all its threads, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64, ProcessError> {
        cpu_seconds(self.pid())
    }

    /// Resident memory in bytes.
    pub fn rss_bytes(&self) -> Result<u64, ProcessError> {
        rss_bytes(self.pid())
    }

    /// Asks it to stop (SIGTERM) and waits; after `within` it is killed. Returns how it ended.
    pub fn terminate(mut self, within: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::TERM)?;
        wait_end(&self.child, within);
        match self.ended()? {
            Some(status) => Ok(status),
            None => self.kill(),
        }
    }

    /// Kills it (SIGKILL): nothing of it runs any more when this returns.
    pub fn kill(mut self) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::KILL)?;
        let pid = self.pid();
        self.child.wait().map_err(|source| ProcessError::System { action: "wait for", pid, source })
    }

    /// Sends a signal and returns at once. A child that has ended already is not an error.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        send(&self.child, signal)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Best effort in a drop: the child may have ended and been reaped already, and then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child of this process that has not been reaped, so that its id cannot belong to another.
pub(crate) fn send(child: &Child, signal: Signal) -> Result<(), ProcessError> {
    let pid = child.id();
    match kill_process(Pid::from_child(child), signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(ProcessError::System { action: "signal", pid, source: error.into() }),
    }
}

/// Waits until a child that has not been reaped ends, at most `at_most`. On a kernel without pidfd (before 5.3) it
/// returns at once, and the caller's loop turns without a pause.
pub(crate) fn wait_end(child: &Child, at_most: Duration) {
    let Ok(pidfd) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else { return };
    let deadline = Instant::now() + at_most;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("a wait of less than the age of the universe");
        let interrupted = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) == Err(Errno::INTR);
        if !interrupted {
            return;
        }
    }
}

/// A port of 127.0.0.1 that was free a moment ago. Whoever starts a server on it should be ready to try another.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Reads a server's output to its end and reports the first line with `prefix`.
fn drain(mut output: impl io::BufRead, prefix: Option<&str>, found: &mpsc::SyncSender<String>) {
    if let Some(prefix) = prefix {
        for line in output.by_ref().lines().map_while(Result::ok) {
            if line.starts_with(prefix) {
                // The channel has room for this one line; a receiver that is gone no longer wants it.
                let _ = found.try_send(line);
                break;
            }
        }
    }
    // An error ends the draining just as the end of the output does.
    let _ = io::copy(&mut output, &mut io::sink());
}

/// Whether `GET path` is answered with status 200 at this moment.
fn answers_ok(address: SocketAddr, path: &str, deadline: Instant) -> bool {
    let patience = deadline.saturating_duration_since(Instant::now()).clamp(POLL, Duration::from_secs(1));
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(status_line == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn log_tail(log: &Log) -> String {
    let Log::File(path) = log else { return String::new() };
    tail(path)
}

/// The end of a log file, with a line break before it; empty when there is none.
pub(crate) fn tail(path: &std::path::Path) -> String {
    use std::io::{Seek as _, SeekFrom};
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    };
    read().ok().filter(|text| !text.is_empty()).map(|text| format!("; its log ends:\n{text}")).unwrap_or_default()
}
