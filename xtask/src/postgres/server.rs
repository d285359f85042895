//! The keeper's side: makes the cluster, starts it on a free port, stops it, removes it.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::folder::Folder;
use crate::process;

/// Connections the server takes. Reason: contract suites run in parallel, each with a pool of its own.
const CONNECTIONS_MAX: u32 = 200;

/// Attempts to start on a free port: between asking for one and using it, somebody else may take it.
const PORT_ATTEMPTS_MAX: u32 = 3;

/// The keeper's whole life: start a server, print its address, wait for standard input to end, stop, remove.
pub(crate) fn keep(programs: &Path, base: &Path) -> Result<()> {
    let mut server = Server::create(programs, base)?;
    let url = server.start()?;
    println!("{url}");
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A data directory and the server on it; dropping it stops the one and removes the other.
struct Server {
    programs: PathBuf,
    folder: Folder,
    running: bool,
}

impl Server {
    fn create(programs: &Path, base: &Path) -> Result<Self> {
        let folder = match Folder::create(base, programs) {
            Ok(reachable) => reachable,
            Err(error) => {
                let other = env::temp_dir();
                eprintln!("xtask: PostgreSQL's data goes to {}, because {error:#}", other.display());
                Folder::create(&other, programs)?
            }
        };
        Ok(Self { programs: programs.to_owned(), folder, running: false })
    }

    /// Makes the cluster and starts it; answers its address.
    fn start(&mut self) -> Result<String> {
        let password = random_password()?;
        let password_file = self.folder.path.join("password");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&password_file)?
            .write_all(password.as_bytes())?;
        self.folder.give(&password_file)?;
        let mut initdb = self.folder.command(&self.programs.join("initdb"));
        initdb.args(["--username=holdline", "--auth=scram-sha-256", "--pwfile=password"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--pgdata"]).arg(self.folder.data());
        process::output(&mut initdb)?;
        let mut last = None;
        for _ in 0..PORT_ATTEMPTS_MAX {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            self.configure(port)?;
            let mut start = self.folder.command(&self.programs.join("pg_ctl"));
            match process::output(start.args(["start", "--wait", "--log=log", "--pgdata"]).arg(self.folder.data())) {
                Ok(_) => {
                    self.running = true;
                    return Ok(format!("postgres://holdline:{password}@127.0.0.1:{port}/postgres"));
                }
                Err(error) => last = Some(error),
            }
        }
        let log = fs::read_to_string(self.folder.path.join("log")).unwrap_or_default();
        bail!(
            "PostgreSQL does not start: {:#}\n{}",
            last.unwrap_or_else(|| anyhow::anyhow!("no attempt")),
            log.trim_end()
        )
    }

    /// Read by the server after postgresql.conf, which stays as initdb wrote it.
    fn configure(&self, port: u16) -> Result<()> {
        let file = self.folder.data().join("postgresql.auto.conf");
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
             max_connections = {CONNECTIONS_MAX}\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n"
        );
        fs::write(&file, settings)?;
        self.folder.give(&file)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running {
            self.folder.stop_server(&self.programs);
        }
        self.folder.remove();
    }
}

/// 128 bits from the kernel, as hexadecimal digits.
fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    bytes.iter().try_fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}")?;
        Ok(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_need_no_escaping_in_an_address() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
