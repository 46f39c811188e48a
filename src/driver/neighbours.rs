//! The chats of one page that talk to the same backend. What one finds out about it, the others need not ask.

use std::cell::RefCell;
use std::collections::BTreeMap;

use roomlet_client::{Finding, Input};

use super::WeakChat;

thread_local! {
    static PAGE: RefCell<BTreeMap<String, Neighbours>> = RefCell::default();
}

#[derive(Default)]
struct Neighbours {
    chats: Vec<WeakChat>,
    finding: Option<Finding>,
}

/// A chat begins; returns what is known already.
pub(super) fn join(endpoint: &str, chat: WeakChat) -> Option<Finding> {
    PAGE.with_borrow_mut(|page| {
        let neighbours = page.entry(endpoint.to_owned()).or_default();
        neighbours.chats.push(chat);
        neighbours.finding.clone()
    })
}

/// A chat has found out something.
pub(super) fn tell(endpoint: &str, teller: &WeakChat, finding: Finding) {
    let others = PAGE.with_borrow_mut(|page| {
        let neighbours = page.entry(endpoint.to_owned()).or_default();
        neighbours.finding = Some(finding.clone());
        neighbours.chats.iter().filter(|chat| !chat.is(teller)).cloned().collect::<Vec<_>>()
    });
    for chat in others {
        chat.feed(Input::Found(finding.clone()));
    }
}

/// A chat ends. What it had asked without an answer is nobody's question any more.
pub(super) fn leave(endpoint: &str, chat: &WeakChat) {
    let left_behind = PAGE.with_borrow_mut(|page| {
        let neighbours = page.get_mut(endpoint)?;
        neighbours.chats.retain(|other| !other.is(chat));
        neighbours.finding.clone().map(Finding::left_behind)
    });
    if let Some(finding) = left_behind {
        tell(endpoint, chat, finding);
    }
}
