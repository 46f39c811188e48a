//! What the page knows of its backend's dialect. Shared by all its connections.

use crate::config::Dialect;

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing yet.
    Nothing,
    /// `hello` has met with silence: treated as basic until something says otherwise.
    Silence,
    /// The basic dialect. Where unknown actions are answered by a gateway error frame, `pong` is its text,
    /// and such a frame proves that the connection lives.
    Basic { pong: Option<String> },
    /// The full dialect.
    Full,
}

/// The dialect of a backend, as far as the page has found it out.
#[derive(Debug)]
pub(crate) struct Discovery {
    known: Known,
    may_ask: bool,
    may_change: bool,
}

impl Discovery {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let (known, may_ask, may_change) = match dialect {
            Dialect::Auto => (Known::Nothing, true, true),
            Dialect::Basic => (Known::Basic { pong: None }, false, false),
            Dialect::Full => (Known::Full, false, false),
        };
        Self { known, may_ask, may_change }
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// Takes the page's one chance to ask by `hello`: a backend that does not know the word may do anything
    /// with it, so it hears it once.
    pub(crate) fn take_question(&mut self) -> bool {
        std::mem::take(&mut self.may_ask)
    }

    /// Something on the wire tells more. Silence and `Basic` may turn out to be `Full`, never the other way.
    pub(crate) fn learn(&mut self, known: Known) {
        let rank = |known: &Known| match known {
            Known::Nothing => 0,
            Known::Silence => 1,
            Known::Basic { pong: None } => 2,
            Known::Basic { pong: Some(_) } => 3,
            Known::Full => 4,
        };
        if self.may_change && rank(&known) > rank(&self.known) {
            self.known = known;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_asked_once() {
        let mut discovery = Discovery::new(Dialect::Auto);
        assert!(discovery.take_question());
        assert!(!discovery.take_question());
        assert!(!Discovery::new(Dialect::Basic).take_question());
    }

    #[test]
    fn full_is_final_and_a_fixed_dialect_stays() {
        let mut discovery = Discovery::new(Dialect::Auto);
        discovery.learn(Known::Silence);
        discovery.learn(Known::Full);
        discovery.learn(Known::Basic { pong: None });
        assert_eq!(discovery.known(), &Known::Full);
        let mut fixed = Discovery::new(Dialect::Basic);
        fixed.learn(Known::Full);
        assert_eq!(fixed.known(), &Known::Basic { pong: None });
    }
}
