//! Two people in one room, each in a window of their own.

use roomlet_e2e::{Backend, journey};
use roomlet_local::PathFaults;

#[test]
fn each_sees_what_the_other_writes_at_once_and_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;

        ann.say("Hello!").await;
        bo.until_messages(&["Hello!"]).await;
        bo.say("Hi Ann").await;
        let at_ann = ann.until_messages(&["Hello!", "Hi Ann"]).await;
        let at_bo = bo.until_sent("Hi Ann").await;

        assert_eq!(at_ann.messages[1].author, "Bo");
        assert!(!at_ann.messages[1].own);
        assert!(at_ann.sent_once("Hello!"), "{at_ann:#?}");
        assert_eq!(at_bo.messages[0].author, "Ann");
        assert!(!at_bo.messages[0].own);

        // Each looks at the history a second time; nothing comes twice from it.
        backend.until_received("history", 4).await;
        ann.say("Still there?").await;
        bo.until_messages(&["Hello!", "Hi Ann", "Still there?"]).await;
        ann.until_messages(&["Hello!", "Hi Ann", "Still there?"]).await;
    });
}

#[test]
fn a_reload_shows_the_history_and_own_messages_stay_own() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        ann.say("from Ann").await;
        bo.until_messages(&["from Ann"]).await;
        bo.say("from Bo").await;
        ann.until_messages(&["from Ann", "from Bo"]).await;

        ann.reload().await;
        let seen = ann.until_messages(&["from Ann", "from Bo"]).await;

        assert!(seen.sent_once("from Ann"), "{seen:#?}");
        assert!(!seen.messages[1].own, "{seen:#?}");
        assert_eq!(seen.messages[1].author, "Bo");
        ann.say("after the reload").await;
        bo.until_messages(&["from Ann", "from Bo", "after the reload"]).await;
    });
}

#[test]
fn no_room_an_empty_room_and_the_lobby_are_one_room() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo").in_room("")).await;
        let cy = stage.enter(&backend.full().by("Cy").in_room("lobby")).await;

        ann.say("who is here?").await;

        bo.until_messages(&["who is here?"]).await;
        cy.until_messages(&["who is here?"]).await;
    });
}

#[test]
fn a_room_may_have_any_name_and_others_do_not_hear_it() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann").in_room("김치 방/1")).await;
        let bo = stage.enter(&backend.full().by("Bo").in_room("김치 방/1")).await;
        let cy = stage.enter(&backend.full().by("Cy").in_room("김치 방")).await;

        ann.say("안녕하세요").await;
        bo.until_messages(&["안녕하세요"]).await;
        bo.reload().await;
        let at_bo = bo.until_messages(&["안녕하세요"]).await;
        // What Cy hears first is what is said in the room of that name.
        cy.say("alone").await;
        cy.until_sent("alone").await;

        assert_eq!(at_bo.title, "김치 방/1");
        cy.until_messages(&["alone"]).await;
    });
}

#[test]
fn the_same_words_at_the_same_moment_are_two_messages() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        ann.write("hi").await;
        bo.write("hi").await;
        // Nobody hears of the other's before both are on their way.
        backend.trouble_full(PathFaults { delay_ms: 700, ..PathFaults::default() }).await;

        ann.press_enter().await;
        bo.press_enter().await;

        for person in [&ann, &bo] {
            let is_so = |screen: &roomlet_e2e::Screen| {
                screen.texts() == ["hi", "hi"] && screen.all_own_sent()
            };
            let seen = person.until("two messages, the own one sent", is_so).await;
            assert_eq!(seen.messages.iter().filter(|message| message.own).count(), 1, "{seen:#?}");
        }
    });
}
