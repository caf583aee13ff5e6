use super::{Format, Quantity};
use std::fmt;

/// The canonical form.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        if self.format == Format::BinarySi
            && let Some(mut amount) = self.as_i64().filter(|amount| amount.unsigned_abs() >= 1024)
        {
            const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
            let mut step = 0;
            while amount % 1024 == 0 && step + 1 < SUFFIXES.len() {
                amount /= 1024;
                step += 1;
            }
            return write!(f, "{amount}{}", SUFFIXES[step]);
        }
        // Exponents are multiples of three.
        let shift = self.exponent.rem_euclid(3);
        let exponent = self.exponent - shift;
        let zeros = "0".repeat(usize::try_from(shift).unwrap_or(0));
        let suffix = match (self.format, exponent) {
            (_, 0) => String::new(),
            (Format::DecimalSi | Format::BinarySi, -9..=18) => {
                ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
                    .get(usize::try_from((exponent + 9) / 3).unwrap_or(0))
                    .map_or_else(String::new, |suffix| (*suffix).to_owned())
            }
            // No suffix is that large.
            (Format::DecimalSi | Format::BinarySi | Format::DecimalExponent, _) => format!("e{exponent}"),
        };
        write!(f, "{}{zeros}{suffix}", self.mantissa)
    }
}
