//! A program in one transaction.

use holdline_domain::fault::{Fault, Outcome};
use holdline_domain::time::UnixMillis;

use super::pool::Lease;
use crate::engine::{Program, Step, Write};

/// Runs a program to its end. Whatever goes wrong before COMMIT was sent is `NotDone`; it is sent with the writes. A connection that
/// could not say that it rolled back, or on which the caller hung up, is closed: the server rolls back.
pub(super) async fn run<P: Program>(lease: &mut Lease<'_>, program: P) -> Result<P::Outcome, Fault> {
    lease.in_use();
    let mut begun = false;
    let (writes, outcome) = match decided(lease, program, &mut begun).await {
        Ok(decided) => decided,
        Err(fault) => return Err(undone(lease, begun, fault).await),
    };
    match lease.write_and_commit(&writes, !begun).await {
        Ok(()) => {
            lease.is_sound();
            Ok(outcome)
        }
        Err(fault) => match fault.outcome {
            Outcome::NotDone => Err(undone(lease, true, fault).await),
            Outcome::Unknown => Err(fault),
        },
    }
}

async fn decided<P: Program>(
    lease: &mut Lease<'_>,
    mut program: P,
    begun: &mut bool,
) -> Result<(Vec<Write>, P::Outcome), Fault> {
    let mut step = program.next(Vec::new(), UnixMillis::default())?;
    let mut read = None;
    loop {
        match step {
            Step::Read(lookups) => {
                let begin = !std::mem::replace(begun, true);
                let (rows, now) = lease.read(&lookups, begin, read).await?;
                read = Some(now);
                step = program.next(rows, now)?;
            }
            Step::Write(writes, outcome) => return Ok((writes, outcome)),
        }
    }
}

/// Rolls back and hands the fault on.
async fn undone(lease: &mut Lease<'_>, begun: bool, fault: Fault) -> Fault {
    if !begun || lease.roll_back().await.is_ok() {
        lease.is_sound();
    }
    fault
}
