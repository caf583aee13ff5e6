//! The formats of strings that are checked, with the rules of Kubernetes' checkers.

use crate::go_regex;
use std::net::Ipv6Addr;

/// The names without dashes, as they are compared.
const KNOWN: [&str; 26] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "duration",
    "email",
    "hexcolor",
    "hostname",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

const CREDIT_CARD: &str = r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$";
const RGB: &str = r"^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$";
const BASE64: &str = r"^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$";
const LONG_NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// Whether a format of a string is checked at all.
pub(crate) fn is_known(format: &str) -> bool {
    KNOWN.binary_search(&&*format.replace('-', "")).is_ok()
}

/// Whether a text has a format. What is not known has none to break.
pub(crate) fn is_valid(format: &str, text: &str) -> bool {
    match &*format.replace('-', "") {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "byte" => matches(BASE64, text),
        "cidr" => is_cidr(text),
        "creditcard" => is_credit_card(text),
        "date" => is_date(text),
        "datetime" => is_date_time(text),
        "duration" => is_duration(text),
        "email" => is_email(text),
        "hexcolor" => matches(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", text),
        "hostname" => is_hostname(text),
        "ipv4" => is_sloppy_ipv4(text) || text.contains('.') && text.parse::<Ipv6Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "k8slongname" => text.len() <= 253 && matches(LONG_NAME, text),
        "k8sshortname" => text.len() <= 63 && matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", text),
        "mac" => is_mac(text),
        "rgbcolor" => matches(RGB, text),
        "ssn" => text.len() == 11 && matches(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$", text),
        "uri" => is_request_uri(text),
        "uuid" => is_uuid(text, None, &[]),
        "uuid3" => is_uuid(text, Some(b'3'), &[]),
        "uuid4" => is_uuid(text, Some(b'4'), b"89abAB"),
        "uuid5" => is_uuid(text, Some(b'5'), b"89abAB"),
        _ => true,
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    go_regex::is_match(pattern, text).unwrap_or_default()
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = if is_sloppy_ipv4(address) {
        32
    } else if address.parse::<Ipv6Addr>().is_ok() {
        128
    } else {
        return false;
    };
    let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    plain && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

/// Four numbers up to 255; zeros in front are tolerated, as Go did before 1.17.
fn is_sloppy_ipv4(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|number| number <= 255)
    };
    parts.len() == 4 && parts.iter().all(number)
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let sum: u32 = digits.bytes().rev().enumerate().map(|(at, byte)| luhn(u32::from(byte - b'0'), at)).sum();
    matches(CREDIT_CARD, &digits) && sum.is_multiple_of(10)
}

fn luhn(digit: u32, at: usize) -> u32 {
    let doubled = if at % 2 == 1 { digit * 2 } else { digit };
    if doubled > 9 { doubled - 9 } else { doubled }
}

/// `2006-01-02`, a day that is in the calendar.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = bytes else { return false };
    let digits = [y0, y1, y2, y3, m0, m1, d0, d1];
    if !digits.iter().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let number =
        |digits: &[&u8]| digits.iter().fold(0_u32, |sum, &&digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(&[y0, y1, y2, y3]), number(&[m0, m1]), number(&[d0, d1]));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// RFC 3339, without leap seconds and with whatever follows `t` last in the text left out.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let pattern = r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$";
    text.len() >= 4
        && is_date(date)
        && matches(pattern, time)
        && (&time[0..2] <= "23" && &time[3..5] <= "59" && &time[6..8] <= "59")
}

/// Go's durations, or Scala's: numbers and units anywhere in the text, one of which is known.
fn is_duration(text: &str) -> bool {
    is_go_duration(text) || has_scala_unit(text)
}

fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (digits, after) = rest.split_at(number);
        let dots = digits.matches('.').count();
        if digits.len() == dots || dots > 1 {
            return false;
        }
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        if !matches!(unit, "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h") {
            return false;
        }
        rest = after;
    }
    true
}

