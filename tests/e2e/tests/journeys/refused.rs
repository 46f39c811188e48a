//! Sign-ins that do not work out, or not any more: what people are told, and how seldom backends are bothered.

use std::time::Duration;

use roomlet_e2e::{Backend, Chat, Screen, expired_token_of, journey, lasting_token_of, token_of};
use roomlet_local::{ConnectionErrors, Faults, Options, PathFaults};

/// A browser does not say why it could not connect: four attempts tell.
const FOUR_ATTEMPTS: Duration = Duration::from_secs(60);

#[test]
fn a_wrong_api_key_is_told_in_plain_words_and_not_tried_again() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let wrong = "da2-wrongkeywrongkeywrongkey00";
        let mut waiting = Vec::new();
        for (visit, path) in [
            (backend.graphql(), "/graphql"),
            (backend.basic_graphql(), "/basic/graphql"),
            (backend.stamped(), "/event"),
        ] {
            let ann = stage.open(&visit.by_api_key(wrong)).await;
            let seen = ann.until("refused", |screen| screen.status == "refused").await;
            assert!(!seen.status_words.is_empty() && !seen.status_words.contains("da2-"));
            ann.say("held back").await;
            let seen = ann.until("the message waits", |screen| screen.messages.len() == 1).await;
            assert_eq!(seen.messages[0].delivery, "queued");
            waiting.push((ann, path));
        }
        waiting[2].0.stay_for_a_while().await;
        for (ann, path) in waiting {
            assert_eq!(backend.attempts(path), 1, "{path}: nothing has changed since");
            assert_eq!(ann.look().await.messages[0].delivery, "queued");
        }
        assert_eq!(backend.log().count("sendMessage") + backend.log().count("publish"), 0);
    });
}

#[test]
fn an_expired_token_is_asked_for_anew_exactly_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        for (visit, path) in [
            (backend.graphql(), "/graphql"),
            (backend.basic_graphql(), "/basic/graphql"),
            (backend.stamped(), "/event"),
            (backend.raw(), "/event"),
        ] {
            let before = (stage.site.sign_in().reasons().len(), backend.attempts(path));
            stage.site.sign_in().answer_once(expired_token_of("Ann"));
            stage.site.sign_in().answer(lasting_token_of("Ann"));
            let ann = stage.enter(&visit.signed_in("cognito")).await;
            ann.say("works").await;
            ann.until_sent("works").await;
            assert_eq!(stage.site.sign_in().reasons()[before.0..], ["connect", "refused"]);
            assert_eq!(backend.attempts(path), before.1 + 2);
            ann.window.close().await;
        }
    });
}

#[test]
fn an_expired_token_of_api_gateway_is_asked_for_anew() {
    journey(async |stage| {
        let options = Options { token: Some("sesame".to_owned()), ..Options::in_memory() };
        let backend = Backend::with(options).await;
        // A browser does not tell 401 from an outage: after two attempts it might be the token.
        stage.site.sign_in().answer_once(expired_token_of("Ann"));
        stage.site.sign_in().answer_once(expired_token_of("Ann"));
        stage.site.sign_in().answer(token_of("Ann"));
        let ann = stage.open(&backend.full().signed_in("token")).await;
        ann.until_within(FOUR_ATTEMPTS, "online", |screen| screen.status == "online").await;
        ann.say("works").await;
        ann.until_sent("works").await;
        assert_eq!(stage.site.sign_in().reasons(), ["connect", "connect", "refused"]);
    });
}

#[test]
fn a_token_that_stays_expired_ends_in_words_and_silence() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(expired_token_of("Ann"));
        let mut waiting = Vec::new();
        for (visit, path) in [
            (backend.graphql(), "/graphql"),
            (backend.basic_graphql(), "/basic/graphql"),
            (backend.stamped(), "/event"),
        ] {
            let asked = stage.site.sign_in().reasons().len();
            let ann = stage.open(&visit.signed_in("cognito")).await;
            ann.until_told_to_sign_in().await;
            assert_eq!(stage.site.sign_in().reasons()[asked..], ["connect", "refused"]);
            waiting.push((ann, path));
        }
        waiting[2].0.stay_for_a_while().await;
        for (_, path) in &waiting {
            assert_eq!(backend.attempts(path), 2, "{path}");
        }
        assert_eq!(stage.site.sign_in().reasons().len(), 6);

        // Whoever clicks gets another attempt, with whatever the page has by then.
        let (ann, _) = &waiting[0];
        stage.site.sign_in().answer(token_of("Ann"));
        ann.click(".status .link").await;
        ann.until_online().await;
        ann.say("back").await;
        ann.until_sent("back").await;
    });
}

#[test]
fn a_token_that_api_gateway_never_takes_ends_in_words_and_silence() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(expired_token_of("Ann"));
        let ann = stage.open(&backend.full().signed_in("token")).await;
        let is_so = |screen: &Screen| screen.status == "refused";
        let seen = ann.until_within(FOUR_ATTEMPTS, "told to sign in", is_so).await;
        assert_eq!(seen.status_words, "You are not signed in, or no longer.");
        let attempts = backend.attempts("/prod");
        ann.stay_for_a_while().await;
        assert_eq!(backend.attempts("/prod"), attempts);
        assert!(attempts <= 4, "{attempts}");
    });
}

