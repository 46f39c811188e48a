//! Every way to sign in to AppSync, and what signs in to API Gateway too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use roomlet_local::{PathFaults, RunningServer};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, KEY, http, server, server_with};
use crate::graphql_client::{
    api_key, connect, execute_as, open, post, refusal, say, start, subscription, trouble,
};

const SECRET: &str = "local-secret";
const SCOPE: &str = "local/appsync/aws4_request";

fn keyed_hash(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn seconds_from_now(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}

/// A token of a user pool.
fn jwt(claims: &Value, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(keyed_hash(secret.as_bytes(), &signed));
    format!("{signed}.{signature}")
}

/// A token that is good for an hour.
fn good_jwt(subject: &str, name: Option<&str>) -> String {
    let mut claims = json!({"sub": subject, "exp": seconds_from_now(3_600)});
    if let Some(name) = name {
        claims["name"] = json!(name);
    }
    jwt(&claims, "roomlet-local")
}

/// Signs headers as a client does: every one of them, for this many seconds from now.
fn signed(path: &str, body: &str, headers: &[(&str, &str)], seconds: i64) -> Map<String, Value> {
    let at = jiff::Timestamp::from_second(seconds_from_now(seconds)).unwrap();
    let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &date[..8];
    let mut all: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.push(("x-amz-date".to_owned(), date.clone()));
    all.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    let lines: String = all
        .iter()
        .map(|(name, value)| format!("{}:{value}\n", name.to_ascii_lowercase()))
        .collect();
    let names: Vec<String> = all.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let names = names.join(";");
    let hash = hex(&Sha256::digest(body));
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{hash}");
    let hash = hex(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{day}/{SCOPE}\n{hash}");
    let mut key = keyed_hash(format!("AWS4{SECRET}").as_bytes(), day);
    for part in SCOPE.split('/') {
        key = keyed_hash(&key, part);
    }
    let signature = hex(&keyed_hash(&key, &to_sign));
    let mut object: Map<String, Value> =
        all.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    object.insert(
        "Authorization".to_owned(),
        json!(format!(
            "AWS4-HMAC-SHA256 Credential=AKIDLOCAL00000000000/{day}/{SCOPE}, \
             SignedHeaders={names}, Signature={signature}"
        )),
    );
    object
}

/// What a client signs of an operation on the socket.
fn signed_frame(path: &str, body: &str, seconds: i64) -> Value {
    let headers = [
        ("accept", "application/json, text/javascript"),
        ("content-encoding", "amz-1.0"),
        ("content-type", "application/json; charset=UTF-8"),
        ("host", "localhost:8787"),
        ("X-Amz-Security-Token", "TOKEN=="),
    ];
    Value::Object(signed(path, body, &headers, seconds))
}

/// Opens a socket and gives its first frame after `connection_init`.
async fn first_frame(server: &RunningServer, authorization: &Value) -> (Client, Value) {
    let mut client = open(server, "/graphql", authorization).await;
    // Whoever is refused may be gone already.
    let init = tokio_tungstenite::tungstenite::Message::text(r#"{"type":"connection_init"}"#);
    let _ = futures_util::SinkExt::send(&mut client.socket, init).await;
    let frame = client.next().await;
    (client, frame)
}

fn connection_error(error_type: &str, message: &str, code: u16) -> Value {
    let error = json!({"errorType": error_type, "message": message, "errorCode": code});
    json!({"type": "connection_error", "payload": {"errors": [error]}})
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_by_the_first_frame_and_closed() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let expired = json!({"sub": "ann", "exp": seconds_from_now(-1)});
    let not_authorized = "You are not authorized to make this call.";
    for (authorization, message) in [
        (json!({"x-api-key": "da2-local"}), "Required headers are missing."),
        (json!({"host": "localhost"}), "Valid authorization header not provided."),
        (json!({"host": "localhost", "x-api-key": "da2-wrong"}), not_authorized),
        (json!({"host": "example.com", "x-api-key": "da2-local"}), not_authorized),
        (json!({"host": "localhost", "Authorization": "other"}), not_authorized),
        (json!({"host": "localhost", "Authorization": "a.b.c"}), "Unable to parse JWT token."),
        (
            json!({"host": "localhost", "Authorization": jwt(&expired, "roomlet-local")}),
            "Token has expired.",
        ),
        (json!({"host": "localhost", "Authorization": jwt(&expired, "another")}), not_authorized),
        (
            json!({"host": "localhost", "Authorization": jwt(&json!({"exp": 1}), "roomlet-local")}),
            "Unable to parse JWT token.",
        ),
    ] {
        let (mut client, frame) = first_frame(&server, &authorization).await;
        let expected = connection_error("UnauthorizedException", message, 401);
        assert_eq!(frame, expected, "{authorization}");
        assert_eq!(client.close_code().await, Some(1000));
    }
    let mut client = open(&server, "/graphql", &json!({"host": "localhost"})).await;
    assert_eq!(
        client.next_text().await,
        r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Valid authorization header not provided.","errorCode":401}]}}"#
    );
    let mut client = Client::open(&server.url("/graphql/realtime")).await;
    assert_eq!(client.subprotocol, None);
    let sentence = "Offer the WebSocket subprotocol graphql-ws.";
    assert_eq!(client.next().await, connection_error("NoProtocolError", sentence, 400));
    assert_eq!(client.close_code().await, Some(1000));
    let header = [("sec-websocket-protocol", "graphql-ws")];
    let url = server.url("/graphql/realtime?header=%%%&payload=e30=");
    let mut client = Client::open_with(&url, &header).await.unwrap();
    let sentence = "Required headers are missing.";
    let expected = connection_error("UnauthorizedException", sentence, 401);
    assert_eq!(client.next().await, expected);
}

#[tokio::test]
async fn every_mode_connects_and_starts() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let token = good_jwt("ann", None);
    let data = subscription("a", "id roomId content");
    for (at_connect, at_start) in [
        (api_key(), api_key()),
        (
            json!({"HOST": "[::1]:8787", "X-API-KEY": "da2-local"}),
            json!({"X-Api-Key": "da2-local"}),
        ),
        (
            json!({"host": "localhost", "Authorization": "sesame"}),
            json!({"Authorization": "Bearer sesame"}),
        ),
        (
            json!({"host": "127.0.0.1", "Authorization": token}),
            json!({"authorization": format!("bearer {token}")}),
        ),
        (signed_frame("/graphql/connect", "{}", 0), signed_frame("/graphql", &data, 0)),
        // One connection may mix modes.
        (api_key(), signed_frame("/graphql", &data, 0)),
    ] {
        let (mut client, frame) = first_frame(&server, &at_connect).await;
        assert_eq!(frame["type"], "connection_ack", "{at_connect} {frame}");
        let started = client.ask(start("S", &data, &at_start)).await;
        assert_eq!(started, json!({"id": "S", "type": "start_ack"}), "{at_start}");
    }
}

#[tokio::test]
async fn the_sender_is_who_signed_in() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let mutation = format!(
        "mutation {{ sendMessage(roomId: \"a\", content: \"x\", guestKey: \"{KEY}\", guestName: \"Guest name\") \
         {{ sender senderName senderKind }} }}"
    );
    let guest = |name: &str| {
        let key = hex(&Sha256::digest(KEY));
        json!({"sender": format!("g-{}", &key[..32]), "senderName": name, "senderKind": "guest"})
    };
    let named = good_jwt("ann", Some("Ann"));
    let nameless = good_jwt("bob", None);
    for (header, expected) in [
        (("x-api-key", "da2-local".to_owned()), guest("Guest name")),
        (("Authorization", "sesame".to_owned()), guest("Guest name")),
        (
            ("authorization", named.clone()),
            json!({"sender": "ann", "senderName": "Ann", "senderKind": "user"}),
        ),
        (
            ("Authorization", format!("Bearer {nameless}")),
            json!({"sender": "bob", "senderName": "Guest name", "senderKind": "user"}),
        ),
    ] {
        let headers = [(header.0, header.1.as_str())];
        let answer = execute_as(&server, "/graphql", &headers, &mutation, json!({})).await;
        assert_eq!(answer["data"]["sendMessage"], expected, "{header:?} {answer}");
    }
    let basic = "mutation { sendMessage(roomId: \"a\", content: \"x\") { sender } }";
    let headers = [("Authorization", named.as_str())];
    let answer = execute_as(&server, "/basic/graphql", &headers, basic, json!({})).await;
    assert_eq!(answer["data"]["sendMessage"]["sender"], "ann");
}

#[tokio::test]
async fn http_refusals_have_a_status_and_a_header() {
    let server = server().await;
    let body = r#"{"query":"{ ping }"}"#;
    let expired = jwt(&json!({"sub": "ann", "exp": 1}), "roomlet-local");
    let elsewhere = "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20250102/r/appsync/aws4_request, \
                     SignedHeaders=host, Signature=00";
    for (headers, status, error_type, message) in [
        (vec![], 401, "UnauthorizedException", "Valid authorization header not provided."),
        (
            vec![("Authorization", expired.as_str())],
            401,
            "UnauthorizedException",
            "Token has expired.",
        ),
        (
            vec![("Authorization", "AWS4-HMAC-SHA256 nothing")],
            400,
            "BadRequestException",
            "Authorization header requires 'Credential' parameter.",
        ),
        (
            vec![("Authorization", elsewhere), ("x-amz-date", "20250102T000000Z")],
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
    ] {
        let refused = post(&server, "/graphql", &headers, body).await;
        assert_eq!(refused.status, status, "{headers:?}");
        assert_eq!(refused.headers["x-amzn-errortype"], error_type);
        let error = json!({"errorType": error_type, "message": message});
        assert_eq!(refused.body, json!({ "errors": [error] }));
    }
}

#[tokio::test]
async fn signatures_are_verified_byte_by_byte() {
    let server = server().await;
    let body = r#"{"query":"mutation { sendMessage(roomId: \"a\", content: \"ü\") { content } }"}"#;
    let post_signed = async |path: &str, signed_body: &str, body: &str, seconds: i64| {
        let headers = [("host", "localhost"), ("content-type", "application/json")];
        let object = signed(path, signed_body, &headers, seconds);
        let mut headers: Vec<(&str, &str)> =
            object.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        headers.retain(|(name, _)| *name != "host");
        post(&server, "/graphql", &headers, body).await
    };
    let served = post_signed("/graphql", body, body, 0).await;
    assert_eq!(served.body["data"]["sendMessage"]["content"], "ü", "{}", served.body);
    let served = post_signed("/graphql", body, body, -299).await;
    assert_eq!(served.status, 200);
    for (path, signed_body) in [("/graphql", "{}"), ("/graphql/connect", body), ("/", body)] {
        let refused = post_signed(path, signed_body, body, 0).await;
        assert_eq!(
            (refused.status, refused.headers["x-amzn-errortype"].as_str()),
            (400, "BadRequestException")
        );
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        let hash = hex(&Sha256::digest(body));
        let canonical = "The Canonical String for this request should have been\n'POST\n/graphql\n\n\
                         content-type:application/json\nhost:localhost\nx-amz-date:";
        assert!(message.contains(canonical), "{message}");
        assert!(
            message.contains(&format!("\n\ncontent-type;host;x-amz-date\n{hash}'")),
            "{message}"
        );
    }
    for (seconds, words) in [(-310, "Signature expired: "), (310, "Signature not yet current: ")] {
        let refused = post_signed("/graphql", body, body, seconds).await;
        assert_eq!(refused.headers["x-amzn-errortype"], "BadRequestException");
        assert!(refused.body["errors"][0]["message"].as_str().unwrap().starts_with(words));
    }
    // A clock that goes ahead makes good signatures old ones.
    let skew = PathFaults { clock_skew_ms: 600_000, ..PathFaults::default() };
    trouble(&server, skew).await;
    assert_eq!(post_signed("/graphql", body, body, 0).await.status, 400);
    assert_eq!(post_signed("/graphql", body, body, 600).await.status, 200);
    let (mut client, frame) =
        first_frame(&server, &signed_frame("/graphql/connect", "{}", 0)).await;
    let error = &frame["payload"]["errors"][0];
    assert_eq!(
        (&error["errorType"], &error["errorCode"]),
        (&json!("BadRequestException"), &json!(400))
    );
    assert!(error["message"].as_str().unwrap().contains(" min.)"), "{error}");
    assert_eq!(client.close_code().await, Some(1000));
}

#[tokio::test]
async fn a_signature_of_something_else_is_refused_on_the_socket() {
    let server = server().await;
    // Signed without `/connect`.
    let (_, frame) = first_frame(&server, &signed_frame("/graphql", "{}", 0)).await;
    let message = frame["payload"]["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("'POST\n/graphql/connect\n\naccept:application/json, text/javascript\n")
    );
    let mut client = connect(&server, "/graphql").await;
    let data = subscription("a", "id");
    let other = subscription("b", "id");
    let refused = client.ask(start("S", &data, &signed_frame("/graphql", &other, 0))).await;
    assert_eq!((&refused["id"], &refused["type"]), (&json!("S"), &json!("error")));
    assert_eq!(refused["payload"]["errors"][0]["errorType"], "BadRequestException");
    // The connection is none the worse for it.
    let signed = signed_frame("/graphql", &data, 0);
    assert_eq!(client.ask(start("S", &data, &signed)).await["type"], "start_ack");
    let mut basic =
        open(&server, "/basic/graphql", &signed_frame("/basic/graphql/connect", "{}", 0)).await;
    basic.send(json!({"type": "connection_init"})).await;
    assert_eq!(basic.next().await["type"], "connection_ack");
}

#[tokio::test]
async fn rooms_are_closed_to_whom_the_file_does_not_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({
        "public": true,
        "rooms": {"team": {"tokens": ["one"], "subjects": ["ann"]}, "closed": {}},
    });
    std::fs::write(file.path(), rules.to_string()).unwrap();
    let server = server_with(|options| options.rooms = Some(file.path().to_owned())).await;
    let ann = good_jwt("ann", None);
    let bob = good_jwt("bob", None);
    let host = json!("localhost");
    let callers = [
        (api_key(), false),
        (json!({"host": host, "Authorization": "one"}), true),
        (json!({"host": host, "Authorization": ann}), true),
        (json!({"host": host, "Authorization": bob}), false),
    ];
    let mut client = connect(&server, "/graphql").await;
    let mut number = 0;
    let sentence = "Not Authorized to access onNewMessage on type Subscription";
    for (authorization, may_enter) in &callers {
        for (room, open) in [("team", *may_enter), ("closed", false), ("lobby", true)] {
            number += 1;
            let id = number.to_string();
            let answer =
                client.ask(start(&id, &subscription(room, "content"), authorization)).await;
            if open {
                assert_eq!(
                    answer,
                    json!({"id": id, "type": "start_ack"}),
                    "{authorization} {room}"
                );
            } else {
                assert_eq!(answer, refusal(&id, "Unauthorized", sentence));
            }
            let header = if authorization.get("x-api-key").is_some() {
                "x-api-key"
            } else {
                "Authorization"
            };
            let headers = [(header, authorization[header].as_str().unwrap())];
            let query = format!("{{ messages(roomId: \"{room}\") {{ nextCursor }} }}");
            let page = execute_as(&server, "/graphql", &headers, &query, json!({})).await;
            assert_eq!(page.get("errors").is_none(), open, "{page}");
            if !open {
                assert_eq!(page["errors"][0]["errorType"], "Unauthorized");
                let query = format!(
                    "mutation {{ sendMessage(roomId: \"{room}\", content: \"x\") {{ id }} }}"
                );
                let sent = execute_as(&server, "/graphql", &headers, &query, json!({})).await;
                assert_eq!(
                    sent["errors"][0]["message"],
                    "Not Authorized to access sendMessage on type Mutation"
                );
                assert_eq!(sent["data"], json!({"sendMessage": null}));
            }
        }
    }
    // A denied room leaves its neighbours alone.
    say(&server, "lobby", "hi", "roomId content").await;
    for _ in 0..callers.len() {
        assert_eq!(client.next().await["type"], "data");
    }
}

#[tokio::test]
async fn tokens_of_a_user_pool_open_api_gateway_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({"public": false, "rooms": {"team": {"subjects": ["ann"]}}});
    std::fs::write(file.path(), rules.to_string()).unwrap();
    let server = server_with(|options| options.rooms = Some(file.path().to_owned())).await;
    let url = |token: &str| server.url(&format!("/prod?roomId=team&token={token}"));
    for token in [
        jwt(&json!({"sub": "ann", "exp": 1}), "roomlet-local"),
        jwt(&json!({"sub": "ann", "exp": seconds_from_now(60)}), "another"),
    ] {
        assert_eq!(Client::open_with(&url(&token), &[]).await.err(), Some(401));
    }
    let mut ann = Client::open(&url(&good_jwt("ann", None))).await;
    let welcome = ann.ask(json!({"action": "hello", "guestKey": KEY, "name": "Ann"})).await;
    assert_eq!(welcome["sender"], json!({"id": "ann", "name": "Ann", "kind": "user"}));
    let (message, _) = ann.say("team", "hi", "m1").await;
    assert_eq!(message["sender"]["kind"], "user");
    let mut named = Client::open(&url(&good_jwt("ann", Some("Ann of the pool")))).await;
    let welcome = named.ask(json!({"action": "hello", "name": "Other"})).await;
    assert_eq!(welcome["sender"]["name"], "Ann of the pool");
    let mut bob = Client::open(&url(&good_jwt("bob", None))).await;
    assert_eq!(bob.ask(json!({"action": "hello"})).await["type"], "welcome");
    assert_eq!(bob.next().await["code"], "forbidden");
}

