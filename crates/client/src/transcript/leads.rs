//! What stands above a row: a date, an author, or nothing.

use crate::chat::message::{Author, Row};
use crate::time::WallClock;

/// Messages of one sender that follow each other so closely are grouped.
const GROUP_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// A day of the reader's calendar: year, month, day. Equal for two times of one day.
pub type Day = (u32, u32, u32);

/// What stands above a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// Nothing: it goes on where the row before it ended.
    Continues,
    /// The author's name and the time.
    Author,
    /// The date, then the author's name and the time.
    Date(WallClock),
}

/// What a row sees before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Before {
    /// Of the message right before.
    author: Option<Author>,
    /// Of the last message.
    time: WallClock,
    day: Day,
}

/// What stands above a row, and what the next one sees before it.
pub(super) fn lead(
    before: Option<Before>,
    row: &Row,
    own_day: Option<Day>,
    first: Option<WallClock>,
    day_of: fn(WallClock) -> Day,
) -> (Lead, Option<Before>) {
    let Some(message) = row.message() else {
        return (Lead::Continues, before.map(|before| Before { author: None, ..before }));
    };
    let inherited = before.as_ref().map(|before| (before.time, before.day));
    let (time, day) = match (message.time.zip(own_day), inherited, first) {
        (Some(own), _, _) => own,
        (None, Some(inherited), _) => inherited,
        (None, None, first) => {
            let time = first.unwrap_or(WallClock(0));
            (time, day_of(time))
        }
    };
    let lead = match &before {
        Some(before) if before.day != day => Lead::Date(time),
        Some(before)
            if before.author.as_ref() == Some(&message.author)
                && time.0.saturating_sub(before.time.0) < GROUP_MILLISECONDS =>
        {
            Lead::Continues
        }
        Some(_) => Lead::Author,
        None if first.is_some() => Lead::Date(time),
        None => Lead::Author,
    };
    (lead, Some(Before { author: Some(message.author.clone()), time, day }))
}
