//! AppSync GraphQL, with the full and with the basic schema.

use std::time::Duration;

use roomlet_e2e::{Backend, BackendProcess, Chat, PATIENCE, Screen, journey, until_within};
use roomlet_local::{Options, PathFaults};
use serde_json::json;

/// A subscription that is not acknowledged is given up after 15 s.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);
/// So is a request that is not answered.
const UNANSWERED: Duration = Duration::from_secs(60);

#[test]
fn a_full_schema_is_found_out_and_has_names_and_history() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;

        ann.say("Hello!").await;
        let at_bo = bo.until_messages(&["Hello!"]).await;
        ann.until_sent("Hello!").await;
        bo.say("Hi!").await;
        ann.until_messages(&["Hello!", "Hi!"]).await;
        bo.until_sent("Hi!").await;

        assert_eq!(at_bo.messages[0].author, "Ann");
        assert_eq!(backend.log().count("start"), 2, "one question for each page");
        ann.reload().await;
        let seen = ann.until_messages(&["Hello!", "Hi!"]).await;
        assert!(seen.messages[0].own, "the same guest as before");
        assert_eq!(seen.messages[1].author, "Bo");
        ann.until("the beginning", |screen| screen.top == "This is the beginning of the room")
            .await;
    });
}

#[test]
fn a_basic_schema_is_found_out_once_and_works_without_names_and_history() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic_graphql().by("Ann")).await;
        let bo = stage.enter(&backend.basic_graphql().by("Bo")).await;
        assert_eq!(backend.log().count("start"), 4, "each page asks in full first");

        ann.say("Hello!").await;
        let at_bo = bo.until_messages(&["Hello!"]).await;
        ann.until_sent("Hello!").await;
        bo.say("Hi!").await;
        let at_ann = ann.until_messages(&["Hello!", "Hi!"]).await;
        bo.until_sent("Hi!").await;
        assert!(!at_bo.messages[0].own && !at_ann.messages[1].own);
        assert_ne!(at_bo.messages[0].author, "Ann", "the schema has no names");

        backend.close_all(1001);
        backend.until_received("start", 6).await;
        for person in [&ann, &bo] {
            let is_back = |screen: &Screen| screen.interruptions == 1 && screen.status == "online";
            person.until("back, and told of the gap", is_back).await;
        }
        bo.say("still there?").await;
        ann.until_messages(&["Hello!", "Hi!", "still there?"]).await;
        assert_eq!(backend.log().count("start"), 6, "a page does not ask again");
        assert_eq!(backend.log().count("messages"), 0, "there is no history to ask for");
    });
}

#[test]
fn in_the_full_schema_an_echo_before_the_answer_is_the_same_message() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        echo_comes_first(&backend, &ann, backend.graphql().by("Bo"), stage).await;
    });
}

#[test]
fn in_the_basic_schema_an_echo_before_the_answer_is_the_same_message() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic_graphql().by("Ann")).await;
        echo_comes_first(&backend, &ann, backend.basic_graphql().by("Bo"), stage).await;
    });
}

/// Bo has the message while Ann's answer is still on its way; at no moment has she two of it.
async fn echo_comes_first(
    backend: &Backend,
    ann: &Chat,
    bo: roomlet_e2e::Visit,
    stage: &roomlet_e2e::Stage,
) {
    let bo = stage.enter(&bo).await;
    let late = PathFaults { answer_delay_ms: 1_500, ..PathFaults::default() };
    backend
        .trouble(roomlet_local::Faults {
            graphql: late.clone(),
            basic_graphql: late,
            ..Default::default()
        })
        .await;
    count_rows_from_now_on(ann).await;

    ann.say("only once").await;
    bo.until_messages(&["only once"]).await;
    let early = ann.look().await;
    assert_eq!(early.texts(), ["only once"]);
    ann.until_sent("only once").await;
    ann.say("and again").await;
    ann.until_sent("and again").await;

    assert_eq!(most_rows(ann).await, 2, "never more rows than messages");
    assert_eq!(backend.log().count("sendMessage"), 2);
    bo.until_messages(&["only once", "and again"]).await;
}

