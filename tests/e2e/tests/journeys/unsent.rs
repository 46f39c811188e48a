//! Messages that could not be sent outlive the page that they were written on.

use roomlet_e2e::{Backend, BackendProcess, Screen, Window, journey, token_of, until};
use roomlet_local::{PathFaults, Refuse};

#[test]
fn after_a_reload_a_closed_tab_and_a_crash_what_waits_goes_out_by_itself_once() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let witness = stage.enter(&backend.full().by("Witness")).await;
        let visits =
            [backend.full().by("Ann"), backend.graphql().by("Bo"), backend.full().by("Cy")];
        let ann = stage.enter(&visits[0]).await;
        let bo = stage.enter(&visits[1]).await;
        let cy = stage.enter(&visits[2]).await;
        backend.kill().await;
        for (person, name) in [(&ann, "Ann"), (&bo, "Bo"), (&cy, "Cy")] {
            person.until("no connection", |screen| screen.status == "reconnecting").await;
            person.say(&format!("{name} 1")).await;
            person.say(&format!("{name} 2")).await;
            person.until("both wait", |screen| all_wait(screen, name)).await;
        }
        // A message is on the disk before it is sent, but nobody says when.
        until("six records", async || records(&ann.window, "unsent").await, |count| *count == 6)
            .await;

        ann.window.reload().await;
        bo.window.close().await;
        let bo = stage.open(&visits[1]).await;
        cy.window.crash().await;
        let cy = stage.open(&visits[2]).await;

        for (person, name) in [(&ann, "Ann"), (&bo, "Bo"), (&cy, "Cy")] {
            person.until("both wait again", |screen| all_wait(screen, name)).await;
        }
        backend.start_again().await;
        let everything = |screen: &Screen| screen.messages.len() == 6 && screen.status == "online";
        let seen = witness.until("everything", everything).await;
        let order = seen.texts();
        for (person, name) in [(&ann, "Ann"), (&bo, "Bo"), (&cy, "Cy")] {
            let is_so = |screen: &Screen| screen.texts() == order && screen.all_own_sent();
            let seen = person.until("everything", is_so).await;
            let own = seen.messages.iter().filter(|message| message.own);
            let own = own.map(|message| message.text.as_str()).collect::<Vec<_>>();
            assert_eq!(own, [format!("{name} 1"), format!("{name} 2")], "{seen:#?}");
        }
        until("no record", async || records(&ann.window, "unsent").await, |count| *count == 0)
            .await;
        ann.reload().await;
        ann.until_messages(&order).await;
    });
}

#[test]
fn in_a_stamped_namespace_what_waits_outlives_the_page_too() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        backend.kill().await;
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.say("Ann 1").await;
        ann.say("Ann 2").await;
        until("two records", async || records(&ann.window, "unsent").await, |count| *count == 2)
            .await;

        ann.window.reload().await;
        ann.until("both wait again", |screen| all_wait(screen, "Ann")).await;
        backend.start_again().await;

        bo.until_messages(&["Ann 1", "Ann 2"]).await;
        let is_so = |screen: &Screen| screen.sent_once("Ann 1") && screen.sent_once("Ann 2");
        ann.until("both sent", is_so).await;
    });
}

#[test]
fn where_nobody_can_tell_what_arrived_a_reload_does_not_send_again() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        // It arrives, and Ann does not get to know.
        backend.trouble_basic(PathFaults { drop_next: 1, ..PathFaults::default() }).await;
        ann.say("tried").await;
        bo.until_messages(&["tried"]).await;
        let refuse = Some(Refuse { status: 503, next: None });
        backend.trouble_basic(PathFaults { refuse, ..PathFaults::default() }).await;
        backend.close_all(1001);
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.say("never tried").await;
        until("two records", async || records(&ann.window, "unsent").await, |count| *count == 2)
            .await;

        ann.window.reload().await;
        let is_so = |screen: &Screen| {
            screen.messages.len() == 2 && screen.messages[0].delivery == "not-confirmed"
        };
        let seen = ann.until("what is doubtful", is_so).await;
        assert_eq!(seen.messages[0].actions, ["Retry", "Dismiss"], "{seen:#?}");
        backend.heal().await;

        let is_so = |screen: &Screen| {
            screen.messages.iter().any(|one| one.text == "never tried" && one.delivery == "sent")
        };
        let seen = ann.until("the other one is sent", is_so).await;
        assert_eq!(seen.with_text("tried")[0].delivery, "not-confirmed", "{seen:#?}");
        bo.until_messages(&["tried", "never tried"]).await;
        assert_eq!(backend.log().count("sendMessage"), 2, "each once");

        ann.click_action(&seen.with_text("tried")[0].row, "discard").await;
        ann.until("dismissed", |screen| screen.with_text("tried").is_empty()).await;
        until("no record", async || records(&ann.window, "unsent").await, |count| *count == 0)
            .await;
    });
}

