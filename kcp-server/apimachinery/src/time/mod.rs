//! Times and durations as they are on the wire. Nothing here reads a clock.

mod duration;
mod human;

pub use duration::{Duration, InvalidDuration};
pub use human::human;

use jiff::{SignedDuration, Timestamp, fmt::temporal::DateTimeParser, tz::Offset};
use std::fmt;

/// A moment in whole seconds, `metav1.Time`: `2026-01-02T03:04:05Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

/// A moment in microseconds, `metav1.MicroTime`: `2026-01-02T03:04:05.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroTime(Timestamp);

/// Why text is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing time {0:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {0:?}")]
pub struct InvalidTime(pub String);

impl Time {
    /// This moment, its fraction of a second cut off.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        let seconds = at.as_nanosecond().div_euclid(1_000_000_000);
        // In range because `at` is and rounding down a second keeps the first representable one.
        Self(i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(at))
    }

    /// A number of seconds since 1970; `None` out of the years -9999 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Reads RFC 3339 in any time zone.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        rfc3339(text).map(Self::from_timestamp)
    }

    /// The moment.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// How long ago `earlier` was; negative if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }
}

impl MicroTime {
    /// This moment, cut to microseconds.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// Reads RFC 3339 in any time zone.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        rfc3339(text).map(Self::from_timestamp)
    }

    /// The moment.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

fn rfc3339(text: &str) -> Result<Timestamp, InvalidTime> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    // Jiff reads more than RFC 3339: a space for the `T`, short offsets, years of six digits.
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    let shaped = bytes.len() >= 20
        && digits(0..4)
        && (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]) == (b'-', b'-', b'T', b':', b':')
        && (digits(5..7) && digits(8..10) && digits(11..13) && digits(14..16) && digits(17..19))
        && (bytes.ends_with(b"Z") || matches!(bytes[bytes.len() - 6], b'+' | b'-'));
    let parsed = shaped.then(|| PARSER.parse_timestamp(text).ok()).flatten();
    parsed.ok_or_else(|| InvalidTime(text.to_owned()))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Offset::UTC.to_datetime(self.0);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for MicroTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = Time::from_timestamp(self.0).to_string();
        let micros = self.0.as_microsecond().rem_euclid(1_000_000);
        write!(f, "{}.{micros:06}Z", whole.trim_end_matches('Z'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds() {
        for (text, printed) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ] {
            assert_eq!(Time::parse(text).expect("RFC 3339").to_string(), printed);
        }
        for bad in [
            "",
            "2026-01-02",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "2026-01-02T03:04:05",
            "+002026-01-02T03:04Z",
        ] {
            assert!(Time::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn microseconds() {
        let at = MicroTime::parse("2026-01-02T03:04:05.1234567Z").expect("RFC 3339");
        assert_eq!(at.to_string(), "2026-01-02T03:04:05.123456Z");
        assert_eq!(
            MicroTime::parse("2026-01-02T03:04:05Z").expect("RFC 3339").to_string(),
            "2026-01-02T03:04:05.000000Z"
        );
    }
}
