//! AppSync GraphQL over its socket: frames, selection sets, rooms that protocols share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roomlet_local::PathFaults;
use serde_json::{Value, json};

use crate::client::{Client, KEY, basic_send, eventually, server, server_with};
use crate::graphql_client::{
    ALL, PROTOCOL, api_key, connect, execute, open, post, refusal, say, start, subscribe,
    subscription, trouble,
};

#[tokio::test]
async fn a_session_goes_frame_by_frame() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S1", "a", "id content").await;
    let sent = say(&server, "a", "hi \"you\"", "id roomId content").await;
    let id = sent["id"].as_str().unwrap();
    assert_eq!(
        ann.next_text().await,
        format!(
            r#"{{"id":"S1","type":"data","payload":{{"data":{{"onNewMessage":{{"id":"{id}","content":"hi \"you\""}}}}}}}}"#
        )
    );
    ann.send_text(r#"{"id":"S1","type":"stop"}"#).await;
    assert_eq!(ann.next_text().await, r#"{"id":"S1","type":"complete"}"#);
    say(&server, "a", "nobody hears this", ALL).await;
    // The id is free again, and nothing came before its acknowledgement.
    subscribe(&mut ann, "S1", "a", "content").await;
    assert_eq!(server.log().count("start"), 2);
    assert_eq!(server.log().count("sendMessage"), 2);
}

#[tokio::test]
async fn both_handshakes_are_accepted() {
    let server = server().await;
    let header = STANDARD.encode(api_key().to_string());
    let escaped = header.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for query in [
        format!("header={escaped}&payload=e30%3D"),
        format!("header={header}&payload=e30="),
        format!("payload=e30=&header={}", header.trim_end_matches('=')),
    ] {
        let url = server.url(&format!("/graphql/realtime?{query}"));
        let headers = [("sec-websocket-protocol", PROTOCOL)];
        let mut client = Client::open_with(&url, &headers).await.unwrap();
        let ack = client.ask(json!({"type": "connection_init"})).await;
        assert_eq!(ack["type"], "connection_ack");
    }
}

#[tokio::test]
async fn what_comes_before_the_acknowledgement_is_ignored() {
    let server = server().await;
    let mut ann = open(&server, "/graphql", &api_key()).await;
    ann.send(start("S1", &subscription("a", ALL), &api_key())).await;
    ann.send_text("no json").await;
    let ack = ann.ask(json!({"type": "connection_init"})).await;
    assert_eq!(ack["type"], "connection_ack");
    subscribe(&mut ann, "S1", "a", "id").await;
}

#[tokio::test]
async fn a_stop_before_the_acknowledgement_is_ignored() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let slow = PathFaults { registration_delay_ms: 300, ..PathFaults::default() };
    trouble(&server, slow).await;
    ann.send(start("S1", &subscription("a", "content"), &api_key())).await;
    ann.send(json!({"id": "S1", "type": "stop"})).await;
    assert_eq!(ann.next().await, json!({"id": "S1", "type": "start_ack"}));
    say(&server, "a", "still here", ALL).await;
    assert_eq!(ann.next().await["payload"]["data"]["onNewMessage"]["content"], "still here");
}

