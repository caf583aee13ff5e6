//! A stored object: canonical JSON behind a small header that says where to splice.
//!
//! The JSON holds neither `metadata.resourceVersion` nor the annotations that come from the key
//! (`kcp.io/cluster`, `kcp.io/shard`). The header holds the places where they go, so that serving an
//! object costs a copy and no parse.

use bytes::{BufMut, Bytes, BytesMut};
use kcp_names::Revision;

/// First byte of every stored value. A value that begins with a greater one is from a newer server.
pub const FORMAT: u8 = 1;

/// Bytes of a header of format 1.
pub const LENGTH: usize = 1 + 1 + 8 + 8 + 4 * 4;

const CLOSED: u8 = 1;
const HAS_ANNOTATIONS: u8 = 2;

/// What the server keeps beside the JSON of an object. All offsets count from the JSON's first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Nothing may be created beneath this object any more (a logical cluster or namespace that is
    /// being emptied). See [`crate::Require`].
    pub closed: bool,
    /// Content id of the schema under which the JSON was pruned and defaulted; 0: none.
    pub schema: u64,
    /// Seconds since 1970 after which the store removes the object; 0: never.
    pub expires: u64,
    /// Where the value of `apiVersion` begins (its opening quote) …
    pub api_version: u32,
    /// … and the offset just behind it.
    pub api_version_end: u32,
    /// Where projected annotations go: just behind the `{` of `metadata.annotations` if
    /// `has_annotations`, else where the member `"annotations"` belongs in `metadata`.
    pub annotations: u32,
    /// Whether `metadata.annotations` exists (and then has at least one member).
    pub has_annotations: bool,
    /// Where the member `"resourceVersion"` belongs in `metadata`, behind a comma that is there or
    /// before one that has to be added: the offset of the member that follows it (`"uid"`, always
    /// present on stored objects).
    pub resource_version: u32,
}

/// An object as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Header and JSON.
    pub value: Bytes,
    /// Revision of the write that made the object.
    pub created: Revision,
    /// Revision of the write that last changed it.
    pub modified: Revision,
}

/// A stored value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer server.
    #[error("stored value has format {0}, and this server reads up to {FORMAT}")]
    Newer(u8),
    /// Too short for its header, or offsets outside of the JSON.
    #[error("stored value is damaged")]
    Damaged,
}

impl Header {
    /// What a store has to know of a value: whether it is closed, and when it expires (0: never).
    /// The value's first [`LENGTH`] bytes suffice; damaged ones are neither closed nor do they expire.
    #[must_use]
    pub fn peek(head: &[u8]) -> (bool, u64) {
        let closed = head.get(1).is_some_and(|flags| flags & CLOSED != 0);
        let expires = head.get(10..18).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        (closed, expires)
    }

    /// Puts the header in front of `json`.
    #[must_use]
    pub fn seal(&self, json: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(LENGTH + json.len());
        out.put_u8(FORMAT);
        out.put_u8(
            if self.closed { CLOSED } else { 0 } | if self.has_annotations { HAS_ANNOTATIONS } else { 0 },
        );
        out.put_u64(self.schema);
        out.put_u64(self.expires);
        out.put_u32(self.api_version);
        out.put_u32(self.api_version_end);
        out.put_u32(self.annotations);
        out.put_u32(self.resource_version);
        out.put_slice(json);
        out.freeze()
    }

    /// Reads the header of a stored value.
    ///
    /// # Errors
    /// A newer format, or a damaged value.
    pub fn read(value: &[u8]) -> Result<Self, RecordError> {
        let format = *value.first().ok_or(RecordError::Damaged)?;
        if format > FORMAT {
            return Err(RecordError::Newer(format));
        }
        if format == 0 || value.len() < LENGTH {
            return Err(RecordError::Damaged);
        }
        let long = |at: usize| u64::from_be_bytes(value[at..at + 8].try_into().unwrap_or_default());
        let short = |at: usize| u32::from_be_bytes(value[at..at + 4].try_into().unwrap_or_default());
        let header = Self {
            closed: value[1] & CLOSED != 0,
            has_annotations: value[1] & HAS_ANNOTATIONS != 0,
            schema: long(2),
            expires: long(10),
            api_version: short(18),
            api_version_end: short(22),
            annotations: short(26),
            resource_version: short(30),
        };
        let json = value.len() - LENGTH;
        let inside = |offset: u32| offset as usize <= json;
        let sound = inside(header.api_version_end)
            && header.api_version <= header.api_version_end
            && inside(header.annotations)
            && inside(header.resource_version);
        if sound { Ok(header) } else { Err(RecordError::Damaged) }
    }
}

impl Record {
    /// The object's JSON as stored.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        self.value.get(LENGTH..).unwrap_or_default()
    }

    /// The header.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn header(&self) -> Result<Header, RecordError> {
        Header::read(&self.value)
    }

    /// Whether nothing may be created beneath the object any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        Header::peek(&self.value).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back() {
        let header = Header {
            closed: true,
            schema: 7,
            expires: 9,
            api_version: 2,
            api_version_end: 4,
            annotations: 5,
            has_annotations: true,
            resource_version: 6,
        };
        let value = header.seal(b"{\"a\":1}");
        assert_eq!(Header::read(&value), Ok(header));
        let record = Record { value, created: Revision(1), modified: Revision(2) };
        assert_eq!(record.json(), b"{\"a\":1}");
        assert!(record.is_closed());
    }

    #[test]
    fn newer_and_damaged_values_are_refused() {
        let mut value = Header::default().seal(b"{}").to_vec();
        value[0] = FORMAT + 1;
        assert_eq!(Header::read(&value), Err(RecordError::Newer(FORMAT + 1)));
        assert_eq!(Header::read(&value[..0]), Err(RecordError::Damaged));
        let outside = Header { resource_version: 99, ..Header::default() }.seal(b"{}");
        assert_eq!(Header::read(&outside), Err(RecordError::Damaged));
    }
}
