//! A volume on the disk: a loop device on the file `disk`, ext4 on the loop device, mounted.
//!
//! All of it lies in one folder: `device` (the FUSE file system), `volume` (where ext4 is mounted), `loop` (a file that names
//! the loop device). Needs root, and the programs `losetup`, `mkfs.ext4`, `mount` and `umount` of every Linux.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::device::{CONTROL, DISK};

/// The file that takes the room away.
const BALLAST: &str = "ballast";
/// The first and the smallest piece of room that is asked for when the volume is filled, in bytes.
const PIECE_BYTES_MAX: u64 = 1 << 30;
const PIECE_BYTES_MIN: u64 = 4_096;
/// What this needs of a machine: a device and what it is for.
const DEVICES: [(&str, &str); 2] =
    [("/dev/fuse", "FUSE in the kernel (`modprobe fuse`)"), ("/dev/loop-control", "loop devices (`modprobe loop`)")];
const PROGRAMS: [(&str, &str); 4] =
    [("losetup", "util-linux"), ("mount", "util-linux"), ("umount", "util-linux"), ("mkfs.ext4", "e2fsprogs")];

/// Where everything of one disk lies.
#[derive(Clone, Debug)]
pub struct Volume {
    folder: PathBuf,
}

/// What the machine lacks for a disk of this kind, in words; nothing if all is there.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("the rights of root, to mount".to_owned());
    }
    let devices = DEVICES.iter().filter(|(device, _)| File::options().read(true).write(true).open(device).is_err());
    missing.extend(devices.map(|(device, what)| format!("{device}: {what}")));
    let programs = PROGRAMS.iter().filter(|(program, _)| Command::new(program).arg("-V").output().is_err());
    missing.extend(programs.map(|(program, package)| format!("the program {program} (package {package})")));
    missing
}

impl Volume {
    /// In a folder that exists.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the FUSE file system belongs.
    pub fn device_folder(&self) -> PathBuf {
        self.folder.join("device")
    }

    /// Where ext4 is mounted.
    pub fn mount_point(&self) -> PathBuf {
        self.folder.join("volume")
    }

    fn loop_file(&self) -> PathBuf {
        self.folder.join("loop")
    }

    /// Makes the folders, every user may enter them. What a run that was killed left mounted there is let go.
    pub fn prepare(&self) -> Result<()> {
        if self.told().is_ok() {
            bail!("another disk is at work in {}", self.folder.display());
        }
        self.switch_off();
        for folder in [self.folder.clone(), self.device_folder(), self.mount_point()] {
            let cannot = || format!("cannot make {}", folder.display());
            fs::create_dir_all(&folder).with_context(cannot)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).with_context(cannot)?;
        }
        Ok(())
    }

    /// Gives the device an order; see [`crate::order::Order`].
    pub fn tell(&self, order: &str) -> Result<()> {
        let control = self.device_folder().join(CONTROL);
        let told = File::options().write(true).open(&control).and_then(|mut file| file.write_all(order.as_bytes()));
        told.with_context(|| format!("the disk did not take the order `{order}`"))
    }

    /// How the device says things stand.
    pub fn told(&self) -> io::Result<String> {
        let mut text = String::new();
        File::open(self.device_folder().join(CONTROL))?.read_to_string(&mut text)?;
        Ok(text.trim().to_owned())
    }

    /// One number of [`Self::told`].
    pub fn number(&self, name: &str) -> Result<u64> {
        let told = self.told()?;
        let found = told.split_whitespace().filter_map(|word| word.split_once('=')).find(|(key, _)| *key == name);
        let (_, value) = found.with_context(|| format!("the disk says nothing of {name}: {told}"))?;
        Ok(value.parse()?)
    }

    /// Makes ext4 on the disk. Nothing is set aside for root, so that a full volume is full for everybody.
    pub fn format(&self) -> Result<()> {
        let disk = self.device_folder().join(DISK);
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0", "-E", "nodiscard"]).arg(disk))
    }

    /// Takes a loop device and mounts; ext4 recovers from its journal.
    pub fn mount(&self) -> Result<()> {
        let disk = self.device_folder().join(DISK);
        let device = output(Command::new("losetup").args(["--find", "--show"]).arg(disk))?;
        fs::write(self.loop_file(), &device)?;
        run(Command::new("mount").args(["-t", "ext4"]).arg(device.trim()).arg(self.mount_point()))
    }

    /// Lets the mount and the loop device go, whoever still uses them. Nothing there is no failure.
    pub fn switch_off(&self) {
        // Each may be gone already: after a killed run, or because the kernel let it go with its last user.
        let _ = output(Command::new("umount").arg("--lazy").arg(self.mount_point()));
        if let Ok(device) = fs::read_to_string(self.loop_file()) {
            let _ = output(Command::new("losetup").arg("--detach").arg(device.trim()));
            let _ = fs::remove_file(self.loop_file());
        }
        if self.told().is_err() {
            let _ = output(Command::new("umount").arg("--lazy").arg(self.device_folder()));
        }
    }

    /// The power comes back: what was not flushed is lost, or with a seed a part of it, and the volume is mounted again.
    pub fn switch_on(&self, seed: Option<u64>) -> Result<()> {
        self.switch_off();
        self.tell(&seed.map_or_else(|| "on".to_owned(), |seed| format!("on {seed}")))?;
        self.mount()
    }

    /// Takes all room that is left.
    pub fn fill(&self) -> Result<()> {
        ensure!(self.is_mounted()?, "nothing is mounted at {}", self.mount_point().display());
        let ballast = self.mount_point().join(BALLAST);
        let file = File::options().create(true).append(true).open(&ballast)?;
        let (mut end, mut piece) = (file.metadata()?.len(), PIECE_BYTES_MAX);
        while piece >= PIECE_BYTES_MIN {
            match fallocate(&file, FallocateFlags::empty(), end, piece) {
                Ok(()) => end += piece,
                Err(Errno::NOSPC) => piece /= 2,
                Err(error) => return Err(error).context("the volume cannot be filled"),
            }
        }
        Ok(())
    }

    /// Whether there is a file system of its own: what is done to the volume must never be done to the machine's disk.
    fn is_mounted(&self) -> io::Result<bool> {
        Ok(fs::metadata(self.mount_point())?.dev() != fs::metadata(&self.folder)?.dev())
    }

    /// Gives the room back.
    pub fn free(&self) -> Result<()> {
        fs::remove_file(self.mount_point().join(BALLAST)).context("the volume was not filled")?;
        File::open(self.mount_point())?.sync_all()?;
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn run(command: &mut Command) -> Result<()> {
    output(command).map(|_| ())
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
