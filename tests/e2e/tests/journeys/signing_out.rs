//! Signing out, and somebody else at the same machine.

use roomlet_e2e::{Backend, Chat, Screen, journey, token_of};
use roomlet_local::{Options, PathFaults, Refuse};
use serde_json::{Value, json};

#[test]
fn signing_out_ends_the_connection_and_clears_what_was_said() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(token_of("Ann"));
        for visit in [
            backend.full().signed_in("token"),
            backend.graphql().signed_in("cognito"),
            backend.stamped().signed_in("cognito"),
        ] {
            let ann = stage.enter(&visit).await;
            ann.say("private").await;
            ann.until("sent", |screen| screen.messages.iter().any(|one| one.delivery == "sent"))
                .await;
            ann.write("half a sentence").await;

            ann.run::<()>("host.signOut();", Vec::new()).await;

            let is_so = |screen: &Screen| screen.status == "refused" && screen.messages.is_empty();
            let seen = ann.until("signed out", is_so).await;
            assert_eq!(seen.status_words, "You are signed out.");
            assert_eq!(seen.draft, "");
            backend.until_connections(0).await;
            assert_eq!(kept(&ann).await, Vec::<String>::new());
            let words: String = ann.run("return root.textContent;", Vec::new()).await;
            assert!(!words.contains("private") && !words.contains("half"), "{words}");

            // Only somebody who asks brings it back.
            let asked = stage.site.sign_in().reasons().len();
            ann.run::<()>(
                "host.auth = async () => ({token: 'x'}); host.auth = askSite;",
                Vec::new(),
            )
            .await;
            assert_eq!(ann.look().await.status_words, "You are signed out.");
            assert_eq!(stage.site.sign_in().reasons().len(), asked);
            ann.run::<()>("host.reconnect();", Vec::new()).await;
            ann.until_online().await;
            ann.window.close().await;
            backend.until_connections(0).await;
        }
    });
}

#[test]
fn a_guest_who_signs_out_comes_back_as_somebody_else() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ways = [backend.full(), backend.graphql(), backend.stamped()];
        for (index, visit) in ways.into_iter().enumerate() {
            let visit = visit.in_room(&format!("room {index}"));
            let profile = format!("ann {index}");
            let bo = stage.enter(&visit.clone().by("Bo")).await;
            let ann = stage.enter(&visit.by(&profile)).await;
            ann.say("as a guest").await;
            ann.until("sent", |screen| {
                screen.with_text("as a guest").iter().any(|one| one.own && one.delivery == "sent")
            })
            .await;
            bo.until("heard", |screen| screen.texts().contains(&"as a guest")).await;
            let before = kept_of(&ann, &profile).await;
            assert!(!before.is_empty(), "a guest is remembered");

            ann.run::<()>("host.signOut();", Vec::new()).await;
            ann.until("signed out", |screen| screen.messages.is_empty()).await;
            assert_eq!(kept_of(&ann, &profile).await, Vec::<String>::new());

            ann.click(".status .link").await;
            ann.until_online().await;
            ann.say("as another").await;
            bo.until("heard", |screen| screen.texts().contains(&"as another")).await;
            let seen = ann.until("sent", |screen| screen.sent_once("as another")).await;
            let earlier = seen.with_text("as a guest");
            assert!(earlier.iter().all(|message| !message.own), "{seen:#?}");
            assert_ne!(kept_of(&ann, &profile).await, before);
            ann.window.close().await;
            bo.window.close().await;
            backend.until_connections(0).await;
        }
    });
}

#[test]
fn signing_out_and_in_again_at_once_harms_nobody() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ways = [backend.full(), backend.graphql(), backend.stamped()];
        for (index, visit) in ways.into_iter().enumerate() {
            let visit = visit.in_room(&format!("room {index}")).with("chats", "2");
            let ann = stage.enter(&visit.by("Ann")).await;
            let bystander = ann.second();
            bystander.until_online().await;
            ann.say("hello").await;
            ann.until_online().await;

            ann.run::<()>(
                "host.signOut(); host.reconnect(); host.signOut(); host.reconnect();",
                Vec::new(),
            )
            .await;
            ann.until_online().await;
            ann.say("again").await;
            ann.until("sent", |screen| screen.sent_once("again")).await;
            ann.run::<()>("host.remove();", Vec::new()).await;

            // What was the second element is now the first.
            ann.say("still here").await;
            ann.until("sent", |screen| screen.sent_once("still here")).await;
            assert_eq!(ann.recorded("errors").await, Vec::<Value>::new());
            ann.window.close().await;
            backend.until_connections(0).await;
        }
    });
}

