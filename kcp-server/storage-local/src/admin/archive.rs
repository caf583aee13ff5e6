//! The file of a backup. All numbers are big-endian.
//!
//! Magic and version (8 bytes), then blocks: length of the content (4), CRC-32C of it (4), content. A
//! content is a list of items, each a byte that says what it is and then: `o` an object (key, value,
//! created, modified), `n` a note (name, value), `e` the end (objects, notes, revision). Text and values
//! have their length (4) in front; keys and values are as the store has them. The last block holds the
//! end and nothing else; a file without it is not complete.

use crate::rows::Live;
use bytes::{Buf, Bytes};
use kcp_names::Revision;
use std::io::{self, Read};

const MAGIC: [u8; 8] = *b"KCPBKP\0\x01";
/// Bytes of a block, about.
const BLOCK: usize = 256 << 10;
/// No block is larger: one object is at most 1.5 MiB.
const BLOCK_LIMIT: usize = 8 << 20;

const OBJECT: u8 = b'o';
const NOTE: u8 = b'n';
const END: u8 = b'e';

/// One thing in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A spelt key and its object.
    Object(Bytes, Live),
    /// A note's name and what it says.
    Note(Bytes, Bytes),
    /// All has been read.
    End(Totals),
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) objects: u64,
    pub(super) notes: u64,
    pub(super) revision: Revision,
}

/// Writes a backup, a block at a time, for somebody to take.
pub(super) struct Writer {
    /// Blocks that are done.
    out: Vec<u8>,
    block: Vec<u8>,
    totals: Totals,
}

impl Writer {
    pub(super) fn new(revision: Revision) -> Self {
        let totals = Totals { revision, ..Totals::default() };
        Self { out: MAGIC.to_vec(), block: Vec::new(), totals }
    }

    pub(super) fn object(&mut self, key: &[u8], live: &Live) {
        self.block.push(OBJECT);
        self.text(key);
        self.text(&live.packed);
        self.block.extend_from_slice(&live.created.0.to_be_bytes());
        self.block.extend_from_slice(&live.modified.0.to_be_bytes());
        self.totals.objects += 1;
        self.end_block(BLOCK);
    }

    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        self.block.push(NOTE);
        self.text(name);
        self.text(value);
        self.totals.notes += 1;
        self.end_block(BLOCK);
    }

    /// Writes the end.
    pub(super) fn finish(&mut self) {
        self.end_block(1);
        self.block.push(END);
        for number in [self.totals.objects, self.totals.notes, self.totals.revision.0] {
            self.block.extend_from_slice(&number.to_be_bytes());
        }
        self.end_block(1);
    }

    /// Whether there is a block to take.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() > MAGIC.len()
    }

    /// The blocks that are done.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }

    /// Keys and values are far below what the length can say.
    fn text(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(&length(bytes));
        self.block.extend_from_slice(bytes);
    }

    /// Ends the block, if it has so many bytes.
    fn end_block(&mut self, least: usize) {
        if self.block.len() < least {
            return;
        }
        self.out.extend_from_slice(&length(&self.block));
        self.out.extend_from_slice(&crc32c::crc32c(&self.block).to_be_bytes());
        self.out.extend_from_slice(&self.block);
        self.block.clear();
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Reads a backup, item by item. The last is the end, and its numbers are those that were read.
pub(super) struct Reader<R> {
    input: R,
    block: Bytes,
    seen: Totals,
    pub(super) bytes: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(mut input: R) -> Result<Self, String> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|_| "this is no backup of a store".to_owned())?;
        if magic[..7] != MAGIC[..7] {
            return Err("this is no backup of a store".into());
        }
        if magic[7] != MAGIC[7] {
            return Err(format!("the backup has version {}, and this server reads {}", magic[7], MAGIC[7]));
        }
        Ok(Self { input, block: Bytes::new(), seen: Totals::default(), bytes: MAGIC.len() as u64 })
    }

    /// Objects that were read so far.
    pub(super) fn objects(&self) -> u64 {
        self.seen.objects
    }

    pub(super) fn next(&mut self) -> Result<Item, String> {
        if self.block.is_empty() {
            self.read_block()?;
        }
        let damaged = || format!("damaged before byte {}", self.bytes);
        let item = read_item(&mut self.block).ok_or_else(damaged)?;
        match &item {
            Item::Object(..) => self.seen.objects += 1,
            Item::Note(..) => self.seen.notes += 1,
            Item::End(totals) => {
                let seen = Totals { revision: totals.revision, ..self.seen };
                if *totals != seen || !self.block.is_empty() || self.input.read(&mut [0]).map_or(0, |n| n) > 0
                {
                    return Err(format!("holds {seen:?} and should hold {totals:?}"));
                }
            }
        }
        Ok(item)
    }

    fn read_block(&mut self) -> Result<(), String> {
        let cut = |error: io::Error| format!("cut off at byte {}: {error}", self.bytes);
        let mut head = [0; 8];
        self.input.read_exact(&mut head).map_err(cut)?;
        let (length, crc) = head.split_at(4);
        let length = length.iter().fold(0, |number: usize, byte| number << 8 | usize::from(*byte));
        if length > BLOCK_LIMIT {
            return Err(format!("damaged at byte {}", self.bytes));
        }
        let mut block = vec![0; length];
        self.input.read_exact(&mut block).map_err(cut)?;
        if crc32c::crc32c(&block).to_be_bytes() != *crc {
            return Err(format!("damaged at byte {}", self.bytes));
        }
        self.bytes += 8 + length as u64;
        self.block = block.into();
        Ok(())
    }
}

fn read_item(block: &mut Bytes) -> Option<Item> {
    match read_some(block, 1)?[0] {
        OBJECT => {
            let (key, packed) = (read_text(block)?, read_text(block)?);
            let (created, modified) = (read_number(block)?, read_number(block)?);
            let live = Live { created: Revision(created), modified: Revision(modified), packed };
            Some(Item::Object(key, live))
        }
        NOTE => Some(Item::Note(read_text(block)?, read_text(block)?)),
        END => {
            let (objects, notes) = (read_number(block)?, read_number(block)?);
            Some(Item::End(Totals { objects, notes, revision: Revision(read_number(block)?) }))
        }
        _ => None,
    }
}

fn read_some(block: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= block.len()).then(|| block.split_to(length))
}

fn read_number(block: &mut Bytes) -> Option<u64> {
    Some(read_some(block, 8)?.get_u64())
}

fn read_text(block: &mut Bytes) -> Option<Bytes> {
    let length = read_some(block, 4)?.get_u32();
    read_some(block, length as usize)
}
