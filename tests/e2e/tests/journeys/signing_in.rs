//! The ways to sign in, at each backend, as far as they work out.

use roomlet_e2e::{Backend, Chat, Stage, Visit, access_key, journey, lasting_token_of, token_of};
use roomlet_local::{Options, PathFaults};
use serde_json::{Value, json};

#[test]
fn with_a_token_of_a_user_pool_people_are_who_it_says() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ways = [
            (backend.full(), "token"),
            (backend.graphql(), "cognito"),
            (backend.stamped(), "cognito"),
            (backend.graphql(), "oidc"),
        ];
        for (index, (visit, mode)) in ways.into_iter().enumerate() {
            let visit = visit.signed_in(mode).in_room(&format!("room {index}"));
            // What the page says of the name counts only where the token has none.
            stage.site.sign_in().answer(token_of("Ann"));
            let ann = stage.enter(&visit.clone().with("name", "Mallory")).await;
            stage.site.sign_in().answer(lasting_token_of("Bo"));
            let bo = stage.enter(&visit).await;
            stage.site.sign_in().answer(token_of("Ann"));

            let seen = talk(&ann, &bo).await;
            assert_eq!(seen.author, "Ann", "{mode}");
            assert_eq!(seen.standing, "", "somebody who is signed in is no guest: {mode}");

            // Another page knows its own messages again, by who is signed in.
            if mode != "cognito" || index == 1 {
                ann.window.reload().await;
                let seen = ann.until_messages(&["from Ann", "from Bo"]).await;
                assert!(seen.messages[0].own && !seen.messages[1].own, "{seen:#?}");
            }
            leave(ann).await;
            leave(bo).await;
        }
        let reasons = stage.site.sign_in().reasons();
        assert!(!reasons.iter().any(|reason| reason == "refused"), "{reasons:?}");
    });
}

#[test]
fn with_a_token_of_a_lambda_authorizer() {
    journey(async |stage| {
        let options = Options { token: Some("sesame".to_owned()), ..Options::in_memory() };
        let backend = Backend::with(options).await;
        let answer = json!({"token": "sesame"});
        let ways = [
            (backend.full(), "token"),
            (backend.basic(), "token"),
            (backend.graphql(), "lambda"),
            (backend.basic_graphql(), "lambda"),
            (backend.stamped(), "lambda"),
            (backend.raw(), "lambda"),
        ];
        each_works(stage, &answer, ways).await;
    });
}

#[test]
fn with_an_access_key() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ways = [
            (backend.full(), "iam"),
            (backend.basic(), "iam"),
            (backend.graphql(), "iam"),
            (backend.basic_graphql(), "iam"),
            (backend.stamped(), "iam"),
            (backend.raw(), "iam"),
        ];
        each_works(stage, &access_key(), ways).await;
    });
}

#[test]
fn with_an_access_key_although_the_clock_is_wrong() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(access_key());
        let skewed = PathFaults { clock_skew_ms: 3_600_000, ..PathFaults::default() };
        backend.trouble_graphql(skewed.clone()).await;
        let ann = stage.enter(&backend.graphql().signed_in("iam")).await;
        ann.say("an hour late").await;
        ann.until_sent("an hour late").await;

        backend.trouble_events(skewed).await;
        let ann = stage.enter(&backend.stamped().signed_in("iam").in_room("events")).await;
        ann.say("an hour late").await;
        ann.until_sent("an hour late").await;
        assert!(backend.attempts("/event") <= 2, "it is corrected once");
    });
}

#[test]
fn the_answer_is_asked_for_by_the_name_of_the_backend_and_with_a_reason() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(token_of("Ann"));
        let ann = stage.enter(&backend.graphql().signed_in("cognito")).await;
        ann.say("hello").await;
        ann.until_sent("hello").await;

        let asked = stage.site.sign_in().backends();
        assert!(asked.iter().all(|backend| backend == "page"), "{asked:?}");
        let reasons = stage.site.sign_in().reasons();
        assert_eq!(reasons[0], "connect");
        assert!(reasons[1..].iter().all(|reason| reason == "operation"), "{reasons:?}");
    });
}

#[test]
fn credentials_that_last_are_not_asked_for_again() {
    journey(async |stage| {
        let backend = Backend::start().await;
        stage.site.sign_in().answer(lasting_token_of("Ann"));
        let ann = stage.enter(&backend.graphql().signed_in("cognito")).await;
        for text in ["one", "two", "three"] {
            ann.say(text).await;
            ann.until_sent(text).await;
        }
        assert_eq!(stage.site.sign_in().reasons(), ["connect"]);
    });
}

#[test]
fn auth_that_is_set_later_than_the_element_is_asked_then() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ways = [(backend.full(), "token"), (backend.graphql(), "cognito")];
        for (visit, mode) in ways {
            let visit = visit.signed_in(mode).in_room(mode);
            let ann = stage.open(&visit.without("sign-in")).await;
            ann.until("told to sign in", |screen| screen.status == "refused").await;
            assert_eq!(backend.connections(), 0);

            stage.site.sign_in().answer(token_of("Ann"));
            ann.run::<()>("host.auth = askSite;", Vec::new()).await;

            ann.until_online().await;
            ann.say("better late").await;
            ann.until_sent("better late").await;
            leave(ann).await;
            backend.until_connections(0).await;
        }
    });
}

#[test]
fn the_property_user_names_a_guest() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.graphql().by("Bo")).await;
        let ann = stage.enter(&backend.graphql().by("Nobody")).await;
        ann.run::<()>("host.user = {name: 'Ann'};", Vec::new()).await;
        ann.say("from Ann").await;
        let seen = bo.until_messages(&["from Ann"]).await;
        assert_eq!(seen.messages[0].author, "Ann");
    });
}

async fn each_works<const N: usize>(stage: &Stage, answer: &Value, ways: [(Visit, &str); N]) {
    stage.site.sign_in().answer(answer.clone());
    for (index, (visit, mode)) in ways.into_iter().enumerate() {
        let visit = visit.signed_in(mode).in_room(&format!("room {index}"));
        let ann = stage.enter(&visit.clone().by("Ann")).await;
        let bo = stage.enter(&visit.by("Bo")).await;
        talk(&ann, &bo).await;
        leave(ann).await;
        leave(bo).await;
    }
    let reasons = stage.site.sign_in().reasons();
    assert!(!reasons.iter().any(|reason| reason == "refused"), "{reasons:?}");
}

/// What Bo sees of Ann's message.
async fn talk(ann: &Chat, bo: &Chat) -> roomlet_e2e::Message {
    ann.say("from Ann").await;
    ann.until_sent("from Ann").await;
    let seen = bo.until_messages(&["from Ann"]).await;
    bo.say("from Bo").await;
    bo.until_sent("from Bo").await;
    ann.until_messages(&["from Ann", "from Bo"]).await;
    seen.messages[0].clone()
}

async fn leave(chat: Chat) {
    chat.window.close().await;
}
