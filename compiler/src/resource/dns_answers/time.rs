//! Moments of a recording.

use std::time::Duration;

const MICROS: u64 = 1_000_000;

const DAY: u64 = 86_400;

/// A moment, to the microsecond: since 1970, or since the recording began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// A moment by its microseconds.
    pub fn of_micros(micros: u64) -> Time {
        Time(micros)
    }

    /// Its microseconds.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// So much later.
    pub fn after(self, time: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after another it is; nothing if it is before.
    pub fn since(self, other: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(other.0))
    }

    /// A moment of a calendar (RFC 3339): `2026-05-01T09:30:00.000125Z`, or with an offset from UTC.
    pub fn of_calendar(text: &str) -> Option<Time> {
        let (date, clock) = text.split_once(['T', 't', ' '])?;
        let zone = clock.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = clock.split_at(zone);
        let [year, month, day] = numbers(date, '-')?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hour, minute, second] = numbers(clock, ':')?;
        let valid = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        if !valid || hour > 23 || minute > 59 || second > 60 || !is_number(fraction) {
            return None;
        }
        // What is finer than microseconds is cut off.
        let micros: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        let seconds = days(year, month, day) * DAY + hour * 3_600 + minute * 60 + second;
        let seconds = match zone.split_at_checked(1)? {
            ("Z" | "z", "") => seconds,
            (sign, offset) => {
                let [hours, minutes] = numbers(offset, ':')?;
                let offset = hours * 3_600 + minutes * 60;
                if sign == "-" { seconds + offset } else { seconds.checked_sub(offset)? }
            }
        };
        Some(Time(seconds * MICROS + micros))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = parts.next().filter(|part| is_number(part) && part.len() <= 4)?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The days from 1970 to a day. Years begin with March, so that a day too many is their last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    let of_months = (153 * month + 2) / 5;
    // The first of March of the year 0 lies so many days before 1970.
    of_years + of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn moments_of_a_calendar() {
        let micros = |text: &str| Time::of_calendar(text).map(Time::micros);
        assert_eq!(micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(micros("2000-02-29T12:00:00.5Z"), Some(951_825_600_500_000));
        assert_eq!(micros("2026-05-01T09:30:00.000125Z"), Some(1_777_627_800_000_125));
        assert_eq!(micros("2026-05-01T11:30:00.000125999+02:00"), Some(1_777_627_800_000_125));
        assert_eq!(micros("2026-05-01 04:30:00-05:00"), Some(1_777_627_800_000_000));
        for wrong in [
            "",
            "2026-05-01",
            "2026-05-01T09:30:00",
            "2026-13-01T00:00:00Z",
            "1.5",
            "aTbZ",
            "2026-05-01T1:2:3.Z",
        ] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }
}
