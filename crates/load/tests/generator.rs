//! Runs of the load generator against a real listener.

mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use holdline_load::generator::{Load, Outcome, Plan, RunResult, Script, Step, run};
use holdline_load::http::{HttpError, Response, write_request};
use server::{Server, read_request, response};
use tokio::io::AsyncWriteExt as _;

/// Posts its number again and again and takes the answer's body as the key.
#[derive(Default)]
struct Post {
    hang_up_every: Option<u64>,
    sent: u64,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    lost: AtomicU64,
    hung_up: AtomicU64,
}

impl Script for Post {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        assert!(request.is_empty());
        write_request(request, "POST", "/", &[], self.sent.to_string().as_bytes());
        self.sent += 1;
        let hangs_up = self.hang_up_every.is_some_and(|every| self.sent.is_multiple_of(every));
        if hangs_up { Step::SendAndHangUp } else { Step::Send }
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        let key = std::str::from_utf8(response.body).expect("a key");
        match response.status {
            201 => Outcome::Accepted(key),
            200 => Outcome::Replayed(key),
            409 => Outcome::Refused,
            503 => Outcome::Busy,
            _ => Outcome::Error("status"),
        }
    }

    fn lost(&mut self, _: &HttpError) {
        self.told.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn hung_up(&mut self) {
        self.told.hung_up.fetch_add(1, Ordering::Relaxed);
    }
}

fn scripts(connections: usize) -> Vec<Post> {
    (0..connections).map(|_| Post::default()).collect()
}

/// A server that accepts every request under a number of its own.
fn counting() -> (Server, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&count);
    let server = Server::answering(move |_| response(201, "", &shared.fetch_add(1, Ordering::Relaxed).to_string()));
    (server, count)
}

fn plan(server: &Server) -> Plan {
    Plan::new(server.address, Duration::from_mins(1))
}

fn answers(result: &RunResult) -> u64 {
    let counts = result.counts;
    counts.accepted + counts.replayed + counts.refused + counts.busy + counts.error
}

#[test]
fn a_fixed_number_of_requests_is_sent_and_counted_exactly_once() {
    let (server, count) = counting();
    let plan = Plan { requests: Some(500), threads: 2, ..plan(&server) };
    let result = run(&plan, scripts(7)).unwrap();
    assert_eq!((count.load(Ordering::Relaxed), result.counts.accepted, answers(&result)), (500, 500, 500));
    assert_eq!((result.statuses[&201], result.errors_total(), result.accepted().count), (500, 0, 500));
    let keys: BTreeSet<&str> = result.acknowledged.iter().collect();
    assert_eq!((keys.len(), result.acknowledged.len()), (500, 500));
    assert_eq!(result.seconds.iter().map(|second| second.accepted).sum::<u64>(), 500);
    assert_eq!((plan.control.completed(), plan.control.accepted()), (500, 500));
}

#[test]
fn the_warm_up_counts_in_no_figure_but_its_keys_are_kept() {
    let (server, _) = counting();
    let plan = Plan { warm_up: Duration::from_mins(1), requests: Some(50), ..plan(&server) };
    let result = run(&plan, scripts(3)).unwrap();
    assert_eq!((answers(&result), result.seconds.len(), result.acknowledged.len()), (0, 0, 50));
}

#[test]
fn each_outcome_has_its_own_count() {
    let statuses = [201, 200, 409, 503, 500];
    let count = AtomicU64::new(0);
    let count = Arc::new(count);
    let server = Server::answering(move |_| {
        let index = usize::try_from(count.fetch_add(1, Ordering::Relaxed)).unwrap() % statuses.len();
        response(statuses[index], "", "key")
    });
    let result = run(&Plan { requests: Some(50), ..plan(&server) }, scripts(1)).unwrap();
    let counts = result.counts;
    assert_eq!([counts.accepted, counts.replayed, counts.refused, counts.busy, counts.error], [10; 5]);
    assert_eq!((result.errors["status"], result.all().count, result.acknowledged.len()), (10, 50, 20));
}

#[test]
fn the_open_loop_keeps_its_schedule() {
    let (server, count) = counting();
    let load = Load::Open { requests_per_second: 500.0 };
    let plan = Plan { load, duration: Duration::from_millis(400), threads: 2, ..plan(&server) };
    let result = run(&plan, scripts(8)).unwrap();
    assert_eq!(result.counts.accepted + result.not_started, 200);
    assert_eq!(
        (count.load(Ordering::Relaxed), result.start_delay.count),
        (result.counts.accepted, result.counts.accepted)
    );
}

