//! A backend that is silent for a while, and what else a client meets that is at it for long.

use roomlet_local::{Faults, PathFaults, RunningServer};
use serde_json::{Value, json};

use crate::client::{Client, basic_send, eventually, http, send_message, server};
use crate::{events_client, graphql_client};

/// Silences all paths, or lets them speak again.
async fn silence(server: &RunningServer, swallow: bool) {
    let path = PathFaults { swallow, ..PathFaults::default() };
    let faults = Faults {
        prod: path.clone(),
        basic: path.clone(),
        graphql: path.clone(),
        basic_graphql: path.clone(),
        events: path,
    };
    server.set_faults(faults).await.unwrap();
}

/// What a frame says, in any protocol.
fn text_of(frame: &Value) -> String {
    let event = frame["event"].as_str().map(|event| serde_json::from_str::<Value>(event).unwrap());
    let payload = &frame["payload"]["data"]["onNewMessage"]["content"];
    let text = event.as_ref().map_or(&frame["text"], |event| &event["text"]);
    text.as_str().or(payload.as_str()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn connections_are_silent_both_ways_and_then_serve_again() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut bob = Client::basic(&server, "a").await;
    let mut eve = graphql_client::connect(&server, "/graphql").await;
    graphql_client::subscribe(&mut eve, "S", "a", graphql_client::ALL).await;
    let mut joe = events_client::connect(&server).await;
    events_client::subscribe(&mut joe, "s", "/chat/a").await;

    silence(&server, true).await;
    // In.
    ann.send(send_message("a", "lost", "m1")).await;
    bob.send(basic_send("a", "lost")).await;
    eve.send(json!({"type": "stop", "id": "S"})).await;
    joe.send(events_client::publish_frame("p", "/chat/a", &[r#"{"text":"lost"}"#])).await;
    eventually(|| server.log().swallowed == 4).await;
    // Out.
    assert_eq!(server.send_raw("a", "lost"), 4);

    silence(&server, false).await;
    let (said, _) = ann.say("a", "heard", "m2").await;
    assert_eq!(text_of(&said), "heard");
    assert_eq!(text_of(&bob.next().await), "heard");
    assert_eq!(text_of(&eve.next().await), "heard");
    assert_eq!(text_of(&joe.next().await), "heard");
    let history = ann.ask(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 1, "what was lost is not kept");
    assert_eq!(server.log().count("sendMessage"), 1);
}

#[tokio::test]
async fn nobody_answers_a_close_in_silence() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    silence(&server, true).await;
    ann.socket.close(None).await.unwrap();
    eventually(|| server.log().swallowed == 1).await;
    assert_eq!(server.connections().len(), 1);
    drop(ann);
    eventually(|| server.connections().is_empty()).await;
}

#[tokio::test]
async fn requests_hang_in_silence_and_are_not_served() {
    let server = server().await;
    let key = [("x-api-key", "da2-local")];
    for (path, body) in [
        (
            "/graphql",
            json!({"query": r#"mutation { sendMessage(roomId: "a", content: "x") { id } }"#}),
        ),
        ("/event", json!({"channel": "/chat/a", "events": [r#"{"text": "x"}"#]})),
    ] {
        silence(&server, true).await;
        server.clear_log();
        let body = body.to_string();
        let speak = async {
            eventually(|| server.log().swallowed == 1).await;
            silence(&server, false).await;
        };
        let (answer, ()) = tokio::join!(raw_answer(&server, path, &body), speak);
        assert_eq!(answer, "", "{path}");
        assert_eq!(http(&server, "POST", path, &key, &body).await.status, 200);
    }
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let history = ann.ask(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 2);
}

/// All that comes back for a request.
async fn raw_answer(server: &RunningServer, path: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: da2-local\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn connections_of_one_person_overlap_and_each_gets_everything() {
    let server = server().await;
    let mut old = Client::hello(&server, "a", "Ann").await;
    for rotation in 0..5 {
        let mut new = Client::hello(&server, "a", "Ann").await;
        let (by_old, _) = old.say("a", "from the old one", &format!("{rotation}-old")).await;
        assert_eq!(new.next().await, by_old);
        let (by_new, _) = new.say("a", "from the new one", &format!("{rotation}-new")).await;
        assert_eq!(old.next().await, by_new);
        assert_eq!(by_old["sender"], by_new["sender"]);
        old.socket.close(None).await.unwrap();
        old = new;
    }
    eventually(|| server.connections().len() == 1).await;
}
