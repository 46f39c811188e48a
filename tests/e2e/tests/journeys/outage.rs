//! The backend goes away and comes back.

use std::time::Duration;

use roomlet_e2e::{Backend, BackendProcess, Chat, Screen, journey};
use roomlet_local::{PathFaults, Refuse};
use serde_json::json;

/// So many seconds a pause between two attempts must have left when it is noticed.
const LONG_PAUSE: u32 = 7;
/// And so many when "Try now" is clicked.
const LEFT: u32 = 6;
/// Before this, in milliseconds after the click, no attempt would be made by itself.
const BEFORE_THE_END: f64 = 4_000.0;
/// Pauses of up to 8, 16 and 30 seconds come after three attempts.
const PAUSES_GROW: Duration = Duration::from_secs(150);

#[test]
fn after_a_crash_of_the_backend_both_have_everything_once_in_the_same_order() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        ann.say("before").await;
        bo.until_messages(&["before"]).await;
        ann.until_sent("before").await;

        backend.kill().await;
        ann.say("Ann meanwhile, 1").await;
        bo.say("Bo meanwhile").await;
        ann.say("Ann meanwhile, 2").await;
        for person in [&ann, &bo] {
            let is_so = |screen: &Screen| {
                screen.status == "reconnecting" && !screen.status_words.is_empty()
            };
            let seen = person.until("told that the connection is lost", is_so).await;
            let waits = seen.messages.iter().filter(|message| message.delivery != "sent");
            assert!(waits.clone().count() > 0, "{seen:#?}");
            assert!(waits.clone().all(|message| message.delivery == "queued"), "{seen:#?}");
        }
        backend.start_again().await;

        let at_ann = ann.until("everything, online", |screen| is_settled(screen, 4)).await;
        let at_bo = bo.until("everything, online", |screen| is_settled(screen, 4)).await;
        assert_eq!(at_ann.texts(), at_bo.texts(), "the order is the same");
        assert_eq!(at_ann.texts()[0], "before");
        let mut others = at_ann.texts()[1..].to_vec();
        let place = |text: &str| at_ann.texts().iter().position(|shown| *shown == text);
        assert!(place("Ann meanwhile, 1") < place("Ann meanwhile, 2"), "{at_ann:#?}");
        others.sort_unstable();
        assert_eq!(others, ["Ann meanwhile, 1", "Ann meanwhile, 2", "Bo meanwhile"]);
        assert_eq!(at_ann.interruptions + at_bo.interruptions, 0, "history filled the gap");

        bo.say("after").await;
        ann.until("the next message", |screen| is_settled(screen, 5)).await;
    });
}

#[test]
fn a_message_on_its_way_when_the_backend_crashes_arrives_once() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;

        for round in 1..=3 {
            // Whether the crash comes before or after it is stored, nobody can tell; it must not matter.
            ann.say(&format!("message {round}")).await;
            backend.kill().await;
            backend.start_again().await;
        }

        for person in [&ann, &bo] {
            let seen = person.until("three messages", |screen| is_settled(screen, 3)).await;
            assert_eq!(seen.texts(), ["message 1", "message 2", "message 3"]);
        }
        ann.reload().await;
        ann.until_messages(&["message 1", "message 2", "message 3"]).await;
    });
}

#[test]
fn try_now_brings_the_connection_back_at_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter_watched(&backend.full().by("Ann")).await;
        let refuse = Some(Refuse { status: 503, next: None });
        let away = PathFaults { refuse, ..PathFaults::default() };
        // Pauses grow by chance: it may take some attempts until there is one so long, and then the machine may be so
        // slow that too little of it is left.
        let mut clicked = None;
        while clicked.is_none() {
            backend.trouble_full(away.clone()).await;
            backend.close_all(1001);
            let is_long = |screen: &Screen| seconds_left(screen) >= Some(LONG_PAUSE);
            ann.until_within(PAUSES_GROW, "a long countdown", is_long).await;
            backend.heal().await;
            clicked = click_in_good_time(&ann).await;
        }

        let after = clicked.unwrap_or(f64::INFINITY);
        assert!(after < BEFORE_THE_END, "the pause went on for {after} ms after the click");
        ann.until_online().await;
    });
}

/// Clicks "Try now" if so much of a pause is left that no attempt would be made by itself soon; returns after how many
/// milliseconds, by the page's own clock, there was one.
async fn click_in_good_time(chat: &Chat) -> Option<f64> {
    let script = "\
        const [goal, tell] = arguments; \
        const status = document.querySelector('roomlet-chat').shadowRoot.querySelector('.status'); \
        const left = Number(status.querySelector('.status-text').textContent.match(/(\\d+)\\ss$/)?.[1] ?? 0); \
        const link = status.querySelector('.link'); \
        if (!link || left < goal) return tell(null); \
        const [before, start] = [watched.sockets.length, performance.now()]; \
        link.click(); \
        const look = () => watched.sockets.length > before ? tell(performance.now() - start) : setTimeout(look); \
        look();";
    chat.window.run_until_told(script, vec![json!(LEFT)]).await
}

/// What the countdown says.
fn seconds_left(screen: &Screen) -> Option<u32> {
    let words = screen.status_words.strip_suffix("\u{a0}s")?;
    words.rsplit(' ').next()?.parse().ok()
}

fn is_settled(screen: &Screen, messages: usize) -> bool {
    screen.messages.len() == messages && screen.all_own_sent() && screen.status == "online"
}
