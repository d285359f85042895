//! A disk for tests, as bad as disks get: it loses at a power cut what was not flushed, it fails, it lies, it fills up.
//!
//! - [`image`]: the bytes: what is durable, what waits for a flush, what a power cut leaves. Plain code, no kernel.
//! - [`device`]: the image shown to the kernel by FUSE as a file `disk`, ruled through a file `control` beside it.
//! - [`order`]: the words of that file.
//! - [`volume`]: a loop device on that file and ext4 on the loop device, switched off and on.
//! - [`proof`]: shows on a volume that the disk is as bad as it says.
//!
//! Why FUSE, loop and ext4: they are in every kernel and need no module of their own. A flush of the file system becomes an
//! `fsync` of the file `disk`, so the device knows what was promised. Power-cut targets of the device mapper need a module
//! and a program that few machines have.
//!
//! Deliberately absent: anything of the product. Who tests with it starts `bad-disk run`, or calls `bad-disk` by its words.

pub mod device;
pub mod image;
pub mod order;
pub mod proof;
pub mod volume;