#[test]
fn what_one_person_did_not_send_is_kept_for_them_and_shown_to_nobody_else() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let witness = stage.enter(&backend.full().by("Witness")).await;
        let visit = backend.full().signed_in("token");
        stage.site.sign_in().answer(token_of("Ann"));
        let ann = stage.enter(&visit).await;
        backend.kill().await;
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.say("Ann's secret").await;
        ann.write("half a sentence").await;
        until("a message", async || records(&ann.window, "unsent").await, |count| *count == 1)
            .await;
        until("a draft", async || records(&ann.window, "draft").await, |count| *count == 1).await;

        stage.site.sign_in().answer(token_of("Bo"));
        backend.start_again().await;
        ann.reload().await;
        let bo = ann;
        bo.say("Bo here").await;
        let seen = bo.until_sent("Bo here").await;
        assert_eq!(seen.texts(), ["Bo here"]);
        assert_eq!(seen.draft, "");
        witness.until_messages(&["Bo here"]).await;

        stage.site.sign_in().answer(token_of("Ann"));
        bo.reload().await;
        let ann = bo;
        let seen = ann.until_sent("Ann's secret").await;
        assert_eq!(seen.texts(), ["Bo here", "Ann's secret"]);
        let seen = ann.until("her draft", |screen| screen.draft == "half a sentence").await;
        assert!(!seen.messages[0].own && seen.messages[1].own, "{seen:#?}");
        witness.until_messages(&["Bo here", "Ann's secret"]).await;

        backend.kill().await;
        ann.until("no connection", |screen| screen.status == "reconnecting").await;
        ann.press_enter().await;
        until("a message", async || records(&ann.window, "unsent").await, |count| *count == 1)
            .await;
        ann.run::<()>("host.signOut();", Vec::new()).await;
        let of_ann = async || all_records(&ann.window).await;
        // Bo has signed out nowhere: that he has written something is still known.
        until("nothing of Ann's", of_ann, |shelves| {
            shelves.iter().all(|shelf| shelf == "sent" || shelf == "read")
        })
        .await;
        backend.start_again().await;
        ann.run::<()>("host.reconnect();", Vec::new()).await;
        let seen = ann.until_online().await;
        assert_eq!(seen.draft, "");
        ann.say("Ann again").await;
        witness.until_messages(&["Bo here", "Ann's secret", "Ann again"]).await;
    });
}

#[test]
fn where_nothing_can_be_kept_the_chat_works_and_says_so_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let forbidden = "\
            Object.defineProperty(window, 'indexedDB', \
                {get() { throw new DOMException('no', 'SecurityError'); }});";
        let full = "IDBObjectStore.prototype.put = () => { throw new DOMException('no', 'QuotaExceededError'); };";
        let hanging = "IDBFactory.prototype.open = () => new EventTarget();";
        for (index, broken) in [forbidden, full, hanging].into_iter().enumerate() {
            let ann =
                stage.open_after(&[broken], &backend.full().by(&format!("Ann {index}"))).await;
            ann.until_online().await;
            let (first, second) = (format!("first {index}"), format!("second {index}"));
            ann.say(&first).await;
            ann.until_sent(&first).await;
            let told = |screen: &Screen| {
                screen.device_notice.starts_with("This browser keeps nothing for the chat.")
            };
            ann.until("told so", told).await;
            ann.click(".device-notice .link").await;
            ann.until("dismissed", |screen| screen.device_notice.is_empty()).await;
            ann.say(&second).await;
            let seen = ann.until_sent(&second).await;
            assert_eq!(seen.device_notice, "", "once is enough");
            bo.until("both", |screen| screen.texts().ends_with(&[&first, &second])).await;
            ann.window.close().await;
        }
    });
}

fn all_wait(screen: &Screen, name: &str) -> bool {
    let own = screen.messages.iter().filter(|message| message.own);
    let own = own.map(|message| (message.text.as_str(), message.delivery.as_str()));
    own.eq([(format!("{name} 1").as_str(), "queued"), (format!("{name} 2").as_str(), "queued")])
}

/// How many records of this shelf the database has, whoever's.
async fn records(window: &Window, shelf: &str) -> usize {
    all_records(window).await.iter().filter(|of| *of == shelf).count()
}

/// The shelves of all records, whoever's.
async fn all_records(window: &Window) -> Vec<String> {
    let script = "\
        const tell = arguments[arguments.length - 1]; \
        const opening = indexedDB.open('roomlet'); \
        opening.onsuccess = () => { \
            const database = opening.result; \
            const stores = [...database.objectStoreNames]; \
            if (stores.length === 0) { database.close(); return tell([]); } \
            const keys = database.transaction(stores).objectStore(stores[0]).getAllKeys(); \
            keys.onsuccess = () => { database.close(); tell(keys.result.map(([, shelf]) => shelf)); }; \
        };";
    window.run_until_told(script, Vec::new()).await
}
