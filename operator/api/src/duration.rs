//! Durations as Go writes them: `8766h`, `1h30m`, `250ms`.
//!
//! Manifests hold them in the format of Go's `time.ParseDuration`; the operator writes the canonical
//! form back (`8766h0m0s`), which is also what the servers' flags get.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signed duration with a resolution of one nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    nanos: i64,
}

/// Why a text is not a Go duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a duration like 8766h or 1h30m", self.0)
    }
}

impl std::error::Error for DurationError {}

impl Duration {
    /// So many hours.
    pub const fn hours(hours: i64) -> Self {
        Self { nanos: hours * HOUR }
    }

    /// Whole seconds, rounded towards zero; negative for a negative duration.
    pub const fn as_secs(self) -> i64 {
        self.nanos / SECOND
    }
}

const MICRO: i64 = 1_000;
const MILLI: i64 = 1_000 * MICRO;
const SECOND: i64 = 1_000 * MILLI;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

impl FromStr for Duration {
    type Err = DurationError;

    /// Parses a sequence of decimal numbers with units, with an optional sign, or a lone `0`.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let error = || DurationError(text.to_owned());
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(error());
        }
        let mut nanos: i128 = 0;
        while !rest.is_empty() {
            let (part, after) = next_part(rest).ok_or_else(error)?;
            nanos += part;
            rest = after;
        }
        let nanos = if negative { -nanos } else { nanos };
        Ok(Self { nanos: i64::try_from(nanos).map_err(|_| error())? })
    }
}

/// One number with its unit in nanoseconds, and what follows it.
fn next_part(text: &str) -> Option<(i128, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let unit = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => MICRO,
        "ms" => MILLI,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { i128::from(whole.parse::<i64>().ok()?) };
    // More digits than nanoseconds can tell are dropped, as Go does.
    let fraction: &str = fraction.get(..fraction.len().min(15))?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some((whole * i128::from(unit) + fraction * i128::from(unit) / scale, rest))
}

impl fmt::Display for Duration {
    /// Go's canonical form: the largest unit that applies, all smaller ones down to seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0s");
        }
        if self.nanos < 0 {
            f.write_char('-')?;
        }
        let nanos = self.nanos.unsigned_abs();
        let (hour, minute, second) = (HOUR.unsigned_abs(), MINUTE.unsigned_abs(), SECOND.unsigned_abs());
        if nanos < second {
            let (unit, name) = match nanos {
                n if n >= MILLI.unsigned_abs() => (MILLI.unsigned_abs(), "ms"),
                n if n >= MICRO.unsigned_abs() => (MICRO.unsigned_abs(), "µs"),
                _ => (1, "ns"),
            };
            return write_decimal(f, nanos, unit, name);
        }
        if nanos >= hour {
            write!(f, "{}h", nanos / hour)?;
        }
        if nanos >= minute {
            write!(f, "{}m", nanos % hour / minute)?;
        }
        write_decimal(f, nanos % minute, second, "s")
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    let fraction = nanos % unit;
    if fraction == 0 {
        return write!(f, "{}{name}", nanos / unit);
    }
    let digits = usize::try_from(unit.ilog10()).unwrap_or(9);
    let fraction = format!("{fraction:0digits$}");
    write!(f, "{}.{}{name}", nanos / unit, fraction.trim_end_matches('0'))
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: Option<&str>) {
        let parsed = text.parse::<Duration>().ok().map(|duration| duration.to_string());
        assert_eq!(parsed.as_deref(), canonical, "{text}");
    }

    #[test]
    fn go_durations_are_read_and_written_in_their_canonical_form() {
        check("8766h", Some("8766h0m0s"));
        check("1h30m", Some("1h30m0s"));
        check("90s", Some("1m30s"));
        check("1.5h", Some("1h30m0s"));
        check(".5s", Some("500ms"));
        check("250ms", Some("250ms"));
        check("1500us", Some("1.5ms"));
        check("1m0.25s", Some("1m0.25s"));
        check("0", Some("0s"));
        check("-3s", Some("-3s"));
    }

    #[test]
    fn what_go_rejects_is_rejected() {
        for text in ["", "5", "h", "1d", "1h 30m", "1..5s", "-", "99999999999h"] {
            check(text, None);
        }
    }
}