#[tokio::test]
async fn a_subscriber_sees_what_the_mutation_selected() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "all", "a", ALL).await;
    subscribe(&mut ann, "some", "a", "content senderKind").await;
    say(&server, "a", "one", "content roomId").await;
    let mut frames = [ann.next().await, ann.next().await];
    frames.sort_by_key(|frame| frame["id"].as_str().unwrap().to_owned());
    // A field that may not be null is missing: the message is null, with an error.
    assert_eq!(
        frames[0]["payload"],
        json!({
            "data": {"onNewMessage": null},
            "errors": [{
                "path": ["onNewMessage", "id"],
                "locations": null,
                "message": "Cannot return null for non-nullable type: 'ID' within parent 'Message' \
                            (/onNewMessage/id)",
            }],
        })
    );
    // Where it may be null, it is.
    let partial = json!({"data": {"onNewMessage": {"content": "one", "senderKind": null}}});
    assert_eq!(frames[1]["payload"], partial);

    // Filtered by a field that was not selected, nobody matches.
    say(&server, "a", "unheard", "id content").await;
    // Names count, not aliases; fragments are followed, and what is skipped is not selected.
    let query = "mutation { said: sendMessage(roomId: \"a\", content: \"two\") \
                 { text: content ...Rest ... on Message { room: roomId } \
                 senderKind @skip(if: true) senderName @include(if: true) } } \
                 fragment Rest on Message { id sender createdAt }";
    let answer = execute(&server, "/graphql", query, json!({})).await;
    assert_eq!(answer["data"]["said"]["text"], "two", "{answer}");
    let mut frames = [ann.next().await, ann.next().await];
    frames.sort_by_key(|frame| frame["id"].as_str().unwrap().to_owned());
    let message = &frames[0]["payload"]["data"]["onNewMessage"];
    assert_eq!(message["content"], "two", "{frames:?}");
    assert_eq!(message["senderKind"], json!(null));
    assert_eq!(frames[1]["payload"]["data"]["onNewMessage"]["senderKind"], json!(null));
}

#[tokio::test]
async fn aliases_and_fragments_shape_what_a_subscriber_gets() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let query = "subscription { ...Root } \
                 fragment Root on Subscription { new: onNewMessage(roomId: \"a\") { ...M at: createdAt __typename } } \
                 fragment M on Message { text: content }";
    let data = json!({"query": query}).to_string();
    ann.send(start("S1", &data, &api_key())).await;
    assert_eq!(ann.next().await["type"], "start_ack");
    let sent = say(&server, "a", "hi", ALL).await;
    let expected = format!(
        r#"{{"id":"S1","type":"data","payload":{{"data":{{"new":{{"text":"hi","at":{},"__typename":"Message"}}}}}}}}"#,
        sent["createdAt"]
    );
    assert_eq!(ann.next_text().await, expected);
}

#[tokio::test]
async fn rooms_are_shared_by_all_protocols_and_nothing_comes_twice() {
    let server = server().await;
    let mut full = connect(&server, "/graphql").await;
    subscribe(&mut full, "S1", "a", ALL).await;
    let mut basic = connect(&server, "/basic/graphql").await;
    subscribe(&mut basic, "S1", "a", "id roomId sender content createdAt").await;
    let mut prod = Client::hello(&server, "a", "Ann").await;
    let mut tutorial = Client::basic(&server, "a").await;

    let (message, ack) = prod.say("a", "from prod", "m1").await;
    let expected = json!({
        "id": ack["id"], "roomId": "a", "sender": message["sender"]["id"], "senderName": "Ann",
        "senderKind": "guest", "content": "from prod", "createdAt": ack["createdAt"],
        "clientMessageId": "m1",
    });
    assert_eq!(full.next().await["payload"], json!({"data": {"onNewMessage": expected}}));
    let seen = basic.next().await["payload"]["data"]["onNewMessage"].clone();
    assert_eq!((&seen["id"], &seen["content"]), (&ack["id"], &json!("from prod")));
    assert_eq!(tutorial.next().await["text"], "from prod");

    tutorial.send(basic_send("a", "from basic")).await;
    let heard = |frame: Value| frame["payload"]["data"]["onNewMessage"]["content"].clone();
    assert_eq!(heard(full.next().await), "from basic");
    assert_eq!(heard(basic.next().await), "from basic");
    assert_eq!(prod.next().await["text"], "from basic");
    assert_eq!(tutorial.next().await["text"], "from basic");

    let query = "mutation M($k: String, $n: String) { sendMessage(roomId: \"a\", content: \"from graphql\", \
                 clientMessageId: \"m2\", guestKey: $k, guestName: $n) { id roomId sender senderName \
                 senderKind content createdAt clientMessageId } }";
    let variables = json!({"k": KEY, "n": " Ann\u{202e} "});
    let sent = execute(&server, "/graphql", query, variables.clone()).await;
    let sent = sent["data"]["sendMessage"].clone();
    // The same key is the same person everywhere.
    assert_eq!(sent["sender"], message["sender"]["id"]);
    assert_eq!(sent["senderName"], "Ann");
    assert_eq!(full.next().await["payload"]["data"]["onNewMessage"], sent);
    let on_prod = prod.next().await;
    assert_eq!(on_prod["id"], sent["id"]);
    assert_eq!(on_prod["clientMessageId"], "m2");
    assert_eq!(on_prod["sender"]["name"], "Ann");
    assert_eq!(heard(basic.next().await), "from graphql");
    assert_eq!(tutorial.next().await["text"], "from graphql");
    // The same again stores and delivers nothing, and gets the first one's answer.
    let again = execute(&server, "/graphql", query, variables).await;
    assert_eq!(again["data"]["sendMessage"], sent);
    let query = "mutation { sendMessage(roomId: \"a\", content: \"from basic graphql\") \
                 { id roomId sender content createdAt } }";
    let sent = execute(&server, "/basic/graphql", query, json!({})).await;
    assert_eq!(sent["data"]["sendMessage"]["sender"], "anonymous");
    assert_eq!(heard(full.next().await), "from basic graphql");
    assert_eq!(heard(basic.next().await), "from basic graphql");
    assert_eq!(prod.next().await["text"], "from basic graphql");
    prod.expect_quiet().await;
}

