//! AppSync Events: a stamped namespace, and a raw one where everybody claims what they like.

use std::time::Duration;

use roomlet_e2e::{Backend, BackendProcess, Screen, Stage, Visit, journey};
use roomlet_local::{PathFaults, Refuse};
use serde_json::json;

/// HTTP is tried after three seconds without a connection.
const WITHOUT_CONNECTION: Duration = Duration::from_secs(45);

#[test]
fn in_a_stamped_namespace_people_have_names_that_are_checked() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        let bo = stage.enter(&backend.stamped().by("Bo")).await;

        ann.say("Hello!").await;
        let at_bo = bo.until_messages(&["Hello!"]).await;
        ann.until_sent("Hello!").await;
        bo.say("Hi!").await;
        let at_ann = ann.until_messages(&["Hello!", "Hi!"]).await;
        bo.until_sent("Hi!").await;

        assert_eq!(at_bo.messages[0].author, "Ann");
        assert!(!at_bo.messages[0].standing.contains("unverified"), "{at_bo:#?}");
        assert!(at_ann.messages[0].own && !at_ann.messages[1].own);
    });
}

#[test]
fn in_a_raw_namespace_names_are_marked_as_unverified() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.raw().by("Ann")).await;
        let bo = stage.enter(&backend.raw().by("Bo")).await;

        ann.say("Hello!").await;
        let at_bo = bo.until_messages(&["Hello!"]).await;
        ann.until_sent("Hello!").await;
        bo.say("Hi!").await;
        let at_ann = ann.until_messages(&["Hello!", "Hi!"]).await;

        assert_eq!(at_bo.messages[0].author, "Ann");
        assert!(at_bo.messages[0].standing.starts_with("unverified"), "{at_bo:#?}");
        assert!(at_ann.messages[1].standing.starts_with("unverified"), "{at_ann:#?}");
        assert!(at_ann.messages[0].own && at_ann.messages[0].standing.is_empty(), "{at_ann:#?}");
    });
}

#[test]
fn what_other_programs_publish_is_shown_as_text_and_never_as_markup() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.raw().by("Ann")).await;
        let markup = "<img src=x onerror=\"window.harmed = true\"><b>bold</b>";
        let shape = json!({"kind": "picture", "html": markup});

        backend.publish("/default/lobby", &[shape.clone(), json!(markup), json!([1, null])]).await;
        let message =
            json!({"text": markup, "sender": {"id": "x", "name": markup, "kind": "user"}});
        backend.publish("/default/lobby", &[message]).await;

        let seen = ann.until_messages(&[markup]).await;
        let as_it_came = [shape.to_string(), json!(markup).to_string(), "[1,null]".to_owned()];
        assert_eq!(seen.notices, as_it_came);
        assert_eq!(seen.messages[0].author, markup);
        assert!(seen.messages[0].standing.starts_with("unverified"), "{seen:#?}");
        let script =
            "return root.querySelectorAll('img, .rows b').length + (window.harmed ? 1 : 0);";
        assert_eq!(ann.run::<usize>(script, Vec::new()).await, 0);
    });
}

#[test]
fn a_batch_of_another_publisher_arrives_whole_and_in_order() {
    journey(async |stage| {
        let backend = Backend::start().await;
        for (visit, channel) in
            [(backend.raw(), "/default/batches"), (backend.stamped(), "/chat/batches")]
        {
            let ann = stage.enter(&visit.by("Ann").in_room("batches")).await;
            let texts = (1..=5).map(|number| format!("{channel} {number}")).collect::<Vec<_>>();
            let event = |text| json!({"roomId": "batches", "text": text});
            backend.publish(channel, &texts.iter().map(event).collect::<Vec<_>>()).await;
            let texts = texts.iter().map(String::as_str).collect::<Vec<_>>();
            ann.until_messages(&texts).await;
        }
    });
}

#[test]
fn said_quickly_in_a_stamped_namespace_everything_arrives_once_in_order() {
    journey(async |stage| {
        let backend = Backend::start().await;
        everything_arrives(stage, &backend, &backend.stamped()).await;
    });
}

#[test]
fn said_quickly_in_a_raw_namespace_everything_arrives_once_in_order() {
    journey(async |stage| {
        let backend = Backend::start().await;
        everything_arrives(stage, &backend, &backend.raw()).await;
    });
}

/// A connection may publish 25 times a second; a person with a script does not know that.
async fn everything_arrives(stage: &Stage, backend: &Backend, visit: &Visit) {
    let ann = stage.enter(&visit.clone().by("Ann")).await;
    let bo = stage.enter(&visit.clone().by("Bo")).await;
    let texts = (1..=30).map(|number| format!("line {number}")).collect::<Vec<_>>();
    let texts = texts.iter().map(String::as_str).collect::<Vec<_>>();

    ann.say_all(&texts).await;

    bo.until_messages(&texts).await;
    let is_so = |screen: &Screen| screen.texts() == texts && screen.all_own_sent();
    ann.until("everything sent", is_so).await;
    assert_eq!(backend.log().count("publish"), 30, "none was refused and repeated");
}

