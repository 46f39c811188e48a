//! Who the person is: signing in and out, and what a change of persons means.

use super::channel::ChannelId;
use super::io::{Event, Refusal, SignInAnswer};
use super::{Client, by_id};
use crate::auth::Credentials;
use crate::chat::ids::{GuestKey, QuestionId};
use crate::chat::message::FailReason;
use crate::chat::person::{DisplayName, Ownership};
use crate::keeping::TabNews;
use crate::time::Now;

/// By what a person is known.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The name that the page gave them.
    pub(super) name: Option<DisplayName>,
    /// The name that their token gives them.
    token_name: Option<DisplayName>,
    /// Whom the last token spoke of that spoke of anybody.
    subject: Option<String>,
    /// The present credentials say whom they are of.
    is_said: bool,
    /// What the backend calls them, where it vouches for it.
    sender_id: Option<String>,
}

impl Identity {
    pub(super) fn new(name: Option<DisplayName>) -> Self {
        Self { name, ..Self::default() }
    }

    /// By what the person's records are found, if it is certain enough: who has signed in, as their token says or else
    /// the backend.
    pub(super) fn user_id(&self) -> Option<&str> {
        let subject = self.subject.as_deref().filter(|_| self.is_said);
        subject.or(self.sender_id.as_deref().filter(|_| !self.is_said))
    }

    /// The name that others see.
    pub(super) fn shown_name(&self) -> Option<DisplayName> {
        self.name.as_ref().or(self.token_name.as_ref()).cloned()
    }
}

impl Client {
    /// The person has signed out: what the device has of them is deleted.
    pub(super) fn sign_out(&mut self) {
        self.keeping.tell(&TabNews::SignedOut);
        self.keeping.leave(true);
        self.is_signed_out = true;
        self.forget_person();
        for channel in &mut self.channels {
            channel.keyring.forget();
            channel.refuse(Refusal::SignedOut, &mut self.shared.discovery);
        }
    }

    /// Nothing of the person before is left: not what they wrote, not what they have read, not who they were.
    fn forget_person(&mut self) {
        self.forget_kept();
        self.ownership = Ownership::default();
        self.identity = Identity::new(self.identity.name.take());
        let person = &mut self.shared.person;
        if let Some(key) = GuestKey::parse(&self.shared.random.token()) {
            person.guest_key = key;
        }
        person.known_as = None;
        person.name = self.identity.shown_name();
        for channel in &mut self.channels {
            channel.forget_person(&mut self.shared.discovery);
            channel.session.set_person(&self.shared.person);
        }
        for open in &mut self.rooms {
            open.forget();
            if let Some(channel) = by_id(&mut self.channels, open.channel) {
                channel.session.join(&open.room.id);
            }
        }
    }

    pub(super) fn signed_in(&mut self, now: Now, question: QuestionId, answer: SignInAnswer) {
        let asker = self.channels.iter_mut().find(|channel| channel.keyring.answers(question));
        let Some(channel) = asker else { return };
        let id = channel.id;
        match answer {
            SignInAnswer::Credentials(credentials) => {
                channel.keyring.answered(credentials.clone());
                self.recognise(now, id, &credentials);
            }
            SignInAnswer::SignedOut => {
                channel.keyring.signed_out();
                channel.refuse(Refusal::Unauthorized, &mut self.shared.discovery);
                if !self.identity.is_said {
                    self.hold_unsent(now, id);
                }
            }
            SignInAnswer::Failed => channel.keyring.unanswered(now.monotonic),
        }
    }

    /// Who signs in next may be somebody else, and nothing would tell: what was not sent waits for them to look at it.
    fn hold_unsent(&mut self, now: Now, channel: ChannelId) {
        if let Some(index) = self.channels.iter().position(|one| one.id == channel) {
            self.session_events(now, index);
        }
        for open in self.rooms.iter_mut().filter(|open| open.channel == channel) {
            open.halt_all(FailReason::Unauthorized);
        }
    }

    /// A token says who the person is. If it is another one, what the one before had must not become theirs.
    fn recognise(&mut self, now: Now, channel: ChannelId, credentials: &Credentials) {
        let subject = credentials.subject();
        self.identity.is_said = subject.is_some();
        let Some(subject) = subject else { return };
        let Some(vouched) = by_id(&mut self.channels, channel).map(|one| one.knows_subject())
        else {
            return;
        };
        if self.identity.subject.as_ref().is_some_and(|before| *before != subject) {
            self.forget_person();
            self.identity.is_said = true;
            for other in self.channels.iter_mut().filter(|other| other.id != channel) {
                other.keyring.forget();
            }
            self.connect_anew(now);
        }
        let is_news = self.identity.subject.replace(subject.clone()).as_ref() != Some(&subject);
        if !vouched {
            return;
        }
        self.identity.token_name = credentials.name().as_deref().and_then(DisplayName::parse);
        self.shared.person.name = self.identity.shown_name();
        if is_news {
            self.shared.person.known_as = Some(subject.clone());
            self.ownership.learn_sender(subject);
        }
        for channel in &mut self.channels {
            channel.session.set_person(&self.shared.person);
        }
    }

    /// The backend says who we are. Where no token does, this is how a change of persons shows.
    pub(super) fn introduced(&mut self, now: Now, sender_id: String, is_user: bool) {
        if is_user {
            let before = self.identity.sender_id.as_ref();
            let is_other = before.is_some_and(|before| *before != sender_id);
            if is_other && !self.identity.is_said {
                self.forget_person();
                self.connect_anew(now);
            }
            self.identity.sender_id = Some(sender_id.clone());
        }
        self.learn_sender(sender_id);
        // Before anything is sent: it has to be on their disk first.
        self.identify(now);
    }

    pub(super) fn learn_sender(&mut self, sender_id: String) {
        if self.ownership.learn_sender(sender_id.clone()) {
            self.events.push_back(Event::KnownAs(sender_id));
            self.claim_rows();
        }
    }

    /// It has become known what is the person's own: what stands in the lists is looked through.
    pub(super) fn claim_rows(&mut self) {
        let ownership = &mut self.ownership;
        for open in &mut self.rooms {
            let back = open.room.timeline.claim(|message, send| ownership.claims(message, send));
            for send in back {
                ownership.came_back(&send);
            }
        }
    }

    fn connect_anew(&mut self, now: Now) {
        for channel in &mut self.channels {
            channel.connect_anew(now.monotonic, &mut self.shared);
        }
    }
}
