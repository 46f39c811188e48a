//! Keys, compositions, focus and drafts.

use roomlet_e2e::{Backend, chromium, journey};
use serde_json::json;

#[test]
fn enter_sends_and_shift_enter_breaks_the_line() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;

        ann.write("one").await;
        ann.press_shift_enter().await;
        ann.write("two").await;
        let written = ann.until("two lines", |screen| screen.draft == "one\ntwo").await;
        assert_eq!(written.messages, []);
        ann.press_enter().await;

        let seen = ann.until_sent("one\ntwo").await;
        assert_eq!(seen.draft, "");
        // Enter alone says nothing, and neither do blanks, which stay.
        ann.press_enter().await;
        ann.say("  ").await;
        ann.say("three").await;
        ann.until_sent("  three").await;
        assert_eq!(backend.log().count("sendMessage"), 2);
    });
}

#[test]
fn enter_during_a_composition_does_not_send() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.click(".input").await;
        chromium::compose(&ann.window, "ㄱ").await;
        chromium::compose(&ann.window, "김치").await;
        ann.until("the composition", |screen| screen.draft == "김치").await;

        let listen = "\
            window.keys = []; \
            host.addEventListener('keydown', ({key, isComposing}) => window.keys.push([key, isComposing]), true);";
        ann.run::<()>(listen, Vec::new()).await;
        // What the browser makes of the Enter that settles a composition.
        let enter = json!({
            "type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229
        });
        chromium::command(&ann.window, "Input.dispatchKeyEvent", enter).await;
        let seen = ann.look().await;
        assert_eq!((seen.draft.as_str(), seen.messages.len()), ("김치", 0));
        let keys: Vec<(String, bool)> = ann.run("return window.keys;", Vec::new()).await;
        assert_eq!(keys, [("Enter".to_owned(), true)], "the key has come, within the composition");
        chromium::commit(&ann.window, "김치").await;
        let seen = ann.look().await;
        assert_eq!((seen.draft.as_str(), seen.messages.len()), ("김치", 0));

        ann.press_enter().await;
        ann.until_sent("김치").await;
        assert_eq!(backend.log().count("sendMessage"), 1);
    });
}

#[test]
fn the_enter_that_safari_sends_after_a_composition_does_not_send() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.write("日本").await;

        let script = "\
            const keydown = new KeyboardEvent('keydown', \
                {key: 'Enter', keyCode: arguments[1], bubbles: true, composed: true, cancelable: true}); \
            return root.querySelector('.input').dispatchEvent(keydown);";
        let goes_on: bool = ann.run(script, vec![json!(229)]).await;

        assert!(goes_on, "the key is the composition's");
        assert_eq!(ann.look().await.draft, "日本");
        // The same event with Enter's own code is a plain Enter.
        let goes_on: bool = ann.run(script, vec![json!(13)]).await;
        assert!(!goes_on);
        ann.until_sent("日本").await;
    });
}

#[test]
fn the_cursor_stays_in_the_composer_after_sending() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;

        ann.say("by Enter").await;
        let seen = ann.until_sent("by Enter").await;
        assert!(seen.in_composer, "{seen:#?}");
        ann.write("by a click").await;
        ann.click_send().await;
        let seen = ann.until_sent("by a click").await;
        assert!(seen.in_composer, "{seen:#?}");
        assert!(!seen.can_send, "there is nothing to send");
    });
}

#[test]
fn each_room_keeps_its_draft() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann").in_room("a")).await;
        ann.write("for a").await;

        ann.set_attribute("room", "b").await;
        ann.until("an empty composer", |screen| screen.title == "b" && screen.draft.is_empty())
            .await;
        ann.write("for b").await;
        ann.set_attribute("room", "a").await;
        ann.until("a's draft", |screen| screen.title == "a" && screen.draft == "for a").await;
        ann.press_enter().await;
        ann.until_sent("for a").await;
        ann.set_attribute("room", "b").await;

        let seen = ann.until("b's draft", |screen| screen.draft == "for b").await;
        assert_eq!(seen.messages, [], "a's message is in a");
    });
}

#[test]
fn a_draft_survives_an_outage() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.write("half a sent").await;

        backend.close_all(1001);
        backend.until_received("hello", 2).await;
        ann.write("ence").await;
        ann.press_enter().await;

        ann.until_sent("half a sentence").await;
    });
}
