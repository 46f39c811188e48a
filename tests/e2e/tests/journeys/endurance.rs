//! Outages of every kind: nothing is lost, nothing is there twice, and nobody has to reload.

use std::collections::HashSet;
use std::time::Duration;

use roomlet_e2e::{
    Backend, BackendProcess, Chat, Screen, chromium, journey, token_of, until_within,
};
use roomlet_local::{Faults, PathFaults};
use serde_json::json;

/// What is told of an outage is told after this time, in milliseconds.
const QUIET: f64 = 2_000.0;
/// The clocks of a page are whole milliseconds and coarser.
const PRECISION: f64 = 5.0;
/// A pause between two attempts may be long, and Events has one of three seconds more.
const COMES_BACK: Duration = Duration::from_secs(60);

#[test]
fn what_was_written_around_a_crash_of_the_backend_is_there_once_whichever_way_it_came() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter_watched(&backend.full().by("Ann")).await;
        let bo = stage.enter_watched(&backend.graphql().by("Bo")).await;
        let cy = stage.enter_watched(&backend.stamped().by("Cy")).await;
        let writer = backend.writer("Dora");
        writer.say("Dora before").await;
        for person in [&ann, &bo, &cy] {
            person.until_messages(&["Dora before"]).await;
        }

        backend.kill().await;
        for (person, name) in [(&ann, "Ann"), (&bo, "Bo"), (&cy, "Cy")] {
            person.say_all(&[&format!("{name} meanwhile 1"), &format!("{name} meanwhile 2")]).await;
        }
        for person in [&ann, &bo, &cy] {
            let is_so = |screen: &Screen| {
                screen.status == "reconnecting" && screen.status_words.contains("\u{a0}s")
            };
            let seen = person.until("told of the outage, and when it goes on", is_so).await;
            assert!(
                seen.messages[1..].iter().all(|one| one.own && one.delivery != "sent"),
                "{seen:#?}"
            );
            assert_told_after_two_seconds(person).await;
        }
        backend.start_again().await;
        writer.say("Dora after").await;

        let settled = |screen: &Screen| all_settled(screen, 8);
        let at_ann = ann.until_within(COMES_BACK, "everything at Ann", settled).await;
        let at_bo = bo.until_within(COMES_BACK, "everything at Bo", settled).await;
        assert_eq!(at_ann.texts(), at_bo.texts(), "the order is the same");
        assert_eq!(at_ann.texts()[0], "Dora before");
        assert_eq!(at_ann.interruptions + at_bo.interruptions, 0, "history filled the gap");
        for name in ["Ann", "Bo", "Cy"] {
            let place = |number| {
                at_ann.texts().iter().position(|text| *text == format!("{name} meanwhile {number}"))
            };
            assert!(place(1).is_some() && place(1) < place(2), "{name}: {at_ann:#?}");
        }
        // Events keep no history: what others wrote meanwhile may be missing, and a row says so.
        let is_so = |screen: &Screen| screen.status == "online" && screen.all_own_sent();
        let at_cy = cy.until_within(COMES_BACK, "what is Cy's own", is_so).await;
        assert_eq!(at_cy.interruptions, 1, "{at_cy:#?}");
        assert!(
            at_cy.sent_once("Cy meanwhile 1") && at_cy.sent_once("Cy meanwhile 2"),
            "{at_cy:#?}"
        );
        assert_part_of(&at_cy, &at_ann);
        writer.say("the end").await;
        for person in [&ann, &bo, &cy] {
            person
                .until("what comes next", |screen| screen.texts().last() == Some(&"the end"))
                .await;
            assert_told_after_two_seconds(person).await;
        }
    });
}

#[test]
fn silent_sockets_are_found_out_and_replaced() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter_watched(&backend.full().by("Ann")).await;
        let bo = stage.enter_watched(&backend.graphql().by("Bo")).await;
        let writer = backend.writer("Dora");
        writer.say("before").await;
        for person in [&ann, &bo] {
            person.until_messages(&["before"]).await;
        }
        let swallow = || PathFaults { swallow: true, ..PathFaults::default() };
        backend.trouble(Faults { prod: swallow(), ..Faults::default() }).await;
        writer.say("Dora meanwhile").await;
        ann.say("Ann meanwhile").await;
        bo.until("what Ann has not got", |screen| screen.texts() == ["before", "Dora meanwhile"])
            .await;
        assert_eq!(ann.look().await.status, "online", "nobody can know yet");
        backend.trouble(Faults { prod: swallow(), graphql: swallow(), ..Faults::default() }).await;
        bo.say("Bo meanwhile").await;

        // The machine sleeps; what it finds on waking does not answer.
        for person in [&ann, &bo] {
            person.window.sleep_for(90_000).await;
            let abandoned = async || {
                // A ping, or what stands for it, may take a quarter of a minute.
                person.window.sleep_for(16_000).await;
                person.watched().await
            };
            until_within(COMES_BACK, "another socket", abandoned, |seen| seen.sockets.len() > 1)
                .await;
        }
        backend.heal().await;

        let settled = |screen: &Screen| all_settled(screen, 4);
        let at_ann = ann.until_within(COMES_BACK, "everything at Ann", settled).await;
        let at_bo = bo.until_within(COMES_BACK, "everything at Bo", settled).await;
        assert_eq!(at_ann.texts(), at_bo.texts(), "the order is the same");
        writer.say("after").await;
        for person in [&ann, &bo] {
            let is_so =
                |screen: &Screen| screen.texts().last() == Some(&"after") && all_settled(screen, 5);
            let seen = person.until("the next, and nothing twice", is_so).await;
            assert_eq!(seen.interruptions, 0);
        }
    });
}

