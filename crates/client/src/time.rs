//! Time as an argument: a monotonic [`Timestamp`] for deadlines, a [`WallClock`] for what people read.

use std::ops::Add;
use std::time::Duration;

/// Milliseconds since some fixed moment, from a clock that never goes backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, as the device believes. Never used for order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WallClock(pub i64);

/// Both clocks at one moment. Every input comes with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// For deadlines.
    pub monotonic: Timestamp,
    /// For what people read.
    pub wall: WallClock,
}

/// Reads a time with `Z` or an offset such as `2025-10-29T13:06:00.000+09:00`; `None` for any other form.
pub(crate) fn parse_time(text: &str) -> Option<WallClock> {
    let clock = text.find('T')?;
    let Some(sign) = text.rfind(['+', '-']).filter(|sign| *sign > clock) else {
        return parse_utc(text);
    };
    let (local, offset) = text.split_at_checked(sign)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    // Seconds are possible in `AWSDateTime`, and are always zero.
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes.get(..2)?, 2)?);
    let offset_minutes = if offset.starts_with('-') { -1 } else { 1 } * (hours * 60 + minutes);
    let local = parse_utc(&format!("{local}Z"))?;
    Some(WallClock(local.0 - offset_minutes * 60_000))
}

/// Reads a UTC time such as `2025-10-29T04:06:00.000Z`; `None` for any other form.
pub(crate) fn parse_utc(text: &str) -> Option<WallClock> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| digits(part, 4));
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(|part| digits(part, 2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let millisecond = digits(fraction.get(..3).unwrap_or(fraction), 3)?
        * 10_i64.pow(3 - u32::try_from(fraction.len().min(3)).ok()?);
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(WallClock(seconds * 1_000 + millisecond))
}

fn digits(text: &str, at_most: usize) -> Option<i64> {
    let valid = (1..=at_most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March
/// so that the leap day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_utc_times_and_nothing_else() {
        assert_eq!(parse_utc("1970-01-01T00:00:00.000Z"), Some(WallClock(0)));
        assert_eq!(parse_utc("2025-10-29T04:06:00.000Z"), Some(WallClock(1_761_710_760_000)));
        assert_eq!(parse_utc("2024-02-29T23:59:59.5Z"), Some(WallClock(1_709_251_199_500)));
        assert_eq!(parse_utc("2024-02-29T23:59:59Z"), Some(WallClock(1_709_251_199_000)));
        for wrong in [
            "",
            "Z",
            "T",
            "yesterday",
            "2025-13-01T00:00:00Z",
            "2025-10-29T04:06:00.000",
            "2025-10-29TZ",
            "-1-1-1T1:1:1Z",
        ] {
            assert_eq!(parse_utc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_offset_is_taken_off() {
        let noon = Some(WallClock(1_761_710_760_000));
        for text in [
            "2025-10-29T04:06:00.000Z",
            "2025-10-29T13:06:00.000+09:00",
            "2025-10-29T13:06:00+09:00",
            "2025-10-28T23:36:00-04:30",
            "2025-10-29T04:06:00.000+00:00:00",
        ] {
            assert_eq!(parse_time(text), noon, "{text}");
        }
        for wrong in ["", "T", "T+", "2025-10-29T04:06:00+é9:00", "2025-10-29", "yesterday+09:00"]
        {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_deadline_saturates() {
        assert_eq!(Timestamp(u64::MAX) + Duration::from_secs(1), Timestamp(u64::MAX));
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }
}
