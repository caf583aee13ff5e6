//! Points in time and lengths of time, as the language counts them.

use jiff::{civil, tz};
use kcp_apimachinery::time::Duration;
use std::fmt;

/// A point in time: seconds since 1970 and the nanoseconds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since the beginning of 1970, UTC.
    pub seconds: i64,
    /// From 0 to 999,999,999.
    pub nanos: u32,
}

/// The year 1 and the end of the year 9999; nothing is before or after.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;
const BILLION: i128 = 1_000_000_000;

impl Timestamp {
    /// A point in time; `None` before the year 1 and after the year 9999.
    #[must_use]
    pub fn new(seconds: i64, nanos: u32) -> Option<Self> {
        ((FIRST..=LAST).contains(&seconds) && i128::from(nanos) < BILLION).then_some(Self { seconds, nanos })
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// Text of another form, or beyond the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let invalid = || InvalidTimestamp(text.to_owned());
        let digits = |range: std::ops::Range<usize>| -> Option<i64> {
            let part = text.get(range)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let mark =
            |at: usize, wanted: &[u8]| text.as_bytes().get(at).is_some_and(|byte| wanted.contains(byte));
        let marks = mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt") && mark(13, b":") && mark(16, b":");
        let parts = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(digits);
        let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = parts else {
            return Err(invalid());
        };
        if !marks || hour > 23 || minute > 59 || second > 59 {
            return Err(invalid());
        }
        let (nanos, rest) = fraction(&text[19..]).ok_or_else(invalid)?;
        let offset = offset(rest).ok_or_else(invalid)?;
        let days = i16::try_from(year)
            .ok()
            .zip(i8::try_from(month).ok())
            .zip(i8::try_from(day).ok())
            .and_then(|((year, month), day)| civil::Date::new(year, month, day).ok())
            .map(days_since_1970)
            .ok_or_else(invalid)?;
        Self::new(days * 86_400 + hour * 3_600 + minute * 60 + second - offset, nanos).ok_or_else(invalid)
    }

    /// Reads a date, `2026-01-31`.
    #[must_use]
    pub fn parse_date(text: &str) -> Option<Self> {
        (text.len() == 10).then(|| Self::parse(&format!("{text}T00:00:00Z")).ok())?
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * BILLION + i128::from(self.nanos)
    }

    fn from_total(nanos: i128) -> Option<Self> {
        Self::new(
            i64::try_from(nanos.div_euclid(BILLION)).ok()?,
            u32::try_from(nanos.rem_euclid(BILLION)).ok()?,
        )
    }

    /// That much later; `None` if that is beyond all years.
    #[must_use]
    pub fn checked_add(self, nanos: i64) -> Option<Self> {
        Self::from_total(self.total() + i128::from(nanos))
    }

    /// That much earlier.
    #[must_use]
    pub fn checked_sub(self, nanos: i64) -> Option<Self> {
        Self::from_total(self.total() - i128::from(nanos))
    }

    /// The nanoseconds from another point in time to this one; `None` if they do not fit.
    #[must_use]
    pub fn since(self, other: Self) -> Option<i64> {
        i64::try_from(self.total() - other.total()).ok()
    }

    /// The date and time in a time zone: a name, an offset such as `+01:30`, or nothing for UTC.
    ///
    /// # Errors
    /// A zone that is not known.
    pub fn civil(self, zone: &str) -> Result<civil::DateTime, UnknownZone> {
        let unknown = || UnknownZone(zone.to_owned());
        let seconds = if zone.is_empty() || zone == "UTC" {
            0
        } else if zone.contains(':') {
            zone_offset(zone).ok_or_else(unknown)?
        } else {
            let zone = tz::TimeZone::get(zone).map_err(|_| unknown())?;
            let known =
                self.seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
            let at = jiff::Timestamp::from_second(known).map_err(|_| unknown())?;
            i64::from(zone.to_offset(at).seconds())
        };
        civil_of(self.seconds + seconds, self.nanos).ok_or_else(unknown)
    }
}

/// `2026-01-31T12:00:00.5Z`
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil("").map_err(|_| fmt::Error)?;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid timestamp {0:?}")]
pub struct InvalidTimestamp(String);

/// A time zone that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {0}")]
pub struct UnknownZone(String);

/// Longest duration that the language has: 10,000 years.
const LONGEST: i64 = 315_576_000_000;

/// Reads a duration in Go's syntax, `1h30m`, in nanoseconds.
///
/// # Errors
/// Text of another form.
pub(crate) fn parse_duration(text: &str) -> Result<i64, kcp_apimachinery::time::InvalidDuration> {
    Duration::parse(text).map(|duration| duration.0)
}

/// A length of time as text: seconds with a fraction, `5400s`.
#[must_use]
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let (whole, part) = (size / 1_000_000_000, size % 1_000_000_000);
    if part == 0 {
        return format!("{sign}{whole}s");
    }
    format!("{sign}{whole}.{}s", format!("{part:09}").trim_end_matches('0'))
}

/// Whether a number of seconds is a duration at all.
pub(crate) fn is_duration(seconds: i64) -> bool {
    (-LONGEST..=LONGEST).contains(&seconds)
}

/// The date and time of a number of seconds since 1970. The library's own points in time end a day earlier.
fn civil_of(seconds: i64, nanos: u32) -> Option<civil::DateTime> {
    let days = jiff::Span::new().try_days(seconds.div_euclid(86_400)).ok()?;
    let date = civil::date(1970, 1, 1).checked_add(days).ok()?;
    let second = seconds.rem_euclid(86_400);
    let part = |number: i64| i8::try_from(number).ok();
    let time = civil::Time::new(
        part(second / 3_600)?,
        part(second / 60 % 60)?,
        part(second % 60)?,
        i32::try_from(nanos).ok()?,
    );
    Some(date.to_datetime(time.ok()?))
}

fn days_since_1970(date: civil::Date) -> i64 {
    let since = date.since(civil::date(1970, 1, 1));
    since.map_or(0, |span| i64::from(span.get_days()))
}

/// `.5` and what follows.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let nanos = format!("{:0<9.9}", &rest[..length]).parse().ok()?;
    Some((nanos, &rest[length..]))
}

/// `Z` or `+01:30`, in seconds.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !text[1..].bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// `-01:30`, `01:30`: the minutes go the way of the hours.
fn zone_offset(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.split_once(':')?;
    let (negative, digits) = match hours.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, hours.strip_prefix('+').unwrap_or(hours)),
    };
    let plain = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(digits) || !plain(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3_600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if negative { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_and_written() {
        for (text, written) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.500+01:30", "2026-01-31T10:30:00.5Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|at| at.to_string()).as_deref(), Ok(written));
        }
        for text in
            ["", "2026-01-31", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "2026-01-31T25:00:00Z", "é"]
        {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zones() {
        let at = Timestamp::parse("2009-02-13T23:31:30Z").expect("a time");
        assert_eq!(at.civil("-09:30").map(|at| at.hour()), Ok(14));
        assert_eq!(at.civil("02:00").map(|at| (at.day(), at.hour())), Ok((14, 1)));
        assert!(at.civil("Nowhere/Town").is_err());
    }

    #[test]
    fn durations_as_text() {
        assert_eq!(duration_text(5_400_000_000_000), "5400s");
        assert_eq!(duration_text(-1_500_000_000), "-1.5s");
    }
}
