//! An endpoint of webhooks as a shop runs it: keeps what arrives, says whose secret signed it, and answers as it was told.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::taker::hmac;

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) event: Value,
    timestamp: String,
    signatures: Vec<String>,
    body: Vec<u8>,
}

impl Heard {
    /// Whether one of its signatures was made with this secret.
    pub(crate) fn is_signed_with(&self, secret: &str) -> Result<bool> {
        let signed = [format!("{}.{}.", self.id, self.timestamp).as_bytes(), &self.body].concat();
        Ok(self.signatures.contains(&format!("v1,{}", hmac(secret, &signed)?)))
    }

    /// What happened, and to which version of which order.
    pub(crate) fn told(&self) -> (&str, &str, i64) {
        let text = |name: &str| self.event[name].as_str().unwrap_or_default();
        (text("type"), text("order_no"), self.event["version"].as_i64().unwrap_or_default())
    }
}

/// Listens until the test's process ends.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    status: u16,
    heard: Vec<Heard>,
}

impl Receiver {
    /// One that answers this status to everything.
    pub(crate) fn listen(status: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared { status, heard: Vec::new() }));
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // A request that cannot be read gets no answer, and the story does not end.
                std::thread::spawn(move || drop(answer(stream, &kept)));
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Answers this status from now on.
    pub(crate) fn will_answer(&self, status: u16) {
        self.shared.lock().expect("no holder of it panics").status = status;
    }

    /// Everything that arrived so far, whatever was answered.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.lock().expect("no holder of it panics").heard.clone()
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<Shared>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut headers = HashMap::new();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        line.clear();
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.trim_end().split_once(": ") {
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            line.clear();
        }
        let header = |name: &str| headers.get(name).cloned().with_context(|| format!("no {name}"));
        let mut body = vec![0; header("content-length")?.parse()?];
        reader.read_exact(&mut body)?;
        let heard = Heard {
            id: header("webhook-id")?,
            event: serde_json::from_slice(&body)?,
            timestamp: header("webhook-timestamp")?,
            signatures: header("webhook-signature")?.split(' ').map(str::to_owned).collect(),
            body,
        };
        let status = {
            let mut shared = shared.lock().expect("no holder of it panics");
            shared.heard.push(heard);
            shared.status
        };
        write!(stream, "HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n")?;
    }
}