#[test]
fn in_the_full_schema_a_lost_answer_makes_no_second_message() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;
        // Each looks at the history twice, and no answer to that is to be lost instead.
        backend.until_received("messages", 4).await;
        // Neither the answers nor the echoes arrive; Chromium itself repeats a request on a connection that has been
        // used before, once.
        let lost = PathFaults { drop_answers: 2, drop_next: 2, ..PathFaults::default() };
        backend.trouble_graphql(lost).await;

        ann.say("did it arrive?").await;
        ann.until_sent("did it arrive?").await;

        assert_eq!(backend.log().count("sendMessage"), 3, "it was asked again");
        ann.say("it did").await;
        for person in [&ann, &bo] {
            person.reload().await;
            person.until_messages(&["did it arrive?", "it did"]).await;
        }
    });
}

#[test]
fn in_the_basic_schema_a_lost_answer_leaves_a_message_not_confirmed() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic_graphql().by("Ann")).await;
        let bo = stage.enter(&backend.basic_graphql().by("Bo")).await;
        // An answer that comes after the widget has given up is as good as lost. (Where the connection ends instead,
        // Chromium may repeat the request by itself.)
        let lost = PathFaults { answer_delay_ms: 120_000, ..PathFaults::default() };
        backend.trouble_basic_graphql(lost).await;

        ann.say("did it arrive?").await;
        bo.until_messages(&["did it arrive?"]).await;
        let is_so = |screen: &Screen| own(screen, "not-confirmed") == 1;
        let seen = ann.until_within(UNANSWERED, "not confirmed", is_so).await;
        let row = seen.messages.iter().find(|message| message.own).expect("her own");
        assert_eq!(row.actions, ["Retry", "Dismiss"]);
        assert!(row.reason.contains("Not confirmed"), "{seen:#?}");
        assert_eq!(backend.log().count("sendMessage"), 1, "nothing is sent again by itself");

        ann.click_action(&row.row, "discard").await;
        ann.until("dismissed", |screen| own(screen, "not-confirmed") == 0).await;
        backend.heal().await;
        ann.say("it did").await;
        bo.until_messages(&["did it arrive?", "it did"]).await;
        assert_eq!(backend.log().count("sendMessage"), 2);
    });
}

#[test]
fn a_long_history_is_read_to_its_beginning_by_scrolling_up() {
    journey(async |stage| {
        let backend = Backend::start().await;
        // A page of history ends at 96 KB: three of these.
        for number in 1..=100 {
            let content = format!("message {number}\n{}", "some words ".repeat(30 * 1024 / 11));
            let query = "mutation Send($content: String!) { sendMessage(roomId: \"lobby\", content: $content) { id roomId } }";
            backend
                .post("/graphql", &json!({"query": query, "variables": {"content": content}}))
                .await;
        }
        let ann = stage.enter(&backend.graphql().by("Ann")).await;

        let script = "\
            const list = root.querySelector('.scroller'); list.scrollTop = -list.scrollHeight; \
            return [root.querySelector('.top').textContent, root.querySelectorAll('.row').length];";
        let look = async || ann.run::<(String, usize)>(script, Vec::new()).await;
        let is_so = |(top, _): &(String, usize)| top == "This is the beginning of the room";
        until_within(8 * PATIENCE, "the beginning of the room", look, is_so).await;

        // The texts themselves are too long to be looked at more than once.
        let script = "\
            return [...root.querySelectorAll('.message .text')] \
                .map((text) => text.textContent.split('\\n')[0]);";
        let seen: Vec<String> = ann.run(script, Vec::new()).await;
        let expected = (1..=100).map(|number| format!("message {number}")).collect::<Vec<_>>();
        assert_eq!(seen, expected, "each once, in order");
        assert!(backend.log().count("messages") >= 30, "page by page");
    });
}

#[test]
fn a_connection_that_falls_silent_is_replaced() {
    journey(async |stage| {
        // Then a client may take five seconds of silence for the end.
        let keep_alive = Duration::from_secs(1);
        let backend = Backend::with(Options { keep_alive, ..Options::in_memory() }).await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        let before = backend.connection_ids();
        backend.trouble_graphql(PathFaults { stop_ka: true, ..PathFaults::default() }).await;

        let look = async || backend.connection_ids();
        let is_so = |ids: &Vec<String>| ids.iter().any(|id| !before.contains(id));
        until_within(2 * PATIENCE, "another connection", look, is_so).await;
        backend.heal().await;

        ann.until_online().await;
        ann.say("still here").await;
        ann.until_sent("still here").await;
    });
}