#[tokio::test]
async fn one_socket_has_many_rooms_and_a_limit() {
    let server = server_with(|options| options.max_subscriptions = 3).await;
    let mut ann = connect(&server, "/graphql").await;
    for room in ["a", "b", "c"] {
        subscribe(&mut ann, room, room, "content roomId").await;
    }
    let twice = ann.ask(start("a", &subscription("d", "id"), &api_key())).await;
    assert_eq!(twice["id"], "a");
    assert_eq!(twice["payload"]["errors"][0]["errorType"], "DuplicatedOperationError");
    let refused = ann.ask(start("d", &subscription("d", "id"), &api_key())).await;
    let sentence = "Max number of 3 subscriptions reached";
    assert_eq!(refused, refusal("d", "MaxSubscriptionsReachedError", sentence));
    ann.ask(json!({"id": "a", "type": "stop"})).await;
    subscribe(&mut ann, "d", "d", "content").await;
    say(&server, "a", "unheard", ALL).await;
    say(&server, "d", "heard", ALL).await;
    let heard = ann.next().await;
    assert_eq!((&heard["id"], &heard["type"]), (&json!("d"), &json!("data")));
    let connections = server.connections();
    assert_eq!(connections[0].rooms, ["b", "c", "d"]);
    assert_eq!((connections[0].path, connections[0].hello), ("/graphql", true));
    drop(ann);
    eventually(|| server.connections().is_empty()).await;
}

