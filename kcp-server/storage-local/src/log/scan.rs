//! Reading the log at start: what is whole is handed on, a torn tail is cut, damage is refused.
//!
//! A tail is torn if power or process went while it was written. Such bytes were never acknowledged,
//! and nothing acknowledged can stand behind them. So a frame that cannot be read is damage, and not a
//! torn tail, if anything shows that it had been durable: a later segment exists, a later frame says
//! that this place was synced before it was written, or the engine has applied what stood there.

use super::{
    frame::{self, Entry, FRAME, HEAD, Head},
    segment_path,
};
use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

/// Where the log ends.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Number of the last segment.
    pub(crate) number: u64,
    /// Its bytes, after the cut; 0: it has to be begun anew.
    pub(crate) length: u64,
    /// Sequence number of the next frame.
    pub(crate) next: u64,
    /// Older segments, with the sequence number of the last frame of each.
    pub(crate) older: VecDeque<(u64, u64)>,
    /// The torn tail that was cut off.
    pub(crate) cut: Option<Cut>,
}

/// A torn tail that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub file: PathBuf,
    /// Its bytes that were kept.
    pub at: u64,
    /// The bytes behind, none of them ever acknowledged.
    pub bytes: u64,
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("{}: damaged at byte {at}: {why}", file.display())]
    At { file: PathBuf, at: u64, why: &'static str },
    #[error("{}: written by a newer server (log version {version})", file.display())]
    Newer { file: PathBuf, version: u8 },
    #[error("{}: the log begins behind what the engine has (frame {first}, wanted {wanted})", directory.display())]
    Gap { directory: PathBuf, first: u64, wanted: u64 },
    #[error("{}: there is no log", directory.display())]
    Missing { directory: PathBuf },
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Apply(String),
}

impl Scan {
    /// Reads all segments; gives each entry behind frame `applied` to `apply`, in order; cuts a torn
    /// tail off and makes the cut durable.
    pub(crate) fn run(
        directory: &Path,
        applied: u64,
        mut apply: impl FnMut(u64, Entry) -> Result<(), String>,
    ) -> Result<Self, Damage> {
        let (leftovers, numbers) = segments(directory)?;
        let Some((&last, older)) = numbers.split_last() else {
            return Err(Damage::Missing { directory: directory.to_owned() });
        };
        // A killed process may have written frames that it did not sync. They will be seen from now on,
        // by readers and by the engine, so they must stay. Older segments were synced.
        fs::File::open(segment_path(directory, last))?.sync_all()?;
        let mut scan = Self { number: last, length: 0, next: 0, older: VecDeque::new(), cut: None };
        for &number in older {
            let read = scan.segment(directory, number, applied, &mut apply)?;
            if let Some(torn) = read.torn {
                return Err(read.damage(torn, "a later segment shows that this was durable"));
            }
            scan.older.push_back((number, scan.next - 1));
        }
        let read = scan.segment(directory, last, applied, &mut apply)?;
        scan.length = read.bytes.len() as u64;
        if let Some(torn) = read.torn {
            scan.cut_tail(&read, torn, applied)?;
        }
        if scan.next <= applied {
            return Err(read.damage(read.bytes.len(), "the engine has applied what should follow"));
        }
        for number in leftovers {
            fs::remove_file(segment_path(directory, number))?;
        }
        Ok(scan)
    }

    /// Reads one segment up to its end or the first frame that is not whole.
    fn segment(
        &mut self,
        directory: &Path,
        number: u64,
        applied: u64,
        apply: &mut impl FnMut(u64, Entry) -> Result<(), String>,
    ) -> Result<Segment, Damage> {
        let file = segment_path(directory, number);
        let mut read = Segment { bytes: fs::read(&file)?, file, torn: None };
        match frame::read_head(&read.bytes) {
            Head::Newer(version) => return Err(Damage::Newer { file: read.file, version }),
            Head::Good(stands, first) if stands == number && (self.next == 0 || self.next == first) => {
                if self.next == 0 && first > applied + 1 {
                    let directory = directory.to_owned();
                    return Err(Damage::Gap { directory, first, wanted: applied + 1 });
                }
                self.next = first;
            }
            Head::Good(..) => return Err(read.damage(0, "not the segment that its name says")),
            // The first segment's head was durable before the store was; a later one's can be torn.
            Head::Bad if self.next == 0 => return Err(read.damage(0, "no head of a segment")),
            Head::Bad => {
                read.torn = Some(0);
                return Ok(read);
            }
        }
        let mut at = HEAD;
        while at < read.bytes.len() {
            let Some(found) = frame::read_frame(&read.bytes[at..]) else {
                read.torn = Some(at);
                return Ok(read);
            };
            if found.sequence != self.next || found.durable > at as u64 {
                return Err(read.damage(at, "a frame that does not follow the one before"));
            }
            if found.sequence > applied {
                let entry = frame::read_payload(found.payload)
                    .ok_or_else(|| read.damage(at, "an entry that this server does not know"))?;
                apply(found.sequence, entry).map_err(Damage::Apply)?;
            }
            self.next += 1;
            at += found.length;
        }
        Ok(read)
    }

    /// Cuts the last segment at `torn`, unless something shows that what stood there was durable.
    fn cut_tail(&mut self, read: &Segment, torn: usize, applied: u64) -> Result<(), Damage> {
        if applied >= self.next {
            return Err(read.damage(torn, "the engine has applied what stood here"));
        }
        if read.later_frame_knows(torn) {
            return Err(read.damage(torn, "a later frame shows that this was durable"));
        }
        let file = fs::OpenOptions::new().write(true).open(&read.file)?;
        file.set_len(torn as u64)?;
        file.sync_all()?;
        self.length = torn as u64;
        let bytes = (read.bytes.len() - torn) as u64;
        self.cut = Some(Cut { file: read.file.clone(), at: torn as u64, bytes });
        Ok(())
    }
}

/// A segment in memory.
struct Segment {
    file: PathBuf,
    bytes: Vec<u8>,
    /// Where the first frame that is not whole begins.
    torn: Option<usize>,
}

impl Segment {
    fn damage(&self, at: usize, why: &'static str) -> Damage {
        Damage::At { file: self.file.clone(), at: at as u64, why }
    }

    /// Whether a whole frame behind `torn` was written when what stands at `torn` was durable.
    fn later_frame_knows(&self, torn: usize) -> bool {
        let behind = &self.bytes[torn..];
        let marks = behind.windows(frame::MAGIC.len()).enumerate().skip(1);
        marks
            .filter(|(_, window)| **window == frame::MAGIC)
            .filter_map(|(at, _)| frame::read_frame(&behind[at..]))
            .any(|found| found.durable > torn as u64 && found.length >= FRAME)
    }
}

/// Numbers of the segments, ascending, behind those that are left over: segments before a hole, whose
/// removal was not completed. The engine has what was in them, or the first frame is not the one wanted.
fn segments(directory: &Path) -> Result<(Vec<u64>, Vec<u64>), Damage> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(directory)? {
        let name = file?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    let from = numbers.windows(2).rposition(|pair| pair[0] + 1 < pair[1]).map_or(0, |at| at + 1);
    let rest = numbers.split_off(from);
    Ok((numbers, rest))
}
