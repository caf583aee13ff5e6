use super::{EXPONENT_MAX, Format, InvalidQuantity};

/// What a suffix multiplies by.
pub(super) enum Scale {
    /// A power of ten.
    Ten(i32),
    /// A power of two.
    Two(u32),
}

/// Digits before and after the point, suffix, and whether there is a minus.
pub(super) fn split(text: &str) -> Result<(&str, &str, &str, bool), InvalidQuantity> {
    if text.is_empty() {
        return Err(InvalidQuantity::Format);
    }
    let negative = text.starts_with('-');
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let not_digit = |c: char| !c.is_ascii_digit();
    let (digits, rest) = rest.split_at(rest.find(not_digit).unwrap_or(rest.len()));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(not_digit).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let tail = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let tail = tail.strip_prefix(['-', '+']).unwrap_or(tail);
    if tail.contains(not_digit) {
        return Err(InvalidQuantity::Format);
    }
    Ok((digits, fraction, suffix, negative))
}

/// What a suffix means.
pub(super) fn suffix_of(suffix: &str) -> Result<(Scale, Format), InvalidQuantity> {
    let ten = |exponent| Ok((Scale::Ten(exponent), Format::DecimalSi));
    let two = |bits| Ok((Scale::Two(bits), Format::BinarySi));
    match suffix {
        "n" => ten(-9),
        "u" => ten(-6),
        "m" => ten(-3),
        "" => ten(0),
        "k" => ten(3),
        "M" => ten(6),
        "G" => ten(9),
        "T" => ten(12),
        "P" => ten(15),
        "E" => ten(18),
        "Ki" => two(10),
        "Mi" => two(20),
        "Gi" => two(30),
        "Ti" => two(40),
        "Pi" => two(50),
        "Ei" => two(60),
        other => {
            let exponent = other.strip_prefix(['e', 'E']).and_then(|digits| digits.parse::<i32>().ok());
            let exponent = exponent.filter(|exponent| exponent.abs() <= EXPONENT_MAX);
            let exponent = exponent.ok_or(InvalidQuantity::Suffix)?;
            Ok((Scale::Ten(exponent), Format::DecimalExponent))
        }
    }
}

/// The digits as one number.
pub(super) fn number(digits: &str, fraction: &str) -> Result<i128, InvalidQuantity> {
    let digits = digits.bytes().chain(fraction.bytes()).map(|digit| i128::from(digit - b'0'));
    digits
        .into_iter()
        .try_fold(0_i128, |number, digit| number.checked_mul(10)?.checked_add(digit))
        .ok_or(InvalidQuantity::Number)
}