fn has_scala_unit(text: &str) -> bool {
    let exact = ["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"];
    let prefixes = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
    let letters = |c: char| c.is_ascii_alphabetic() || c == 'µ';
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let after = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let length = after.find(|c: char| !letters(c)).unwrap_or(after.len());
        let unit = after[..length].to_lowercase();
        if exact.contains(&&*unit) || prefixes.iter().any(|prefix| unit.starts_with(prefix)) {
            return true;
        }
        rest = &after[length..];
    }
    false
}

/// `local@domain`, perhaps with a name before it in angle brackets.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(at), Some(closed)) => &closed[at + 1..],
        (None, None) => text,
        (Some(_), None) | (None, Some(_)) => return false,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let special = |c: char| c.is_whitespace() || c.is_control() || "()<>[]:;@\\,\"".contains(c);
    let atoms = |text: &str| text.split('.').all(|atom| !atom.is_empty() && !atom.contains(special));
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']');
    (quoted || atoms(local)) && (literal || atoms(domain))
}

/// One label, or several and a top-level domain of letters only. Letters and symbols of any script will do.
fn is_hostname(text: &str) -> bool {
    if text.len() > 255 || text.split('.').any(|label| label.len() > 63) {
        return false;
    }
    match text.rsplit_once('.') {
        None => {
            let mut rest = text.chars();
            let first = rest.next().is_some_and(is_host_character);
            let rest = rest.as_str();
            first && rest.strip_prefix('-').unwrap_or(rest).chars().all(is_host_character)
        }
        Some((labels, top)) => {
            (2..=63).contains(&top.chars().count())
                && top.chars().all(|c| {
                    c.is_ascii_alphabetic()
                        || !c.is_ascii() && matches(r"^\p{L}$", c.encode_utf8(&mut [0; 4]))
                })
                && labels.split('.').all(is_host_label)
        }
    }
}

fn is_host_label(label: &str) -> bool {
    let ends = label.starts_with(is_host_character) && label.ends_with(is_host_character);
    ends && label.chars().all(|c| c == '-' || is_host_character(c))
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches(r"^[\p{S}\p{L}]$", c.encode_utf8(&mut [0; 4]))
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|&c| !(c.is_ascii_whitespace() || c == '-')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = without_separators(text);
    let value = |byte: u8| if byte == b'X' { 10 } else { u32::from(byte - b'0') };
    matches("^(?:[0-9]{9}X|[0-9]{10})$", &digits)
        && (1_u32..)
            .zip(digits.bytes())
            .map(|(weight, byte)| weight * value(byte))
            .sum::<u32>()
            .is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits = without_separators(text);
    let weighted = |(at, byte): (usize, u8)| (if at % 2 == 0 { 1 } else { 3 }) * u32::from(byte - b'0');
    matches("^(?:[0-9]{13})$", &digits)
        && digits.bytes().enumerate().map(weighted).sum::<u32>().is_multiple_of(10)
}

/// Six, eight or twenty bytes in pairs with `:` or `-`, or in fours with `.`.
fn is_mac(text: &str) -> bool {
    let parts = |separator: char, length: usize| {
        let parts: Vec<_> = text.split(separator).collect();
        let right = |part: &&str| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        parts.iter().all(right).then_some(parts.len() * length / 2)
    };
    let bytes = parts(':', 2).or_else(|| parts('-', 2)).or_else(|| parts('.', 4));
    matches!(bytes, Some(6 | 8 | 20))
}

