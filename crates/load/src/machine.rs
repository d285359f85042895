//! Facts about this machine for reports: a figure without its machine is no figure.
//!
//! Linux only, read from `/proc` and statfs; a fact that cannot be read is an empty text or zero, because a report
//! without a CPU's name is still worth printing. Measuring (`fdatasync`) does fail loudly.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::report::LatencySummary;

/// Bytes of one append in the measurement of fdatasync: about one batch of orders.
const FDATASYNC_APPEND_BYTES: usize = 64 * 1024;
/// Appends in the measurement of fdatasync.
const FDATASYNC_ROUNDS: usize = 300;

/// What stands beside every figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's name.
    pub cpu_model: String,
    /// CPUs this process may use.
    pub cpus: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// Reads the facts.
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        let memory = field(&text("/proc/meminfo"), "MemTotal");
        let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        Self {
            cpu_model: field(&text("/proc/cpuinfo"), "model name"),
            cpus: available_parallelism().map_or(0, Into::into),
            memory_bytes: memory_kib * 1024,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// The type of the filesystem that holds `directory`, as the mount table names it (`ext4`, `xfs`, `tmpfs`, …).
pub fn filesystem_type(directory: &Path) -> io::Result<String> {
    let directory = directory.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(deepest_mount(&mounts, &directory).unwrap_or("unknown").to_owned())
}

/// Whether `directory` is in memory only (tmpfs, ramfs): durability measured there means nothing.
/// Magic numbers: statfs(2).
pub fn is_tmpfs(directory: &Path) -> io::Result<bool> {
    const TMPFS_MAGIC: u32 = 0x0102_1994;
    const RAMFS_MAGIC: u32 = 0x8584_58f6;
    // The kernel's type of the field differs by architecture; the magic number is its low 32 bits.
    let magic = u32::try_from(rustix::fs::statfs(directory)?.f_type & 0xffff_ffff).unwrap_or(0);
    Ok(magic == TMPFS_MAGIC || magic == RAMFS_MAGIC)
}

/// Measures what one durable write costs in `directory`: 300 appends of 64 KiB, each followed by fdatasync. Only the
/// fdatasync is timed. The file is removed.
pub fn fdatasync(directory: &Path) -> io::Result<LatencySummary> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    let block = vec![0x5a; FDATASYNC_APPEND_BYTES];
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("a valid range");
    for _ in 0..FDATASYNC_ROUNDS {
        file.write_all(&block)?;
        let started = Instant::now();
        file.as_file().sync_data()?;
        histogram.saturating_record(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(LatencySummary::from_microseconds(&histogram))
}

/// The filesystem type of the deepest mount point above `directory`. Format: proc(5), `/proc/pid/mountinfo`; the last
/// of several mounts on one point hides the others.
fn deepest_mount<'m>(mounts: &'m str, directory: &Path) -> Option<&'m str> {
    let candidates = mounts.lines().filter_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        // Space, tab, line break and backslash are octal; only the space is worth reading back.
        let point = mount.split(' ').nth(4)?.replace("\\040", " ");
        let depth = Path::new(&point).components().count();
        directory.starts_with(&point).then(|| Some((depth, filesystem.split(' ').next()?)))?
    });
    candidates.max_by_key(|(depth, _)| *depth).map(|(_, filesystem)| filesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                          22 21 0:5 / /dev rw shared:2 - devtmpfs none rw\n\
                          23 22 0:6 / /dev/shm rw - tmpfs none rw\n\
                          24 21 8:1 / /my\\040disk rw - xfs /dev/sda rw\n";

    #[test]
    fn the_deepest_mount_names_the_filesystem() {
        for (directory, filesystem) in
            [("/home", "ext4"), ("/dev/shm/x", "tmpfs"), ("/dev/shmx", "devtmpfs"), ("/my disk/a", "xfs")]
        {
            assert_eq!(deepest_mount(MOUNTS, Path::new(directory)), Some(filesystem));
        }
    }

    #[test]
    fn memory_only_filesystems_are_told_apart() {
        assert!(is_tmpfs(Path::new("/dev/shm")).expect("/dev/shm exists on Linux"));
        assert!(!is_tmpfs(Path::new("/proc")).expect("/proc exists on Linux"));
        assert_eq!(filesystem_type(Path::new("/proc")).expect("/proc exists on Linux"), "proc");
    }

    #[test]
    fn the_machine_has_a_kernel_and_memory() {
        let machine = Machine::read();
        assert!(machine.cpus > 0 && machine.memory_bytes > 0 && !machine.kernel.is_empty());
    }

    #[test]
    fn fdatasync_is_measured_over_all_rounds() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let summary = fdatasync(directory.path()).expect("a writable directory");
        assert_eq!(summary.count, 300);
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 0);
    }
}
