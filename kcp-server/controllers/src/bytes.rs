//! What the bytes of a stored object say before it is decoded.

use kcp_storage::Record;

/// Whether a text occurs in an object's JSON.
pub(crate) fn contain(json: &[u8], text: &str) -> bool {
    memchr::memmem::find(json, text.as_bytes()).is_some()
}

/// The uid of a stored object, from where its header says that it is.
pub(crate) fn uid(record: &Record) -> Option<&str> {
    let at = record.header().ok()?.resource_version as usize;
    let rest = record.json().get(at..)?.strip_prefix(b"\"uid\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;
    use kcp_names::Revision;
    use kcp_registry::codec::{Seal, seal};

    #[test]
    fn the_uid_is_the_objects_own() {
        let mut object =
            value!({"metadata": {"name": "a", "ownerReferences": [{"uid": "other"}], "uid": "own"}});
        let value = seal(&mut object, Seal::default());
        let record = Record { value, created: Revision(1), modified: Revision(1) };
        assert_eq!(uid(&record), Some("own"));
    }
}