/// What a request line may have: an absolute URI or an absolute path.
fn is_request_uri(text: &str) -> bool {
    let clean = !text.is_empty() && !text.chars().any(|c| c.is_ascii_control());
    let escaped = text.match_indices('%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if !clean || !escaped || text.contains(' ') && !text.contains('?') {
        return false;
    }
    if text.starts_with('/') || text == "*" {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
        && port_is_number(rest)
}

fn port_is_number(rest: &str) -> bool {
    let Some(authority) = rest.strip_prefix("//") else { return true };
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    let bracketed = host.starts_with('[') == host.contains(']');
    bracketed && after.split_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Hexadecimal digits in groups of 8, 4, 4, 4, 12; dashes between them may be missing.
fn is_uuid(text: &str, version: Option<u8>, variants: &[u8]) -> bool {
    let mut digits = Vec::with_capacity(32);
    for (at, part) in [8, 4, 4, 4, 12].into_iter().scan(text, |rest, length| {
        *rest = rest.strip_prefix('-').filter(|_| rest.len() != text.len()).unwrap_or(rest);
        let part = rest.get(..length)?;
        *rest = &rest[length..];
        Some((rest.len(), part))
    }) {
        digits.extend(part.bytes());
        if digits.len() == 32 && at > 0 {
            return false;
        }
    }
    digits.len() == 32
        && digits.iter().all(u8::is_ascii_hexdigit)
        && version.is_none_or(|version| digits[12] == version)
        && (variants.is_empty() || variants.contains(&digits[16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, good: &[&str], bad: &[&str]) {
        assert!(is_known(format), "{format}");
        for text in good {
            assert!(is_valid(format, text), "{text} is {format}");
        }
        for text in bad {
            assert!(!is_valid(format, text), "{text} is no {format}");
        }
    }

    #[test]
    fn texts_with_and_without_a_format() {
        check("date", &["2024-02-29"], &["2023-02-29", "2023-1-1", "2023-13-01", ""]);
        check(
            "date-time",
            &["2014-12-15T08:00:00.000Z", "2014-12-15t08:00:00+01:00"],
            &["2014-12-15", "2014-12-15T24:00:00Z"],
        );
        check("duration", &["1h30m", "22 ns", "1.5s", "3 weeks", "0"], &["", "1", "abc"]);
        check("email", &["a@b.c", "Me <a@b>"], &["a", "a@", "@b", "a b@c"]);
        check("hostname", &["a.example.com", "a"], &["-a.com", "a_b.com", ""]);
        check("ipv4", &["1.2.3.4", "01.2.3.4"], &["1.2.3", "1.2.3.256", "::1"]);
        check("ipv6", &["::1", "fe80::"], &["1.2.3.4", "::g"]);
        check("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33", "a/8"]);
        check("mac", &["01:23:45:67:89:ab", "0123.4567.89ab"], &["01:23:45:67:89", "01-23:45:67:89:ab"]);
        check(
            "uuid",
            &["11111111-1111-1111-1111-111111111111", "11111111111111111111111111111111"],
            &["1111", "g1111111-1111-1111-1111-111111111111"],
        );
        check("uuid4", &["a8098c1a-f86e-4a1f-8d4e-123456789abc"], &["a8098c1a-f86e-1a1f-8d4e-123456789abc"]);
        check("isbn", &["0321751043", "978-0321751041"], &["0321751042", ""]);
        check("creditcard", &["4111-1111-1111-1111"], &["4111-1111-1111-1112"]);
        check("ssn", &["111-11-1111"], &["111111111", "111-11-111"]);
        check("hexcolor", &["#FFFFFF", "abc"], &["#GG", "#FFFF"]);
        check("rgbcolor", &["rgb(0, 1,255)"], &["rgb(256,0,0)"]);
        check("byte", &["YQ==", "YWJj"], &["YQ=", "", "a"]);
        check("uri", &["http://a:80/b?c d", "/a", "urn:a"], &["", "a", "http://a:b/", "/%zz"]);
        check("k8s-short-name", &["a-b"], &["A", "a.b"]);
        check("bsonobjectid", &["507f1f77bcf86cd799439011"], &["507f"]);
        check("password", &["", "x"], &[]);
        assert!(!is_known("phone"));
    }
}