#[test]
fn the_next_person_on_the_page_sees_nothing_that_was_not_sent() {
    journey(async |stage| {
        let backend = Backend::start().await;
        for visit in [
            backend.full().signed_in("token"),
            backend.graphql().signed_in("cognito"),
            backend.stamped().signed_in("cognito"),
        ] {
            stage.site.sign_in().answer(token_of("Ann"));
            let ann = stage.enter(&visit).await;
            let refuse = || PathFaults {
                refuse: Some(Refuse { status: 503, next: None }),
                throttle_next: 1_000,
                ..PathFaults::default()
            };
            let faults = roomlet_local::Faults {
                prod: refuse(),
                graphql: refuse(),
                events: refuse(),
                ..Default::default()
            };
            backend.trouble(faults).await;
            backend.close_all(1001);
            ann.until("told so", |screen| screen.status == "reconnecting").await;
            ann.say("Ann's secret").await;
            ann.until("it waits", |screen| {
                screen
                    .messages
                    .iter()
                    .any(|one| one.text == "Ann's secret" && one.delivery != "sent")
            })
            .await;
            ann.write("Ann's draft").await;

            ann.run::<()>("host.signOut();", Vec::new()).await;
            stage.site.sign_in().answer(token_of("Bo"));
            backend.heal().await;
            ann.run::<()>("host.reconnect();", Vec::new()).await;

            let bo = ann;
            let seen = bo.until_online().await;
            assert_eq!(seen.draft, "");
            assert!(!seen.texts().contains(&"Ann's secret"), "{seen:#?}");
            bo.say("Bo here").await;
            let seen = bo
                .until("sent", |screen| {
                    screen.with_text("Bo here").iter().any(|one| one.own && one.delivery == "sent")
                })
                .await;
            assert!(!seen.texts().contains(&"Ann's secret"), "{seen:#?}");
            // Nor does anybody else get it under Bo's name.
            bo.window.reload().await;
            let seen = bo.until_online().await;
            assert!(!seen.texts().contains(&"Ann's secret"), "{seen:#?}");
            bo.window.close().await;
            backend.until_connections(0).await;
        }
    });
}

#[test]
fn signing_out_while_a_send_is_under_way_says_nothing_more() {
    journey(async |stage| {
        let backend = Backend::with(Options::in_memory()).await;
        stage.site.sign_in().answer(token_of("Ann"));
        let ann = stage.enter(&backend.graphql().signed_in("cognito")).await;
        let late = PathFaults { answer_delay_ms: 1_000, drop_next: 1, ..PathFaults::default() };
        backend.trouble_graphql(late).await;
        ann.say("last words").await;
        backend.until_received("sendMessage", 1).await;

        ann.run::<()>("host.signOut();", Vec::new()).await;

        ann.until("signed out", |screen| screen.messages.is_empty()).await;
        backend.until_connections(0).await;
        backend.heal().await;
        stage.site.sign_in().answer(token_of("Bo"));
        ann.run::<()>("host.reconnect();", Vec::new()).await;
        let seen = ann.until("the history", |screen| screen.texts() == ["last words"]).await;
        assert!(!seen.messages[0].own, "it was Ann who said it: {seen:#?}");
        assert_eq!(backend.log().count("sendMessage"), 1);
    });
}

/// The names of everything that the page's storage has.
async fn kept(chat: &Chat) -> Vec<String> {
    chat.window
        .run("return Object.keys(localStorage).concat(Object.keys(sessionStorage));", Vec::new())
        .await
}

/// What is kept of a person who has this profile, names and values.
async fn kept_of(chat: &Chat, profile: &str) -> Vec<String> {
    let script = "\
        return Object.entries(localStorage).filter(([name]) => name.endsWith(`:${arguments[0]}`)) \
            .map(([name, value]) => `${name} ${value}`).sort();";
    chat.window.run(script, vec![json!(profile)]).await
}
