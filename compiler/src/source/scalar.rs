//! What an unquoted scalar means.
//!
//! Kubernetes reads YAML with a Go library of the YAML 1.1 family (semantics.md 12: `y` and `n` are
//! booleans). Where that library and YAML 1.2 differ, the library's reading is the one used here,
//! since it is the one that a cluster will use.

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`, `~`, or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Everything else.
    String(&'t str),
}

impl<'t> Scalar<'t> {
    /// What a plain scalar means. Every text means something: what is no other value is a string.
    pub fn resolve(text: &'t str) -> Scalar<'t> {
        let first = text.bytes().next().unwrap_or(b'~');
        let value = match first {
            b'0'..=b'9' | b'+' | b'-' | b'.' => number(text),
            b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
            _ => None,
        };
        value.unwrap_or(Scalar::String(text))
    }
}

/// The words that are not strings. Only these spellings count: `yEs` is a string.
fn word(text: &str) -> Option<Scalar<'static>> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Some(Scalar::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Some(Scalar::Bool(false))
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<Scalar<'static>> {
    if let Some(value) = infinity_or_nan(text) {
        return Some(Scalar::Float(value));
    }
    // A number beginning with a point is the one form that takes no underscores.
    let without_underscores = (text.contains('_') && !text.starts_with('.')).then(|| text.replace('_', ""));
    let text = without_underscores.as_deref().unwrap_or(text);
    integer(text).or_else(|| float(text).map(Scalar::Float))
}

fn infinity_or_nan(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => None,
    }
}

/// An integer; one that needs more than 63 bits comes back as a float.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    // The standard parser would take a second sign.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    Some(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int))
}

/// A decimal number: digits, at most one point, at most one exponent. `1e999` is not a number but a string.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let shaped = digits(whole)
        && digits(fraction)
        && (!whole.is_empty() || !fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    let value = text.parse::<f64>().ok().filter(|_| shaped)?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::Scalar::{self, Bool, Float, Int, Null, String};

    fn check(table: &[(&str, Scalar<'_>)]) {
        for (text, value) in table {
            assert_eq!(Scalar::resolve(text), *value, "{text:?}");
        }
    }

    #[test]
    fn words() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(Scalar::resolve(text), Null, "{text:?}");
        }
        for text in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
            assert_eq!(Scalar::resolve(text), Bool(true), "{text:?}");
        }
        for text in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
            assert_eq!(Scalar::resolve(text), Bool(false), "{text:?}");
        }
        for text in ["nULL", "yEs", "tRUE", "oN", "~~", "nil", "None", "t", "f", "o", "nan", "inf", "é"] {
            assert_eq!(Scalar::resolve(text), String(text), "{text:?}");
        }
    }

    #[test]
    fn integers() {
        check(&[
            ("0", Int(0)),
            ("-0", Int(0)),
            ("80", Int(80)),
            ("+80", Int(80)),
            ("-80", Int(-80)),
            ("0x1F", Int(31)),
            ("0X1f", Int(31)),
            ("-0x10", Int(-16)),
            ("0o17", Int(15)),
            ("017", Int(15)),
            ("0644", Int(420)),
            ("0b101", Int(5)),
            ("1_000_000", Int(1_000_000)),
            ("0x_ff", Int(255)),
            ("9223372036854775807", Int(i64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("9223372036854775808", Float(9223372036854775808.0)),
            ("18446744073709551616", Float(18446744073709551616.0)),
            ("0xFFFFFFFFFFFFFFFF", Float(u64::MAX as f64)),
        ]);
    }

    #[test]
    fn floats() {
        check(&[
            ("1.5", Float(1.5)),
            ("-1.5", Float(-1.5)),
            (".5", Float(0.5)),
            ("1.", Float(1.0)),
            ("1e3", Float(1000.0)),
            ("1E+3", Float(1000.0)),
            ("+1.5e-1", Float(0.15)),
            ("1_0.5", Float(10.5)),
            // Not octal, so the next reading that fits: decimal.
            ("08", Float(8.0)),
            (".inf", Float(f64::INFINITY)),
            ("+.INF", Float(f64::INFINITY)),
            ("-.Inf", Float(f64::NEG_INFINITY)),
        ]);
        assert!(matches!(Scalar::resolve(".nan"), Float(value) if value.is_nan()));
        assert!(matches!(Scalar::resolve(".NaN"), Float(value) if value.is_nan()));
    }

    #[test]
    fn what_only_looks_like_a_number_is_a_string() {
        for text in [
            "10.0.0.1",
            "10.0.0.0/8",
            "1.2.3",
            "1:30",
            "2020-01-01",
            "-",
            "+",
            ".",
            "..",
            "--1",
            "+-1",
            "-+1",
            "0x",
            "0xg",
            "0x+1",
            "0b2",
            "1e",
            "1e+",
            "e1",
            "1e999",
            "-.nan",
            ".iNf",
            "_1",
            "._5",
            "1a",
            "0o8",
            "infinity",
            "+infinity",
            "80/TCP",
        ] {
            assert_eq!(Scalar::resolve(text), String(text), "{text:?}");
        }
    }
}
