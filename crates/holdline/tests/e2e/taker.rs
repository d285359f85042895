//! A taker of holds as Holdline asks it: answers as it was told, and believes only what is signed.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The signing key of the installations under test, as they are told it.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Listens until the test's process ends.
pub(crate) struct Taker {
    address: SocketAddr,
    shared: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    answers: HashMap<String, &'static str>,
    questions: Vec<Value>,
}

impl Taker {
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Told::default()));
        let told = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A question that cannot be read or is not signed gets no answer, and the story does not end.
                let _ = answer(stream, &told);
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it says of a hold from now on.
    pub(crate) fn will_say(&self, hold_id: &str, state: &'static str) {
        self.shared.lock().expect("no holder of it panics").answers.insert(hold_id.to_owned(), state);
    }

    /// The questions about a hold so far.
    pub(crate) fn asked(&self, hold_id: &str) -> Vec<Value> {
        let told = self.shared.lock().expect("no holder of it panics");
        told.questions.iter().filter(|question| question["hold_id"] == hold_id).cloned().collect()
    }
}

fn answer(mut stream: TcpStream, told: &Mutex<Told>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut headers = HashMap::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        line.clear();
    }
    let header = |name: &str| headers.get(name).cloned().with_context(|| format!("no {name}"));
    let mut body = vec![0; header("content-length")?.parse()?];
    reader.read_exact(&mut body)?;
    let signed = [format!("{}.{}.", header("webhook-id")?, header("webhook-timestamp")?).as_bytes(), &body].concat();
    anyhow::ensure!(header("webhook-signature")? == format!("v1,{}", hmac(SECRET, &signed)?), "not signed");
    let question: Value = serde_json::from_slice(&body)?;
    let state = {
        let mut told = told.lock().expect("no holder of it panics");
        let state = question["hold_id"].as_str().and_then(|id| told.answers.get(id)).copied();
        told.questions.push(question);
        state.unwrap_or("unknown")
    };
    let text = json!({ "state": state }).to_string();
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )?;
    Ok(())
}

/// HMAC-SHA256 by its definition (RFC 2104), so that the signature is judged by something else than what made it.
pub(crate) fn hmac(secret: &str, message: &[u8]) -> Result<String> {
    let mut key = STANDARD.decode(secret.trim_start_matches("whsec_"))?;
    key.resize(64, 0);
    let padded = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    Ok(STANDARD.encode(outer))
}
