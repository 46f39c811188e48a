//! Pages with a content security policy.

use roomlet_e2e::{Backend, Screen, Stage, journey};
use serde_json::Value;

const POLICY: &str = "content-security-policy";

#[test]
fn under_the_strictest_policy_everything_works_and_nothing_is_reported() {
    journey(async |stage| {
        let backend = Backend::start().await;
        set_policy(stage, "'self' 'wasm-unsafe-eval'", &format!("ws://{}", backend.authority()));
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;

        ann.write("several").await;
        ann.press_shift_enter().await;
        ann.write("lines").await;
        ann.press_enter().await;
        bo.until_messages(&["several\nlines"]).await;
        bo.say("and an answer").await;
        bo.until_sent("and an answer").await;
        ann.until_messages(&["several\nlines", "and an answer"]).await;
        ann.set_attribute("room", "elsewhere").await;
        ann.until("another room", |screen| screen.title == "elsewhere").await;
        ann.set_attribute("lang", "ko").await;
        ann.until("Korean", |screen| screen.status_words == "연결됨").await;
        backend.close_all(1012);
        backend.until_received("hello", 5).await;
        ann.until_online().await;

        for person in [&ann, &bo] {
            assert_eq!(person.recorded("violations").await, Vec::<Value>::new());
            assert_eq!(person.recorded("errors").await, Vec::<Value>::new());
            // It has its looks: the stylesheet was let in.
            let script = "return getComputedStyle(root.querySelector('.scroller')).flexDirection;";
            assert_eq!(person.run::<String>(script, Vec::new()).await, "column-reverse");
        }
    });
}

#[test]
fn a_policy_that_forbids_the_backend_is_named_and_not_run_against() {
    journey(async |stage| {
        let backend = Backend::start().await;
        set_policy(stage, "'self' 'wasm-unsafe-eval'", "");

        let ann = stage.open(&backend.full().by("Ann")).await;

        let is_so = |screen: &Screen| screen.status == "refused";
        let seen = ann.until("told that the page forbids it", is_so).await;
        assert!(seen.status_words.contains("connect-src"), "{}", seen.status_words);
        assert_eq!(backend.log().connects, 0);
        let attempts = ann.recorded("violations").await.len();
        // What is written stays, and is not a reason to try either.
        ann.say("held back").await;
        let seen = ann.until("the message waits", |screen| screen.messages.len() == 1).await;
        assert_eq!(seen.messages[0].delivery, "queued");
        // A person who asks for another attempt gets one, and the same words.
        ann.click(".status .link").await;
        let look = async || ann.recorded("violations").await.len();
        roomlet_e2e::until("one attempt more", look, |count| *count == attempts + 1).await;
        let seen = ann.until("told again", is_so).await;
        assert!(seen.status_words.contains("connect-src"));
        assert_eq!(ann.recorded("violations").await.len(), attempts + 1, "no attempt by itself");
        assert_eq!(attempts, 1);
    });
}

#[test]
fn a_policy_that_forbids_webassembly_is_named() {
    journey(async |stage| {
        let backend = Backend::start().await;
        set_policy(stage, "'self'", &format!("ws://{}", backend.authority()));

        let ann = stage.open(&backend.full().by("Ann")).await;

        let seen = ann.until("words", |screen| !screen.failure.is_empty()).await;
        assert!(seen.failure.contains("wasm-unsafe-eval"), "{}", seen.failure);
    });
}

/// The policy that the widget promises to run under, with these sources of scripts and this backend.
fn set_policy(stage: &Stage, scripts: &str, backend: &str) {
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; connect-src 'self' {backend}; \
         require-trusted-types-for 'script'"
    );
    stage.site.set_header(POLICY, &policy);
}