#[test]
fn a_frozen_page_has_everything_when_it_goes_on() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bystander = stage.enter(&backend.full().by("Bo")).await;
        let writer = backend.writer("Dora");
        for (index, visit) in [backend.full(), backend.graphql()].into_iter().enumerate() {
            let ann = stage.enter_watched(&visit.by("Ann")).await;
            let name = |what: &str| format!("{what} {index}");
            ann.say(&name("before")).await;
            ann.until_sent(&name("before")).await;
            // What is written last is still on its way when the page freezes.
            let late = PathFaults { delay_ms: 1_000, ..PathFaults::default() };
            backend
                .trouble(Faults { prod: late.clone(), graphql: late, ..Faults::default() })
                .await;
            ann.say_all(&[&name("mine 1"), &name("mine 2")]).await;
            set_life(&ann, "frozen").await;
            backend.heal().await;
            writer.say(&name("Dora 1")).await;
            // Also what a connection that ends meanwhile does not bring.
            backend.close_all(1001);
            writer.say(&name("Dora 2")).await;
            let is_so = |screen: &Screen| screen.texts().contains(&name("Dora 2").as_str());
            bystander.until("what happens meanwhile", is_so).await;

            set_life(&ann, "active").await;
            let settled = |screen: &Screen| all_settled(screen, 5 * (index + 1));
            let at_ann = ann.until_within(COMES_BACK, "everything", settled).await;
            let at_bo =
                bystander.until("everything", |screen| screen.texts() == at_ann.texts()).await;
            let different = at_bo.texts().into_iter().collect::<HashSet<_>>();
            assert_eq!(different.len(), at_bo.messages.len(), "nothing is there twice");
            ann.window.close().await;
        }
    });
}

#[test]
fn a_token_that_ends_meanwhile_is_renewed_and_nothing_is_lost() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let writer = backend.writer("Dora");
        let mut said = Vec::new();
        for (visit, mode) in [
            (backend.full(), "token"),
            (backend.graphql(), "cognito"),
            (backend.stamped(), "cognito"),
        ] {
            let asked = stage.site.sign_in().reasons().len();
            let life = Duration::from_secs(4);
            stage.site.sign_in().answer_with_short_tokens_of("Ann", life);
            let ann = stage.enter_watched(&visit.signed_in(mode)).await;
            let say = async |said: &mut Vec<String>, what: &str| {
                let text = format!(
                    "{what} by {}",
                    ann.window.run::<String>("return location.search;", Vec::new()).await.len()
                );
                ann.say(&text).await;
                ann.until_sent(&text).await;
                said.push(text);
            };
            say(&mut said, "before the end").await;
            let begin = clock(&ann).await;
            let look = async || clock(&ann).await;
            until_within(COMES_BACK, "the end of the token", look, |now| *now > begin + 4_500.0)
                .await;
            stage.site.sign_in().answer(token_of("Ann"));
            // A gateway looks at tokens on connecting only.
            backend.close_all(1001);
            say(&mut said, "after the end").await;
            writer.say(&format!("Dora {}", said.len())).await;
            said.push(format!("Dora {}", said.len()));
            ann.until("what others say", |screen| {
                screen.texts().last() == said.last().map(String::as_str).as_ref()
            })
            .await;
            assert!(stage.site.sign_in().reasons().len() > asked + 1, "the page was asked again");
            let told = ann.watched().await;
            assert!(!told.told().contains(&"refused"), "{told:#?}");
            ann.window.close().await;
        }
        let seen = bo.until("everything", |screen| screen.messages.len() >= said.len()).await;
        assert_eq!(seen.texts(), said);
    });
}

/// How the page's life stands, as Chromium sets it for pages that nobody sees: `frozen` or `active`.
async fn set_life(chat: &Chat, state: &str) {
    chromium::command(&chat.window, "Page.setWebLifecycleState", json!({"state": state})).await;
}

async fn clock(chat: &Chat) -> f64 {
    chat.window.run("return performance.now();", Vec::new()).await
}

fn all_settled(screen: &Screen, messages: usize) -> bool {
    screen.messages.len() == messages && screen.all_own_sent() && screen.status == "online"
}

/// Nothing is there that the other does not have, in the same order.
fn assert_part_of(part: &Screen, whole: &Screen) {
    let whole_texts = whole.texts();
    let mut rest = whole_texts.iter();
    let in_order = part.texts().iter().all(|text| rest.any(|other| other == text));
    assert!(in_order, "{:?}\nis no part of\n{whole_texts:?}", part.texts());
}

/// Once two seconds have passed, and not before.
async fn assert_told_after_two_seconds(chat: &Chat) {
    let watched = chat.watched().await;
    for after in watched.outages_told_after() {
        assert!(after + PRECISION >= QUIET, "told after {after} ms: {watched:#?}");
    }
}