#[tokio::test]
async fn documents_that_the_schema_does_not_know_are_refused_in_the_services_words() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let mut refused = async |query: &str, variables: Value| {
        let data = json!({"query": query, "variables": variables}).to_string();
        let frame = ann.ask(start("S", &data, &api_key())).await;
        assert_eq!((&frame["id"], &frame["type"]), (&json!("S"), &json!("error")), "{frame}");
        let errors = frame["payload"]["errors"].as_array().unwrap().clone();
        assert!(errors.iter().all(|error| error.as_object().unwrap().len() == 1), "{errors:?}");
        let words = errors.iter().map(|error| error["message"].as_str().unwrap().to_owned());
        words.collect::<Vec<_>>().join("\n")
    };
    for (query, variables, expected) in [
        (
            "subscription { onNewMessage(roomId: \"a\") { id x } }",
            json!({}),
            "Validation error of type FieldUndefined: Field 'x' in type 'Message' is undefined @ \
             'onNewMessage/x'",
        ),
        (
            "subscription { onNewMessage(roomId: \"a\", y: 1) { id } }",
            json!({}),
            "Validation error of type UnknownArgument: Unknown field argument y @ 'onNewMessage'",
        ),
        (
            "subscription { onNewMessage { id } }",
            json!({}),
            "Validation error of type MissingFieldArgument: Missing field argument roomId @ \
             'onNewMessage'",
        ),
        (
            "subscription { onNewMessage(roomId: \"a\") }",
            json!({}),
            "Validation error of type SubSelectionRequired: Sub selection required for type \
             Message of field onNewMessage @ 'onNewMessage'",
        ),
        (
            "subscription { onNewMessage(roomId: \"a\") { id { x } } }",
            json!({}),
            "Validation error of type SubSelectionNotAllowed: Sub selection not allowed on leaf \
             type ID! of field id @ 'onNewMessage/id'",
        ),
        (
            "subscription S($r: ID!) { onNewMessage(roomId: $r) { id } }",
            json!({"r": null}),
            "Variable 'r' has coerced Null value for NonNull type 'ID!'",
        ),
        (
            "subscription S($r: ID!) { onNewMessage(roomId: $r) { id } }",
            json!({}),
            "Variable 'r' has coerced Null value for NonNull type 'ID!'",
        ),
        (
            "subscription S($r: ID) { onNewMessage(roomId: $r) { id } }",
            json!({"r": "a"}),
            "Validation error of type VariableTypeMismatch: Variable type 'ID' doesn't match \
             expected type 'ID!' @ 'onNewMessage'",
        ),
        (
            "subscription { onNewMessage(roomId: null) { id } }",
            json!({}),
            "Validation error of type WrongType: argument 'roomId' with value 'NullValue{}' must \
             not be null @ 'onNewMessage'",
        ),
        (
            "subscription { onNewMessage(roomId: $r) { id } }",
            json!({}),
            "Validation error of type UndefinedVariable: Undefined variable r @ 'onNewMessage'",
        ),
        (
            "subscription { onNewMessage(roomId: \"a\") { ...F } }",
            json!({}),
            "Validation error of type UndefinedFragment: Undefined fragment F @ 'onNewMessage'",
        ),
        (
            "subscription { a: onNewMessage(roomId: \"a\") { id } b: onNewMessage(roomId: \"b\") { id } }",
            json!({}),
            "Validation error of type SubscriptionMultipleRootFields: Subscription operation must \
             have exactly one root field",
        ),
    ] {
        assert_eq!(refused(query, variables).await, expected, "{query}");
    }
    let cycle =
        "subscription { onNewMessage(roomId: \"a\") { ...F } } fragment F on Message { ...F }";
    assert!(refused(cycle, json!({})).await.contains("recursion depth"));
    let mut basic = connect(&server, "/basic/graphql").await;
    let frame = basic.ask(start("S", &subscription("a", ALL), &api_key())).await;
    let errors = frame["payload"]["errors"].as_array().unwrap();
    let first = "Validation error of type FieldUndefined: Field 'senderName' in type 'Message' is \
                 undefined @ 'onNewMessage/senderName'";
    assert_eq!((errors.len(), &errors[0]["message"]), (3, &json!(first)));
}

