//! What a person sees of a chat at one moment.

use serde::Deserialize;

/// Reads a [`Screen`] in the page.
pub(crate) const LOOK: &str = include_str!("screen.js");

/// Everything that a chat shows, read at one moment. What is not there is empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Screen {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The texts of the quiet system rows.
    pub notices: Vec<String>,
    /// How many rows say that messages may be missing.
    pub interruptions: usize,
    /// The name of the room.
    pub title: String,
    /// How the connection stands, as the stylesheet calls it: `online`, `reconnecting`, …
    pub status: String,
    /// How the connection stands, in words.
    pub status_words: String,
    /// What is in the composer.
    pub draft: String,
    /// Whether the cursor is in the composer.
    pub in_composer: bool,
    /// Whether the send button can be pressed.
    pub can_send: bool,
    /// How much of the longest text is used.
    pub counter: String,
    /// What the composer complains about.
    pub problem: String,
    /// What stands above the first message.
    pub top: String,
    /// What an empty room says.
    pub empty: String,
    /// What stands in the place of a chat that cannot start.
    pub failure: String,
    /// What is said of a device that keeps nothing.
    pub device_notice: String,
    /// How many rows say that messages are being fetched.
    pub holes: usize,
    /// How many messages of others have not been seen, as the element tells its page.
    pub unread: usize,
}

/// A message on the screen.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Message {
    /// The row's own name within the widget.
    pub row: String,
    /// The text, as the page holds it.
    pub text: String,
    /// The name of who wrote it.
    pub author: String,
    /// What stands beside the name: that they are a guest, or that nobody checks who they are.
    pub standing: String,
    /// Whether it is the person's own.
    pub own: bool,
    /// How far it has come: `queued`, `sending`, `sent`, `not-confirmed`, `failed`.
    pub delivery: String,
    /// Why it has not arrived.
    pub reason: String,
    /// What can be done about that, by the words on the buttons.
    pub actions: Vec<String>,
}

impl Screen {
    /// The texts of the messages, oldest first.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().map(|message| message.text.as_str()).collect()
    }

    /// The messages with this text.
    pub fn with_text(&self, text: &str) -> Vec<&Message> {
        self.messages.iter().filter(|message| message.text == text).collect()
    }

    /// Whether each of the person's own messages has arrived.
    pub fn all_own_sent(&self) -> bool {
        self.messages.iter().filter(|message| message.own).all(|message| message.delivery == "sent")
    }

    /// Whether there is exactly one message with this text, and it is the person's own and has arrived.
    pub fn sent_once(&self, text: &str) -> bool {
        matches!(self.with_text(text)[..], [only] if only.own && only.delivery == "sent")
    }
}
