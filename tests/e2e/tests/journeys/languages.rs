//! The languages of the widget.

use roomlet_e2e::{Backend, Chat, Screen, Visit, journey};

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

async fn placeholder(chat: &Chat) -> String {
    chat.run("return root.querySelector('.input').placeholder;", Vec::new()).await
}

/// What a language says in one conversation.
struct Words {
    lang: &'static str,
    dir: &'static str,
    empty: &'static str,
    online: &'static str,
    sent: &'static str,
    waiting: &'static str,
    outage: &'static str,
    /// Of one, two, three and eleven messages.
    new_messages: [&'static str; 4],
}

const LANGUAGES: [Words; 4] = [
    Words {
        lang: "ja",
        dir: "ltr",
        empty: "まだメッセージはありません。",
        online: "接続済み",
        sent: "送信済み",
        waiting: "送信待ち",
        outage: "接続できません。",
        new_messages: [
            "新着メッセージ 1件",
            "新着メッセージ 2件",
            "新着メッセージ 3件",
            "新着メッセージ 11件",
        ],
    },
    Words {
        lang: "de-AT",
        dir: "ltr",
        empty: "Noch keine Nachrichten.",
        online: "Verbunden",
        sent: "Gesendet",
        waiting: "Wartet auf den Versand",
        outage: "Keine Verbindung. Neuer Versuch in ",
        new_messages: [
            "1 neue Nachricht",
            "2 neue Nachrichten",
            "3 neue Nachrichten",
            "11 neue Nachrichten",
        ],
    },
    Words {
        lang: "es",
        dir: "ltr",
        empty: "Todavía no hay mensajes.",
        online: "Conectado",
        sent: "Enviado",
        waiting: "Pendiente de envío",
        outage: "Sin conexión. Nuevo intento en ",
        new_messages: [
            "1 mensaje nuevo",
            "2 mensajes nuevos",
            "3 mensajes nuevos",
            "11 mensajes nuevos",
        ],
    },
    Words {
        // With the digits that are the same wherever Arabic is read.
        lang: "ar-EG-u-nu-latn",
        dir: "rtl",
        empty: "لا توجد رسائل بعد.",
        online: "متصل",
        sent: "تم الإرسال",
        waiting: "بانتظار الإرسال",
        outage: "لا يوجد اتصال. ستُعاد المحاولة ",
        new_messages: ["رسالة جديدة واحدة", "رسالتان جديدتان", "3 رسائل جديدة", "11 رسالة جديدة"],
    },
];

#[test]
fn a_conversation_in_japanese_german_spanish_and_arabic() {
    journey(async |stage| {
        for words in LANGUAGES {
            let backend = Backend::start().await;
            let visit = backend.full().by("Ann").with("lang", words.lang);
            let ann = stage.enter(&visit).await;
            ann.until("online", |screen| screen.status_words == words.online).await;
            ann.until("an empty room", |screen| screen.empty.starts_with(words.empty)).await;
            let attributes = "\
                const chat = root.querySelector('.chat'); \
                const placeholder = getComputedStyle(root.querySelector('.input')).direction; \
                return [chat.lang, chat.dir, placeholder];";
            let attributes: Vec<String> = ann.run(attributes, Vec::new()).await;
            assert_eq!(attributes, [words.lang, words.dir, words.dir]);

            ann.say("one").await;
            ann.until_sent("one").await;
            assert_eq!(mark(&ann).await, words.sent, "{}", words.lang);

            let options = backend.stop().await;
            ann.until("an outage", |screen| screen.status_words.starts_with(words.outage)).await;
            ann.say("two").await;
            ann.until_messages(&["one", "two"]).await;
            assert_eq!(mark(&ann).await, words.waiting, "{}", words.lang);
            let backend = Backend::with(options).await;
            ann.until_sent("two").await;

            counts_new_messages(&backend, &ann, &words).await;
        }
    });
}

/// Scrolls up, and lets messages of somebody else come.
async fn counts_new_messages(backend: &Backend, ann: &Chat, words: &Words) {
    ann.paste(&"a line\n".repeat(60)).await;
    ann.press_enter().await;
    let is_sent = |screen: &Screen| {
        let last = screen.messages.last();
        last.is_some_and(|last| last.text.starts_with("a line") && last.delivery == "sent")
    };
    ann.until("a tall message", is_sent).await;
    let button = async || {
        let script = "return root.querySelector('.to-end')?.textContent ?? null;";
        ann.run::<Option<String>>(script, Vec::new()).await
    };
    // One's own message brings the end into view a frame later.
    let go_up = async || {
        let script = "root.querySelector('.scroller').scrollTop = -500; return true;";
        let _: bool = ann.run(script, Vec::new()).await;
        button().await
    };
    roomlet_e2e::until("scrolled up", go_up, Option::is_some).await;
    let writer = backend.writer("Bo");
    let mut written = 0;
    for (count, expected) in [1, 2, 3, 11].into_iter().zip(words.new_messages) {
        while written < count {
            written += 1;
            writer.say(&format!("news {written}")).await;
        }
        let is_so = |shown: &Option<String>| shown.as_deref() == Some(expected);
        roomlet_e2e::until(expected, button, is_so).await;
    }
}

#[test]
fn a_page_brings_its_own_texts() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().with("lang", "de")).await;
        ann.until("German", |screen| screen.status_words == "Verbunden").await;

        let texts = "host.texts = {placeholder: 'Frag die Werkstatt', nonsense: 'x'}; return true;";
        let _: bool = ann.run(texts, Vec::new()).await;

        let look = async || placeholder(&ann).await;
        roomlet_e2e::until("its own", look, |shown| shown == "Frag die Werkstatt").await;
        ann.until("the rest stays", |screen| screen.status_words == "Verbunden").await;
        ann.set_attribute("name", "Ann").await;
        ann.say("hello").await;
        ann.until_sent("hello").await;
        let events = ann.recorded("events").await;
        let told = events.iter().filter(|event| event["type"] == "roomlet-error");
        let told = told.map(|event| event["detail"]["message"].as_str().unwrap_or_default());
        let told = told.collect::<Vec<_>>();
        assert!(matches!(told[..], [message] if message.contains("`nonsense`")), "{told:?}");
    });
}

#[test]
fn a_chat_that_cannot_start_says_so_in_the_language_of_the_page() {
    journey(async |stage| {
        let visit = Visit::to_page("one.html").with("backend", "nonsense").with("page-lang", "ar");
        let ann = stage.open(&visit).await;
        let seen = ann.until("words", |screen| !screen.failure.is_empty()).await;
        assert!(seen.failure.starts_with("إعداد هذه الدردشة غير صحيح."), "{}", seen.failure);
        let dir: String = ann.run("return root.querySelector('.failure').dir;", Vec::new()).await;
        assert_eq!(dir, "rtl");
    });
}

/// What is said of the last message of one's own.
async fn mark(chat: &Chat) -> String {
    let script =
        "return [...root.querySelectorAll('.own .mark .hidden')].at(-1)?.textContent ?? '';";
    chat.run(script, Vec::new()).await
}
