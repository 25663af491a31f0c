//! Moments, as people and other programs write them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS: u64 = 1_000_000;

const DAY: u64 = 86_400;

/// A moment to the microsecond, in UTC: `2026-05-01T09:30:00.000125Z` (RFC 3339).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Microseconds since 1970.
    micros: u64,
}

/// A text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment such as `2026-05-01T09:30:00.000125Z`")]
pub struct NoMoment;

impl Moment {
    /// A moment by the microseconds since 1970.
    pub fn of_micros(micros: u64) -> Moment {
        Moment { micros }
    }

    /// Now, by the machine's clock.
    pub fn now() -> Moment {
        Moment::from(SystemTime::now())
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> u64 {
        self.micros
    }

    /// How long after another moment this one is; nothing if it is before.
    pub fn since(self, other: Moment) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(other.micros))
    }

    /// The time of the day: `09:30:00.000125`.
    pub fn clock(self) -> String {
        let (second, micros) = (self.micros / MICROS % DAY, self.micros % MICROS);
        format!("{:02}:{:02}:{:02}.{micros:06}", second / 3600, second / 60 % 60, second % 60)
    }
}

/// A moment before 1970 is 1970: clocks of machines that have just begun are.
impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Moment {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { micros: u64::try_from(since.as_micros()).unwrap_or(u64::MAX) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.micros / MICROS / DAY);
        write!(f, "{year:04}-{month:02}-{day:02}T{}Z", self.clock())
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Moment, NoMoment> {
        let (date, clock) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or(NoMoment)?;
        let [year, month, day] = numbers(date, '-')?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hour, minute, second] = numbers(clock, ':')?;
        let digits = fraction.len() <= 6 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let valid = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        if !digits || !valid || hour > 23 || minute > 59 || second > 60 {
            return Err(NoMoment);
        }
        let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| NoMoment)?;
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        Ok(Moment { micros: seconds * MICROS + micros })
    }
}

fn numbers(text: &str, separator: char) -> Result<[u64; 3], NoMoment> {
    let parts: Vec<u64> = text.split(separator).filter_map(|part| part.parse().ok()).collect();
    parts.try_into().map_err(|_| NoMoment)
}

/// Days from 1970 to a date of the Gregorian calendar. Years are counted from March, so that the day which some
/// have more is their last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    (year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1).saturating_sub(719_468)
}

/// The date so many days after 1970 began.
fn date(days_since: u64) -> (u64, u64, u64) {
    // By the mean year, which is less than one wrong.
    let mut year = 1971 + days_since * 400 / 146_097;
    while days(year, 1, 1) > days_since {
        year -= 1;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= days_since).unwrap_or(1);
    (year, month, days_since - days(year, month, 1) + 1)
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "a moment in UTC, to the microsecond" })
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, MICROS, Moment};

    #[test]
    fn moments_are_written_and_read_back() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400 * MICROS, "2000-02-29T00:00:00.000000Z"),
            (1_777_627_800_000_125, "2026-05-01T09:30:00.000125Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] {
            let moment = Moment::of_micros(micros);
            assert_eq!(moment.to_string(), text);
            assert_eq!(text.parse(), Ok(moment));
        }
    }

    #[test]
    fn every_day_leads_back() {
        for day in (0..60_000).map(|day| Moment::of_micros(day * DAY * MICROS)) {
            assert_eq!(day.to_string().parse(), Ok(day));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "Z",
            "2026-05-01",
            "2026-13-01T00:00:00Z",
            "2026-05-01T24:00:00Z",
            "2026-05-01T00:00Z",
            "2026-05-01T00:00:00.1234567Z",
            "2026-05-01T00:00:00.-1Z",
            "1969-12-31T00:00:00Z",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
