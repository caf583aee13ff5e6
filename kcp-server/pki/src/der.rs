//! As much of DER as turning one key encoding into another and naming a subject needs.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]` and `[1]`, with an element inside.
pub(crate) const EXPLICIT_0: u8 = 0xa0;
pub(crate) const EXPLICIT_1: u8 = 0xa1;

/// The contents of object identifiers.
pub(crate) mod oid {
    pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub(crate) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    pub(crate) const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
}

/// One element of some parts.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    if let Ok(short @ 0..0x80) = u8::try_from(content.len()) {
        out.push(short);
    } else {
        let length = content.len().to_be_bytes();
        let zeros = length.iter().take_while(|&&byte| byte == 0).count();
        // At most eight bytes of length.
        out.push(0x80 | u8::try_from(length.len() - zeros).unwrap_or(0));
        out.extend(&length[zeros..]);
    }
    out.extend(content);
    out
}

/// An element as it was read.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

/// The elements inside of some content; `None` if it is cut off or not DER.
pub(crate) fn elements(mut content: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !content.is_empty() {
        let element = first(content)?;
        content = &content[element.whole.len()..];
        found.push(element);
    }
    Some(found)
}

/// The elements inside of the one element that `input` is.
pub(crate) fn inside(input: &[u8], tag: u8) -> Option<Vec<Element<'_>>> {
    let outer = first(input)?;
    if outer.tag == tag && outer.whole.len() == input.len() { elements(outer.content) } else { None }
}

fn first(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = input.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, header) = if length < 0x80 {
        (usize::from(length), 2)
    } else {
        let count = usize::from(length & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let bytes = rest.get(..count)?;
        (bytes.iter().fold(0_usize, |sum, &byte| (sum << 8) | usize::from(byte)), 2 + count)
    };
    let end = header.checked_add(length)?;
    Some(Element { tag, content: input.get(header..end)?, whole: &input[..end] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let content = vec![7; length];
            let inner = element(OCTET_STRING, &[&content]);
            let outer = element(SEQUENCE, &[&inner, &inner]);
            let found = inside(&outer, SEQUENCE).expect("DER");
            assert_eq!(found.len(), 2);
            assert_eq!(
                (found[1].tag, found[1].content, found[1].whole),
                (OCTET_STRING, &content[..], &inner[..])
            );
        }
    }

    #[test]
    fn what_is_no_der_is_not_read() {
        let bad: [&[u8]; 7] = [
            b"",
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0, 0],
            &[0x31, 0],
        ];
        for bad in bad {
            assert!(inside(bad, SEQUENCE).is_none(), "{bad:x?}");
        }
        assert!(elements(&[4, 0xff, 0xff, 0xff, 0xff, 0xff]).is_none());
    }
}
