//! Everything that the widget says: the table that each language fills in.

use super::format;
use super::template::{fill, form, isolated};

/// Declares the table, and what goes through all of it.
macro_rules! table {
    ($($name:ident),+ $(,)?) => {
        /// The texts of a language, by name. They are templates: `{author}` stands for something else, and
        /// `one=…|other=…` is written in each plural form of the language.
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct Texts {
            /// The BCP 47 tag that numbers and plurals go by.
            pub(crate) tag: &'static str,
            $(pub(crate) $name: &'static str,)+
        }

        /// The names of the fields.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];

        impl Texts {
            /// The texts in the order of [`NAMES`].
            pub(super) fn all(&self) -> [&'static str; NAMES.len()] {
                [$(self.$name),+]
            }

            /// As [`all`](Self::all), to be changed.
            pub(super) fn all_mut(&mut self) -> [&mut &'static str; NAMES.len()] {
                [$(&mut self.$name),+]
            }
        }
    };
}

table! {
beginning,
byte_count,
connect_again,
connecting,
delete,
dismiss,
empty,
empty_without_history,
failed_bad_request,
failed_blocked,
failed_conflict,
failed_expired,
failed_forbidden,
failed_misconfigured,
failed_refused,
failed_too_large,
failed_unauthorized,
guest,
guest_mark,
guest_meaning,
hole,
interruption,
loading_older,
message_by,
messages,
new_messages,
no_history,
not_confirmed,
not_kept,
offline,
online,
placeholder,
reconnecting,
reconnecting_in,
refused_blocked,
refused_forbidden,
refused_misconfigured,
refused_signed_out,
refused_too_many_rooms,
refused_unauthorized,
retry,
send,
sending,
sent,
sign_in_again,
sign_in_failed,
to_latest,
today,
too_long,
too_many_unsent,
try_now,
unverified_mark,
unverified_meaning,
waiting,
yesterday,
you,}

impl Texts {
    pub(crate) fn byte_count(&self, used: usize, limit: usize) -> String {
        let [used, limit] = [used, limit].map(|bytes| format::number(self.tag, bytes));
        fill(self.byte_count, &[("used", &used), ("limit", &limit)])
    }

    /// The name of somebody who gave none. It stands by itself, and is handed to the page: nothing is put around the id.
    pub(crate) fn guest(&self, id: &str) -> String {
        fill(self.guest, &[("id", id)])
    }

    pub(crate) fn message_by(&self, author: &str) -> String {
        fill(self.message_by, &[("author", &isolated(author))])
    }

    pub(crate) fn messages(&self, room: &str) -> String {
        fill(self.messages, &[("room", &isolated(room))])
    }

    pub(crate) fn new_messages(&self, count: usize) -> String {
        self.counted(self.new_messages, "count", count)
    }

    pub(crate) fn reconnecting_in(&self, seconds: u64) -> String {
        self.counted(
            self.reconnecting_in,
            "seconds",
            usize::try_from(seconds).unwrap_or(usize::MAX),
        )
    }

    /// A text in the plural form that goes with a number.
    fn counted(&self, template: &str, placeholder: &str, number: usize) -> String {
        let category = format::plural_category(self.tag, number);
        fill(form(template, &category), &[(placeholder, &format::number(self.tag, number))])
    }
}

/// What pages call the texts of the script that loads the widget (`roomlet.js`), which has a table of its own.
pub const LOADER_TEXT_NAMES: [&str; 3] = ["loadFailed", "loadForbidden", "loading"];

/// What pages call the texts, in the order of their table: `newMessages`.
pub fn text_names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| letters_for_pages(name).collect())
}

/// The place of a text in the table, by what pages call it.
pub(super) fn index(name_for_pages: &str) -> Option<usize> {
    NAMES.iter().position(|name| letters_for_pages(name).eq(name_for_pages.chars()))
}

/// `new_messages` as JavaScript writes it.
fn letters_for_pages(name: &str) -> impl Iterator<Item = char> {
    let mut after_line = false;
    name.chars().filter_map(move |letter| {
        let is_first = std::mem::replace(&mut after_line, letter == '_');
        (letter != '_').then(|| if is_first { letter.to_ascii_uppercase() } else { letter })
    })
}
