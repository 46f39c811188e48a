//! A backend of the basic dialect: no names, no history, no acknowledgements.

use std::time::Duration;

use roomlet_e2e::{Backend, Screen, journey};
use roomlet_local::{DefaultRoute, Options, PathFaults, SilentDeath};

/// A send counts as not confirmed after 15 s without an echo.
const UNCONFIRMED: Duration = Duration::from_secs(45);

#[test]
fn both_see_each_message_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        let bo = stage.enter(&backend.basic().by("Bo")).await;

        ann.say("Hello!").await;
        bo.until_messages(&["Hello!"]).await;
        ann.until_sent("Hello!").await;
        bo.say("Hi!").await;
        let at_bo = bo.until_sent("Hi!").await;
        let at_ann = ann.until_messages(&["Hello!", "Hi!"]).await;

        assert!(at_ann.messages[0].own && !at_ann.messages[1].own, "{at_ann:#?}");
        assert!(!at_bo.messages[0].own && at_bo.messages[1].own, "{at_bo:#?}");
        assert!(at_ann.notices.is_empty() && at_bo.notices.is_empty(), "{at_ann:#?} {at_bo:#?}");
        assert_eq!(backend.log().count("sendMessage"), 2);
    });
}

#[test]
fn an_error_leaves_a_message_not_confirmed_until_it_is_retried_or_dismissed() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic()).await;
        backend.trouble_basic(PathFaults { fail_next_sends: 2, ..PathFaults::default() }).await;

        ann.say("first").await;
        ann.until("not confirmed", |screen| count(screen, "not-confirmed") == 1).await;
        ann.say("second").await;
        let seen = ann.until("not confirmed", |screen| count(screen, "not-confirmed") == 2).await;
        assert_eq!(backend.log().count("sendMessage"), 2, "nothing is sent again by itself");
        assert_eq!(seen.messages[0].actions, ["Retry", "Dismiss"]);
        assert!(seen.messages[0].reason.contains("Not confirmed"), "{seen:#?}");

        ann.click_action(&seen.messages[0].row, "retry").await;
        ann.until("the first sent, once", |screen| screen.sent_once("first")).await;
        ann.click_action(&seen.messages[1].row, "discard").await;
        ann.until_messages(&["first"]).await;
        let script = "return root.activeElement?.className ?? '';";
        let focused = ann.run::<String>(script, Vec::new()).await;
        assert!(focused.contains("scroller"), "the focus stays in the chat: {focused}");
        assert_eq!(backend.log().count("sendMessage"), 3);
    });
}

#[test]
fn over_a_connection_that_died_silently_a_message_is_not_confirmed_and_a_retry_gets_through() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic()).await;
        let dead = PathFaults { silent_death: SilentDeath::Open, ..PathFaults::default() };
        backend.trouble_basic(dead).await;

        ann.say("anybody?").await;
        let is_so = |screen: &Screen| count(screen, "not-confirmed") == 1;
        let seen = ann.until_within(UNCONFIRMED, "not confirmed", is_so).await;
        assert_eq!(seen.messages[0].actions, ["Retry", "Dismiss"]);
        ann.click_action(&seen.messages[0].row, "retry").await;

        let is_so = |screen: &Screen| screen.sent_once("anybody?");
        ann.until_within(2 * UNCONFIRMED, "sent by a new connection", is_so).await;
    });
}

#[test]
fn after_an_outage_a_row_says_that_messages_may_be_missing() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic()).await;
        ann.say("before").await;
        ann.until_sent("before").await;

        let options = backend.stop().await;
        let backend = Backend::with(Options { memory: true, ..options }).await;

        let is_so = |screen: &Screen| screen.interruptions == 1 && screen.status == "online";
        ann.until("told of the interruption", is_so).await;
        ann.say("after").await;
        let seen = ann.until_sent("after").await;
        assert_eq!(seen.texts(), ["before", "after"]);
        assert_eq!(seen.interruptions, 1);
        assert_eq!(backend.log().count("hello"), 0, "the question is asked once for a page");
    });
}

#[test]
fn after_a_reload_messages_come_and_go_in_spite_of_the_stale_row() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.basic().by("Bo")).await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        bo.say("before").await;
        ann.until_messages(&["before"]).await;

        // The row of the page that is gone ends the loop that posts, with an error for whoever sent.
        bo.reload().await;

        bo.say("one").await;
        bo.say("two").await;
        let is_so = |screen: &Screen| screen.texts() == ["one", "two"] && screen.all_own_sent();
        let seen = bo.until("both sent", is_so).await;
        assert_eq!(seen.notices, [""; 0]);
        ann.until_messages(&["before", "one", "two"]).await;
        ann.say("three").await;
        bo.until_messages(&["one", "two", "three"]).await;
        ann.until_sent("three").await;
        assert_eq!(backend.log().count("sendMessage"), 4, "nothing is sent again by itself");
    });
}

#[test]
fn a_default_route_that_answers_stays_unseen() {
    default_route_shows_nothing_but_messages(DefaultRoute::Answer);
}

#[test]
fn a_default_route_that_broadcasts_stays_unseen() {
    default_route_shows_nothing_but_messages(DefaultRoute::Broadcast);
}

#[test]
fn a_default_route_that_is_silent_stays_unseen() {
    default_route_shows_nothing_but_messages(DefaultRoute::Silent);
}

#[test]
fn a_default_route_that_fails_stays_unseen() {
    default_route_shows_nothing_but_messages(DefaultRoute::Error);
}

/// Each page asks once which dialect it talks to; neither that question nor what becomes of it is shown to anybody.
fn default_route_shows_nothing_but_messages(default_route: DefaultRoute) {
    journey(async |stage| {
        let backend = Backend::start().await;
        let route = PathFaults { default_route, disconnect_route: true, ..PathFaults::default() };
        backend.trouble_basic(route).await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        let bo = stage.enter(&backend.basic().by("Bo")).await;

        ann.say("one").await;
        bo.until_messages(&["one"]).await;
        bo.say("two").await;
        ann.until_messages(&["one", "two"]).await;
        ann.until_sent("one").await;
        assert_eq!(backend.log().count("hello"), 2, "one for each page");

        backend.close_all(1001);
        for person in [&ann, &bo] {
            person.until("connected anew", |screen| screen.interruptions == 1).await;
        }
        ann.say("three").await;
        let at_bo = bo.until_messages(&["one", "two", "three"]).await;
        let at_ann = ann.until_sent("three").await;

        assert_eq!(at_ann.texts(), ["one", "two", "three"]);
        assert_eq!(at_ann.notices, [""; 0]);
        assert_eq!(at_bo.notices, [""; 0]);
        assert_eq!(backend.log().count("hello"), 2, "a page does not ask again");
    });
}

fn count(screen: &Screen, delivery: &str) -> usize {
    screen.messages.iter().filter(|message| message.delivery == delivery).count()
}
