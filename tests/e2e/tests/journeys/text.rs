//! What can be in a message.

use roomlet_e2e::{Backend, Chat, journey};
use serde_json::json;

#[test]
fn markup_is_shown_as_text_and_nothing_runs() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("<b>Ann</b>")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let markup =
            "<img src=x onerror=\"window.broken=true\"><script>window.broken=true</script>";

        ann.say(markup).await;

        let seen = bo.until_messages(&[markup]).await;
        assert_eq!(seen.messages[0].author, "<b>Ann</b>");
        for person in [&ann, &bo] {
            let script =
                "return [window.broken ?? false, root.querySelectorAll('img, script, b').length];";
            let (broken, elements): (bool, u32) = person.run(script, Vec::new()).await;
            assert!(!broken && elements == 0, "the markup became part of the page");
        }
        // An image that fails to load tells so by now.
        assert_eq!(bo.recorded("errors").await, Vec::<serde_json::Value>::new());
    });
}

#[test]
fn a_family_stays_together() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let family = "👨‍👩‍👧‍👦 🏳️‍🌈 e\u{301}";

        ann.paste(family).await;
        ann.press_enter().await;

        bo.until_messages(&[family]).await;
        ann.until_sent(family).await;
        bo.reload().await;
        bo.until_messages(&[family]).await;
    });
}

#[test]
fn what_is_too_long_stays_in_the_composer_and_is_explained() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.paste(&"a".repeat(40 * 1024)).await;
        let seen = ann.until("a complaint", |screen| !screen.problem.is_empty()).await;
        assert_eq!(seen.problem, "Too long to send");
        assert!(seen.counter.contains("of 32,000 bytes"), "{}", seen.counter);
        assert!(!seen.can_send);

        ann.press_enter().await;

        let seen = ann.look().await;
        assert_eq!(seen.draft.len(), 40 * 1024, "the text is still there");
        assert_eq!(seen.messages, []);
        assert_eq!(backend.log().count("sendMessage"), 0);
        // Shorter, it is sent.
        let shorten = "const input = root.querySelector('.input'); input.focus(); input.setSelectionRange(0, 10240);";
        ann.run::<()>(shorten, Vec::new()).await;
        ann.paste("b").await;
        ann.press_enter().await;
        let sent = format!("b{}", "a".repeat(30 * 1024));
        ann.until("sent", |screen| screen.sent_once(&sent)).await;
    });
}

#[test]
fn three_bytes_a_character_count_as_three() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;

        ann.paste(&"글".repeat(12 * 1024)).await;

        let seen = ann.until("a complaint", |screen| !screen.problem.is_empty()).await;
        assert!(!seen.can_send);
    });
}

#[test]
fn the_longest_message_that_a_backend_can_send_is_shown() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let text = "wide ".repeat(26_000);
        let frame = json!({
            "type": "message", "id": "m1", "createdAt": "2026-01-02T03:04:05.678Z", "roomId": "lobby",
            "text": text, "sender": {"id": "g-1", "name": "Bo", "kind": "guest"},
        });

        backend.send_raw("lobby", &frame.to_string());

        ann.until("the long message", |screen| screen.texts() == [text.as_str()]).await;
        nothing_is_wider_than_the_chat(&ann).await;
    });
}

#[test]
fn on_basic_what_is_no_message_is_a_quiet_row_and_gateway_errors_are_not_shown() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic()).await;
        ann.say("first").await;
        ann.until_sent("first").await;
        // The gateway names the connection that it tells.
        let connection = backend.connection_ids().pop().expect("it is connected");
        let error = json!({
            "message": "Internal server error", "connectionId": connection, "requestId": "y="
        });

        backend.send_raw("lobby", "<b>not JSON");
        backend.send_raw("lobby", r#"{"weather":"sunny"}"#);
        backend.send_raw("lobby", &error.to_string());
        ann.say("second").await;

        let seen = ann.until_sent("second").await;
        assert_eq!(seen.texts(), ["first", "second"]);
        assert_eq!(seen.notices, ["<b>not JSON", r#"{"weather":"sunny"}"#]);
    });
}

#[test]
fn a_very_long_word_does_not_widen_the_page() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann").in_room(&"r".repeat(100))).await;
        let word = "w".repeat(5_000);

        ann.paste(&word).await;
        ann.press_enter().await;

        ann.until_sent(&word).await;
        nothing_is_wider_than_the_chat(&ann).await;
    });
}

async fn nothing_is_wider_than_the_chat(chat: &Chat) {
    let script = "\
        const page = document.documentElement; \
        const parts = [...root.querySelectorAll('.chat, .header, .list, .scroller, .composer')]; \
        return [page, ...parts].filter((part) => part.scrollWidth > part.clientWidth) \
            .map((part) => `${part.className || part.tagName}: ${part.scrollWidth} > ${part.clientWidth}`);";
    let too_wide: Vec<String> = chat.run(script, Vec::new()).await;
    assert_eq!(too_wide, [""; 0]);
}
