//! The demo page: one room through three services.

use roomlet_e2e::{Backend, Chat, Screen, Stage, Visit, demo_journey, until};
use serde_json::json;

#[test]
fn what_one_says_the_others_have_once_in_the_same_order() {
    demo_journey(async |stage, backend| {
        let people = enter(stage, backend, &Visit::to_page("index.html")).await;
        all_three_talk(&people).await;
    });
}

#[test]
fn so_they_have_with_the_basic_gateway_and_the_basic_schema() {
    demo_journey(async |stage, backend| {
        let visit =
            Visit::to_page("index.html").with("gateway", "basic").with("graphql", "graphql-basic");
        let people = enter(stage, backend, &visit).await;
        all_three_talk(&people).await;
    });
}

#[test]
fn who_publishes_raw_meets_others_who_do() {
    demo_journey(async |stage, backend| {
        let visit = Visit::to_page("index.html").with("events", "events-raw");
        let here = enter(stage, backend, &visit).await;
        let window = stage.window().await;
        window.goto(&visit.url(&stage.site)).await;
        let there = Chat::first_in(window).nth(2);
        there.until_online().await;

        here[2].say("anybody raw?").await;
        here[2].until_sent("anybody raw?").await;
        there.until_messages(&["anybody raw?"]).await;
        there.say("here").await;
        here[2].until_messages(&["anybody raw?", "here"]).await;

        // The others share their rooms, and know nothing of it.
        here[0].say("who?").await;
        here[1].until_messages(&["who?"]).await;
        assert_eq!(here[2].look().await.texts(), ["anybody raw?", "here"]);
    });
}

#[test]
fn after_a_reload_there_is_history_where_the_backend_has_some() {
    demo_journey(async |stage, backend| {
        let visit = Visit::to_page("index.html").with("room", "attic");
        let people = enter(stage, backend, &visit).await;
        for (person, text) in people.iter().zip(["one", "two", "three"]) {
            person.say(text).await;
            person.until_sent(text).await;
        }

        people[0].window.reload().await;
        for person in &people {
            person.until_online().await;
        }

        for person in &people[..2] {
            let seen = person.until_messages(&["one", "two", "three"]).await;
            assert_eq!(seen.messages.iter().filter(|message| message.own).count(), 1, "{seen:#?}");
            let is_so = |screen: &Screen| screen.top == "This is the beginning of the room";
            person.until("the beginning", is_so).await;
        }
        let seen = people[2].until("told why", |screen| !screen.empty.is_empty()).await;
        assert_eq!(seen.messages, []);
        assert_eq!(seen.empty, "Earlier messages are not shown here. Say hello!");
        people[0].say("four").await;
        people[1].until_messages(&["one", "two", "three", "four"]).await;
        let seen = people[2].until_messages(&["four"]).await;
        assert_eq!(
            (seen.top.as_str(), seen.empty.as_str()),
            ("Earlier messages are not shown here", "")
        );
    });
}

#[test]
fn the_switches_above_a_chat_change_its_backend() {
    demo_journey(async |stage, backend| {
        let people = enter(stage, backend, &Visit::to_page("index.html")).await;
        let script = "\
            document.querySelector(`input[value=\"${arguments[1]}\"]`).click(); \
            return location.search;";
        for basic in ["basic", "graphql-basic"] {
            let address: String = people[0].run(script, vec![json!(basic)]).await;
            assert!(address.contains(basic), "{address}");
        }
        let look = async || backend.paths();
        let expected = ["/basic", "/basic/graphql", "/event"];
        until("three connections", look, |paths| *paths == expected).await;
        for person in &people {
            person.until_online().await;
        }
        all_three_talk(&people).await;
    });
}

async fn enter(stage: &Stage, backend: &Backend, visit: &Visit) -> [Chat; 3] {
    let window = stage.window().await;
    window.goto(&visit.url(&stage.site)).await;
    let first = Chat::first_in(window);
    let people = [first.nth(0), first.nth(1), first.nth(2)];
    for person in &people {
        person.until_online().await;
    }
    assert_eq!(backend.connections(), 3, "the page talks to the backend of this journey");
    people
}

/// One after the other, then all at once.
async fn all_three_talk(people: &[Chat; 3]) {
    let mut said = Vec::new();
    for (person, text) in people.iter().zip(["Ann was here", "Bo was here", "Cy was here"]) {
        person.say(text).await;
        said.push(text);
        for other in people {
            other.until_messages(&said).await;
        }
        person.until_sent(text).await;
    }

    // Within one turn of the page's own loop.
    let script = "\
        const chats = [...document.querySelectorAll('roomlet-chat')]; \
        for (let round = 1; round <= 5; round += 1) { \
            chats.forEach((chat, index) => { \
                const input = chat.shadowRoot.querySelector('.input'); \
                input.value = `round ${round}, chat ${index}`; \
                input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
                input.form.requestSubmit(); \
            }); \
        }";
    people[0].run::<()>(script, Vec::new()).await;

    let is_so = |screen: &Screen| screen.messages.len() == 18 && screen.all_own_sent();
    let mut orders = Vec::new();
    for person in people {
        let seen = person.until("eighteen messages", is_so).await;
        assert_eq!(seen.messages.iter().filter(|message| message.own).count(), 6, "{seen:#?}");
        assert_eq!(seen.interruptions, 0);
        orders.push(seen.texts().into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    assert_eq!(orders[0], orders[1], "API Gateway and GraphQL");
    assert_eq!(orders[0], orders[2], "API Gateway and Events");
    let mut different = orders[0].clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 18, "each once");
    for chat in 0..3 {
        let of_one = orders[0].iter().filter(|text| text.ends_with(&format!("chat {chat}")));
        let expected = (1..=5).map(|round| format!("round {round}, chat {chat}"));
        assert!(of_one.cloned().eq(expected), "one's own messages keep their order");
    }
}
