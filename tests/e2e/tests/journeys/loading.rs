//! What stands in the place of a chat that cannot start.

use roomlet_e2e::{Backend, Chat, Screen, Stage, Visit, journey};
use roomlet_local::Options;

#[test]
fn an_unknown_backend_is_explained() {
    journey(async |stage| {
        let visit = Visit::to_page("one.html").with("backend", "nonsense");
        let words = explained(stage, &visit).await;
        assert!(words.contains("backend") && words.contains("nonsense"), "{words}");
    });
}

#[test]
fn an_endpoint_that_is_not_allowed_is_explained() {
    journey(async |stage| {
        // Without encryption only this machine may be talked to.
        let words = explained(stage, &Visit::to("ws://chat.example/prod")).await;
        assert!(words.contains("endpoint") && words.contains("wss"), "{words}");
    });
}

#[test]
fn a_room_that_cannot_be_is_explained() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let words = explained(stage, &backend.full().in_room(&"r".repeat(129))).await;
        assert!(words.contains("room"), "{words}");
        assert_eq!(backend.log().connects, 0);
    });
}

#[test]
fn a_widget_that_cannot_be_loaded_says_so_and_works_when_it_can() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.lose("roomlet-app_bg.wasm");
        let visit = backend.full().by("Ann");
        let ann = stage.open(&visit).await;
        let seen = fails(&ann).await;
        assert!(seen.failure.contains("could not be loaded"), "{}", seen.failure);

        stage.site.find_again();
        ann.reload().await;

        ann.say("here I am").await;
        ann.until_sent("here I am").await;
    });
}

#[test]
fn a_script_that_cannot_be_loaded_says_so() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.lose("roomlet-app.js");
        let ann = stage.open(&backend.full().by("Ann")).await;
        let seen = fails(&ann).await;
        assert!(seen.failure.contains("could not be loaded"), "{}", seen.failure);
    });
}

#[test]
fn a_backend_that_is_not_there_is_tried_again_until_it_is() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let visit = backend.full().by("Ann");
        let options = backend.stop().await;
        let ann = stage.open(&visit).await;
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.say("to whom it may concern").await;

        let _backend = Backend::with(options).await;

        ann.until_sent("to whom it may concern").await;
    });
}

#[test]
fn a_room_that_one_may_not_enter_is_explained() {
    journey(async |stage| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rooms = folder.path().join("rooms.json");
        let text = r#"{"public": true, "rooms": {"closed": {"tokens": []}}}"#;
        std::fs::write(&rooms, text).expect("the folder can be written to");
        let options = Options { rooms: Some(rooms), ..Options::in_memory() };
        let backend = Backend::with(options).await;

        let ann = stage.open(&backend.full().by("Ann").in_room("closed")).await;

        let is_so = |screen: &Screen| screen.status == "refused";
        let seen = ann.until("told that it is closed", is_so).await;
        assert!(seen.status_words.contains("may not enter"), "{}", seen.status_words);
        ann.set_attribute("room", "open").await;
        ann.until("another room", |screen| screen.title == "open").await;
        ann.until_online().await;
    });
}

/// Opens a chat that cannot start, and returns what it says.
async fn explained(stage: &Stage, visit: &Visit) -> String {
    let chat = stage.open(visit).await;
    fails(&chat).await.failure
}

/// Waits for words in the place of the chat, and checks that the page was told them too.
async fn fails(chat: &Chat) -> Screen {
    let seen = chat.until("words", |screen| !screen.failure.is_empty()).await;
    let events = chat.recorded("events").await;
    let told = events.iter().filter(|event| event["type"] == "roomlet-error").collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{events:?}");
    // What exactly is wrong stands behind what there is to say to anybody.
    let message = told[0]["detail"]["message"].as_str().expect("a sentence");
    assert!(seen.failure.ends_with(message), "{} ends with {message}", seen.failure);
    let height: f64 = chat.run("return host.getBoundingClientRect().height;", Vec::new()).await;
    assert!(height > 20.0, "the words are {height} px high");
    seen
}