#[test]
fn where_sockets_are_refused_messages_go_by_http() {
    journey(async |stage| {
        let backend = Backend::start().await;
        for visit in [backend.stamped(), backend.raw()] {
            let bo = stage.enter(&visit.clone().by("Bo")).await;
            let refuse = Some(Refuse { status: 403, next: None });
            backend.trouble_events(PathFaults { refuse, ..PathFaults::default() }).await;
            let ann = stage.open(&visit.by("Ann")).await;
            let connected = backend.log().connects;

            ann.say("by another way").await;

            let is_so = |screen: &Screen| screen.sent_once("by another way");
            let seen = ann.until_within(WITHOUT_CONNECTION, "sent", is_so).await;
            assert_ne!(seen.status, "online", "{seen:#?}");
            bo.until_messages(&["by another way"]).await;
            assert_eq!(backend.log().connects, connected);
            backend.heal().await;

            // Back on the socket, nothing is there twice.
            ann.until_within(WITHOUT_CONNECTION, "online", |screen| screen.status == "online")
                .await;
            bo.say("welcome").await;
            let is_so = |screen: &Screen| screen.texts() == ["by another way", "welcome"];
            ann.until("both", is_so).await;
            ann.window.clone().close().await;
            bo.window.clone().close().await;
        }
    });
}

#[test]
fn events_in_arrays_are_read_too() {
    journey(async |stage| {
        let backend = Backend::start().await;
        backend.trouble_events(PathFaults { event_as_array: true, ..PathFaults::default() }).await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        let bo = stage.enter(&backend.stamped().by("Bo")).await;

        ann.say("in an array").await;

        ann.until_sent("in an array").await;
        let seen = bo.until_messages(&["in an array"]).await;
        assert_eq!(seen.messages[0].author, "Ann");
        assert_eq!(seen.notices, [""; 0]);
    });
}

#[test]
fn a_delivery_that_failed_leaves_a_mark() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        let event = |text| json!({"roomId": "lobby", "text": text});
        backend.publish("/chat/lobby", &[event("first")]).await;
        ann.until_messages(&["first"]).await;
        backend.trouble_events(PathFaults { broadcast_errors: 1, ..PathFaults::default() }).await;

        backend.publish("/chat/lobby", &[event("lost")]).await;
        backend.publish("/chat/lobby", &[event("third")]).await;

        let seen = ann.until_messages(&["first", "third"]).await;
        assert_eq!(seen.interruptions, 1, "{seen:#?}");
    });
}

#[test]
fn an_event_that_the_handler_refused_once_gets_through() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        let bo = stage.enter(&backend.stamped().by("Bo")).await;
        backend.trouble_events(PathFaults { fail_next_events: 1, ..PathFaults::default() }).await;

        ann.say("again, please").await;

        ann.until_sent("again, please").await;
        bo.until_messages(&["again, please"]).await;
        assert_eq!(backend.log().count("publish"), 2);
    });
}

#[test]
fn a_lost_answer_is_harmless_where_stamped_and_not_confirmed_where_raw() {
    journey(async |stage| {
        let backend = Backend::start().await;
        // The answer is lost, and so is the connection that owes it.
        let lost = PathFaults { drop_acks: 1, ..PathFaults::default() };
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        let bo = stage.enter(&backend.stamped().by("Bo")).await;
        backend.trouble_events(lost.clone()).await;
        ann.say("stamped").await;
        bo.until_messages(&["stamped"]).await;
        backend.replace_connections(1012).await;
        ann.until_sent("stamped").await;
        ann.say("next").await;
        bo.until("the next", |screen| screen.texts() == ["stamped", "next"]).await;

        let ann = stage.enter(&backend.raw().by("Ann").in_room("raw")).await;
        let bo = stage.enter(&backend.raw().by("Bo").in_room("raw")).await;
        backend.trouble_events(lost).await;
        ann.say("raw").await;
        bo.until_messages(&["raw"]).await;
        backend.replace_connections(1012).await;
        let settled = |screen: &Screen| screen.messages[0].delivery != "sending";
        let seen = ann.until("settled", settled).await;
        // Its own event came back, if it did before the end: then it has arrived.
        assert!(
            ["sent", "not-confirmed"].contains(&seen.messages[0].delivery.as_str()),
            "{seen:#?}"
        );
        ann.say("next").await;
        let seen = bo.until("the next", |screen| screen.texts() == ["raw", "next"]).await;
        assert_eq!(seen.messages.len(), 2, "nothing was sent again by itself");
    });
}

#[test]
fn after_a_crash_of_the_backend_sends_get_through_and_the_gap_is_marked() {
    journey(async |stage| {
        let mut backend = BackendProcess::start().await;
        let ann = stage.enter(&backend.stamped().by("Ann")).await;
        ann.say("before").await;
        ann.until_sent("before").await;

        backend.kill().await;
        ann.say("meanwhile").await;
        ann.until("told so", |screen| screen.status == "reconnecting").await;
        backend.start_again().await;

        let is_so = |screen: &Screen| screen.status == "online" && screen.sent_once("meanwhile");
        let seen = ann.until_within(WITHOUT_CONNECTION, "online, and sent", is_so).await;
        assert_eq!(seen.texts(), ["before", "meanwhile"]);
        assert_eq!(seen.interruptions, 1, "nobody keeps what others said");
    });
}
