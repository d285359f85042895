//! An installation as a story finds it: one process on SQLite, or two processes on one database of PostgreSQL.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::center::Center;
use crate::client::Client;
use crate::database::Database;
use crate::process::{Ended, Place, Served, WITHIN, wait_until};

/// The variable that names the database to `serve`, `key` and `audit`.
const DATABASE_URL: &str = "HOLDLINE_STORE__DATABASE_URL";

/// What lets a server ask the takers and the payment centers of this machine, and send to its receivers.
const NEIGHBOURS: [(&str, &str); 4] = [
    ("HOLDLINE_HOLDS__CHECK_SECRET", crate::taker::SECRET),
    ("HOLDLINE_HOLDS__CHECK_NETWORKS", "127.0.0.0/8"),
    ("HOLDLINE_PAYMENT__NETWORKS", "127.0.0.0/8"),
    ("HOLDLINE_WEBHOOKS__NETWORKS", "127.0.0.0/8"),
];

/// A key of the tenant `mall` that may do everything but act as a merchant.
pub(crate) const MALL: &str = "--tenant mall --client app --scope shop --scope admin --scope read";

/// Running servers and their store. Dropped in the order of the fields: servers, database, directory.
pub(crate) struct Installation {
    servers: Vec<Served>,
    database: Option<Database>,
    place: Place,
}

/// An API key.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Installation {
    /// One process on files of its own.
    pub(crate) fn on_sqlite() -> Result<Self> {
        let place = Place::new()?;
        Ok(Self { servers: vec![place.serve_with(&[], &NEIGHBOURS)?], database: None, place })
    }

    /// Two processes on a database of their own.
    pub(crate) fn on_postgres() -> Result<Self> {
        let (database, place) = (Database::create()?, Place::new()?);
        let url = database.url();
        let serve =
            || place.serve_with(&["--store", "postgres"], &[&[(DATABASE_URL, url.as_str())], &NEIGHBOURS[..]].concat());
        let servers = vec![serve()?, serve()?];
        ensure!(servers.iter().all(|server| server.line.contains("(store postgres")), "{}", servers[0].line);
        Ok(Self { servers, database: Some(database), place })
    }

    /// Lets a story happen, stops the servers in order and audits what they leave.
    pub(crate) fn tell(mut self, story: fn(&Self) -> Result<()>) -> Result<()> {
        story(&self)?;
        for server in self.servers.drain(..) {
            let status = server.process.terminate(WITHIN)?;
            ensure!(status.code() == Some(0), "a server ended with {status}");
        }
        let audit = self.run(&["audit", "--json"])?;
        ensure!(audit.status == Some(0), "the audit: {} {}", audit.stdout, audit.stderr);
        let report: Value = serde_json::from_str(&audit.stdout)?;
        ensure!(report["status"] == "clean" && report["orders"].as_u64() > Some(0), "the audit: {report:#}");
        Ok(())
    }

    /// Makes a key, and its tenant if need be, as `key create` is told; returns when both processes know it.
    pub(crate) fn key(&self, words: &str) -> Result<Key> {
        let words: Vec<&str> = ["key", "create"].into_iter().chain(words.split_whitespace()).collect();
        let made = self.run_store(&words)?;
        let of = |name: &str| {
            let line = made.stdout.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned()).with_context(|| format!("no {name}: {}", made.stderr))
        };
        let key = Key { id: of("key id")?, secret: of("secret")? };
        for client in self.both(&key) {
            // A key that may not read stock is known as well, by another refusal.
            wait_until(WITHIN, || Ok(client.get("/v1/stock?sku=any")?.status != 401))
                .context("a new key is unknown")?;
        }
        Ok(key)
    }

    /// Revokes a key of the tenant `mall`.
    pub(crate) fn revoke(&self, key: &Key) -> Result<()> {
        let revoked = self.run_store(&["key", "revoke", &key.id, "--tenant", "mall"])?;
        ensure!(revoked.status == Some(0), "{}", revoked.stderr);
        Ok(())
    }

    /// A payment center beside the servers.
    pub(crate) fn center(&self, arguments: &[&str]) -> Result<Center> {
        Center::start(&self.place, arguments)
    }

    /// The first process, as the owner of a key.
    pub(crate) fn first(&self, key: &Key) -> Client {
        Client::new(self.servers[0].address, &key.secret)
    }

    /// The second process; on SQLite the first.
    pub(crate) fn second(&self, key: &Key) -> Client {
        Client::new(self.servers[self.servers.len() - 1].address, &key.secret)
    }

    /// First and second.
    pub(crate) fn both(&self, key: &Key) -> [Client; 2] {
        [self.first(key), self.second(key)]
    }

    /// Runs a command on this store, beside its servers; what it printed.
    pub(crate) fn command(&self, words: &[&str]) -> Result<String> {
        let ended = self.run_store(words)?;
        ensure!(ended.status == Some(0), "{words:?}: {}", ended.stderr);
        Ok(ended.stdout)
    }

    /// Whether the store is a database server's.
    pub(crate) fn on_a_server(&self) -> bool {
        self.database.is_some()
    }

    /// Changes rows behind the servers' backs.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> Result<()> {
        if let Some(postgres) = &self.database {
            return postgres.execute(&format!("SET search_path = {database}; {sql}"));
        }
        let file = rusqlite::Connection::open(self.place.data().join(format!("{database}.sqlite")))?;
        file.busy_timeout(WITHIN)?;
        Ok(file.execute_batch(sql)?)
    }

    /// A command that reads the settings, on this store.
    fn run_store(&self, words: &[&str]) -> Result<Ended> {
        let kind = if self.database.is_some() { "postgres" } else { "sqlite" };
        self.run(&[words, &["--store", kind]].concat())
    }

    fn run(&self, words: &[&str]) -> Result<Ended> {
        match &self.database {
            Some(database) => self.place.run_with(words, &[(DATABASE_URL, &database.url())]),
            None => self.place.run(words),
        }
    }
}
