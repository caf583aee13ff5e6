use crate::go;
use std::fmt::{self, Write as _};

/// A length of time in nanoseconds as Go writes it: `1h30m0s`, `1.5ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

/// Why text is no duration, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not a sequence of numbers with units, or out of range.
    #[error("time: invalid duration {0}")]
    Malformed(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    /// A unit that is not known.
    #[error("time: unknown unit {unit} in duration {text}")]
    UnknownUnit {
        /// The unit, quoted.
        unit: String,
        /// The whole text, quoted.
        text: String,
    },
}

impl Duration {
    /// A number of seconds, at most what fits.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Reads a sequence of decimal numbers with units, such as `300ms`, `-1.5h` or `2h45m`, or `0`.
    ///
    /// # Errors
    /// Text of another form, or a length beyond 63 bits of nanoseconds.
    pub fn parse(text: &str) -> Result<Self, InvalidDuration> {
        let malformed = || InvalidDuration::Malformed(go::quote(text));
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(malformed());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(number_end);
            let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at(unit_end);
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
                return Err(malformed());
            }
            if unit.is_empty() {
                return Err(InvalidDuration::MissingUnit(go::quote(text)));
            }
            let scale = nanoseconds(unit).ok_or_else(|| InvalidDuration::UnknownUnit {
                unit: go::quote(unit),
                text: go::quote(text),
            })?;
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| malformed())? };
            total = whole
                .checked_mul(i128::from(scale))
                .and_then(|part| total.checked_add(part)?.checked_add(scaled_fraction(fraction, scale)))
                .filter(|total| *total <= i128::from(i64::MAX) + 1)
                .ok_or_else(malformed)?;
            rest = after;
        }
        let signed = if negative { -total } else { total };
        i64::try_from(signed).map(Self).map_err(|_| malformed())
    }
}

fn nanoseconds(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => 1,
        // Both the micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// The digits after the point, in nanoseconds. More digits than an hour has nanoseconds change nothing.
fn scaled_fraction(digits: &str, scale: i64) -> i128 {
    let digits = &digits[..digits.len().min(18)];
    let power = 10_i128.pow(u32::try_from(digits.len()).unwrap_or(0));
    digits.parse::<i128>().map_or(0, |number| number * i128::from(scale) / power)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let mut out = String::new();
        if self.0 < 0 {
            out.push('-');
        }
        // Writing to a string does not fail.
        let _ = match size {
            0 => write!(out, "0s"),
            1..1_000 => write!(out, "{size}ns"),
            1_000..1_000_000 => write!(out, "{}µs", decimal(size, 1_000)),
            1_000_000..1_000_000_000 => write!(out, "{}ms", decimal(size, 1_000_000)),
            _ => {
                let minutes = size / 60_000_000_000;
                let (hours, minutes) = (minutes / 60, minutes % 60);
                if hours > 0 {
                    let _ = write!(out, "{hours}h");
                }
                if hours > 0 || minutes > 0 {
                    let _ = write!(out, "{minutes}m");
                }
                write!(out, "{}s", decimal(size % 60_000_000_000, 1_000_000_000))
            }
        };
        f.write_str(&out)
    }
}

/// `size / unit` with the digits of the fraction that are not zero.
fn decimal(size: u64, unit: u64) -> String {
    let width = unit.ilog10() as usize;
    let text = format!("{}.{:0width$}", size / unit, size % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn read_and_printed() {
        for (text, printed) in [
            ("0", "0s"),
            ("1h30m", "1h30m0s"),
            ("-1.5h", "-1h30m0s"),
            ("300ms", "300ms"),
            ("1.5us", "1.5µs"),
            (".5s", "500ms"),
            ("1h0.25s", "1h0m0.25s"),
            ("720h", "720h0m0s"),
        ] {
            assert_eq!(Duration::parse(text).expect("a duration").to_string(), printed);
        }
    }

    #[test]
    fn errors_in_words_of_go() {
        for (text, message) in [
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            (".s", "time: invalid duration \".s\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            (
                "99999999999999999999999999999999999999999h",
                "time: invalid duration \"99999999999999999999999999999999999999999h\"",
            ),
        ] {
            assert_eq!(Duration::parse(text).expect_err("no duration").to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(nanoseconds: i64) {
            let duration = Duration(nanoseconds);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }
    }
}
