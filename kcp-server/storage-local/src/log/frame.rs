//! What stands in the log, byte by byte. All numbers are big-endian.
//!
//! A segment begins with a head of 32 bytes: magic and version (8), number of the segment (8), sequence
//! number of its first frame (8), 0 (4), CRC-32C of all that (4). Frames follow without gaps:
//!
//! | bytes | |
//! |---|---|
//! | 4 | magic |
//! | 4 | length of the payload |
//! | 4 | CRC-32C of what follows, and of the length |
//! | 8 | sequence number, one more than the frame before |
//! | 8 | bytes of this segment that were durable before the frame was written |
//! | … | payload |
//!
//! A frame is the unit of atomicity: one batch, one note, one compaction. The bytes known to be durable
//! are what tells a torn tail (nothing behind it was ever acknowledged) from damage.

use bytes::Bytes;
use kcp_names::Revision;

/// Magic and version of a segment.
const SEGMENT_MAGIC: [u8; 8] = *b"KCPLOG\0\x01";
/// Bytes of a segment's head.
pub(crate) const HEAD: usize = 32;
/// Begins each frame.
pub(super) const MAGIC: [u8; 4] = *b"kcpF";
/// Bytes in front of a payload.
pub(crate) const FRAME: usize = 4 + 4 + 4 + 8 + 8;
/// No frame is larger: a batch is split before it comes to this.
const FRAME_LIMIT: usize = 64 << 20;

const CHANGES: u8 = 1;
const NOTE: u8 = 2;
const COMPACTION: u8 = 3;

/// What one frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Changes with consecutive revisions.
    Changes {
        /// Revision of the first.
        first: Revision,
        /// In order.
        changes: Vec<Logged>,
    },
    /// A note was set, or removed.
    Note {
        /// Its name.
        name: String,
        /// What it says.
        value: Option<Bytes>,
    },
    /// History before this revision is forgotten.
    Compaction(Revision),
}

/// A change as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    /// Spelt key.
    pub(crate) key: Bytes,
    /// Revision that made the object, and the packed value; `None`: deleted.
    pub(crate) put: Option<(Revision, Bytes)>,
}

/// Writes a segment's head.
pub(crate) fn segment_head(number: u64, first: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&SEGMENT_MAGIC);
    head[8..16].copy_from_slice(&number.to_be_bytes());
    head[16..24].copy_from_slice(&first.to_be_bytes());
    let crc = crc32c::crc32c(&head[..28]);
    head[28..].copy_from_slice(&crc.to_be_bytes());
    head
}

/// What a segment's head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Number of the segment and sequence number of its first frame.
    Good(u64, u64),
    /// From a newer server; its version.
    Newer(u8),
    /// Not a head.
    Bad,
}

/// Reads a segment's head.
pub(crate) fn read_head(bytes: &[u8]) -> Head {
    let Some(head) = bytes.get(..HEAD) else { return Head::Bad };
    if head[28..] != crc32c::crc32c(&head[..28]).to_be_bytes() || head[..7] != SEGMENT_MAGIC[..7] {
        return Head::Bad;
    }
    if head[7] > SEGMENT_MAGIC[7] {
        return Head::Newer(head[7]);
    }
    Head::Good(long(head, 8), long(head, 16))
}

/// Appends a frame to `out`.
pub(crate) fn write_frame(entry: &Entry, sequence: u64, durable: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&durable.to_be_bytes());
    write_payload(entry, out);
    let length = u32::try_from(out.len() - start - FRAME).unwrap_or(u32::MAX).to_be_bytes();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&length), &out[start + 12..]);
    out[start + 4..start + 8].copy_from_slice(&length);
    out[start + 8..start + 12].copy_from_slice(&crc.to_be_bytes());
}

fn write_payload(entry: &Entry, out: &mut Vec<u8>) {
    match entry {
        Entry::Changes { first, changes } => {
            out.push(CHANGES);
            out.extend_from_slice(&first.0.to_be_bytes());
            for change in changes {
                write_bytes(Some(&change.key), out);
                write_bytes(change.put.as_ref().map(|(_, value)| &value[..]), out);
                if let Some((created, _)) = &change.put {
                    out.extend_from_slice(&created.0.to_be_bytes());
                }
            }
        }
        Entry::Note { name, value } => {
            out.push(NOTE);
            write_bytes(Some(name.as_bytes()), out);
            write_bytes(value.as_deref(), out);
        }
        Entry::Compaction(revision) => {
            out.push(COMPACTION);
            out.extend_from_slice(&revision.0.to_be_bytes());
        }
    }
}

