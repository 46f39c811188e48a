//! What the page knows of its backend's dialect. Shared by all its connections, and by the page's clients.

use std::time::Duration;

use crate::config::Dialect;
use crate::time::Timestamp;

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
    now: Finding,
    may_change: bool,
    told: Finding,
    /// When this client may ask again.
    repeats_from: Timestamp,
}

/// What a client has found out about its backend. A page has one question to ask, whichever of its clients asks it, so
/// that they tell each other: [`Event::Found`](crate::Event::Found), [`Input::Found`](crate::Input::Found).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    known: Known,
    question: Question,
    repetitions: u8,
}

impl Finding {
    /// The same, after the client that has found it is gone: a question without an answer has been asked in vain.
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        if self.question == Question::Asked && matches!(self.known, Known::Nothing | Known::Silence)
        {
            self.question = Question::Lost;
        }
        self
    }
}

/// What has become of the page's one `hello`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    ToAsk,
    Asked,
    /// Its connection ended before an answer could come.
    Lost,
    /// What came may have been its answer, and has come to harm; or the backend could not read it.
    Broken,
    /// It came back as it was: nobody who knows the word does that.
    Returned,
}

/// How often a page repeats its question, where frames look like the full dialect or an answer has come to harm. A
/// repetition may come to nothing as well, by a connection that is dead without anybody knowing or in the same bad
/// network; but a backend that does not know the word hears it no more often than that.
const MAX_REPETITIONS: u8 = 8;
/// The pause before the first repetition; it doubles from each to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause between two repetitions is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Discovery {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let (known, question, may_change) = match dialect {
            Dialect::Auto => (Known::Nothing, Question::ToAsk, true),
            Dialect::Basic => (Known::Basic { pong: None }, Question::Asked, false),
            Dialect::Full => (Known::Full, Question::Asked, false),
        };
        let now = Finding { known, question, repetitions: 0 };
        Self { told: now.clone(), now, may_change, repeats_from: Timestamp(0) }
    }

    pub(crate) fn known(&self) -> &Known {
        &self.now.known
    }

    /// Takes over what another client of the page has found out.
    pub(crate) fn hear(&mut self, finding: Finding) {
        if self.may_change {
            self.learn(finding.known);
            self.now.question = finding.question;
            self.now.repetitions = self.now.repetitions.max(finding.repetitions);
            self.told = self.now.clone();
        }
    }

    /// What is new for the other clients of the page.
    pub(crate) fn news(&mut self) -> Option<Finding> {
        let is_news = self.now != self.told;
        is_news.then(|| {
            self.told = self.now.clone();
            self.now.clone()
        })
    }

    /// Takes the page's one chance to ask by `hello`: a backend that does not know the word may do anything
    /// with it, so it hears it once.
    pub(crate) fn take_question(&mut self, now: Timestamp) -> bool {
        let may_ask = self.now.question == Question::ToAsk;
        if may_ask {
            self.asked(now);
        }
        may_ask
    }

    /// The connection that has asked is gone, and no answer came.
    pub(crate) fn question_lost(&mut self) {
        if self.now.question == Question::Asked && self.may_be_full() {
            self.now.question = Question::Lost;
        }
    }

    /// A frame may have been the answer, and cannot be read.
    pub(crate) fn answer_broken(&mut self) {
        if self.now.question == Question::Asked && self.may_be_full() {
            self.now.question = Question::Broken;
        }
    }

    /// The question has come back as it was.
    pub(crate) fn question_returned(&mut self) {
        self.now.question = Question::Returned;
    }

    /// When the question is to be asked once more by itself, since its answer has come to harm.
    pub(crate) fn repeats_at(&self) -> Option<Timestamp> {
        let is_due = self.now.question == Question::Broken && self.may_repeat();
        is_due.then_some(self.repeats_from)
    }

    /// Takes a chance to ask once more where a frame looks like the full dialect or an answer has come to harm, and the
    /// question was lost, met with silence or with what cannot be read.
    pub(crate) fn ask_again(&mut self, now: Timestamp) -> bool {
        let in_vain = match self.now.question {
            Question::Lost | Question::Broken => true,
            Question::Asked => self.now.known != Known::Nothing,
            Question::ToAsk | Question::Returned => false,
        };
        let may_ask = in_vain && self.may_repeat() && now >= self.repeats_from;
        if may_ask {
            self.now.repetitions += 1;
            self.asked(now);
        }
        may_ask
    }

    fn asked(&mut self, now: Timestamp) {
        self.now.question = Question::Asked;
        let pause = FIRST_PAUSE * 2_u32.pow(self.now.repetitions.into());
        self.repeats_from = now + pause.min(LONGEST_PAUSE);
    }

    fn may_repeat(&self) -> bool {
        let is_open = self.may_be_full() && self.now.known != Known::Full;
        is_open && self.now.repetitions < MAX_REPETITIONS
    }

    /// Whether a welcome would be believed: not after an error frame has answered `hello`.
    pub(crate) fn may_be_full(&self) -> bool {
        match self.now.known {
            Known::Nothing | Known::Silence | Known::Basic { pong: None } => self.may_change,
            Known::Basic { pong: Some(_) } => false,
            Known::Full => true,
        }
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
        if self.may_change && rank(&known) > rank(&self.now.known) {
            self.now.known = known;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const LATER: Timestamp = Timestamp(2_000);

    #[test]
    fn the_question_is_asked_once() {
        let mut discovery = Discovery::new(Dialect::Auto);
        assert!(discovery.take_question(NOW));
        assert!(!discovery.take_question(NOW));
        assert!(!Discovery::new(Dialect::Basic).take_question(NOW));
    }

    #[test]
    fn a_lost_question_may_be_asked_once_more_unless_the_answer_is_known() {
        let mut discovery = Discovery::new(Dialect::Auto);
        discovery.take_question(NOW);
        assert!(!discovery.ask_again(LATER));
        discovery.question_lost();
        assert!(discovery.ask_again(LATER) && !discovery.ask_again(LATER));
        discovery.learn(Known::Basic { pong: Some("Forbidden".into()) });
        discovery.question_lost();
        assert!(!discovery.ask_again(LATER));
        let mut silent = Discovery::new(Dialect::Auto);
        silent.take_question(NOW);
        assert!(!silent.ask_again(LATER), "an answer may come yet");
        silent.learn(Known::Silence);
        let minutes = (1..20).map(|minutes| LATER + LONGEST_PAUSE * minutes);
        let repeated = minutes.filter(|now| silent.ask_again(*now)).count();
        assert_eq!(repeated, usize::from(MAX_REPETITIONS));
    }

    #[test]
    fn a_page_asks_once_whichever_client_it_is() {
        let (mut first, mut second) =
            (Discovery::new(Dialect::Auto), Discovery::new(Dialect::Auto));
        first.take_question(NOW);
        second.hear(first.news().unwrap());
        assert!(!second.take_question(NOW));
        assert_eq!((first.news(), second.news()), (None, None));
        first.learn(Known::Full);
        let news = first.news().unwrap();
        second.hear(news.clone());
        assert_eq!(second.known(), &Known::Full);
        let mut fixed = Discovery::new(Dialect::Basic);
        fixed.hear(news);
        assert_eq!(fixed.known(), &Known::Basic { pong: None });
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
