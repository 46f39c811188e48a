//! The backend goes away and comes back.

use roomlet_e2e::{BackendProcess, Screen, journey};

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
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        backend.kill().await;
        let waits = |screen: &Screen| screen.status == "reconnecting";
        ann.until("told that the connection is lost", waits).await;
        // Between two attempts, so that it is this click that connects.
        ann.until("a countdown", |screen| screen.status_words.contains(" s")).await;

        backend.start_again().await;
        ann.click(".status .link").await;

        ann.until_online().await;
    });
}

fn is_settled(screen: &Screen, messages: usize) -> bool {
    screen.messages.len() == messages && screen.all_own_sent() && screen.status == "online"
}
