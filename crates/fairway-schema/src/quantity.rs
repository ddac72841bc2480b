//! Resource quantities: `500m`, `1Gi`, `1e3`. Kept exactly, to a billionth, in the range Kubernetes has.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

const NANOS: i128 = 1_000_000_000;
/// The largest number of nanos: what Kubernetes caps at, 2^63 - 1 units.
const LIMIT: i128 = i64::MAX as i128 * NANOS;
const BINARY: [(&str, u32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// Text that is not a quantity, in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantity {
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    MatchFormat,
    #[error("unable to parse quantity's suffix")]
    ReadSuffix,
}

/// An amount, and the family of suffixes it was written with.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Decimal,
    Binary,
    Exponent,
}

impl Quantity {
    /// A whole amount.
    pub fn from_units(units: i64) -> Self {
        Self { nanos: i128::from(units) * NANOS, family: Family::Decimal }
    }

    /// The amount in whole units, rounded up, as `Value()` of Go does: bytes, pods.
    pub fn units(&self) -> i64 {
        clamp(round_up(self.nanos, NANOS))
    }

    /// The amount in thousandths, rounded up: CPU.
    pub fn milli(&self) -> i64 {
        clamp(round_up(self.nanos, NANOS / 1000))
    }

    /// Whether nothing is asked for.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// The sum, in the suffixes of the first unless that is zero; capped at the limit.
    pub fn plus(self, other: Self) -> Self {
        let family = if self.is_zero() { other.family } else { self.family };
        Self { nanos: (self.nanos + other.nanos).clamp(-LIMIT, LIMIT), family }
    }

    /// The difference, as [`Quantity::plus`].
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self { nanos: -other.nanos, ..other })
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl FromStr for Quantity {
    type Err = ParseQuantity;

    fn from_str(text: &str) -> Result<Self, ParseQuantity> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(ParseQuantity::MatchFormat);
        }
        let (family, scale) = suffix_of(suffix)?;
        let nanos = scaled(whole, fraction, scale);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, family })
    }
}

/// What a suffix multiplies with.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i32),
    Binary(u32),
}

fn suffix_of(suffix: &str) -> Result<(Family, Scale), ParseQuantity> {
    if let Some((_, power)) = BINARY.iter().find(|it| it.0 == suffix) {
        return Ok((Family::Binary, Scale::Binary(*power)));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|it| it.0 == suffix) {
        return Ok((Family::Decimal, Scale::Ten(*exponent)));
    }
    if let Some(exponent) = suffix.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|it| it.is_ascii_digit()) {
            let exponent = exponent.parse().map_err(|_| ParseQuantity::ReadSuffix)?;
            return Ok((Family::Exponent, Scale::Ten(exponent)));
        }
    }
    let known = |it: char| "eEinumkKMGTP".contains(it) || it.is_ascii_digit() || it == '+' || it == '-';
    Err(if suffix.chars().all(known) { ParseQuantity::ReadSuffix } else { ParseQuantity::MatchFormat })
}

/// The number of nanos, rounded up, never more than the limit.
fn scaled(whole: &str, fraction: &str, scale: Scale) -> i128 {
    // Digits of the amount, and how many powers of ten its last digit is away from a nano.
    let digits: String = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let point = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let (shift, factor) = match scale {
        Scale::Ten(exponent) => (9_i32.saturating_add(exponent).saturating_sub(point), 1),
        Scale::Binary(power) => (9_i32.saturating_sub(point), 1_i128 << (10 * power)),
    };
    // 28 digits reach beyond the limit; what is cut off only decides whether to round up.
    let magnitude = i32::try_from(digits.len()).unwrap_or(i32::MAX).saturating_add(shift);
    if magnitude > 28 {
        return LIMIT;
    }
    let kept = digits.len().min(28);
    let (head, tail) = digits.split_at(kept);
    let shift = shift.saturating_add(i32::try_from(tail.len()).unwrap_or(i32::MAX));
    let mantissa: i128 = head.parse().unwrap_or(LIMIT);
    let Some(product) = mantissa.checked_mul(factor) else { return LIMIT };
    let rest = tail.bytes().any(|it| it != b'0');
    let nanos = if shift >= 0 {
        let Some(power) = 10_i128.checked_pow(shift.unsigned_abs()) else { return LIMIT };
        product.checked_mul(power).unwrap_or(LIMIT).saturating_add(i128::from(rest))
    } else {
        match 10_i128.checked_pow(shift.unsigned_abs()) {
            Some(power) => round_up(product, power) + i128::from(rest && product % power == 0),
            None => 1,
        }
    };
    nanos.min(LIMIT)
}

/// Away from zero.
fn round_up(value: i128, by: i128) -> i128 {
    let whole = value / by;
    if value % by == 0 { whole } else { whole + value.signum() }
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

impl fmt::Display for Quantity {
    /// The canonical form: the largest suffix that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let small = self.nanos.abs() < 1024 * NANOS;
        if self.family == Family::Binary && !small {
            let mut amount = round_up(self.nanos, NANOS);
            let mut power = 0;
            while power < BINARY.len() && amount % 1024 == 0 {
                amount /= 1024;
                power += 1;
            }
            let suffix = if power == 0 { "" } else { BINARY[power - 1].0 };
            return write!(f, "{amount}{suffix}");
        }
        let mut amount = self.nanos;
        let mut step = 0;
        while step + 1 < DECIMAL.len() && amount % 1000 == 0 {
            amount /= 1000;
            step += 1;
        }
        let (suffix, exponent) = DECIMAL[step];
        match self.family {
            Family::Exponent if exponent == 0 => write!(f, "{amount}"),
            Family::Exponent => write!(f, "{amount}e{exponent}"),
            _ => write!(f, "{amount}{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests;
