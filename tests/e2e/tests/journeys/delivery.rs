//! Messages that do not arrive at the first attempt.

use roomlet_e2e::{Backend, Screen, chromium, journey};
use roomlet_local::{Options, PathFaults, Refuse};

#[test]
fn a_failed_message_says_why_and_can_be_deleted() {
    journey(async |stage| {
        let options = Options { max_frame: 1_000, max_message: 1_000, ..Options::in_memory() };
        let backend = Backend::with(options).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let long = "too long for this backend ".repeat(60);

        ann.paste(&long).await;
        ann.press_enter().await;
        let failed =
            |screen: &Screen| screen.messages.iter().any(|message| message.delivery == "failed");
        let seen = ann.until("failed", failed).await;
        assert_eq!(seen.messages[0].actions, ["Retry", "Delete"]);
        assert!(seen.messages[0].reason.contains("too long"), "{seen:#?}");
        // It does not stand in the way of others.
        ann.say("short").await;
        ann.until("short is sent", |screen| screen.sent_once("short")).await;

        ann.click_action(&seen.messages[0].row, "discard").await;

        ann.until_messages(&["short"]).await;
        ann.reload().await;
        ann.until_messages(&["short"]).await;
    });
}

#[test]
fn a_failed_message_can_be_retried_when_the_reason_is_gone() {
    journey(async |stage| {
        let strict = Options { max_frame: 1_000, max_message: 1_000, ..Options::in_memory() };
        let backend = Backend::with(strict).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let long = "long ".repeat(300);
        let long = long.trim_end();
        ann.paste(long).await;
        ann.press_enter().await;
        let failed =
            |screen: &Screen| screen.messages.iter().any(|message| message.delivery == "failed");
        let seen = ann.until("failed", failed).await;

        let port = backend.stop().await.port;
        let _generous = Backend::with(Options { port, ..Options::in_memory() }).await;
        ann.click_action(&seen.messages[0].row, "retry").await;

        ann.until_sent(long).await;
    });
}

#[test]
fn a_send_that_is_throttled_gets_through_by_itself() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let throttle =
            PathFaults { throttle_next: 2, throttle_retry_after_ms: 300, ..PathFaults::default() };
        backend.trouble_full(throttle).await;

        ann.say("patience").await;
        ann.say("is a virtue").await;

        bo.until_messages(&["patience", "is a virtue"]).await;
        let seen = ann.until_sent("is a virtue").await;
        assert!(seen.sent_once("patience"), "{seen:#?}");
        assert_eq!(backend.log().count("sendMessage"), 4);
    });
}

#[test]
fn a_full_backend_that_fails_once_is_asked_again() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        backend.trouble_full(PathFaults { fail_next_sends: 1, ..PathFaults::default() }).await;

        ann.say("again, please").await;

        ann.until_sent("again, please").await;
        assert_eq!(backend.log().count("sendMessage"), 2);
    });
}

#[test]
fn a_lost_acknowledgement_makes_no_second_message() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        // Neither the message nor its acknowledgement reaches anybody; then the connections are cut.
        let lost = PathFaults { drop_next: 3, ..PathFaults::default() };
        backend.trouble_full(lost).await;
        ann.say("did it arrive?").await;
        backend.until_received("sendMessage", 1).await;

        backend.close_all(1012);

        ann.until_sent("did it arrive?").await;
        bo.until_messages(&["did it arrive?"]).await;
        ann.reload().await;
        ann.until_messages(&["did it arrive?"]).await;
    });
}

#[test]
fn pasted_quickly_everything_arrives_in_order() {
    journey(async |stage| {
        let options = Options { rate_limit: 5, ..Options::in_memory() };
        let backend = Backend::with(options).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let texts = (1..=15).map(|number| format!("line {number}")).collect::<Vec<_>>();
        let expected = texts.iter().map(String::as_str).collect::<Vec<_>>();

        for text in &texts {
            ann.say(text).await;
        }

        bo.until_messages(&expected).await;
        let is_so = |screen: &Screen| screen.texts() == expected && screen.all_own_sent();
        ann.until("everything sent", is_so).await;
    });
}

#[test]
fn without_a_network_the_chat_says_offline_and_comes_back_with_it() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let refuse = PathFaults {
            refuse: Some(Refuse { status: 503, next: None }),
            ..PathFaults::default()
        };
        chromium::set_offline(&ann.window, true).await;
        // The browser leaves open sockets alone when it plays offline.
        backend.trouble_full(refuse).await;
        backend.close_all(1001);

        let seen = ann.until("offline", |screen| screen.status == "offline").await;
        assert!(seen.status_words.contains("offline"), "{}", seen.status_words);
        ann.say("written in a tunnel").await;
        let seen = ann.until("the message waits", |screen| screen.messages.len() == 1).await;
        assert_eq!(seen.messages[0].delivery, "queued");
        backend.heal().await;
        chromium::set_offline(&ann.window, false).await;

        ann.until_sent("written in a tunnel").await;
        ann.until_online().await;
    });
}