#[tokio::test]
async fn frames_that_are_no_subscriptions_are_refused() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let unsupported = |operation: &str, id: &str| {
        let sentence = format!("{operation} not supported through the realtime channel");
        refusal(id, "UnsupportedOperation", &sentence)
    };
    let object = json!({"query": "subscription { onNewMessage(roomId: \"a\") { id } }"});
    for (frame, expected) in [
        (json!({"id": "S", "type": "start"}), unsupported("unknown", "")),
        (json!({"type": "start", "payload": {"data": "{}"}}), unsupported("unknown", "")),
        (
            json!({"id": "S", "type": "start", "payload": {"data": object}}),
            unsupported("unknown", ""),
        ),
        (start("S", "{\"query\":\"{ ping }\"}", &api_key()), unsupported("query", "S")),
        (
            start(
                "S",
                "{\"query\":\"mutation { sendMessage(roomId: 1, content: 2) { id } }\"}",
                &api_key(),
            ),
            unsupported("mutation", "S"),
        ),
        (json!({"id": "S", "type": "publish"}), unsupported("publish", "")),
        (
            start("S", "no json", &api_key()),
            refusal(
                "S",
                "MalformedHttpRequestException",
                "Request body is not a valid JSON object.",
            ),
        ),
        (
            start("S", "{\"query\":\"subscription {\"}", &api_key()),
            refusal("S", "MalformedHttpRequestException", "Unable to parse GraphQL query."),
        ),
        (
            start("S", &subscription("a", "id"), &json!({})),
            refusal("S", "UnauthorizedException", "Valid authorization header not provided."),
        ),
    ] {
        assert_eq!(ann.ask(frame.clone()).await, expected, "{frame}");
    }
    for text in ["", "no json", "[]", "{}", "{\"type\":7}", "\"\""] {
        ann.send_text(text).await;
        let mut expected = unsupported("unknown", "");
        expected.as_object_mut().unwrap().remove("id");
        assert_eq!(ann.next().await, expected, "{text}");
    }
    // A stop of nothing is nothing.
    ann.send(json!({"id": "S", "type": "stop"})).await;
    subscribe(&mut ann, "S", "a", "id").await;
}

#[tokio::test]
async fn payloads_above_240_kb_are_not_delivered() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S1", "a", "content").await;
    // With what is around it, this is more than 240 KB.
    let long = "x".repeat(240 * 1024 - 10);
    assert_eq!(say(&server, "a", &long, ALL).await["content"], json!(long));
    let longer = json!({"query": "mutation M($c: String!) { sendMessage(roomId: \"a\", content: $c) { id } }",
                        "variables": {"c": "x".repeat(240 * 1024 + 1)}});
    let refused =
        post(&server, "/graphql", &[("x-api-key", "da2-local")], &longer.to_string()).await;
    assert_eq!(refused.status, 200);
    assert_eq!(refused.body["data"], json!({"sendMessage": null}));
    assert_eq!(refused.body["errors"][0]["errorType"], "BadRequest");
    say(&server, "a", "short", ALL).await;
    assert_eq!(ann.next().await["payload"]["data"]["onNewMessage"]["content"], "short");
}

#[tokio::test]
async fn a_sweep_of_garbled_frames_ends_no_connection() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let whole = start("S", &subscription("a", "id"), &api_key());
    let text = whole.to_string();
    let mut sweep: Vec<String> = (0..text.len()).map(|end| text[..end].to_owned()).collect();
    for pointer in ["/id", "/type", "/payload", "/payload/data"] {
        for odd in
            [json!(null), json!(true), json!(-1), json!(""), json!([]), json!({}), json!([[[]]])]
        {
            let mut changed = whole.clone();
            *changed.pointer_mut(pointer).unwrap() = odd;
            sweep.push(changed.to_string());
        }
    }
    for data in ["null", "{}", "[]", "{\"query\":null}", "{\"query\":\"\"}", "{\"query\":\"{\"}"] {
        sweep.push(start("S", data, &api_key()).to_string());
    }
    sweep.push("[".repeat(10_000));
    for text in &sweep {
        ann.send_text(text).await;
        assert_eq!(ann.next().await["type"], "error", "{text}");
    }
    for odd in [json!(null), json!([]), json!({"Authorization": 7}), json!({"x-api-key": "\u{0}"})]
    {
        let refused = ann.ask(start("S", &subscription("a", "id"), &odd)).await;
        assert_eq!(refused["payload"]["errors"][0]["errorType"], "UnauthorizedException", "{odd}");
    }
    subscribe(&mut ann, "S", "a", "id").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S", "a", "content").await;
    let text = "x".repeat(200 * 1024);
    for _ in 0..64 {
        say(&server, "a", &text, "roomId content").await;
    }
    eventually(|| server.connections().is_empty()).await;
}