/// Length plus one, then the bytes; 0: none.
fn write_bytes(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    let length = bytes.map_or(0, |bytes| u32::try_from(bytes.len() + 1).unwrap_or(u32::MAX));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// A frame that was found whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) sequence: u64,
    /// Bytes of the segment that were durable before it.
    pub(crate) durable: u64,
    pub(crate) payload: &'a [u8],
    /// Bytes of all of it.
    pub(crate) length: usize,
}

/// Reads the frame that `bytes` begins with; `None` if there is no whole one.
pub(crate) fn read_frame(bytes: &[u8]) -> Option<Found<'_>> {
    let head = bytes.get(..FRAME)?;
    let length = u32::from_be_bytes(head[4..8].try_into().ok()?) as usize;
    if head[..4] != MAGIC || length > FRAME_LIMIT {
        return None;
    }
    let checked = bytes.get(12..FRAME + length)?;
    if head[8..12] != crc32c::crc32c_append(crc32c::crc32c(&head[4..8]), checked).to_be_bytes() {
        return None;
    }
    let payload = &bytes[FRAME..FRAME + length];
    Some(Found { sequence: long(head, 12), durable: long(head, 20), payload, length: FRAME + length })
}

/// Reads a payload whose checksum was right; `None` if it says nothing that we know.
pub(crate) fn read_payload(payload: &[u8]) -> Option<Entry> {
    let mut bytes = Bytes::copy_from_slice(payload);
    let kind = take(&mut bytes, 1)?[0];
    let entry = match kind {
        CHANGES => {
            let first = Revision(take_long(&mut bytes)?);
            let mut changes = Vec::new();
            while !bytes.is_empty() {
                let key = take_bytes(&mut bytes)??;
                let put = match take_bytes(&mut bytes)? {
                    Some(value) => Some((Revision(take_long(&mut bytes)?), value)),
                    None => None,
                };
                changes.push(Logged { key, put });
            }
            Entry::Changes { first, changes }
        }
        NOTE => {
            let name = String::from_utf8(take_bytes(&mut bytes)??.to_vec()).ok()?;
            Entry::Note { name, value: take_bytes(&mut bytes)? }
        }
        COMPACTION => Entry::Compaction(Revision(take_long(&mut bytes)?)),
        _ => return None,
    };
    bytes.is_empty().then_some(entry)
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn take_long(bytes: &mut Bytes) -> Option<u64> {
    Some(u64::from_be_bytes(take(bytes, 8)?[..].try_into().ok()?))
}

fn take_bytes(bytes: &mut Bytes) -> Option<Option<Bytes>> {
    let length = u32::from_be_bytes(take(bytes, 4)?[..].try_into().ok()?) as usize;
    if length == 0 { Some(None) } else { take(bytes, length - 1).map(Some) }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [Entry; 4] {
        let put = |key: &'static [u8], value: &'static [u8]| Logged {
            key: Bytes::from_static(key),
            put: Some((Revision(5), Bytes::from_static(value))),
        };
        let delete = Logged { key: Bytes::from_static(b"b"), put: None };
        [
            Entry::Changes { first: Revision(7), changes: vec![put(b"a", b"value"), delete, put(b"c", b"")] },
            Entry::Note { name: "n".into(), value: Some(Bytes::new()) },
            Entry::Note { name: "n".into(), value: None },
            Entry::Compaction(Revision(4)),
        ]
    }

    #[test]
    fn entries_come_back() {
        for entry in entries() {
            let mut out = b"before".to_vec();
            write_frame(&entry, 17, 4096, &mut out);
            let found = read_frame(&out[6..]).expect("a frame");
            assert_eq!((found.sequence, found.durable, found.length), (17, 4096, out.len() - 6));
            assert_eq!(read_payload(found.payload), Some(entry));
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        for entry in entries() {
            let mut out = Vec::new();
            write_frame(&entry, 17, 4096, &mut out);
            for bit in 0..out.len() * 8 {
                let mut damaged = out.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(read_frame(&damaged).is_none(), "bit {bit}");
            }
            for cut in 0..out.len() {
                assert!(read_frame(&out[..cut]).is_none());
            }
        }
    }

    #[test]
    fn newer_segments_are_recognized() {
        assert_eq!(read_head(&segment_head(3, 9)), Head::Good(3, 9));
        let mut newer = segment_head(3, 9);
        newer[7] += 1;
        let crc = crc32c::crc32c(&newer[..28]);
        newer[28..].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(read_head(&newer), Head::Newer(2));
        newer[9] ^= 1;
        assert_eq!(read_head(&newer), Head::Bad);
    }
}
