//! What a page does with a chat that it does not itself hold.

use leptos::prelude::*;
use roomlet_client::{Command, Refusal, Status};

use super::screen::Screen;
use crate::driver::Chat;

/// Signs the person of a [`ChatWidget`](super::ChatWidget) out, connects it again, and tells what is unread.
#[derive(Clone, Copy)]
pub struct Remote {
    attached: StoredValue<Option<(Chat, Screen)>, LocalStorage>,
    /// Counts the people of this widget, one after the other.
    person: RwSignal<u32>,
    signed_out: RwSignal<bool>,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            attached: StoredValue::new_local(None),
            person: RwSignal::new(0),
            signed_out: RwSignal::new(false),
        }
    }
}

impl Remote {
    /// Ends the connections, empties the screen, and deletes what is kept of this person. Only
    /// [`reconnect`](Self::reconnect) leads back.
    pub fn sign_out(self) {
        if let Some((chat, screen)) = self.attached() {
            self.signed_out.set(true);
            chat.sign_out();
            screen.clear();
        }
    }

    /// Connects now, whatever the reason for waiting was; after a sign-out as somebody new.
    pub fn reconnect(self) {
        if self.signed_out.get_untracked() {
            self.signed_out.set(false);
            self.person.update(|person| *person += 1);
        } else if let Some((chat, screen)) = self.attached() {
            // The room may not even be open: then there was no place for it.
            chat.command(Command::OpenRoom(screen.room.get_untracked()));
            chat.command(Command::Reconnect);
        }
    }

    /// The page has another way to sign people in: what was refused for want of one is tried again. Somebody who has
    /// signed out stays so.
    pub fn sign_in_changed(self) {
        let waits = self.attached().is_some_and(|(_, screen)| {
            let status = screen.status.try_get_untracked();
            matches!(status, Some(Status::Refused(Refusal::Unauthorized | Refusal::SignedOut)))
        });
        if waits && !self.signed_out.get_untracked() {
            self.reconnect();
        }
    }

    /// How many messages of others in the shown room the person has not seen.
    pub fn unread(self) -> usize {
        self.attached().map_or(0, |(chat, screen)| {
            let room = screen.room.try_get_untracked();
            room.map_or(0, |room| chat.unread(&room))
        })
    }

    pub(super) fn attach(self, chat: &Chat, screen: Screen) {
        self.attached.set_value(Some((chat.clone(), screen)));
    }

    pub(super) fn track_person(self) {
        self.person.track();
    }

    pub(super) fn is_signed_out(self) -> bool {
        self.signed_out.get()
    }

    fn attached(self) -> Option<(Chat, Screen)> {
        self.attached.try_get_value().flatten()
    }
}
