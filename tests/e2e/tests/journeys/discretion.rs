//! Where secrets go: into headers, subprotocols and frames, never into an address or a console.

use roomlet_e2e::{
    Backend, Chat, Screen, Stage, Visit, access_key, chromium, journey, overheard_journey, token_of,
};
use roomlet_local::PathFaults;
use serde_json::Value;

const POLICY: &str = "content-security-policy";

#[test]
fn no_secret_is_in_an_address_or_on_a_console() {
    overheard_journey(async |stage| {
        let backend = Backend::start().await;
        let token = token_of("Ann");
        let secrets = [
            token["token"].as_str().expect("a token is text").to_owned(),
            access_key()["secretAccessKey"].as_str().expect("a key is text").to_owned(),
        ];
        let ways = [
            (backend.full(), "token", &token),
            (backend.graphql(), "cognito", &token),
            (backend.stamped(), "cognito", &token),
            (backend.full(), "iam", &access_key()),
            (backend.graphql(), "iam", &access_key()),
            (backend.stamped(), "iam", &access_key()),
        ];
        let mut all = chromium::WrittenDown::default();
        for (visit, mode, answer) in ways {
            stage.site.sign_in().answer(answer.clone());
            let ann = stage.enter(&visit.signed_in(mode)).await;
            some_trouble(&backend, &ann).await;
            listen(&mut all, &ann).await;
            ann.window.close().await;
        }
        check(&backend, &all, &secrets);
    });
}

#[test]
fn no_key_of_a_guest_is_in_an_address_or_on_a_console() {
    overheard_journey(async |stage| {
        let backend = Backend::start().await;
        let mut all = chromium::WrittenDown::default();
        let mut secrets = Vec::new();
        for visit in [backend.full(), backend.graphql(), backend.stamped(), backend.raw()] {
            // The page of these tests has the API key in its own address; a page of its own has not.
            let ann = stage.open(&Visit::to_page("empty.html")).await;
            ann.window.run::<()>(&make_chat(&visit.by("Ann")), Vec::new()).await;
            ann.until_online().await;
            some_trouble(&backend, &ann).await;
            let script = "return Object.entries(localStorage).filter(([name]) => name.includes('guest-key')).map(([, value]) => value);";
            secrets.extend(ann.window.run::<Vec<String>>(script, Vec::new()).await);
            listen(&mut all, &ann).await;
            ann.window.close().await;
        }
        assert!(secrets.len() >= 4, "guests have keys: {}", secrets.len());
        secrets.push("da2-local".to_owned());
        check(&backend, &all, &secrets);
    });
}

#[test]
fn under_the_strictest_policy_appsync_works_and_nothing_is_reported() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let authority = backend.authority();
        set_policy(stage, &format!("http://{authority} ws://{authority}"));
        stage.site.sign_in().answer(token_of("Ann"));
        for visit in [
            backend.graphql().by("Ann"),
            backend.graphql().signed_in("cognito"),
            backend.stamped().by("Ann"),
            backend.raw().by("Ann"),
        ] {
            let ann = stage.enter(&visit).await;
            ann.say("hello").await;
            let is_so = |screen: &Screen| {
                screen.messages.iter().any(|one| one.own && one.delivery == "sent")
            };
            ann.until("sent", is_so).await;
            backend.replace_connections(1001).await;
            ann.until_online().await;
            ann.run::<()>("host.signOut(); host.reconnect();", Vec::new()).await;
            ann.until_online().await;
            assert_eq!(ann.recorded("violations").await, Vec::<Value>::new());
            assert_eq!(ann.recorded("errors").await, Vec::<Value>::new());
            ann.window.close().await;
        }
    });
}

#[test]
fn a_policy_that_forbids_requests_but_not_sockets_is_named_by_what_cannot_be_sent() {
    journey(async |stage| {
        let backend = Backend::start().await;
        set_policy(stage, &format!("ws://{}", backend.authority()));
        let ann = stage.enter(&backend.graphql().by("Ann")).await;

        ann.say("stuck").await;

        let is_so = |screen: &Screen| screen.messages.iter().any(|one| !one.reason.is_empty());
        let seen = ann.until("told why", is_so).await;
        assert!(seen.messages[0].reason.contains("connect-src"), "{seen:#?}");
        assert_eq!(seen.messages[0].delivery, "failed", "{seen:#?}");
        assert_eq!(backend.log().count("sendMessage"), 0);
        assert_eq!(seen.texts(), ["stuck"], "it is not lost");
    });
}

/// A policy that lets the page's own scripts and these addresses be.
fn set_policy(stage: &Stage, connect: &str) {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self' {connect}; require-trusted-types-for 'script'"
    );
    stage.site.set_header(POLICY, &policy);
}

/// Sends, fails, reconnects: what is said then is what logs are full of.
async fn some_trouble(backend: &Backend, chat: &Chat) {
    let failing = || PathFaults { fail_next_sends: 1, ..PathFaults::default() };
    let faults = roomlet_local::Faults {
        prod: failing(),
        graphql: failing(),
        events: failing(),
        ..Default::default()
    };
    backend.trouble(faults).await;
    chat.say("a message in confidence").await;
    let settled = |screen: &Screen| {
        screen.messages.iter().any(|one| {
            one.own && ["sent", "not-confirmed", "failed"].contains(&one.delivery.as_str())
        })
    };
    chat.until("settled", settled).await;
    backend.heal().await;
    backend.replace_connections(1011).await;
    chat.until_online().await;
    chat.say("another one in confidence").await;
    let sent = |screen: &Screen| {
        let mut own =
            screen.with_text("another one in confidence").into_iter().filter(|one| one.own);
        own.any(|one| one.delivery == "sent")
    };
    chat.until("sent", sent).await;
}

async fn listen(all: &mut chromium::WrittenDown, chat: &Chat) {
    let more = chromium::written_down(&chat.window).await;
    all.urls.extend(more.urls);
    all.console.extend(more.console);
}

fn check(backend: &Backend, all: &chromium::WrittenDown, secrets: &[String]) {
    let port = format!(":{}/", backend.port());
    for scheme in ["ws://", "http://"] {
        let seen = |url: &&String| url.starts_with(scheme) && url.contains(&port);
        assert!(
            all.urls.iter().any(|url| seen(&url)),
            "the browser writes down {scheme}: {:#?}",
            all.urls
        );
    }
    for secret in secrets {
        for text in all.urls.iter().chain(&all.console) {
            // Not even a part that is long enough to guess the rest; a token's header is the same for all.
            let tail = secret.get(secret.len().saturating_sub(24)..).unwrap_or(secret);
            assert!(!text.contains(tail), "a secret is in `{text}`");
        }
    }
    for text in &all.console {
        assert!(!text.contains("in confidence"), "a message is in `{text}`");
    }
}

/// Makes a chat with these attributes by a script instead of by the page's address.
fn make_chat(visit: &Visit) -> String {
    format!(
        "const chat = document.createElement('roomlet-chat'); \
         for (const [name, value] of {}) chat.setAttribute(name, value); \
         document.querySelector('main').append(chat); \
         const script = document.createElement('script'); \
         script.type = 'module'; script.src = 'roomlet.js'; document.head.append(script);",
        serde_json::to_string(visit.attributes()).expect("strings are JSON")
    )
}
