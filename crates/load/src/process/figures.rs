//! CPU time and memory of a process, out of `/proc` (Linux only).

use std::{fs, io};

use super::ProcessError;

/// CPU time of this process so far, user and system, of all its threads, in seconds: the load's own cost.
pub fn own_cpu_seconds() -> Result<f64, ProcessError> {
    cpu_seconds(std::process::id())
}

/// CPU time of a process so far, user and system, of all its threads, in seconds; grain 10 ms on usual kernels.
/// Format: proc(5), `/proc/pid/stat`, fields 14 and 15.
pub fn cpu_seconds(pid: u32) -> Result<f64, ProcessError> {
    cpu_fields(pid, 2)
}

/// CPU time so far of a process, its ended and waited-for children, and its present children, in seconds.
/// `PostgreSQL` has one process per connection.
pub fn tree_cpu_seconds(pid: u32) -> Result<f64, ProcessError> {
    // A child that ends meanwhile is counted by its parent the next time.
    let present: f64 = children(pid)?.into_iter().filter_map(|child| cpu_fields(child, 2).ok()).sum();
    Ok(cpu_fields(pid, 4)? + present)
}

/// The present children of a process.
pub fn children(pid: u32) -> Result<Vec<u32>, ProcessError> {
    let listed = read_proc(pid, &format!("task/{pid}/children"))?;
    Ok(listed.split_whitespace().filter_map(|child| child.parse().ok()).collect())
}

/// The sum of the first `count` of the fields utime, stime, cutime and cstime, in seconds.
fn cpu_fields(pid: u32, count: usize) -> Result<f64, ProcessError> {
    let stat = read_proc(pid, "stat")?;
    // The second field is the name in parentheses and may hold anything, so count from its end.
    let ticks = stat.rsplit_once(") ").and_then(|(_, fields)| {
        fields.split(' ').skip(11).take(count).map(|field| field.parse::<u32>().ok()).sum::<Option<u32>>()
    });
    let ticks = ticks.ok_or_else(|| unreadable(pid))?;
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).expect("a clock of few ticks");
    Ok(f64::from(ticks) / f64::from(per_second))
}

/// Resident memory of a process in bytes. Format: proc(5), `/proc/pid/status`, `VmRSS` in KiB.
pub fn rss_bytes(pid: u32) -> Result<u64, ProcessError> {
    let status = read_proc(pid, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kib.ok_or_else(|| unreadable(pid))? * 1024)
}

fn read_proc(pid: u32, file: &str) -> Result<String, ProcessError> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(|source| ProcessError::System {
        action: "read the figures of",
        pid,
        source,
    })
}

fn unreadable(pid: u32) -> ProcessError {
    let source = io::Error::new(io::ErrorKind::InvalidData, "/proc does not say (the process may have ended)");
    ProcessError::System { action: "read the figures of", pid, source }
}