#[tokio::test]
async fn signed_urls_open_api_gateway() {
    let server = server().await;
    let host = server.address().to_string();
    let url = |secret: &str, seconds: i64, expires: u32| {
        let at = jiff::Timestamp::from_second(seconds_from_now(seconds)).unwrap();
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let scope = format!("{day}/eu-west-1/execute-api/aws4_request");
        let credential = format!("AKIDLOCAL00000000000/{scope}").replace('/', "%2F");
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}\
             &X-Amz-Expires={expires}&X-Amz-Security-Token=a%2Bb%3D&X-Amz-SignedHeaders=host&roomId=a%20b"
        );
        let hash = hex(&Sha256::digest(""));
        let canonical = format!("GET\n/prod\n{query}\nhost:{host}\n\nhost\n{hash}");
        let hash = hex(&Sha256::digest(canonical));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let mut key = keyed_hash(format!("AWS4{secret}").as_bytes(), day);
        for part in ["eu-west-1", "execute-api", "aws4_request"] {
            key = keyed_hash(&key, part);
        }
        let signature = hex(&keyed_hash(&key, &to_sign));
        server.url(&format!("/prod?{query}&X-Amz-Signature={signature}"))
    };
    let mut ann = Client::open(&url(SECRET, 0, 60)).await;
    assert_eq!(ann.ask(json!({"action": "hello"})).await["type"], "welcome");
    assert_eq!(server.connections()[0].rooms, ["a b"]);
    for refused in [url("other", 0, 60), url(SECRET, -61, 60), url(SECRET, 3_600, 60)] {
        assert_eq!(Client::open_with(&refused, &[]).await.err(), Some(403));
    }
    let unsigned = server.url("/prod?X-Amz-Signature=00");
    assert_eq!(Client::open_with(&unsigned, &[]).await.err(), Some(403));
}

#[tokio::test]
async fn sockets_refuse_pages_of_other_sites_and_what_is_no_upgrade() {
    let server = server().await;
    let url = server.url("/graphql/realtime");
    let evil = [("origin", "https://evil.example")];
    assert_eq!(Client::open_with(&url, &evil).await.err(), Some(403));
    assert_eq!(http(&server, "GET", "/graphql/realtime", &[], "").await.status, 426);
    assert_eq!(http(&server, "GET", "/graphql", &[], "").await.status, 405);
}
