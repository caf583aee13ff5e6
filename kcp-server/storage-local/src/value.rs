//! How values are kept: the record header as it is, the JSON compressed with a dictionary.
//!
//! Every object of a control plane repeats the same words, and most are about a kilobyte. So the
//! dictionary is the words (`dictionary.txt`), built in and never trained: format 1 of a value can be
//! read by every server that knows format 1. Another dictionary will be another format.

use bytes::Bytes;
use kcp_storage::record;
use parking_lot::Mutex;
use std::{io, sync::LazyLock};
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// Contexts of the codec that are kept for the next value.
const IDLE_CONTEXTS: usize = 4;
/// Values below this are not worth it.
const SMALL: usize = record::LENGTH + 64;

const PLAIN: u8 = 0;
const DICTIONARY_1: u8 = 1;
/// Format byte and length of the value.
const PREFIX: usize = 1 + 4;

static WORDS: &[u8] = include_bytes!("dictionary.txt");
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(WORDS, 1));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(WORDS));
static COMPRESSORS: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

/// Packs a value.
pub(crate) fn pack(value: &[u8]) -> Bytes {
    if value.len() >= SMALL
        && let Ok(length) = u32::try_from(value.len())
        && let Ok(packed) = compress(&value[record::LENGTH..])
        && packed.len() + PREFIX < value.len() - record::LENGTH
    {
        let mut out = Vec::with_capacity(PREFIX + record::LENGTH + packed.len());
        out.push(DICTIONARY_1);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&value[..record::LENGTH]);
        out.extend_from_slice(&packed);
        return out.into();
    }
    [&[PLAIN], value].concat().into()
}

/// Unpacks what [`pack`] packed.
pub(crate) fn unpack(packed: &[u8]) -> io::Result<Bytes> {
    match packed.split_first() {
        Some((&PLAIN, value)) => Ok(Bytes::copy_from_slice(value)),
        Some((&DICTIONARY_1, rest)) if rest.len() >= PREFIX - 1 + record::LENGTH => {
            let (length, rest) = rest.split_at(PREFIX - 1);
            let length = u32::from_be_bytes(length.try_into().map_err(io::Error::other)?) as usize;
            let (head, json) = rest.split_at(record::LENGTH);
            if !(record::LENGTH..=kcp_storage::VALUE_LIMIT).contains(&length) {
                return Err(damaged());
            }
            let mut out = vec![0; length];
            out[..record::LENGTH].copy_from_slice(head);
            decompress(json, &mut out[record::LENGTH..])?;
            Ok(out.into())
        }
        Some(_) | None => Err(damaged()),
    }
}

/// The first bytes of a packed value, as [`kcp_storage::Header::peek`] wants them.
pub(crate) fn head(packed: &[u8]) -> &[u8] {
    match packed.first() {
        Some(&PLAIN) => &packed[1..],
        Some(&DICTIONARY_1) => packed.get(PREFIX..).unwrap_or_default(),
        Some(_) | None => &[],
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a stored value is damaged")
}

fn compress(json: &[u8]) -> io::Result<Vec<u8>> {
    let idle = COMPRESSORS.lock().pop();
    let mut compressor = match idle {
        Some(compressor) => compressor,
        None => Compressor::with_prepared_dictionary(&ENCODER)?,
    };
    let packed = compressor.compress(json);
    keep(&COMPRESSORS, compressor);
    packed
}

fn decompress(packed: &[u8], out: &mut [u8]) -> io::Result<()> {
    let idle = DECOMPRESSORS.lock().pop();
    let mut decompressor = match idle {
        Some(decompressor) => decompressor,
        None => Decompressor::with_prepared_dictionary(&DECODER)?,
    };
    let length = decompressor.decompress_to_buffer(packed, out);
    keep(&DECOMPRESSORS, decompressor);
    if length? == out.len() { Ok(()) } else { Err(damaged()) }
}

fn keep<T>(idle: &Mutex<Vec<T>>, context: T) {
    let mut idle = idle.lock();
    if idle.len() < IDLE_CONTEXTS {
        idle.push(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_storage::Header;

    fn check(json: &[u8]) -> usize {
        let header = Header { closed: true, expires: 7, ..Header::default() };
        let value = header.seal(json);
        let packed = pack(&value);
        assert_eq!(unpack(&packed).expect("unpacks"), value);
        assert_eq!(Header::peek(head(&packed)), (true, 7));
        packed.len()
    }

    #[test]
    fn values_come_back() {
        check(b"");
        check(b"{}");
        check(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
        check(&vec![b'a'; 1 << 20]);
        for short in [&b""[..], b"a", b"abc"] {
            assert_eq!(unpack(&pack(short)).expect("unpacks"), short);
        }
    }

    #[test]
    fn a_typical_object_shrinks_to_less_than_half() {
        let json = br#"{"apiVersion":"v1","data":{"key":"value-1"},"kind":"ConfigMap","metadata":{"creationTimestamp":"2026-08-01T10:20:30Z","managedFields":[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:key":{}}},"manager":"kubectl-create","operation":"Update","time":"2026-08-01T10:20:30Z"}],"name":"settings","namespace":"default","uid":"3a2f1c9e-8a7b-4c55-9d0f-0c4f5a1e2b3d"}}"#;
        assert!(check(json) * 2 < json.len());
    }

    #[test]
    fn damaged_values_are_told() {
        let packed = pack(&Header::default().seal(&[b'x'; 500]));
        for cut in 0..packed.len() {
            assert!(unpack(&packed[..cut]).is_err(), "{cut}");
        }
        assert!(unpack(&[9, 9]).is_err());
    }
}