#[test]
fn a_message_that_is_too_long_is_not_sent_and_not_lost() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        let long = "x".repeat(250 * 1024);
        let script = "\
            const input = root.querySelector('.input'); \
            input.value = arguments[1]; \
            input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
            input.form.requestSubmit();";
        ann.run::<()>(script, vec![json!(long)]).await;

        let seen = ann.until("told so", |screen| screen.problem == "Too long to send").await;
        ann.press_enter().await;
        let seen_after = ann.look().await;
        assert!(seen.draft == long && seen_after.draft == long, "every character is still there");
        assert!(!seen_after.can_send && seen_after.messages.is_empty());
        assert_eq!(backend.log().count("sendMessage"), 0);

        // What just fits arrives whole.
        let script = "\
            const input = root.querySelector('.input'); \
            input.value = 'x'.repeat(200 * 1024); \
            input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
            input.form.requestSubmit();";
        ann.run::<()>(script, Vec::new()).await;
        let is_so = |screen: &Screen| {
            screen.messages.iter().any(|message| message.text.len() == 200 * 1024)
        };
        let seen = ann.until("the message", |screen| is_so(screen) && screen.all_own_sent()).await;
        assert_eq!(seen.messages.len(), 1);
    });
}

#[test]
fn a_lost_acknowledgement_of_a_subscription_is_made_up_for() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;
        backend.trouble_graphql(PathFaults { drop_start_acks: 1, ..PathFaults::default() }).await;

        let ann = stage.open(&backend.graphql().by("Ann")).await;
        ann.say("early").await;
        let is_so = |screen: &Screen| screen.status == "online" && screen.sent_once("early");
        ann.until_within(UNACKNOWLEDGED, "online, and the message sent", is_so).await;
        bo.say("hello").await;

        ann.until_messages(&["early", "hello"]).await;
        bo.until_messages(&["early", "hello"]).await;
    });
}

#[test]
fn a_subscription_and_a_send_that_are_throttled_get_through_by_themselves() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;
        // Each looks at the history twice, and that is not to be throttled instead.
        backend.until_received("messages", 2).await;
        backend.trouble_graphql(PathFaults { throttle_next: 1, ..PathFaults::default() }).await;
        let ann = stage.open(&backend.graphql().by("Ann")).await;
        let is_so = |screen: &Screen| screen.status == "online" && !screen.empty.is_empty();
        ann.until_within(UNACKNOWLEDGED, "online, and no history", is_so).await;
        assert_eq!(backend.faults().graphql.throttle_next, 0, "the subscription was throttled");
        backend.until_received("messages", 4).await;

        backend.trouble_graphql(PathFaults { throttle_next: 2, ..PathFaults::default() }).await;
        ann.say("patience").await;

        ann.until_sent("patience").await;
        bo.until_messages(&["patience"]).await;
        assert_eq!(backend.faults().graphql.throttle_next, 0);
        assert!(backend.log().count("sendMessage") >= 2, "it was throttled at least once");
    });
}

#[test]
fn after_a_crash_of_the_backend_both_have_everything_once_in_the_same_order() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.graphql().by("Ann")).await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;
        ann.say("before").await;
        bo.until_messages(&["before"]).await;
        ann.until_sent("before").await;

        ann.say("on its way").await;
        backend.kill().await;
        bo.say("meanwhile").await;
        bo.until("told so", |screen| screen.status == "reconnecting").await;
        backend.start_again().await;

        let is_so = |screen: &Screen| {
            screen.messages.len() == 3 && screen.all_own_sent() && screen.status == "online"
        };
        let at_ann = ann.until("everything, online", is_so).await;
        let at_bo = bo.until("everything, online", is_so).await;
        assert_eq!(at_ann.texts(), at_bo.texts(), "the order is the same");
        assert_eq!(at_ann.interruptions + at_bo.interruptions, 0, "history filled the gap");
        assert_eq!(at_ann.with_text("on its way").len(), 1);
    });
}

fn own(screen: &Screen, delivery: &str) -> usize {
    let is_it = |message: &&roomlet_e2e::Message| message.own && message.delivery == delivery;
    screen.messages.iter().filter(is_it).count()
}

/// From now on the page remembers the largest number of messages that was ever in the document.
async fn count_rows_from_now_on(chat: &Chat) {
    let script = "\
        window.mostRows = 0; \
        new MutationObserver(() => { \
            window.mostRows = Math.max(window.mostRows, root.querySelectorAll('.message').length); \
        }).observe(root, {childList: true, subtree: true});";
    chat.run::<()>(script, Vec::new()).await;
}

async fn most_rows(chat: &Chat) -> usize {
    chat.run("return window.mostRows;", Vec::new()).await
}