#[test]
fn a_token_that_expires_in_mid_session_is_renewed_once() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(lasting_token_of("Ann"));
        let expire = PathFaults { expire_next: 1, ..PathFaults::default() };
        for visit in [backend.graphql(), backend.basic_graphql(), backend.stamped(), backend.raw()]
        {
            let ann = stage.enter(&visit.signed_in("cognito")).await;
            history_is_settled(&ann).await;
            let asked = stage.site.sign_in().reasons().len();
            let connects = backend.log().connects;
            backend
                .trouble(Faults {
                    graphql: expire.clone(),
                    basic_graphql: expire.clone(),
                    events: expire.clone(),
                    ..Faults::default()
                })
                .await;

            ann.say("just in time").await;

            ann.until_sent("just in time").await;
            assert_eq!(stage.site.sign_in().reasons()[asked..], ["refused"]);
            assert_eq!(backend.log().connects, connects, "the connection is left alone");
            assert_eq!(ann.look().await.status, "online");
            ann.window.close().await;
        }
    });
}

#[test]
fn where_all_tokens_expire_in_mid_session_a_send_waits_for_a_sign_in() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(lasting_token_of("Ann"));
        for visit in [backend.graphql(), backend.stamped()] {
            let ann = stage.enter(&visit.signed_in("cognito")).await;
            history_is_settled(&ann).await;
            backend.forget_log();
            let asked = stage.site.sign_in().reasons().len();
            let expired = PathFaults { expire_tokens: true, ..PathFaults::default() };
            let faults = Faults { graphql: expired.clone(), events: expired, ..Faults::default() };
            backend.trouble(faults).await;

            ann.say("please").await;
            let is_so = |screen: &Screen| {
                screen.messages.iter().any(|message| message.delivery == "failed")
                    || screen.status == "refused"
            };
            let seen = ann.until("told so", is_so).await;
            assert_eq!(seen.texts(), ["please"], "it is still there");
            ann.stay_for_a_while().await;
            let reasons = stage.site.sign_in().reasons()[asked..].to_vec();
            assert!(reasons.len() <= 3, "{reasons:?}");
            let sends = backend.log().count("sendMessage") + backend.log().count("publish");
            assert!(sends <= 3, "{sends}");

            backend.heal().await;
            // The second look at the history may have been refused as well, or not; and a click may already do for both.
            let script = "\
                for (const part of ['.status[data-status=\"refused\"] .link', '[data-delivery=\"failed\"] [data-action=\"retry\"]']) \
                    root.querySelector(part)?.click();";
            ann.run::<()>(script, Vec::new()).await;
            ann.until_sent("please").await;
            backend.close_all(1001);
            ann.window.close().await;
        }
    });
}

#[test]
fn an_expired_token_that_reads_like_a_schema_error_does_not_make_the_schema_basic() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(lasting_token_of("Ann"));
        let odd = PathFaults { expired_as_schema_error: 1, ..PathFaults::default() };
        backend.trouble_graphql(odd).await;

        let ann = stage.enter(&backend.graphql().signed_in("cognito")).await;

        assert_eq!(stage.site.sign_in().reasons()[1], "refused");
        ann.say("in full").await;
        ann.until_sent("in full").await;
        ann.reload().await;
        ann.until_messages(&["in full"]).await;
        assert!(backend.log().count("messages") >= 1, "the full schema has history");
    });
}

#[test]
fn of_three_rooms_the_one_that_is_denied_fails_alone() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(token_of("Ann"));
        let denied = PathFaults { deny_rooms: vec!["b".to_owned()], ..PathFaults::default() };
        let faults = Faults { graphql: denied.clone(), events: denied, ..Faults::default() };
        backend.trouble(faults).await;
        for visit in [backend.graphql(), backend.stamped()] {
            let first = stage.open(&visit.signed_in("cognito").with("chats", "3")).await;
            let chats = [first.nth(0), first.nth(1), first.nth(2)];
            for (chat, room) in chats.iter().zip(["a", "b", "c"]) {
                chat.set_attribute("room", room).await;
            }
            let is_so = |screen: &Screen| screen.title == "b" && screen.status == "refused";
            let seen = chats[1].until("no entry", is_so).await;
            assert_eq!(seen.status_words, "This room does not exist, or you may not enter it.");
            for (chat, room) in [(&chats[0], "a"), (&chats[2], "c")] {
                let is_so = |screen: &Screen| screen.title == room && screen.status == "online";
                chat.until("online", is_so).await;
                chat.say("in").await;
                chat.until_sent("in").await;
            }
            // In one element, one after the other, over one connection.
            chats[0].set_attribute("room", "b").await;
            let is_so = |screen: &Screen| screen.title == "b" && screen.status == "refused";
            chats[0].until("no entry", is_so).await;
            chats[0].set_attribute("room", "c").await;
            let is_so = |screen: &Screen| screen.title == "c" && screen.status == "online";
            chats[0].until("online in c", is_so).await;
            chats[0].say("here too").await;
            chats[0].until("sent", |screen| screen.sent_once("here too")).await;
            chats[2].until("heard", |screen| screen.texts().contains(&"here too")).await;
            first.window.close().await;
        }
    });
}

#[test]
fn a_connection_that_is_refused_for_good_says_that_it_is_not_set_up() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let connection_errors = Some(ConnectionErrors {
            error_type: "com.amazon.coral.service.http#HttpNotFoundException".to_owned(),
            message: String::new(),
            error_code: 404,
            next: None,
        });
        backend.trouble_graphql(PathFaults { connection_errors, ..PathFaults::default() }).await;
        let ann = stage.open(&backend.graphql()).await;
        let seen = ann.until("told so", |screen| screen.status == "refused").await;
        assert!(seen.status_words.contains("not set up correctly"), "{}", seen.status_words);
        ann.stay_for_a_while().await;
        assert_eq!(backend.attempts("/graphql"), 1);
    });
}

/// Nothing is under way any more that would need credentials.
async fn history_is_settled(chat: &Chat) {
    let is_so = |screen: &Screen| screen.status == "online" && !screen.top.starts_with("Loading");
    chat.until("nothing under way", is_so).await;
}
