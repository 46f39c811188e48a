//! What one reader gets.

use super::{Direction, Language, Texts, format, kept, page_texts};

/// A language as one reader has it: with their region's way to write numbers and times, with the page's own texts.
///
/// It costs nothing to copy. Two are equal if they say and write everything alike.
#[derive(Debug, Clone, Copy)]
pub struct Locale {
    language: Language,
    direction: Direction,
    texts: &'static Texts,
}

impl Locale {
    /// The first language among these BCP 47 tags that the widget speaks, else English; and of the tags of that language the
    /// first that says more than the language: somebody who reads `en-GB` gets British dates on a page in `en`.
    pub fn of_tags<'a>(tags: impl Iterator<Item = &'a str> + Clone) -> Self {
        let language = tags.clone().find_map(Language::from_tag).unwrap_or_default();
        let variety = tags
            .filter(|tag| Language::from_tag(tag) == Some(language))
            .filter_map(format::canonical)
            .find(|tag| tag.len() > language.tag().len());
        let tag = variety.and_then(|tag| kept::text(&tag));
        let table = tag.and_then(|tag| kept::table(&Texts { tag, ..*language.texts() }));
        Self { texts: table.unwrap_or(language.texts()), ..Self::from(language) }
    }

    /// With a page's own texts, by the names that `text_names` lists, in place of the widget's. Those that cannot be used
    /// are left out; each problem reads on after "The property `texts`".
    pub fn with_texts<'a>(
        self,
        own: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<String>) {
        let mut table = *self.texts;
        let lay = |(name, text): (&str, &str)| page_texts::lay(&mut table, name, text).err();
        let mut problems = own.into_iter().filter_map(lay).collect::<Vec<_>>();
        let texts = kept::table(&table).unwrap_or_else(|| {
            problems.push(page_texts::too_many());
            self.texts
        });
        (Self { texts, ..self }, problems)
    }

    /// Laid out in another direction than the language is written in.
    pub fn in_direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// The language.
    pub fn language(self) -> Language {
        self.language
    }

    /// The BCP 47 tag, such as `en-GB`.
    pub fn tag(self) -> &'static str {
        self.texts.tag
    }

    /// The way in which the widget is laid out.
    pub fn direction(self) -> Direction {
        self.direction
    }

    /// A text as it stands in the table, by the name that pages have for it.
    pub fn text(self, name: &str) -> Option<&'static str> {
        self.texts.all().get(super::texts::index(name)?).copied()
    }

    pub(crate) fn texts(self) -> &'static Texts {
        self.texts
    }
}

impl From<Language> for Locale {
    fn from(language: Language) -> Self {
        Self { language, direction: language.direction(), texts: language.texts() }
    }
}

/// Tables are kept once.
impl PartialEq for Locale {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.texts, other.texts) && self.direction == other.direction
    }
}

impl Eq for Locale {}
