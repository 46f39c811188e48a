//! The languages that the widget speaks.

use super::{Texts, ar, de, en, es, ja, ko};

/// A language of the widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// Arabic, which is written from right to left.
    Arabic,
    /// German.
    German,
    /// English.
    #[default]
    English,
    /// Spanish.
    Spanish,
    /// Japanese.
    Japanese,
    /// Korean.
    Korean,
}

/// All languages, for tests and pickers.
pub const LANGUAGES: [Language; 6] = [
    Language::Arabic,
    Language::German,
    Language::English,
    Language::Spanish,
    Language::Japanese,
    Language::Korean,
];

/// The way in which lines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As English does.
    LeftToRight,
    /// As Arabic does.
    RightToLeft,
}

impl Language {
    /// The language of a BCP 47 tag such as `ko-KR`; `None` for one that the widget does not speak.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        LANGUAGES.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        self.texts().tag
    }

    /// The way in which it is written.
    pub fn direction(self) -> Direction {
        match self {
            Self::Arabic => Direction::RightToLeft,
            _ => Direction::LeftToRight,
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::Arabic => &ar::TEXTS,
            Self::German => &de::TEXTS,
            Self::English => &en::TEXTS,
            Self::Spanish => &es::TEXTS,
            Self::Japanese => &ja::TEXTS,
            Self::Korean => &ko::TEXTS,
        }
    }
}

impl Direction {
    /// The direction that the attribute `dir` names; `None` for `auto` and what is none.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::LeftToRight, Self::RightToLeft]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(name))
    }

    /// What the attribute `dir` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}
