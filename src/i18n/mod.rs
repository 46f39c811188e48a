//! The words of the widget, one table a language.

mod en;
mod ko;

/// A language of the widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

/// All languages, for tests and pickers.
pub const LANGUAGES: [Language; 2] = [Language::English, Language::Korean];

impl Language {
    /// The language of a BCP 47 tag such as `ko-KR`; `None` for one that the widget does not speak.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        LANGUAGES.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::Korean => &ko::TEXTS,
        }
    }
}

/// Everything that the widget says. Functions are for texts with something in them.
pub(crate) struct Texts {
    pub(crate) beginning: &'static str,
    pub(crate) byte_count: fn(used: usize, limit: usize) -> String,
    pub(crate) connect_again: &'static str,
    pub(crate) connecting: &'static str,
    pub(crate) delete: &'static str,
    pub(crate) dismiss: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) empty_without_history: &'static str,
    pub(crate) failed_blocked: &'static str,
    pub(crate) failed_bad_request: &'static str,
    pub(crate) failed_conflict: &'static str,
    pub(crate) failed_expired: &'static str,
    pub(crate) failed_forbidden: &'static str,
    pub(crate) failed_misconfigured: &'static str,
    pub(crate) failed_refused: &'static str,
    pub(crate) failed_too_large: &'static str,
    pub(crate) failed_unauthorized: &'static str,
    pub(crate) guest: fn(id: &str) -> String,
    pub(crate) guest_mark: &'static str,
    pub(crate) guest_meaning: &'static str,
    pub(crate) hole: &'static str,
    pub(crate) interruption: &'static str,
    pub(crate) loading_older: &'static str,
    pub(crate) message_by: fn(author: &str) -> String,
    pub(crate) messages: fn(room: &str) -> String,
    pub(crate) new_messages: fn(count: usize) -> String,
    pub(crate) no_history: &'static str,
    pub(crate) not_confirmed: &'static str,
    pub(crate) not_kept: &'static str,
    pub(crate) offline: &'static str,
    pub(crate) online: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) reconnecting: &'static str,
    pub(crate) reconnecting_in: fn(seconds: u64) -> String,
    pub(crate) refused_blocked: &'static str,
    pub(crate) refused_forbidden: &'static str,
    pub(crate) refused_misconfigured: &'static str,
    pub(crate) refused_signed_out: &'static str,
    pub(crate) refused_too_many_rooms: &'static str,
    pub(crate) refused_unauthorized: &'static str,
    pub(crate) retry: &'static str,
    pub(crate) send: &'static str,
    pub(crate) sending: &'static str,
    pub(crate) sent: &'static str,
    pub(crate) sign_in_again: &'static str,
    pub(crate) sign_in_failed: &'static str,
    pub(crate) to_latest: &'static str,
    pub(crate) today: &'static str,
    pub(crate) too_long: &'static str,
    pub(crate) too_many_unsent: &'static str,
    pub(crate) try_now: &'static str,
    pub(crate) unverified_mark: &'static str,
    pub(crate) unverified_meaning: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) yesterday: &'static str,
    pub(crate) you: &'static str,
}
