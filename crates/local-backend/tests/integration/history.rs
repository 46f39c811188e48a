//! History on `/prod`.

use roomlet_local::RunningServer;
use serde_json::{Value, json};

use crate::client::{Client, basic_send, server, server_with};
use crate::graphql_client::say;

async fn room_of(texts: impl Iterator<Item = String>) -> (RunningServer, Client) {
    let server = server_with(|options| options.rate_limit = 0).await;
    let mut ann = Client::hello(&server, "elsewhere", "Ann").await;
    for (number, text) in texts.enumerate() {
        let mut frame = basic_send("a", &text);
        frame["clientMessageId"] = json!(format!("m{number}"));
        let ack = ann.ask(frame).await;
        assert_eq!(ack["type"], "ack");
    }
    (server, ann)
}

async fn page(client: &mut Client, more: Value) -> Value {
    let mut frame = json!({"action": "history", "requestId": "h1", "roomId": "a"});
    frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let history = client.ask(frame).await;
    assert_eq!(history["type"], "history", "{history}");
    assert_eq!(history["requestId"], "h1");
    assert_eq!(history["roomId"], "a");
    history
}

fn texts(history: &Value) -> Vec<&str> {
    let messages = history["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_empty_room_has_an_empty_end() {
    let (_server, mut ann) = room_of(std::iter::empty()).await;
    let history = page(&mut ann, json!({})).await;
    assert_eq!(history["messages"], json!([]));
    assert_eq!(history["nextCursor"], json!(null));
}

#[tokio::test]
async fn pages_lead_back_to_the_beginning_and_forward_to_the_end() {
    let expected: Vec<String> = (0..120).map(|number| number.to_string()).collect();
    let (_server, mut ann) = room_of(expected.iter().cloned()).await;
    assert_eq!(texts(&page(&mut ann, json!({})).await).len(), 50);

    let mut back: Vec<String> = Vec::new();
    let mut request = json!({"limit": 33});
    let oldest_id = loop {
        let history = page(&mut ann, request).await;
        let mut older: Vec<String> = texts(&history).into_iter().map(str::to_owned).collect();
        older.append(&mut back);
        back = older;
        let Some(cursor) = history["nextCursor"].as_str() else {
            break history["messages"][0]["id"].clone();
        };
        request = json!({"limit": 33, "before": cursor});
    };
    assert_eq!(back, expected);

    let mut forward: Vec<String> = vec!["0".to_owned()];
    let mut request = json!({"limit": 50, "after": oldest_id});
    loop {
        let history = page(&mut ann, request).await;
        forward.extend(texts(&history).into_iter().map(str::to_owned));
        let Some(cursor) = history["nextCursor"].as_str() else { break };
        request = json!({"limit": 50, "after": cursor});
    }
    assert_eq!(forward, expected);

    assert_eq!(texts(&page(&mut ann, json!({"limit": 1_000_000})).await).len(), 100);
    let before_first = page(&mut ann, json!({"before": oldest_id})).await;
    assert_eq!(before_first["messages"], json!([]));
    let message = &before_first["messages"];
    assert!(message.as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_history_message_is_its_broadcast_without_the_type() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let (mut message, _) = ann.say("a", "hi", "m1").await;
    message.as_object_mut().unwrap().remove("type");
    assert_eq!(page(&mut ann, json!({})).await["messages"], json!([message]));
}

#[tokio::test]
async fn large_messages_make_short_pages() {
    // The quotes double on the wire, which is what counts.
    let (_server, mut ann) =
        room_of((0..100).map(|number| format!("{number:03}{}", "\"".repeat(15_000)))).await;
    let mut numbers: Vec<String> = Vec::new();
    let mut pages = 0;
    let mut request = json!({"limit": 100});
    loop {
        let history = page(&mut ann, request).await;
        let size = history.to_string().len();
        assert!(size <= 97 * 1024, "{size}");
        let mut older: Vec<String> =
            texts(&history).into_iter().map(|text| text[..3].to_owned()).collect();
        assert_eq!(older.len(), if pages < 33 { 3 } else { 1 });
        older.append(&mut numbers);
        numbers = older;
        pages += 1;
        let Some(cursor) = history["nextCursor"].as_str() else { break };
        request = json!({"limit": 100, "before": cursor});
    }
    let expected: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_by_its_id() {
    let (_server, mut ann) = room_of(["x".to_owned()].into_iter()).await;
    let elsewhere = ann
        .ask(json!({
            "action": "sendMessage", "roomId": "b", "text": "x", "clientMessageId": "m"
        }))
        .await;
    for more in [
        json!({"before": "nonsense"}),
        json!({"before": "c.nonsense"}),
        json!({"after": ""}),
        json!({"after": 5}),
        json!({"before": "x".repeat(1_000)}),
        json!({"before": elsewhere["id"]}),
        json!({"before": "c.YQ", "after": "c.YQ"}),
        json!({"limit": 0}),
        json!({"limit": -1}),
        json!({"limit": 1.5}),
        json!({"limit": "10"}),
        json!({"roomId": "x".repeat(129)}),
    ] {
        let mut frame = json!({"action": "history", "requestId": "h1", "roomId": "a"});
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = ann.ask(frame).await;
        assert_eq!(error["code"], "bad_request", "{more}");
        assert_eq!(error["requestId"], "h1", "{more}");
    }
    let without_id = ann.ask(json!({"action": "history", "roomId": "a"})).await;
    assert_eq!(without_id["code"], "bad_request");
}

#[tokio::test]
async fn what_is_too_long_for_a_frame_is_in_no_page() {
    let (server, mut ann) = room_of(["before".to_owned()].into_iter()).await;
    say(&server, "a", &"x".repeat(200_000), "id").await;
    say(&server, "a", "after", "id").await;
    assert_eq!(texts(&page(&mut ann, json!({})).await), ["before", "after"]);
}
