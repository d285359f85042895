//! The baseline on a private PostgreSQL: `plain_postgres [CONNECTIONS] [SECONDS]`, default 100 and 10.

use std::time::Duration;

use holdline_load::machine::{fdatasync, filesystem_type};
use holdline_load::plain_postgres::{PlainPlan, run};
use holdline_load::private_postgres::{Options, PrivatePostgres};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let connections = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let postgres = PrivatePostgres::start(Options::default())?;
    postgres.create_database("plain")?;
    let plan = PlainPlan {
        url: postgres.url("plain"),
        connections,
        warm_up: Duration::from_secs(2),
        duration: Duration::from_secs(seconds),
    };
    let result = run(&plan)?;
    println!("{}", serde_json::to_string_pretty(&result)?);
    let directory = postgres.directory();
    println!("postgres {} on {}", postgres.version(), filesystem_type(directory)?);
    println!("fdatasync {:?}", fdatasync(directory)?);
    println!("cpu_server_seconds {:.2}", postgres.cpu_seconds()?);
    postgres.stop()?;
    Ok(())
}
