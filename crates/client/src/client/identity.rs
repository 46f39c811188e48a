//! Who the person is: signing in and out, and what a change of persons means.

use super::channel::ChannelId;
use super::io::{Event, Refusal, SignInAnswer};
use super::{Client, by_id};
use crate::chat::ids::{GuestKey, QuestionId};
use crate::chat::person::{DisplayName, Ownership};
use crate::time::Now;

impl Client {
    pub(super) fn sign_out(&mut self) {
        self.forget_person();
        for channel in &mut self.channels {
            channel.keyring.forget();
            channel.refuse(Refusal::SignedOut, &mut self.shared.discovery);
        }
    }

    /// Nothing of the person before is left: not what they wrote, not what they have read, not who they were.
    fn forget_person(&mut self) {
        self.ownership = Ownership::default();
        let person = &mut self.shared.person;
        if let Some(key) = GuestKey::parse(&self.shared.random.token()) {
            person.guest_key = key;
        }
        person.known_as = None;
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
                let subject = credentials.subject().filter(|_| channel.knows_subject());
                let name = credentials.name();
                channel.keyring.answered(credentials);
                self.recognise(id, subject, name);
            }
            SignInAnswer::SignedOut => {
                channel.keyring.signed_out();
                channel.refuse(Refusal::Unauthorized, &mut self.shared.discovery);
            }
            SignInAnswer::Failed => channel.keyring.unanswered(now.monotonic),
        }
    }

    /// A token says who the person is. If it is another one, what the one before had must not become theirs.
    fn recognise(&mut self, channel: ChannelId, subject: Option<String>, name: Option<String>) {
        let Some(subject) = subject else { return };
        let before = self.shared.person.known_as.take();
        if before.as_ref().is_some_and(|before| *before != subject) {
            self.forget_person();
            if let Some(channel) = by_id(&mut self.channels, channel) {
                channel.link.reconnect();
            }
        }
        if self.shared.person.name.is_none() {
            self.shared.person.name = name.as_deref().and_then(DisplayName::parse);
        }
        self.shared.person.known_as = Some(subject.clone());
        self.ownership.learn_sender(subject);
        for channel in &mut self.channels {
            channel.session.set_person(&self.shared.person);
        }
    }

    pub(super) fn learn_sender(&mut self, sender_id: String) {
        if self.ownership.learn_sender(sender_id.clone()) {
            self.events.push_back(Event::KnownAs(sender_id));
        }
    }
}
