use super::*;

const NOT_CONFIRMED: Halt = Halt::NotConfirmed;

fn message(number: u64, id: &str) -> Outgoing {
    let written = Written { at: WallClock(0), number };
    Outgoing::new(RowId(number), ClientMessageId(id.into()), id.into(), written)
}

fn now(at: u64) -> Now {
    Now { monotonic: Timestamp(at), wall: WallClock(0) }
}

fn outbox() -> Outbox {
    let mut outbox = Outbox::default();
    for (row, id) in [(1, "a"), (2, "b")] {
        outbox.push(message(row, id));
    }
    outbox
}

fn start(outbox: &mut Outbox, at: u64) -> Option<String> {
    match outbox.take_turn(now(at), Disk::Without, true) {
        Turn::Send(message) => Some(message.text.clone()),
        _ => None,
    }
}

#[test]
fn one_message_is_in_flight_and_order_is_kept() {
    let mut outbox = outbox();
    assert_eq!(start(&mut outbox, 0).as_deref(), Some("a"));
    assert_eq!(start(&mut outbox, 0), None);
    outbox.requeue(&ClientMessageId("a".into()));
    assert_eq!(start(&mut outbox, 0).as_deref(), Some("a"));
    outbox.delivered(&ClientMessageId("a".into()));
    assert_eq!(start(&mut outbox, 0).as_deref(), Some("b"));
}

#[test]
fn a_halted_message_lets_the_next_one_pass() {
    let mut outbox = outbox();
    start(&mut outbox, 0);
    outbox.halt(&ClientMessageId("a".into()), NOT_CONFIRMED);
    assert_eq!(start(&mut outbox, 0).as_deref(), Some("b"));
    assert!(outbox.halted(RowId(1)).is_some());
}

#[test]
fn a_pause_holds_everything_back_until_it_ends() {
    let mut outbox = outbox();
    outbox.pause_until(Timestamp(10));
    assert_eq!(start(&mut outbox, 9), None);
    assert_eq!(outbox.resumes_at(), Some(Timestamp(10)));
    assert_eq!(start(&mut outbox, 10).as_deref(), Some("a"));
}

#[test]
fn nothing_goes_before_the_disk_knows_that_it_is_tried() {
    let mut outbox = outbox();
    let (a, request) = (ClientMessageId("a".into()), StorageRequestId(1));
    outbox.storing(now(0), &a, request);
    let turn = |outbox: &mut Outbox| match outbox.take_turn(now(0), Disk::Awaited, true) {
        Turn::Send(_) => "sent",
        Turn::OnTheWayToDisk => "stored first",
        Turn::Nobodys | Turn::Doubtful(_) | Turn::Halted(..) => "",
    };
    assert_eq!(turn(&mut outbox), "stored first");
    assert!(outbox.stored(request));
    assert_eq!(turn(&mut outbox), "stored first", "the record says that it was never tried");
    assert_eq!(outbox.next_to_store(true).map(|message| message.id.clone()), Some(a.clone()));
    outbox.storing(now(0), &a, StorageRequestId(2));
    outbox.stored(StorageRequestId(2));
    assert_eq!(turn(&mut outbox), "sent");
}

#[test]
fn what_was_tried_in_an_earlier_life_is_repeated_only_where_that_does_no_harm() {
    let mut outbox = Outbox::default();
    let written = Written { at: WallClock(0), number: 1 };
    let id = ClientMessageId("a".into());
    outbox.push(Outgoing::restored(
        RowId(1),
        Some(now(0)),
        (id.clone(), "a".into()),
        written,
        (true, false),
        None,
    ));
    let turn = outbox.take_turn(now(0), Disk::Awaited, false);
    assert!(matches!(turn, Turn::Doubtful(RowId(1))));
    assert!(matches!(outbox.take_turn(now(0), Disk::Awaited, false), Turn::Nobodys));
    assert!(outbox.halted(RowId(1)).is_some());
    outbox.retry(&id, WallClock(0));
    let turn = outbox.take_turn(now(0), Disk::Awaited, false);
    assert!(matches!(turn, Turn::OnTheWayToDisk), "another tab may have taken it over");
    outbox.storing(now(0), &id, StorageRequestId(1));
    outbox.stored(StorageRequestId(1));
    assert!(matches!(outbox.take_turn(now(0), Disk::Awaited, false), Turn::Send(_)));
}

#[test]
fn what_is_thirty_days_old_waits_for_the_person() {
    let mut outbox = outbox();
    let late = Now { monotonic: Timestamp(0), wall: WallClock(MAX_AGE_MILLISECONDS + 1) };
    let turn = outbox.take_turn(late, Disk::Without, true);
    assert!(matches!(turn, Turn::Halted(_, Halt::Failed(FailReason::Expired))));
    outbox.retry(&ClientMessageId("a".into()), late.wall);
    assert!(matches!(outbox.take_turn(late, Disk::Without, true), Turn::Send(_)));
}

#[test]
fn what_was_written_earlier_goes_first_wherever_it_comes_from() {
    let mut outbox = Outbox::default();
    outbox.push(message(5, "late"));
    outbox.push(message(3, "early"));
    outbox.push(message(4, "between"));
    let texts = outbox.messages.iter().map(|one| one.text.as_str()).collect::<Vec<_>>();
    assert_eq!(texts, ["early", "between", "late"]);
}

#[test]
fn what_went_without_an_id_is_not_repeated_by_itself_whatever_the_backend_turns_out_to_be() {
    let mut outbox = outbox();
    let (a, request) = (ClientMessageId("a".into()), StorageRequestId(1));
    assert!(matches!(outbox.take_turn(now(0), Disk::Awaited, true), Turn::OnTheWayToDisk));
    outbox.storing(now(0), &a, request);
    assert!(outbox.stored(request));
    // The disk believes that an id was sent along.
    assert!(matches!(outbox.take_turn(now(0), Disk::Awaited, false), Turn::OnTheWayToDisk));
    let next = outbox.next_to_store(true).map(|message| (message.id.clone(), message.is_plain));
    assert_eq!(next, Some((a.clone(), true)));

    let written = Written { at: WallClock(0), number: 1 };
    let (text, plain) = ((a.clone(), "a".into()), (true, true));
    let mut outbox = Outbox::default();
    outbox.push(Outgoing::restored(RowId(1), None, text, written, plain, None));
    assert!(matches!(outbox.take_turn(now(0), Disk::Without, true), Turn::Doubtful(RowId(1))));
    assert!(matches!(outbox.take_turn(now(0), Disk::Without, true), Turn::Nobodys));
    outbox.retry(&a, WallClock(0));
    assert!(matches!(outbox.take_turn(now(0), Disk::Without, true), Turn::Send(_)));
}
