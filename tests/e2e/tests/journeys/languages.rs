//! The languages of the widget.

use roomlet_e2e::{Backend, Screen, journey};

#[test]
fn the_attribute_makes_it_korean() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().with("lang", "ko")).await;

        ann.until("Korean", |screen| screen.status_words == "연결됨").await;
        ann.until("an empty room", |screen| screen.empty.contains("메시지")).await;

        assert_eq!(placeholder(&ann).await, "메시지 입력");
        ann.say("안녕").await;
        let seen = ann.until_sent("안녕").await;
        assert_eq!(seen.messages[0].author, "나");
        let language: String =
            ann.run("return root.querySelector('.chat').lang;", Vec::new()).await;
        assert_eq!(language, "ko");
    });
}

#[test]
fn the_language_of_the_page_is_followed() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().with("page-lang", "ko-KR")).await;
        ann.until("Korean", |screen| screen.status_words == "연결됨").await;
    });
}

#[test]
fn the_attribute_wins_over_the_page_and_can_change() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let visit = backend.full().with("page-lang", "ko").with("lang", "en-GB");
        let ann = stage.enter(&visit).await;
        let english = |screen: &Screen| screen.status_words == "Connected";
        ann.until("English", english).await;
        ann.say("same message").await;
        ann.until_sent("same message").await;

        ann.set_attribute("lang", "ko").await;

        let seen = ann.until("Korean", |screen| screen.status_words == "연결됨").await;
        assert_eq!(seen.texts(), ["same message"]);
        assert_eq!(seen.messages[0].author, "나");
        assert_eq!(backend.log().connects, 1);
    });
}

async fn placeholder(chat: &roomlet_e2e::Chat) -> String {
    chat.run("return root.querySelector('.input').placeholder;", Vec::new()).await
}
