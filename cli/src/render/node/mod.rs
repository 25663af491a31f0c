//! How what the agent says looks.

pub(crate) mod endpoints;
pub(crate) mod fqdn;
pub(crate) mod monitor;
pub(crate) mod policy;
pub(crate) mod status;
mod table;

use serde::Serialize;

use super::text::harmless_json;

/// One JSON document.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// `1.25 ms`: three digits that count, and the unit that suits them.
fn duration(seconds: f64) -> String {
    for (unit, size) in [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)] {
        if seconds >= size {
            let number = seconds / size;
            let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
            return format!("{number:.decimals$} {unit}");
        }
    }
    format!("{:.0} ns", seconds * 1e9)
}

/// `1.5 MiB`.
fn bytes(bytes: u64) -> String {
    let mut number = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if number < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{number:.1} {unit}") };
        }
        number /= 1024.0;
    }
    format!("{number:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration};

    #[test]
    fn numbers_have_units() {
        let seconds = [2.5, 0.012_34, 0.000_25, 0.000_000_3, 123.4, 0.0];
        assert_eq!(seconds.map(duration), ["2.50 s", "12.3 ms", "250 µs", "300 ns", "123 s", "0 ns"]);
        assert_eq!([0, 1023, 1536, 5 << 40].map(bytes), ["0 B", "1023 B", "1.5 KiB", "5.0 TiB"]);
    }
}
