//! Reading a room's past, page by page.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Message, MessageId, OrderKey, RoomId, RoomStore, StoreError, Timestamp, Walk};

/// Most messages of a page.
pub(crate) const MAX_PAGE_MESSAGES: usize = 100;

/// Messages of a page whose request names no limit.
pub(crate) const DEFAULT_PAGE_MESSAGES: usize = 50;

/// Most bytes of JSON of a page's messages: with its envelope it fits the 128 KB that the gateway
/// can post (API Gateway developer guide, WebSocket quotas).
const MAX_PAGE_BYTES: usize = 96 * 1024;

/// What every cursor of ours begins with, so that it is told from a message id.
const CURSOR_PREFIX: &str = "c.";

/// A cursor or a message id, as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) String);

/// Where a page lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    /// The newest messages.
    Newest,
    /// The messages just before this point.
    Before(Cursor),
    /// The messages just after this point.
    After(Cursor),
}

/// A request for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub(crate) room: RoomId,
    pub(crate) position: Position,
    pub(crate) limit: usize,
}

/// One page, oldest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    /// Continues in the direction of the request; `None` is the end.
    pub(crate) next_cursor: Option<String>,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HistoryError {
    /// The cursor is none of ours and no message id of the room.
    BadCursor,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for HistoryError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads one page. `measure` gives the bytes a message takes on the wire, or `None` if it cannot
/// go there; a page ends at its limit or at 96 KB, but has at least one message if there is one.
pub(crate) fn read_page(
    store: &mut dyn RoomStore,
    request: &PageRequest,
    measure: &dyn Fn(&Message) -> Option<usize>,
) -> Result<Page, HistoryError> {
    let walk = match &request.position {
        Position::Newest => Walk::FromNewest,
        Position::Before(cursor) => Walk::Before(resolve(store, &request.room, cursor)?),
        Position::After(cursor) => Walk::After(resolve(store, &request.room, cursor)?),
    };
    let limit = request.limit.clamp(1, MAX_PAGE_MESSAGES);
    let mut messages: Vec<Message> = Vec::new();
    let mut bytes = 0;
    let mut more = false;
    store.walk(&request.room, &walk, &mut |message| {
        let Some(size) = measure(&message) else { return ControlFlow::Continue(()) };
        // One more for the comma that separates it from the next.
        bytes += size + 1;
        if messages.len() == limit || (!messages.is_empty() && bytes > MAX_PAGE_BYTES) {
            more = true;
            return ControlFlow::Break(());
        }
        messages.push(message);
        ControlFlow::Continue(())
    })?;
    let next_cursor = messages.last().filter(|_| more).map(|message| encode(&message.key));
    if !matches!(walk, Walk::After(_)) {
        messages.reverse();
    }
    Ok(Page { messages, next_cursor })
}

fn resolve(
    store: &mut dyn RoomStore,
    room: &RoomId,
    cursor: &Cursor,
) -> Result<OrderKey, HistoryError> {
    if let Some(encoded) = cursor.0.strip_prefix(CURSOR_PREFIX) {
        return decode(encoded).ok_or(HistoryError::BadCursor);
    }
    let id = MessageId::from_text(cursor.0.clone());
    store.find_order_key(room, &id)?.ok_or(HistoryError::BadCursor)
}

fn encode(key: &OrderKey) -> String {
    let plain = format!("{} {}", key.created_at.0, key.id.as_str());
    format!("{CURSOR_PREFIX}{}", URL_SAFE_NO_PAD.encode(plain))
}

fn decode(encoded: &str) -> Option<OrderKey> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    let (created_at, id) = plain.split_once(' ')?;
    Some(OrderKey {
        created_at: Timestamp(created_at.parse().ok()?),
        id: MessageId::from_text(id.to_owned()),
    })
}
