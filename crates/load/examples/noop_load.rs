//! Closed loop of POSTs with a body of about 400 bytes, to compare with `wrk` on the same server and cores.
//!
//! `noop_load ADDRESS [CONNECTIONS] [SECONDS] [THREADS] [RATE]`, default 100, 10, 1 and a closed loop. The same with wrk:
//! `wrk -t2 -c100 -d10s -s FILE http://ADDRESS/` with `wrk.method = "POST"` and the body as `wrk.body`.

use std::time::Duration;

use holdline_load::generator::{Load, Outcome, Plan, Script, Step, run};
use holdline_load::http::{Response, write_request};
use holdline_load::process::own_cpu_seconds;

struct Post(Vec<u8>);

impl Script for Post {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        request.extend_from_slice(&self.0);
        Step::Send
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        if response.status == 201 { Outcome::Accepted("2026112200000001") } else { Outcome::Error("status") }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let target = arguments.first().map_or("127.0.0.1:8090", String::as_str).parse()?;
    let mut request = Vec::new();
    let body = format!(r#"{{"buyer_id":"b1","lines":[{{"sku":"s1","quantity":1}}],"note":"{}"}}"#, "n".repeat(330));
    let headers =
        [("host", "127.0.0.1"), ("content-type", "application/json"), ("idempotency-key", "0123456789abcdef")];
    write_request(&mut request, "POST", "/v1/orders", &headers, body.as_bytes());

    let mut plan = Plan::new(target, Duration::from_secs(number(2, 10)?));
    plan.warm_up = Duration::from_secs(1);
    plan.threads = usize::try_from(number(3, 1)?)?;
    if let Some(rate) = arguments.get(4) {
        plan.load = Load::Open { requests_per_second: rate.parse()? };
    }
    let result = run(&plan, (0..number(1, 100)?).map(|_| Post(request.clone())).collect())?;
    println!("requests_per_second={:.0} {:?}", result.requests_per_second, result.accepted());
    println!("errors={:?} late={} not_started={}", result.errors, result.late, result.not_started);
    println!("start_delay={:?} keys={}", result.start_delay, result.acknowledged.len());
    println!("cpu_seconds={:.2}", own_cpu_seconds()?);
    Ok(())
}
