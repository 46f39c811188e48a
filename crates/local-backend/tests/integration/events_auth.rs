//! Who may connect to AppSync Events, subscribe and publish: each operation brings its own
//! authorization.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use roomlet_local::{Faults, PathFaults, RunningServer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, http, server, server_with};
use crate::events_client::{
    api_key, connect, connect_as, event_of, next_event, open, publish_frame, refused_publish,
    refused_subscription, subscribe, subscribe_frame,
};

/// The signed headers of every operation on a socket.
const ACCEPT: &str = "application/json, text/javascript";
const CONTENT_TYPE: &str = "application/json; charset=UTF-8";

/// A token of a user pool, signed with the default secret.
fn jwt(claims: &Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = hmac(b"roomlet-local", signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signs an operation as a client does that follows the Event API guide.
fn sign(secret: &str, body: &str) -> Value {
    sign_for("localhost:8787", secret, body)
}

fn sign_for(host: &str, secret: &str, body: &str) -> Value {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &date[..8];
    let headers = "accept;content-encoding;content-type;host;x-amz-date;x-amz-security-token";
    let canonical = format!(
        "POST\n/event\n\naccept:{ACCEPT}\ncontent-encoding:amz-1.0\ncontent-type:{CONTENT_TYPE}\n\
         host:{host}\nx-amz-date:{date}\nx-amz-security-token:session\n\n{headers}\n{}",
        hex(&Sha256::digest(body.as_bytes()))
    );
    let scope = format!("{day}/eu-west-1/appsync/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let key = [day, "eu-west-1", "appsync", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    let signature = hex(&hmac(&key, text.as_bytes()));
    json!({
        "accept": ACCEPT,
        "content-encoding": "amz-1.0",
        "content-type": CONTENT_TYPE,
        "host": host,
        "x-amz-date": date,
        "X-Amz-Security-Token": "session",
        "Authorization": format!(
            "AWS4-HMAC-SHA256 Credential=AKIDLOCAL00000000000/{scope}, SignedHeaders={headers}, \
             Signature={signature}"
        ),
    })
}

/// The connection error that a socket with this authorization gets, after which it is closed.
async fn refused_connection(server: &RunningServer, authorization: Value) -> String {
    let mut client = open(server, authorization).await;
    let error = client.next_text().await;
    assert_eq!(client.close_code().await, Some(1000));
    error
}

#[tokio::test]
async fn who_may_not_connect_is_told_by_a_frame_and_a_normal_close() {
    let server = server().await;
    let error = |message: &str| {
        format!(
            r#"{{"type":"connection_error","errors":[{{"errorType":"UnauthorizedException","message":"{message}","errorCode":401}}]}}"#
        )
    };
    let not_authorized = error("You are not authorized to make this call.");
    for authorization in [
        json!({"x-api-key": "da2-wrong"}),
        json!({"Authorization": "unknown"}),
        json!({"x-api-key": "da2-local", "host": "example.com"}),
    ] {
        assert_eq!(refused_connection(&server, authorization).await, not_authorized);
    }
    let nothing = refused_connection(&server, json!({})).await;
    assert_eq!(nothing, error("Valid authorization header not provided."));
    let expired = json!({"Authorization": jwt(&json!({"sub": "ann", "exp": 1}))});
    assert_eq!(refused_connection(&server, expired).await, error("Token has expired."));
}

#[tokio::test]
async fn both_forms_of_the_handshake_are_taken() {
    let server = server().await;
    let header = json!({"host": "localhost", "x-api-key": "da2-local"}).to_string();
    let query = STANDARD.encode(&header).replace('=', "%3D").replace('+', "%2B");
    let url = server.url(&format!("/event/realtime?header={query}&payload=e30="));
    let protocol = [("sec-websocket-protocol", "aws-appsync-event-ws")];
    let mut client = Client::open_with(&url, &protocol).await.unwrap();
    assert_eq!(client.ask(json!({"type": "connection_init"})).await["type"], "connection_ack");
    // Padded, as a client may that is not in a browser.
    let padded = format!("header-{}, aws-appsync-event-ws", STANDARD.encode(&header));
    let url = server.url("/event/realtime");
    let offered = [("sec-websocket-protocol", padded.as_str())];
    let mut client = Client::open_with(&url, &offered).await.unwrap();
    assert_eq!(client.ask(json!({"type": "connection_init"})).await["type"], "connection_ack");
}

#[tokio::test]
async fn each_operation_is_judged_by_its_own_authorization() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "key", "/default/a").await;
    let wrong = json!({"x-api-key": "da2-wrong"});
    let not_authorized = (
        "UnauthorizedException".to_owned(),
        "You are not authorized to make this call.".to_owned(),
    );
    assert_eq!(refused_subscription(&mut ann, "/default/a", &wrong).await, not_authorized);
    let mut frame = publish_frame("p", "/default/a", &["1"]);
    frame["authorization"] = wrong;
    assert_eq!(refused_publish(&mut ann, frame.clone()).await, not_authorized);
    for missing in [json!(null), json!({}), json!("da2-local"), json!({"x-api-key": 7})] {
        frame["authorization"] = missing.clone();
        let refused = refused_publish(&mut ann, frame.clone()).await;
        assert_eq!(refused.1, "Valid authorization header not provided.", "{missing}");
        assert_eq!(refused_subscription(&mut ann, "/default/a", &missing).await, refused);
    }
    for (id, authorization) in [
        ("token", json!({"Authorization": "sesame"})),
        ("bearer", json!({"authorization": "Bearer sesame"})),
        ("jwt", json!({"Authorization": jwt(&json!({"sub": "ann", "exp": 32_503_680_000_u64}))})),
        ("upper", json!({"X-API-KEY": "da2-local"})),
    ] {
        let answer = ann.ask(subscribe_frame(id, "/default/b", &authorization)).await;
        assert_eq!(answer["type"], "subscribe_success", "{id}");
        frame["authorization"] = authorization;
        ann.send(frame.clone()).await;
        assert_eq!(event_of(&ann.next().await, "key"), "1");
        assert_eq!(ann.next().await["type"], "publish_success", "{id}");
    }
}

#[tokio::test]
async fn who_signed_in_is_the_sender_whatever_the_event_says() {
    let server = server().await;
    let token = jwt(&json!({"sub": "ann-1", "name": "Ann", "exp": 32_503_680_000_u64}));
    let mut ann = connect_as(&server, json!({"Authorization": token})).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    let event = json!({
        "text": "hi", "guestKey": "00".repeat(16), "guestName": "Other",
        "sender": {"id": "other", "name": "Other", "kind": "guest"}
    });
    let mut frame = publish_frame("p", "/chat/a", &[&event.to_string()]);
    frame["authorization"] = json!({"Authorization": token});
    ann.send(frame).await;
    let sender = next_event(&mut ann, "s").await["sender"].clone();
    assert_eq!(sender, json!({"id": "ann-1", "name": "Ann", "kind": "user"}));
}

#[tokio::test]
async fn who_comes_with_one_opaque_token_is_one_guest() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let authorization = json!({"Authorization": "sesame"});
    let mut ann = connect_as(&server, authorization.clone()).await;
    let mut frame = subscribe_frame("s", "/chat/a", &authorization);
    frame["authorization"] = authorization.clone();
    assert_eq!(ann.ask(frame).await["type"], "subscribe_success");
    let mut senders = Vec::new();
    for text in ["one", "two"] {
        let mut frame = publish_frame(text, "/chat/a", &[&json!({"text": text}).to_string()]);
        frame["authorization"] = authorization.clone();
        ann.send(frame).await;
        // The answer and the event come in either order.
        for _ in 0..2 {
            let frame = ann.next().await;
            if frame["type"] == "data" {
                let event: Value = serde_json::from_str(&event_of(&frame, "s")).unwrap();
                senders.push(event["sender"]["id"].clone());
            }
        }
    }
    assert!(senders[0].is_string());
    assert_eq!(senders[0], senders[1]);
}