#[test]
fn the_open_loop_charges_a_stall_to_every_request_it_kept_waiting() {
    const STALL: Duration = Duration::from_millis(300);
    let server = Server::start(|_, mut stream| async move {
        let mut stall = Some(STALL);
        while read_request(&mut stream).await.is_some() {
            // The stalled server is what is under test; nothing waits for this to order events.
            tokio::time::sleep(stall.take().unwrap_or_default()).await;
            stream.write_all(&response(201, "", "")).await.unwrap();
        }
    });
    let open = Plan {
        load: Load::Open { requests_per_second: 100.0 },
        duration: Duration::from_secs(2),
        requests: Some(40),
        ..plan(&server)
    };
    let open = run(&open, scripts(1)).unwrap();
    // Arrivals at 0, 10, … 390 ms; those before 200 ms waited 100 ms or more, which is half of them.
    assert_eq!(open.counts.accepted, 40);
    assert!(open.all().p50_ms >= 90.0 && open.all().max_ms >= 300.0, "{:?}", open.all());
    assert!(open.late >= 20, "{}", open.late);

    // The closed loop meets the same stall once.
    let closed = run(&Plan { requests: Some(40), ..plan(&server) }, scripts(1)).unwrap();
    assert!(closed.all().p50_ms < 90.0 && closed.all().max_ms >= 300.0, "{:?}", closed.all());
}

#[test]
fn a_server_that_never_answers_cannot_hold_the_run() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let bounded = Plan {
        duration: Duration::from_millis(500),
        drain: Duration::from_millis(100),
        request_timeout: Duration::from_hours(1),
        ..plan(&server)
    };
    let started = Instant::now();
    let result = run(&bounded, scripts(5)).unwrap();
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!((result.errors["timeout"], answers(&result)), (5, 0));

    let load = Load::Open { requests_per_second: 1000.0 };
    let result = run(&Plan { load, ..bounded }, scripts(5)).unwrap();
    assert_eq!((result.errors["timeout"], result.not_started), (5, 495));
}

#[test]
fn a_slow_request_times_out_and_the_connection_is_made_anew() {
    let server = Server::start(|number, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            stream.write_all(&response(201, "", "")).await.unwrap();
        }
    });
    let plan = Plan { requests: Some(3), request_timeout: Duration::from_secs(1), ..plan(&server) };
    let result = run(&plan, scripts(1)).unwrap();
    assert_eq!((result.errors["timeout"], result.counts.accepted, result.reconnects), (1, 2, 1));
}

#[test]
fn a_connection_closed_in_an_answer_is_one_error_and_one_reconnect() {
    let server = Server::start(|number, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            let mut bytes = response(201, "", "key");
            if number == 0 {
                bytes.pop();
            }
            stream.write_all(&bytes).await.unwrap();
            if number == 0 {
                return;
            }
        }
    });
    let script = Post::default();
    let told = Arc::clone(&script.told);
    let result = run(&Plan { requests: Some(3), ..plan(&server) }, vec![script]).unwrap();
    assert_eq!((result.errors["closed_in_answer"], result.errors_total()), (1, 1));
    assert_eq!((result.counts.accepted, result.reconnects, told.lost.load(Ordering::Relaxed)), (2, 1, 1));
}

#[test]
fn without_a_server_every_connection_gives_up_after_a_bounded_number_of_attempts() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plan = Plan { reconnects_max: 3, ..Plan::new(address, Duration::from_hours(1)) };
    let result = run(&plan, scripts(2)).unwrap();
    assert_eq!((result.gave_up, result.errors["connect"], answers(&result)), (2, 8, 0));
}

#[test]
fn a_client_that_hangs_up_goes_on_with_a_new_connection() {
    let (server, _) = counting();
    let script = Post { hang_up_every: Some(5), ..Post::default() };
    let told = Arc::clone(&script.told);
    let result = run(&Plan { requests: Some(20), ..plan(&server) }, vec![script]).unwrap();
    assert_eq!((result.hung_up, told.hung_up.load(Ordering::Relaxed)), (4, 4));
    assert_eq!((result.counts.accepted, result.errors_total(), result.reconnects), (16, 0, 3));
}

#[test]
fn a_run_stops_when_told_to() {
    let plan_control = holdline_load::generator::Control::default();
    let control = plan_control.clone();
    let count = Arc::new(AtomicU64::new(0));
    let server = Server::answering(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == 10 {
            control.stop();
        }
        response(201, "", "")
    });
    let plan = Plan { control: plan_control, duration: Duration::from_hours(1), ..plan(&server) };
    let result = run(&plan, scripts(1)).unwrap();
    assert_eq!(result.counts.accepted, 11);
    assert!(result.measured_seconds < 3600.0);
}

#[test]
fn a_run_ends_rather_than_forget_an_acknowledged_key() {
    let (server, count) = counting();
    let plan = Plan { keys_bytes_max: 100, duration: Duration::from_hours(1), ..plan(&server) };
    let result = run(&plan, scripts(3)).unwrap();
    assert!(result.keys_full);
    assert_eq!(result.acknowledged.len() as u64, count.load(Ordering::Relaxed));
}

#[test]
fn a_plan_without_a_connection_or_a_rate_is_refused() {
    let (server, _) = counting();
    assert!(run(&plan(&server), Vec::<Post>::new()).is_err());
    for requests_per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(run(&Plan { load: Load::Open { requests_per_second }, ..plan(&server) }, scripts(1)).is_err());
    }
}
