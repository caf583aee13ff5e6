//! Quantities: `100m`, `1.5Gi`, `12e6`. Fixed-point numbers with a suffix, exact to a billionth.
//!
//! A quantity is a decimal mantissa and exponent, so that anything that can be written can be compared.
//! The canonical form is Kubernetes': no fractional digits, the largest suffix that allows it, in the
//! format in which the quantity was written. (Kubernetes also keeps some texts as they were written,
//! such as `1.500`; these print canonically here.)

mod parse;
mod print;

use parse::{Scale, number, split, suffix_of};
use std::cmp::Ordering;

/// The smallest amount that is told apart is 10⁻⁹; less is rounded up to it.
const NANO: i32 = -9;
/// Largest exponent that is read. What is beyond is no quantity of anything.
const EXPONENT_MAX: i32 = 10_000;
/// Binary quantities are capped here, as in Kubernetes.
const BINARY_MAX: i128 = i64::MAX as i128;

/// An amount and how it is written. Equal amounts are equal, however they are written.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// The amount is `mantissa * 10^exponent`; the mantissa does not end in a zero.
    mantissa: i128,
    exponent: i32,
    format: Format,
}

/// How a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// Why text is no quantity, in the words of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// Not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// More digits than can be kept.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// A suffix that is not known.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, exponent: 0, format: Format::DecimalSi };

    /// A whole number.
    #[must_use]
    pub fn from_int(number: i64, format: Format) -> Self {
        Self::normal(i128::from(number), 0, format)
    }

    /// Reads a quantity.
    ///
    /// # Errors
    /// Text that is none.
    pub fn parse(text: &str) -> Result<Self, InvalidQuantity> {
        let (digits, fraction, suffix, negative) = split(text)?;
        let (scale, format) = suffix_of(suffix)?;
        let mantissa = number(digits, fraction)?;
        let places = i32::try_from(fraction.len()).map_err(|_| InvalidQuantity::Number)?;
        let (mantissa, exponent) = match scale {
            Scale::Ten(exponent) => (mantissa, exponent - places),
            Scale::Two(bits) => (mantissa.checked_mul(1 << bits).unwrap_or(i128::MAX), -places),
        };
        let mut quantity = Self::normal(mantissa, exponent, format).rounded_up();
        if format == Format::BinarySi {
            let cap = Self::normal(BINARY_MAX, 0, format);
            let one = Self::normal(1, 0, format);
            if quantity > cap {
                quantity = cap;
            } else if quantity.mantissa != 0 && quantity < one {
                quantity.format = Format::DecimalSi;
            }
        }
        if negative {
            quantity.mantissa = -quantity.mantissa;
        }
        Ok(quantity)
    }

    fn normal(mut mantissa: i128, mut exponent: i32, format: Format) -> Self {
        if mantissa == 0 {
            return Self { mantissa, exponent: 0, format };
        }
        while mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        Self { mantissa, exponent, format }
    }

    /// Away from zero to a whole number of billionths.
    fn rounded_up(self) -> Self {
        if self.exponent >= NANO {
            return self;
        }
        let divisor = 10_i128.checked_pow(self.exponent.abs_diff(NANO));
        let quotient = divisor.map_or(0, |divisor| self.mantissa / divisor);
        let exact = divisor.is_some_and(|divisor| self.mantissa % divisor == 0);
        let mantissa = if exact { quotient } else { quotient + self.mantissa.signum() };
        Self::normal(mantissa, NANO, self.format)
    }

    /// How it is written.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// -1, 0 or 1.
    #[must_use]
    pub const fn sign(&self) -> i32 {
        self.mantissa.signum() as i32
    }

    /// The amount, if it is a whole number of 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        let power = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        i64::try_from(self.mantissa.checked_mul(power)?).ok()
    }

    /// The amount in units of `10^exponent`, rounded up; `None` if that is more than 64 bits.
    #[must_use]
    pub fn scaled(&self, exponent: i32) -> Option<i64> {
        let shift = self.exponent.checked_sub(exponent)?;
        if shift >= 0 {
            let power = 10_i128.checked_pow(shift.unsigned_abs())?;
            return i64::try_from(self.mantissa.checked_mul(power)?).ok();
        }
        let quotient = match 10_i128.checked_pow(shift.unsigned_abs()) {
            // Never exact: the mantissa does not end in a zero.
            Some(power) => self.mantissa / power + self.mantissa.signum(),
            None => self.mantissa.signum(),
        };
        i64::try_from(quotient).ok()
    }

    /// The amount as the nearest floating point number.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// The sum, written like this one; like the other if this is zero. `None` if it has too many
    /// digits to be kept.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let format = if self.is_zero() { other.format } else { self.format };
        let exponent = match (self.is_zero(), other.is_zero()) {
            (true, _) => other.exponent,
            (_, true) => self.exponent,
            (false, false) => self.exponent.min(other.exponent),
        };
        let scaled = |one: &Self| {
            let power = 10_i128.checked_pow(u32::try_from(one.exponent - exponent).ok()?)?;
            one.mantissa.checked_mul(power)
        };
        let sum = if self.is_zero() {
            other.mantissa
        } else if other.is_zero() {
            self.mantissa
        } else {
            scaled(self)?.checked_add(scaled(other)?)?
        };
        Some(Self::normal(sum, exponent, format))
    }

    /// The difference; see [`Self::checked_add`].
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.checked_add(&Self { mantissa: other.mantissa.checked_neg()?, ..*other })
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        let by_size = |size: Ordering| if self.mantissa < 0 { size.reverse() } else { size };
        // The number of digits before the point decides first, so that nothing overflows below.
        let length = |one: &Self| i64::from(one.mantissa.unsigned_abs().ilog10()) + i64::from(one.exponent);
        let longer = length(self).cmp(&length(other));
        if longer != Ordering::Equal {
            return by_size(longer);
        }
        let digits = |one: &Self| one.mantissa.unsigned_abs().to_string();
        // Of equal length before the point, digits compare like text.
        by_size(digits(self).cmp(&digits(other)))
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Quantity {
        Quantity::parse(text).expect("a quantity")
    }

    #[test]
    fn canonical_forms() {
        for (text, canonical) in [
            ("0", "0"),
            ("100m", "100m"),
            ("0.1", "100m"),
            ("1500m", "1500m"),
            ("1.5", "1500m"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("10000", "10k"),
            ("1024", "1024"),
            ("1024Ki", "1Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Mi", "512Ki"),
            ("0.5Ki", "512"),
            ("0.0005Ki", "512m"),
            ("12e6", "12e6"),
            ("12E6", "12e6"),
            ("1E", "1E"),
            ("5e-3", "5e-3"),
            ("1e1", "10"),
            ("0.0000000001", "1n"),
            ("-0.1", "-100m"),
            ("-1Ki", "-1Ki"),
            ("+1.0", "1"),
            ("9223372036854775807", "9223372036854775807"),
            ("1000Ei", "9223372036854775807"),
            ("1000000E", "1e24"),
            (".5", "500m"),
        ] {
            assert_eq!(read(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for (text, error) in [
            ("", InvalidQuantity::Format),
            ("a", InvalidQuantity::Format),
            ("1.2.3", InvalidQuantity::Format),
            ("1 Mi", InvalidQuantity::Format),
            ("1mi", InvalidQuantity::Suffix),
            ("1Gii", InvalidQuantity::Suffix),
            ("1e99999999999", InvalidQuantity::Suffix),
            ("1e99999", InvalidQuantity::Suffix),
            ("é", InvalidQuantity::Format),
        ] {
            assert_eq!(Quantity::parse(text), Err(error), "{text}");
        }
        assert_eq!(Quantity::parse(&"9".repeat(60)), Err(InvalidQuantity::Number));
    }

    #[test]
    fn sums_and_numbers() {
        assert_eq!(read("1Gi").checked_add(&read("512Mi")).map(|sum| sum.to_string()), Some("1536Mi".into()));
        assert_eq!(read("1").checked_sub(&read("100m")).map(|sum| sum.to_string()), Some("900m".into()));
        assert_eq!(Quantity::ZERO.checked_add(&read("1Mi")).map(|sum| sum.to_string()), Some("1Mi".into()));
        assert_eq!(read("1e9000").checked_add(&read("1")), None);
        assert_eq!((read("1Ki").as_i64(), read("1m").as_i64()), (Some(1024), None));
        assert_eq!((read("1500m").scaled(0), read("2").scaled(-3)), (Some(2), Some(2000)));
        assert_eq!((read("1500m").as_f64(), read("-2").sign()), (1.5, -1));
    }

    proptest! {
        #[test]
        fn order_is_that_of_numbers(left in -2_000_000..2_000_000_i64, right in -2_000_000..2_000_000_i64) {
            let milli = |number: i64| read(&format!("{number}m"));
            prop_assert_eq!(milli(left).cmp(&milli(right)), left.cmp(&right));
            let sum = milli(left).checked_add(&milli(right));
            prop_assert_eq!(sum, Some(milli(left + right)));
        }

        #[test]
        fn the_canonical_form_is_the_same_amount(text in "[+-]?[0-9]{1,12}(\\.[0-9]{1,9})?(n|u|m|k|M|G|Ki|Mi|Gi|e[0-9])?") {
            let quantity = read(&text);
            prop_assert_eq!(read(&quantity.to_string()), quantity);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            if let Ok(quantity) = Quantity::parse(&text) {
                let _ = (quantity.to_string(), quantity.as_f64(), quantity.as_i64());
            }
        }
    }
}