#[tokio::test]
async fn signatures_cover_what_is_asked() {
    let server = server().await;
    let secret = "local-secret";
    let mut ann = connect_as(&server, sign(secret, "{}")).await;
    let channel = "/default/a";
    let subscribed = sign(secret, r#"{"channel":"/default/a"}"#);
    let answer = ann.ask(subscribe_frame("s", channel, &subscribed)).await;
    assert_eq!(answer["type"], "subscribe_success", "{answer}");
    let event = "{\"body\":\"hé \\\"q\\\" \u{2028}\"}";
    let mut frame = publish_frame("p", channel, &[event]);
    let body = format!(r#"{{"channel":"/default/a","events":[{}]}}"#, json!(event));
    frame["authorization"] = sign(secret, &body);
    ann.send(frame.clone()).await;
    assert_eq!(event_of(&ann.next().await, "s"), event);
    assert_eq!(ann.next().await["type"], "publish_success");

    // A signature of something else, or with another key, is none.
    for (signed, why) in [
        (sign(secret, r#"{"channel":"/default/a"}"#), "another operation"),
        (sign(secret, "{}"), "the connection"),
        (sign("other-secret", &body), "another key"),
    ] {
        frame["authorization"] = signed;
        let (error_type, message) = refused_publish(&mut ann, frame.clone()).await;
        assert_eq!(error_type, "BadRequestException", "{why}");
        // As the service does, it says what it expected.
        assert!(message.contains("POST\n/event\n"), "{message}");
    }
}

#[tokio::test]
async fn signatures_cover_the_body_of_a_post() {
    let server = server().await;
    let body = json!({"channel": "/default/a", "events": ["1"]});
    let other = json!({"channel": "/default/a", "events": ["2"]});
    // The port may be signed or not; the service has none, so some clients never sign one.
    for host in ["localhost:8787", "localhost"] {
        let signed = sign_for(host, "local-secret", &body.to_string());
        let headers = signed.as_object().unwrap().iter().map(|(name, value)| match name.as_str() {
            "host" => ("Host", "localhost:8787"),
            name => (name, value.as_str().unwrap()),
        });
        let headers: Vec<(&str, &str)> = headers.collect();
        let post =
            async |body: &Value| http(&server, "POST", "/event", &headers, &body.to_string()).await;
        let answer = post(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let refused = post(&other).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.headers["x-amzn-errortype"], "BadRequestException");
    }
    let signed = sign_for("elsewhere", "local-secret", &body.to_string());
    let mut ann = connect(&server).await;
    let refused = refused_subscription(&mut ann, "/default/a", &signed).await;
    assert_eq!(refused.0, "BadRequestException");
}

/// Signatures that another implementation of Signature Version 4 made (botocore's).
#[tokio::test]
async fn signatures_of_another_implementation_are_accepted() {
    let server = server_with(|options| {
        options.iam = "AKIDEXAMPLE0000000AB:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned();
    })
    .await;
    let mut ann = connect(&server).await;
    // The clock goes to the day of the signatures, 2025-01-02T03:04:05Z.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let clock_skew_ms = 1_735_787_045_000 - i64::try_from(now).unwrap();
    let events = PathFaults { clock_skew_ms, ..PathFaults::default() };
    server.set_faults(Faults { events, ..Faults::default() }).await.unwrap();
    let authorization = |signature: &str, token: bool| {
        let more = if token { ";x-amz-security-token" } else { "" };
        let mut headers = json!({
            "accept": ACCEPT,
            "content-encoding": "amz-1.0",
            "content-type": CONTENT_TYPE,
            "host": "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com",
            "x-amz-date": "20250102T030405Z",
            "Authorization": format!(
                "AWS4-HMAC-SHA256 \
                 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/aws4_request, \
                 SignedHeaders=accept;content-encoding;content-type;host;x-amz-date{more}, \
                 Signature={signature}"
            ),
        });
        if token {
            headers["X-Amz-Security-Token"] = json!("EXAMPLETOKEN==");
        }
        headers
    };
    for (id, signature, token) in [
        ("with", "57ae82a98b837c9a85336194aa915811d9b2a261210bac37656d3c58f9498b8d", true),
        ("without", "1aa9acd730f30ebbdb8c98ee3fe98905dd447a6f52a57db5fcf350ebefcb9da4", false),
    ] {
        let frame = subscribe_frame(id, "/chat/room-1", &authorization(signature, token));
        assert_eq!(ann.ask(frame).await["type"], "subscribe_success", "{id}");
    }
    for (signature, token) in [
        ("64f45f1c53b6c85f05bacd036f2fdfa92c12a752b2169758d6582d86a4232171", true),
        ("89b6d0cdd7aacb0673890026f8c589e70bfd61d18315163e4ac5a09f12bcdfad", false),
    ] {
        let mut frame = publish_frame("p", "/chat/room-1", &["{\"body\":\"hi\"}"]);
        frame["authorization"] = authorization(signature, token);
        // The signature is right, and what it says has no text.
        let success = ann.ask(frame).await;
        assert_eq!(success["failed"][0]["code"], 400, "{success}");
    }
    // A minute on it still holds, ten minutes on it has expired.
    let late = PathFaults { clock_skew_ms: clock_skew_ms + 600_000, ..PathFaults::default() };
    server.set_faults(Faults { events: late, ..Faults::default() }).await.unwrap();
    let signature = "1aa9acd730f30ebbdb8c98ee3fe98905dd447a6f52a57db5fcf350ebefcb9da4";
    let authorization = authorization(signature, false);
    let (error_type, message) =
        refused_subscription(&mut ann, "/chat/room-1", &authorization).await;
    assert_eq!(error_type, "BadRequestException");
    assert!(
        message.starts_with("Signature expired: 20250102T030405Z is now earlier than"),
        "{message}"
    );
}

#[tokio::test]
async fn without_the_protocol_nobody_connects() {
    let server = server().await;
    let header = URL_SAFE_NO_PAD
        .encode(json!({"host": "localhost", "x-api-key": api_key()["x-api-key"]}).to_string());
    let url = server.url(&format!("/event/realtime?header={header}"));
    let mut client = Client::open(&url).await;
    let error = client.next().await;
    assert_eq!(error["type"], "connection_error");
    assert_eq!(error["errors"][0]["errorType"], "NoProtocolError");
    assert_eq!(client.close_code().await, Some(1000));
}
