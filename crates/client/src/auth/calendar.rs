//! Times as AWS and HTTP write them.

use crate::time::{WallClock, parse_utc};

/// The end of the year 9999: four digits are all that the format has.
const LAST_SECOND: i64 = 253_402_300_799;

/// `20250102T030405Z`: the form of `x-amz-date`. Times before 1970 and after 9999 are written as those.
pub(super) fn amz_date(wall: WallClock) -> String {
    let seconds = wall.0.div_euclid(1_000).clamp(0, LAST_SECOND);
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `2025-01-02T03:04:05.006Z`: ISO 8601, as messages have it.
pub(crate) fn iso_date(wall: WallClock) -> String {
    let milliseconds = wall.0.clamp(0, LAST_SECOND * 1_000);
    let seconds = milliseconds / 1_000;
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = milliseconds % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// The server's own time in its complaint about a signature: "Signature expired: 20250102T030405Z is now earlier than
/// 20250102T031000Z (20250102T031500Z - 5 min.)", or "Signature not yet current: … (… + 5 min.)".
pub(crate) fn server_time_of_error(message: &str) -> Option<WallClock> {
    let complaint = ["Signature expired", "Signature not yet current"]
        .iter()
        .find_map(|words| message.split_once(words))?
        .1;
    let (_, server) = complaint.split_once('(')?;
    parse_amz_date(server.split_ascii_whitespace().next()?)
}

/// The time of an HTTP `Date` header, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7; the obsolete
/// forms are not read).
pub(crate) fn server_time_of_date(header: &str) -> Option<WallClock> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (weekday, rest) = header.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (clock, zone) = (parts.next()?, parts.next()?);
    let is_fixed = parts.next().is_none()
        && weekday.len() == 3
        && day.len() == 2
        && year.len() == 4
        && clock.len() == 8
        && zone == "GMT";
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    is_fixed.then(|| parse_utc(&format!("{year}-{month:02}-{day}T{clock}Z")))?
}

fn parse_amz_date(text: &str) -> Option<WallClock> {
    let (day, clock) = text.split_once('T')?;
    if day.len() != 8 || clock.len() != 7 {
        return None;
    }
    let (year, month, day) = (day.get(..4)?, day.get(4..6)?, day.get(6..)?);
    let (hour, minute, second) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
    parse_utc(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}

/// Year, month and day of a day counted from 1970-01-01, which must not lie before it.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_servers_time_out_of_its_complaints() {
        let late = "Signature expired: 20250102T030405Z is now earlier than 20250102T031000Z (20250102T031500Z - 5 min.)";
        let early = "com.amazonaws#Signature not yet current: 20250102T033000Z is still later than 20250102T032000Z (20250102T031500Z + 5 min.)";
        for message in [late, early] {
            assert_eq!(server_time_of_error(message), parse_utc("2025-01-02T03:15:00Z"));
        }
        for other in [
            "",
            "Signature expired",
            "Signature expired: (",
            "Signature expired: (soon - 5 min.)",
            "Signature expired: (20250102T031500 - 5 min.)",
            "Signature expired: (20251302T031500Z - 5 min.)",
            "Signature expired: (2025é1é2T0é1é0Z - 5 min.)",
            "Token has expired. (20250102T031500Z - 5 min.)",
        ] {
            assert_eq!(server_time_of_error(other), None, "{other}");
        }
    }

    #[test]
    fn reads_the_date_header() {
        let time = parse_utc("1994-11-06T08:49:37Z");
        assert_eq!(server_time_of_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
        for other in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 November 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(server_time_of_date(other), None, "{other}");
        }
    }

    #[test]
    fn writes_amazons_form() {
        for (time, text) in [
            ("1970-01-01T00:00:00Z", "19700101T000000Z"),
            ("2000-02-29T23:59:59.999Z", "20000229T235959Z"),
            ("2025-01-02T03:04:05Z", "20250102T030405Z"),
            ("2100-03-01T00:00:00Z", "21000301T000000Z"),
        ] {
            assert_eq!(amz_date(parse_utc(time).unwrap()), text);
        }
        assert_eq!(amz_date(WallClock(i64::MIN)), "19700101T000000Z");
        assert_eq!(amz_date(WallClock(i64::MAX)), "99991231T235959Z");
    }

    proptest! {
        #[test]
        fn a_written_time_reads_back(second in 0..=LAST_SECOND) {
            let wall = WallClock(second * 1_000);
            prop_assert_eq!(parse_amz_date(&amz_date(wall)), Some(wall));
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,60}") {
            let _ = server_time_of_error(&format!("Signature expired: ({text}"));
            let _ = server_time_of_date(&text);
            let _ = parse_amz_date(&text);
        }
    }
}
