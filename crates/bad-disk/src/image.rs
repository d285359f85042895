//! The bytes of the disk: the durable ones in a sparse file, the others in memory by sector, until a flush.
//!
//! Invariant: `durable` holds what a flush has promised, and what a power cut left; a read sees the newest bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Bytes that a disk writes whole or not at all. Origin: the logical sector of every disk.
pub const SECTOR_BYTES: u64 = 512;
const SECTOR: usize = 512;
/// Sectors of a block of the file system, which disks with 4-KiB sectors write whole.
const BLOCK_SECTORS: u64 = 8;
/// Of a hundred blocks that a power cut catches: torn ones, of which each sector has its own fate.
const TORN_PERCENT: u32 = 12;

/// What a power cut leaves of the sectors that were not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: the disk's memory is gone.
    Nothing,
    /// Some, in no order: a disk writes as it likes. The seed chooses how many and which.
    Some(u64),
}

/// How much was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Sectors that were not flushed.
    pub unflushed: usize,
    /// Those of them that are on the disk all the same.
    pub kept: usize,
}

/// A disk.
#[derive(Debug)]
pub struct Image {
    durable: File,
    bytes: u64,
    /// Newest content of the sectors written since the last flush.
    unflushed: BTreeMap<u64, Box<[u8; SECTOR]>>,
}

impl Image {
    /// An empty disk in a file that nobody else can see. `bytes` are rounded down to whole sectors.
    pub fn open(bytes: u64) -> io::Result<Self> {
        let bytes = bytes - bytes % SECTOR_BYTES;
        let durable = tempfile::tempfile()?;
        durable.set_len(bytes)?;
        Ok(Self { durable, bytes, unflushed: BTreeMap::new() })
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The newest bytes from an offset on, fewer at the end.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = self.bytes.min(offset.saturating_add(length as u64));
        let mut bytes = vec![0; to_usize(end.saturating_sub(offset))?];
        self.durable.read_exact_at(&mut bytes, offset.min(end))?;
        if bytes.is_empty() {
            return Ok(bytes);
        }
        let sectors = offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES);
        for (sector, content) in self.unflushed.range(sectors) {
            let start = sector * SECTOR_BYTES;
            let (from, to) = (start.max(offset), (start + SECTOR_BYTES).min(end));
            let target = to_usize(from - offset)?..to_usize(to - offset)?;
            bytes[target].copy_from_slice(&content[to_usize(from - start)?..to_usize(to - start)?]);
        }
        Ok(bytes)
    }

    /// Writes into memory only.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset.saturating_add(bytes.len() as u64) > self.bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a write beyond the end of the disk"));
        }
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let (sector, inside) = (at / SECTOR_BYTES, to_usize(at % SECTOR_BYTES)?);
            let part = (SECTOR - inside).min(bytes.len() - done);
            let whole = part == SECTOR;
            if !whole && !self.unflushed.contains_key(&sector) {
                let mut content = Box::new([0; SECTOR]);
                self.durable.read_exact_at(&mut content[..], sector * SECTOR_BYTES)?;
                self.unflushed.insert(sector, content);
            }
            let content = self.unflushed.entry(sector).or_insert_with(|| Box::new([0; SECTOR]));
            content[inside..inside + part].copy_from_slice(&bytes[done..done + part]);
            done += part;
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub fn flush(&mut self) -> io::Result<()> {
        for (sector, content) in &self.unflushed {
            self.durable.write_all_at(&content[..], sector * SECTOR_BYTES)?;
        }
        self.unflushed.clear();
        Ok(())
    }

    /// The power is cut: what was not flushed is gone, or a part of it.
    pub fn cut(&mut self, kept: Kept) -> io::Result<Cut> {
        let unflushed = std::mem::take(&mut self.unflushed);
        let mut cut = Cut { unflushed: unflushed.len(), kept: 0 };
        let Kept::Some(seed) = kept else { return Ok(cut) };
        let mut dice = StdRng::seed_from_u64(seed);
        let percent = dice.random_range(1..100);
        let (mut block, mut whole) = (u64::MAX, None);
        for (sector, content) in unflushed {
            if sector / BLOCK_SECTORS != block {
                block = sector / BLOCK_SECTORS;
                let torn = dice.random_range(0..100) < TORN_PERCENT;
                whole = (!torn).then(|| dice.random_range(0..100) < percent);
            }
            if whole.unwrap_or_else(|| dice.random_range(0..100) < percent) {
                self.durable.write_all_at(&content[..], sector * SECTOR_BYTES)?;
                cut.kept += 1;
            }
        }
        Ok(cut)
    }
}

fn to_usize(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK_BYTES: u64 = 1 << 20;

    #[test]
    fn reads_see_what_was_written_across_sectors_before_any_flush() {
        let mut image = Image::open(DISK_BYTES).unwrap();
        image.write(500, &[7; 1_000]).unwrap();
        let mut expected = vec![0; 100];
        expected[50..].fill(7);
        assert_eq!(image.read(450, 100).unwrap(), expected);
        assert_eq!(image.read(1_490, 20).unwrap(), [[7; 10], [0; 10]].concat());
        assert_eq!(image.read(DISK_BYTES - 3, 10).unwrap(), [0; 3]);
        assert_eq!(image.read(DISK_BYTES + 3, 10).unwrap(), []);
        assert!(image.write(DISK_BYTES - 3, &[1; 4]).is_err());
    }

    #[test]
    fn a_cut_keeps_what_was_flushed_and_nothing_else() {
        let mut image = Image::open(DISK_BYTES).unwrap();
        image.write(0, &[1; 600]).unwrap();
        image.flush().unwrap();
        image.write(100, &[2; 600]).unwrap();
        assert_eq!(image.cut(Kept::Nothing).unwrap(), Cut { unflushed: 2, kept: 0 });
        let after = image.read(0, 800).unwrap();
        assert_eq!(after, [vec![1; 600], vec![0; 200]].concat());
    }

    #[test]
    fn a_cut_may_keep_some_sectors_whole_and_the_seed_says_which() {
        let left = |seed| {
            let mut image = Image::open(DISK_BYTES).unwrap();
            image.write(0, &vec![9; 512 * 1_000]).unwrap();
            let cut = image.cut(Kept::Some(seed)).unwrap();
            (cut, image.read(0, 512 * 1_000).unwrap())
        };
        let (cut, bytes) = left(3);
        assert!(cut.kept > 0 && cut.kept < 1_000, "{cut:?}");
        assert!(bytes.chunks(512).all(|sector| sector == [9; 512] || sector == [0; 512]));
        assert_eq!(bytes.chunks(512).filter(|sector| sector[0] == 9).count(), cut.kept);
        assert_eq!(left(3).1, bytes);
        assert_ne!(left(4).1, bytes);
    }
}
