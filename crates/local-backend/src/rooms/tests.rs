//! The rules over a store in memory.

use std::ops::ControlFlow;

use super::*;

#[derive(Default)]
struct VecStore(Vec<Message>);

impl RoomStore for VecStore {
    fn find_by_client_message_id(
        &mut self,
        room: &RoomId,
        client_message_id: &str,
    ) -> Result<Option<Message>, StoreError> {
        let found = self.0.iter().find(|message| {
            message.room == *room && message.client_message_id.as_deref() == Some(client_message_id)
        });
        Ok(found.cloned())
    }

    fn find_order_key(
        &mut self,
        room: &RoomId,
        id: &MessageId,
    ) -> Result<Option<OrderKey>, StoreError> {
        let found = self.0.iter().find(|message| message.room == *room && message.key.id == *id);
        Ok(found.map(|message| message.key.clone()))
    }

    fn newest(&mut self, room: &RoomId) -> Result<Option<OrderKey>, StoreError> {
        let keys = self.0.iter().filter(|message| message.room == *room);
        Ok(keys.map(|message| message.key.clone()).max())
    }

    fn insert(&mut self, message: &Message) -> Result<(), StoreError> {
        self.0.push(message.clone());
        Ok(())
    }

    fn walk(
        &mut self,
        room: &RoomId,
        walk: &Walk,
        visit: &mut dyn FnMut(Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut messages: Vec<Message> = self
            .0
            .iter()
            .filter(|message| message.room == *room)
            .filter(|message| match walk {
                Walk::FromNewest => true,
                Walk::Before(key) => message.key < *key,
                Walk::After(key) => message.key > *key,
            })
            .cloned()
            .collect();
        messages.sort_by(|left, right| left.key.cmp(&right.key));
        if !matches!(walk, Walk::After(_)) {
            messages.reverse();
        }
        for message in messages {
            if visit(message).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn guest(id: &str) -> Sender {
    Sender { id: id.to_owned(), name: None, kind: SenderKind::Guest }
}

fn new_message(text: &str, client_message_id: Option<&str>) -> NewMessage {
    NewMessage {
        room: RoomId::lobby(),
        text: text.to_owned(),
        client_message_id: client_message_id.map(str::to_owned),
        sender: guest("g-1"),
        sender_connection_id: None,
    }
}

fn stored(sent: Result<Sent, SendError>) -> Message {
    match sent {
        Ok(Sent::Stored(message)) => message,
        other => panic!("expected a stored message, got {other:?}"),
    }
}

#[test]
fn order_follows_storing_even_when_the_clock_stands_still_or_goes_back() {
    let mut store = VecStore::default();
    let clock = [1_000, 1_000, 1_000, 400, 1_001, 999];
    let keys: Vec<(String, String)> = clock
        .iter()
        .enumerate()
        .map(|(index, &now)| {
            // A falling random part would betray an order that leans on it.
            let random = u64::MAX - index as u64;
            let sent = send(&mut store, Timestamp(now), random, new_message("x", None));
            let key = stored(sent).key;
            (key.created_at.to_string(), key.id.as_str().to_owned())
        })
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);
    assert_eq!(keys[0].0, "1970-01-01T00:00:01.000Z");
    assert_eq!(keys[3].0, "1970-01-01T00:00:01.000Z");
    assert_eq!(keys[4].0, "1970-01-01T00:00:01.001Z");
}

#[test]
fn a_full_millisecond_flows_into_the_next() {
    let newest = OrderKey {
        created_at: Timestamp(5),
        id: MessageId::from_text("000000000005-ffff-0000000000000000".to_owned()),
    };
    let next = OrderKey::following(Some(&newest), Timestamp(5), 0);
    assert_eq!(next.created_at, Timestamp(6));
    assert!(next > newest);
    assert!(next.id > newest.id);
}

#[test]
fn a_repeated_send_gives_the_first_message_and_another_one_conflicts() {
    let mut store = VecStore::default();
    let first = stored(send(&mut store, Timestamp(1), 1, new_message("hi", Some("m"))));
    let again = send(&mut store, Timestamp(9), 2, new_message("hi", Some("m")));
    assert_eq!(again, Ok(Sent::Repeated(first)));
    let other_text = send(&mut store, Timestamp(9), 3, new_message("ho", Some("m")));
    assert_eq!(other_text, Err(SendError::Conflict));
    let mut other_sender = new_message("hi", Some("m"));
    other_sender.sender = guest("g-2");
    assert_eq!(send(&mut store, Timestamp(9), 4, other_sender), Err(SendError::Conflict));
    let mut other_room = new_message("ho", Some("m"));
    other_room.room = RoomId::parse(Some("elsewhere")).unwrap();
    stored(send(&mut store, Timestamp(9), 5, other_room));
    assert_eq!(store.0.len(), 2);
}

fn page(store: &mut VecStore, position: Position, limit: usize, bytes_each: usize) -> Page {
    let request = PageRequest { room: RoomId::lobby(), position, limit };
    read_page(store, &request, &|_| Some(bytes_each)).unwrap()
}

fn texts(page: &Page) -> Vec<&str> {
    page.messages.iter().map(|message| message.text.as_str()).collect()
}

#[test]
fn pages_meet_without_a_gap_in_both_directions() {
    let mut store = VecStore::default();
    for number in 0..7 {
        stored(send(&mut store, Timestamp(1), 0, new_message(&number.to_string(), None)));
    }
    let newest = page(&mut store, Position::Newest, 3, 1);
    assert_eq!(texts(&newest), ["4", "5", "6"]);
    let before = Position::Before(Cursor(newest.next_cursor.unwrap()));
    let older = page(&mut store, before, 3, 1);
    assert_eq!(texts(&older), ["1", "2", "3"]);
    let oldest = page(&mut store, Position::Before(Cursor(older.next_cursor.unwrap())), 3, 1);
    assert_eq!(texts(&oldest), ["0"]);
    assert_eq!(oldest.next_cursor, None);

    let first_id = oldest.messages[0].key.id.as_str().to_owned();
    let after = page(&mut store, Position::After(Cursor(first_id)), 4, 1);
    assert_eq!(texts(&after), ["1", "2", "3", "4"]);
    let rest = page(&mut store, Position::After(Cursor(after.next_cursor.unwrap())), 4, 1);
    assert_eq!(texts(&rest), ["5", "6"]);
    assert_eq!(rest.next_cursor, None);
}

#[test]
fn a_page_ends_at_its_bytes_but_is_never_empty() {
    let mut store = VecStore::default();
    for number in 0..4 {
        stored(send(&mut store, Timestamp(1), 0, new_message(&number.to_string(), None)));
    }
    let page_of_three = page(&mut store, Position::Newest, 100, 30_000);
    assert_eq!(texts(&page_of_three), ["1", "2", "3"]);
    assert!(page_of_three.next_cursor.is_some());
    let page_of_one = page(&mut store, Position::Newest, 100, 200_000);
    assert_eq!(texts(&page_of_one), ["3"]);
}

#[test]
fn a_cursor_of_another_make_is_refused() {
    let mut store = VecStore::default();
    stored(send(&mut store, Timestamp(1), 0, new_message("x", None)));
    for cursor in ["", "c.", "c.!!!", "c.YQ", "000000000001-0000-0000000000000001", "김치"] {
        let position = Position::Before(Cursor(cursor.to_owned()));
        let request = PageRequest { room: RoomId::lobby(), position, limit: 1 };
        let answer = read_page(&mut store, &request, &|_| Some(1));
        assert_eq!(answer, Err(HistoryError::BadCursor), "{cursor:?}");
    }
}

#[test]
fn names_are_cleaned() {
    let clean = |name: &str| DisplayName::clean(name).map(DisplayName::into_string);
    assert_eq!(clean("  Ann  "), Some("Ann".to_owned()));
    assert_eq!(clean(" \u{202e}\u{2066}\u{0007}\n "), None);
    assert_eq!(clean("A\u{202e}nn\u{200f}"), Some("Ann".to_owned()));
    let family = "👨‍👩‍👧‍👦";
    assert_eq!(clean(&family.repeat(70)), Some(family.repeat(64)));
    assert_eq!(clean(&"é".repeat(70)), Some("é".repeat(64)));
    assert_eq!(clean(&format!("a{}", "\u{0301}".repeat(5_000))), None);
}

#[test]
fn room_ids_have_bounds() {
    assert_eq!(RoomId::parse(None), Some(RoomId::lobby()));
    assert_eq!(RoomId::parse(Some("")), Some(RoomId::lobby()));
    assert!(RoomId::parse(Some("김치 방/1")).is_some());
    assert!(RoomId::parse(Some(&"x".repeat(128))).is_some());
    assert_eq!(RoomId::parse(Some(&"x".repeat(129))), None);
    assert_eq!(RoomId::parse(Some("a\u{0085}b")), None);
    assert_eq!(RoomId::parse_basic(""), None);
}

#[test]
fn members_keep_their_order_and_leave_no_trace() {
    let mut members = Members::default();
    let lobby = RoomId::lobby();
    let other = RoomId::parse(Some("other")).unwrap();
    for member in [3, 1, 2, 1] {
        members.join(&member, &lobby);
    }
    members.join(&1, &other);
    assert_eq!(members.of(&lobby), [3, 1, 2]);
    members.remove(&1);
    assert_eq!(members.of(&lobby), [3, 2]);
    assert!(members.of(&other).is_empty());
    assert!(members.rooms_of(&1).is_empty());
}

#[test]
fn a_guest_id_hides_its_key_and_does_not_depend_on_case() {
    let key = "00112233445566778899aabbccddeeff";
    let id = GuestKey::parse(key).unwrap().guest_id();
    assert_eq!(id, GuestKey::parse(&key.to_uppercase()).unwrap().guest_id());
    assert!(id.starts_with("g-") && id.len() == 34 && !id.contains(key));
    assert!(GuestKey::parse("short").is_none());
    assert!(connection_guest_id("abc=").starts_with("c-"));
}
