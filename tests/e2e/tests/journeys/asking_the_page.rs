//! What the page's own `auth` may do, and what comes of it.

use roomlet_e2e::{Backend, Chat, Screen, Stage, Visit, journey, token_of, until};
use serde_json::{Value, json};

#[test]
fn whatever_auth_does_the_page_is_told_in_one_sentence() {
    journey(async |stage| {
        let backend = Backend::start().await;
        for (function, words) in [
            ("() => { throw new TypeError('secret words'); }", "failed (TypeError)"),
            ("async () => { throw new RangeError('secret words'); }", "failed (RangeError)"),
            ("async () => 'secret words'", "no object"),
            ("async () => ({})", "`token` is missing"),
            ("async () => ({token: 5})", "`token` is no text"),
            ("async () => ({token: 'secret words\\n'})", "`token`"),
            ("async () => ({token: 'secretwords', expiresAt: 'soon'})", "`expiresAt` is no time"),
            ("'no function'", "no function"),
            ("{ get then() { throw new Error('secret words'); } }", "failed"),
        ] {
            let visit = backend.graphql().signed_in("cognito").without("sign-in");
            let ann = stage.open(&visit).await;
            ann.until("told to sign in", |screen| screen.status == "refused").await;

            ann.run::<()>(&format!("host.auth = {};", as_value(function)), Vec::new()).await;

            let look = async || errors(&ann).await;
            let told = until("an event of the page", look, |errors| !errors.is_empty()).await;
            assert!(told[0].contains(words), "{function}: {told:?}");
            assert!(
                !told[0].contains("secret words") && !told[0].contains("secretwords"),
                "{told:?}"
            );
            let is_so = |screen: &Screen| {
                screen.status_words == "The page could not sign you in. Trying again…"
            };
            ann.until("told the person", is_so).await;
            assert_eq!(backend.log().connects, 0, "nothing is sent without credentials");

            // It may be mended at any time.
            stage.site.sign_in().answer(token_of("Ann"));
            ann.run::<()>("host.auth = askSite; host.reconnect();", Vec::new()).await;
            ann.until_online().await;
            assert_eq!(ann.recorded("errors").await, Vec::<Value>::new());
            ann.window.close().await;
            backend.forget_log();
        }
    });
}

#[test]
fn an_auth_that_never_answers_holds_nothing_up_but_the_connection() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.open(&backend.graphql().signed_in("cognito")).await;
        stage.site.sign_in().until_asked(1).await;
        ann.say("written meanwhile").await;
        let seen = ann.until("the message waits", |screen| screen.messages.len() == 1).await;
        assert_eq!(seen.messages[0].delivery, "queued");
        assert_eq!(seen.status, "connecting");
        ann.stay_for_a_while().await;
        assert_eq!(stage.site.sign_in().reasons(), ["connect"], "one question is enough");
        assert_eq!(backend.log().connects, 0);

        stage.site.sign_in().answer(token_of("Ann"));

        ann.until_sent("written meanwhile").await;
    });
}

#[test]
fn the_api_gateway_asks_the_page_too_whatever_auth_does() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.open(&backend.full().signed_in("token").without("sign-in")).await;
        ann.until("told to sign in", |screen| screen.status == "refused").await;
        ann.run::<()>("host.auth = () => { throw new TypeError('x'); };", Vec::new()).await;
        let look = async || errors(&ann).await;
        until("an event of the page", look, |errors| !errors.is_empty()).await;
        assert_eq!(backend.log().connects, 0);
        signs_in_after_all(stage, &ann).await;
        let signed_out: Visit = backend.full().signed_in("token").in_room("b");
        stage.site.sign_in().answer(json!(null));
        let bo = stage.open(&signed_out).await;
        bo.until_told_to_sign_in().await;
        signs_in_after_all(stage, &bo).await;
    });
}

async fn signs_in_after_all(stage: &Stage, chat: &Chat) {
    stage.site.sign_in().answer(token_of("Ann"));
    chat.run::<()>("host.auth = askSite; host.reconnect();", Vec::new()).await;
    chat.until_online().await;
    chat.say("hello").await;
    chat.until_sent("hello").await;
}

/// What the widget says in `roomlet-error`.
async fn errors(chat: &Chat) -> Vec<String> {
    let events = chat.recorded("events").await;
    let errors = events.into_iter().filter(|event| event["type"] == "roomlet-error");
    errors.map(|event| event["detail"]["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A function or an object as an expression.
fn as_value(code: &str) -> String {
    if code.starts_with('{') { format!("async () => ({code})") } else { code.to_owned() }
}
