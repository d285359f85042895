//! `fuzz-api`: the real server, driven by schemathesis from its own `OpenAPI` document. Every operation that is published
//! is covered, today's and tomorrow's, without a word here.
//!
//! A case fails on any 5xx, on a status, content type, header or body that the document does not have, and on a method
//! that is taken or refused otherwise than it says. The server is the dev build: it panics on an overflow, which a release
//! build would wrap in silence. Rounds with successive seeds run until enough cases were sent.
//!
//! Deliberately absent: shrinking. A failure prints the request that caused it, as a curl command, and its seed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process;
use crate::workspace::Workspace;

/// The newest when this was written; another finds other cases under the same seed.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// What must hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance";

/// One round at most. Reason: a failure is shown at the end of its round, and the count as well.
const ROUND_WITHIN: Duration = Duration::from_mins(5);

/// Cases per operation before the next operation has its turn; a round goes round until its time is spent.
const PER_OPERATION: &str = "100";

/// The scopes of the key: all that a key of a whole tenant can have.
const SCOPES: [&str; 5] = ["shop", "price", "hold", "admin", "read"];

/// How much is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// At least so many cases, if they come within the time.
    pub(crate) cases: u64,
    /// The first round's seed.
    pub(crate) seed: u64,
    /// No round begins after that.
    pub(crate) within: Duration,
}

/// Runs the plan; fails on the first round with a failure.
pub(crate) fn run(workspace: &Workspace, plan: Plan) -> Result<()> {
    let folder = workspace.target().join("fuzz-api");
    fs::create_dir_all(&folder)?;
    let schemathesis = schemathesis(&folder)?;
    let mut server = Server::start(&workspace.debug_program("holdline")?, &folder)?;
    let operations = operations(workspace.root())?;
    let began = Instant::now();
    let (mut sent, mut seed) = (0, plan.seed);
    while sent < plan.cases && began.elapsed() < plan.within {
        let rest = plan.within.saturating_sub(began.elapsed()).min(ROUND_WITHIN);
        let report = folder.join("report.json");
        let mut round = Command::new(&schemathesis);
        round.arg("run").arg(format!("{}/openapi.json", server.url));
        round.args(["--phases", "examples,coverage,fuzzing,stateful", "--checks", CHECKS]);
        round.args(["--max-examples", PER_OPERATION, "--seed", &seed.to_string()]);
        round.args(["--max-time", &rest.as_secs().max(1).to_string(), "--continue-on-failure", "--no-shrink"]);
        round.args(["--generation-database", "none", "--warnings", "off", "--no-color"]);
        round.args(["--report", "json", "--report-json-path"]).arg(&report);
        // A key of a throw-away store, so it may be seen among the words of the command.
        round.args(["--header", &format!("Authorization: Bearer {}", server.key)]).current_dir(&folder);
        let ended = process::status(&mut round)?;
        sent += cases_of(&report, operations)?;
        server.assert_sound()?;
        ensure!(
            ended.success(),
            "the API does not do what it says; what it was asked and answered is above (seed {seed})"
        );
        seed += 1;
    }
    let seconds = began.elapsed().as_secs();
    println!(
        "{sent} cases on {operations} operations in {seconds} s, seeds {} to {}: none failed",
        plan.seed,
        seed - 1
    );
    if sent < plan.cases {
        println!("{} were asked for: this machine did not come to more in the time", plan.cases);
    }
    Ok(())
}

/// Makes the program's own environment under the target folder, once.
fn schemathesis(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join("venv");
    let (program, marker) = (venv.join("bin/schemathesis"), venv.join(SCHEMATHESIS));
    if !marker.is_file() {
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        process::run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))
            .context("the API's fuzzer comes from PyPI: give this machine a way to it")?;
        File::create(&marker)?;
    }
    Ok(program)
}

/// How many operations the published document has besides the reading of itself, which schemathesis leaves out.
fn operations(root: &Path) -> Result<u64> {
    let document: Value = serde_json::from_slice(&fs::read(root.join("api/openapi.json"))?)?;
    let paths = document["paths"].as_object().context("api/openapi.json has no paths")?;
    let count = paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum::<usize>();
    u64::try_from(count)?.checked_sub(1).context("api/openapi.json has no operations")
}

fn cases_of(report: &Path, operations: u64) -> Result<u64> {
    let text = fs::read(report).context("schemathesis wrote no report")?;
    let report: Value = serde_json::from_slice(&text)?;
    let tested = report["operations"]["tested"].as_u64();
    ensure!(tested == Some(operations), "{tested:?} of {operations} operations were tested");
    report["test_cases"]["generated"].as_u64().filter(|cases| *cases > 0).context("schemathesis sent nothing")
}

/// A server on a store of its own; both end with it.
struct Server {
    child: Child,
    url: String,
    key: String,
    data: PathBuf,
    log: PathBuf,
}

impl Server {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join(format!("data-{}", std::process::id()));
        let setting = format!("store.data={}", data.display());
        let mut create = Command::new(program);
        create.args(["key", "create", "--tenant", "fuzz", "--client", "fuzz", "--price-source", "caller"]);
        create.args(SCOPES.iter().flat_map(|scope| ["--scope", scope])).args(["--set", &setting]);
        let said = String::from_utf8(process::output(&mut create)?)?;
        let key = said.split_whitespace().find(|word| word.starts_with("hl_")).context("no key was made")?.to_owned();
        let log = folder.join("server.log");
        let mut serve = Command::new(program);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--set", &setting, "--set", "log.level=warn"]);
        let mut child = serve.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().context("the server has no output")?;
        let mut server = Self { child, url: String::new(), key, data, log };
        BufReader::new(output).read_line(&mut line)?;
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        server.url = url.with_context(|| format!("the server did not start: {}", server.said()))?.to_owned();
        Ok(server)
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// It still runs, and nothing panicked: a panic in a handler is answered, and must not go unseen.
    fn assert_sound(&mut self) -> Result<()> {
        let said = self.said();
        if said.contains("panicked at") {
            bail!("the server panicked:\n{said}");
        }
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended ({status}):\n{said}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended already is what we want, and so is a folder that is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Result<u64> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("report.json");
        fs::write(&path, text)?;
        cases_of(&path, 2)
    }

    #[test]
    fn an_operation_that_was_not_tested_and_an_empty_run_are_failures() {
        let operations = r#""operations":{"selected":2,"tested":2}"#;
        assert_eq!(report(&format!(r#"{{{operations},"test_cases":{{"generated":7}}}}"#)).unwrap(), 7);
        assert!(report(&format!(r#"{{{operations},"test_cases":{{"generated":0}}}}"#)).is_err());
        assert!(report(r#"{"operations":{"selected":2,"tested":1},"test_cases":{"generated":7}}"#).is_err());
    }

    #[test]
    fn operations_are_counted_from_the_document() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("api")).unwrap();
        let document = r#"{"paths":{"/a":{"get":{},"post":{}},"/b":{"put":{}}}}"#;
        fs::write(root.path().join("api/openapi.json"), document).unwrap();
        assert_eq!(operations(root.path()).unwrap(), 2);
    }
}
