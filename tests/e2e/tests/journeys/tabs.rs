//! Two tabs of one person.

use roomlet_e2e::{Backend, BackendProcess, Chat, Screen, Stage, Visit, journey};
use roomlet_local::PathFaults;
use serde_json::json;

#[test]
fn what_a_closed_tab_has_not_sent_another_one_sends_once() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        for visit in [backend.full(), backend.graphql()] {
            let bo = stage.enter(&visit.clone().by("Bo")).await;
            let before = bo.look().await.messages.len();
            let texts = [format!("first tab after {before}"), format!("second tab after {before}")];
            let (ann, ann_too) = two_tabs(stage, &visit.by("Ann")).await;
            backend.kill().await;
            for (tab, text) in [&ann, &ann_too].into_iter().zip(&texts) {
                tab.until("no connection", |screen| screen.status == "reconnecting").await;
                // At once: while one tab is typed in, the other one shows the draft.
                tab.say_all(&[text]).await;
                tab.until("it waits", |screen| waits(screen, text)).await;
            }
            let seen = ann_too.look().await;
            assert!(seen.with_text(&texts[0]).is_empty(), "it is the other tab's: {seen:#?}");

            ann.window.close().await;
            let is_so = |screen: &Screen| texts.iter().all(|text| waits(screen, text));
            ann_too.until("both wait here now", is_so).await;
            backend.start_again().await;

            let is_so = |screen: &Screen| {
                screen.messages.len() == before + 2
                    && texts.iter().all(|text| screen.sent_once(text))
            };
            let seen = ann_too.until("both sent", is_so).await;
            bo.until("both, once", |screen| screen.texts() == seen.texts()).await;
            for chat in [ann_too, bo] {
                chat.window.close().await;
            }
        }
    });
}

#[test]
fn what_waits_for_the_person_is_there_again_in_the_tab_that_they_load_again() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let (ann, ann_too) = two_tabs(stage, &backend.basic().by("Ann")).await;
        // It arrives, and neither of Ann's tabs gets to know.
        backend.trouble_basic(PathFaults { drop_probability: 1.0, ..PathFaults::default() }).await;
        ann.say("tried").await;
        bo.until_messages(&["tried"]).await;
        backend.heal().await;
        backend.close_all(1001);
        ann.until("nobody can tell", is_doubtful).await;
        ann_too.until_online().await;

        // A tab that has only just been opened may be the one that is loaded again.
        ann_too.stay_for_a_while().await;
        ann.window.reload().await;
        let seen = ann.until("there again", is_doubtful).await;
        assert_eq!(seen.messages[0].actions, ["Retry", "Dismiss"], "{seen:#?}");
        for _ in 0..2 {
            ann_too.stay_for_a_while().await;
        }
        let seen = ann_too.look().await;
        assert!(seen.with_text("tried").is_empty(), "it is the other tab's: {seen:#?}");

        ann.window.close().await;
        ann_too.until("it is this tab's now", is_doubtful).await;
    });
}

#[test]
fn two_tabs_that_write_at_the_same_time_show_everything_once_as_their_own() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let mut count = 0;
        for visit in [backend.full(), backend.graphql(), backend.stamped()] {
            let (ann, ann_too) = two_tabs(stage, &visit.by("Ann")).await;
            let texts = |tab: usize| {
                (1..=10)
                    .map(|number| format!("{count} tab {tab} line {number}"))
                    .collect::<Vec<_>>()
            };
            let texts = [texts(1), texts(2)];
            for (tab, texts) in [&ann, &ann_too].into_iter().zip(&texts) {
                tab.say_all(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
            }
            count += 20;
            let seen = bo.until("everything, once", |screen| screen.messages.len() == count).await;
            let new = &seen.texts()[count - 20..];
            for tab in [&ann, &ann_too] {
                let is_so =
                    |screen: &Screen| screen.texts().ends_with(new) && screen.all_own_sent();
                let seen = tab.until("the same", is_so).await;
                let mine = seen.messages.iter().rev().take(20);
                assert!(mine.clone().all(|message| message.own), "{seen:#?}");
            }
            for texts in &texts {
                let of_tab = new.iter().filter(|text| texts.iter().any(|other| other == *text));
                assert!(of_tab.eq(texts), "{new:?}");
            }
            ann.window.close().await;
            ann_too.window.close().await;
        }
    });
}

#[test]
fn a_draft_and_what_was_read_are_shared() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let (ann, ann_too) = two_tabs(stage, &backend.full().by("Ann")).await;
        ann.write("half a sentence").await;
        ann_too.until("the draft", |screen| screen.draft == "half a sentence").await;
        ann_too.window.reload().await;
        ann_too.until("the draft again", |screen| screen.draft == "half a sentence").await;
        ann.press_enter().await;
        ann.until_sent("half a sentence").await;
        ann_too.until("no draft any more", |screen| screen.draft.is_empty()).await;

        // What nobody sees is unread.
        for tab in [&ann, &ann_too] {
            tab.run::<()>(
                "host.style.visibility = 'hidden'; host.style.display = 'none';",
                Vec::new(),
            )
            .await;
        }
        let writer = backend.writer("Dora");
        for number in 1..=3 {
            writer.say(&format!("Dora {number}")).await;
        }
        for tab in [&ann, &ann_too] {
            tab.until("three unread", |screen| screen.unread == 3).await;
        }
        ann.run::<()>("host.style.visibility = ''; host.style.display = '';", Vec::new()).await;
        for tab in [&ann, &ann_too] {
            tab.until("all read", |screen| screen.unread == 0).await;
        }
    });
}

#[test]
fn an_old_tab_lets_a_newer_page_have_the_database_and_goes_on_without() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.say("before").await;
        ann.until_sent("before").await;

        let newer = stage.window().await;
        newer.goto(&stage.site.url("127.0.0.1", "empty.html")).await;
        let upgrade = "\
            const tell = arguments[arguments.length - 1]; \
            const opening = indexedDB.open('roomlet', arguments[0]); \
            opening.onsuccess = () => { opening.result.close(); tell('upgraded'); }; \
            opening.onblocked = () => tell('blocked');";
        let outcome: String = newer.run_until_told(upgrade, vec![json!(99)]).await;
        assert_eq!(outcome, "upgraded");

        let told = |screen: &Screen| !screen.device_notice.is_empty();
        ann.until("told that nothing is kept", told).await;
        ann.click(".device-notice .link").await;
        backend.kill().await;
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.say("from memory").await;
        backend.start_again().await;
        let seen = ann.until_sent("from memory").await;
        assert_eq!(seen.device_notice, "", "once is enough");
        assert_eq!(seen.texts(), ["before", "from memory"]);

        // A page of the old version that comes now cannot keep anything either.
        ann.window.reload().await;
        ann.until("told so", told).await;
        ann.say("after").await;
        ann.until_sent("after").await;
    });
}

async fn two_tabs(stage: &Stage, visit: &Visit) -> (Chat, Chat) {
    let first = stage.enter(visit).await;
    (first, stage.enter(visit).await)
}

fn is_doubtful(screen: &Screen) -> bool {
    matches!(screen.with_text("tried")[..], [only] if only.delivery == "not-confirmed")
}

fn waits(screen: &Screen, text: &str) -> bool {
    matches!(screen.with_text(text)[..], [only] if only.own && only.delivery == "queued")
}
