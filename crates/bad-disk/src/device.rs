//! The image as two files of a FUSE file system: `disk`, for a loop device, and `control`, for whoever makes trouble.
//!
//! A line written to `control` is an [`Order`]; reading it tells how things stand. Every power cut begins a new generation
//! of `disk` under another inode: who still holds the old one open, as a file system does that was unmounted lazily, gets
//! errors for ever and can neither write to the new disk nor share a cached page with it.
//!
//! One thread answers everything, so an order takes effect between two requests of the kernel. A flush that is held is
//! answered later, by another order; nothing blocks.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite,
    Request, TimeOrNow, WriteFlags,
};
use parking_lot::Mutex;

use crate::image::{Cut, Image};
use crate::order::Order;

/// The file of the disk.
pub const DISK: &str = "disk";
/// The file of the orders.
pub const CONTROL: &str = "control";

const CONTROL_INODE: u64 = 2;
/// Inode of the disk's first generation.
const DISK_INODE: u64 = 16;
/// Nothing may be remembered by the kernel: generations and sizes change.
const NO_TIME: Duration = Duration::ZERO;

/// How the disk answers flushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flushes {
    Done,
    Held,
    FailOnce,
    Lied,
}

struct State {
    image: Image,
    generation: u64,
    powered: bool,
    flushes: Flushes,
    /// Flushes that wait, oldest first.
    held: VecDeque<ReplyEmpty>,
    /// Flushes done since the start.
    done: u64,
    last_cut: Cut,
}

impl State {
    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Off => {
                self.powered = false;
                self.flushes = Flushes::Done;
                self.held.drain(..).for_each(|flush| flush.error(Errno::EIO));
            }
            Order::On(kept) => {
                self.obey(Order::Off)?;
                self.last_cut = self.image.cut(kept)?;
                self.generation += 1;
                self.powered = true;
            }
            Order::Hold => self.flushes = Flushes::Held,
            Order::Pass => {
                if let Some(flush) = self.held.pop_front() {
                    self.flush(flush);
                }
            }
            Order::Release => {
                self.flushes = Flushes::Done;
                while let Some(flush) = self.held.pop_front() {
                    self.flush(flush);
                }
            }
            Order::Fail => self.flushes = Flushes::FailOnce,
            Order::Lie => self.flushes = Flushes::Lied,
        }
        Ok(())
    }

    fn flush(&mut self, reply: ReplyEmpty) {
        match self.image.flush() {
            Ok(()) => {
                self.done += 1;
                reply.ok();
            }
            Err(error) => reply.error(error.into()),
        }
    }

    fn flush_wanted(&mut self, reply: ReplyEmpty) {
        match self.flushes {
            Flushes::Done => self.flush(reply),
            Flushes::Held => self.held.push_back(reply),
            Flushes::FailOnce => {
                self.flushes = Flushes::Done;
                reply.error(Errno::EIO);
            }
            Flushes::Lied => reply.ok(),
        }
    }

    /// Whether a file is the disk of today.
    fn is_disk(&self, inode: INodeNo) -> bool {
        self.powered && u64::from(inode) == self.disk_inode()
    }

    fn disk_inode(&self) -> u64 {
        DISK_INODE + self.generation
    }

    fn told(&self) -> String {
        let mut text = String::new();
        let Cut { unflushed, kept } = self.last_cut;
        let (power, held, done, cuts) = (u8::from(self.powered), self.held.len(), self.done, self.generation);
        writeln!(text, "power={power} held={held} flushed={done} cuts={cuts} unflushed={unflushed} kept={kept}")
            .expect("a String takes every text");
        text
    }

    fn attributes(&self, inode: u64) -> Option<FileAttr> {
        let (kind, perm, size) = match inode {
            1 => (FileType::Directory, 0o755, 0),
            CONTROL_INODE => (FileType::RegularFile, 0o600, 0),
            disk if disk == self.disk_inode() => (FileType::RegularFile, 0o600, self.image.bytes()),
            _ => return None,
        };
        let (ino, now) = (INodeNo(inode), UNIX_EPOCH);
        Some(FileAttr {
            ino,
            size,
            blocks: size.div_ceil(512),
            atime: now,
            mtime: now,
            ctime: now,
            crtime: now,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4_096,
            flags: 0,
        })
    }
}

/// The file system; the lock is held for one request.
struct Device {
    state: Mutex<State>,
}

/// Shows a disk of some size in a folder, until the session is dropped.
pub fn mount(folder: &Path, bytes: u64) -> io::Result<BackgroundSession> {
    let state = State {
        image: Image::open(bytes)?,
        generation: 0,
        powered: true,
        flushes: Flushes::Done,
        held: VecDeque::new(),
        done: 0,
        last_cut: Cut::default(),
    };
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("bad-disk".to_owned()), MountOption::NoAtime];
    fuser::spawn_mount(Device { state: Mutex::new(state) }, folder, &config)
}

impl Filesystem for Device {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state.lock();
        let inode = match name.to_str() {
            Some(DISK) => state.disk_inode(),
            Some(CONTROL) => CONTROL_INODE,
            _ => return reply.error(Errno::ENOENT),
        };
        match state.attributes(inode) {
            Some(attributes) => reply.entry(&NO_TIME, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state.lock().attributes(inode.into()) {
            Some(attributes) => reply.attr(&NO_TIME, &attributes),
            None => reply.error(Errno::EIO),
        }
    }

    // Asked for by a shell's `> control`; nothing changes.
    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        match self.state.lock().attributes(inode.into()) {
            Some(attributes) => reply.attr(&NO_TIME, &attributes),
            None => reply.error(Errno::EIO),
        }
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let direct = u64::from(inode) == CONTROL_INODE;
        reply.opened(FileHandle(0), if direct { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() });
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let state = self.state.lock();
        if u64::from(inode) == CONTROL_INODE {
            let told = state.told().into_bytes().into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
            return reply.data(&told.take(size as usize).collect::<Vec<_>>());
        }
        if !state.is_disk(inode) {
            return reply.error(Errno::EIO);
        }
        match state.image.read(offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.state.lock();
        let written = if u64::from(inode) == CONTROL_INODE {
            match std::str::from_utf8(data).ok().and_then(Order::parse) {
                Some(order) => state.obey(order),
                None => return reply.error(Errno::EINVAL),
            }
        } else if state.is_disk(inode) {
            state.image.write(offset, data)
        } else {
            return reply.error(Errno::EIO);
        };
        match (written, u32::try_from(data.len())) {
            (Ok(()), Ok(length)) => reply.written(length),
            (Err(error), _) => reply.error(error.into()),
            (_, Err(_)) => reply.error(Errno::EINVAL),
        }
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.state.lock();
        if state.is_disk(inode) { state.flush_wanted(reply) } else { reply.error(Errno::EIO) }
    }
}
