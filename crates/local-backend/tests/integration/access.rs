//! Tokens, rooms, hosts and origins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::client::{Client, basic_send, http, send_message, server, server_with};

fn protocols(token: &str) -> String {
    format!("roomlet.v1, token.{}", URL_SAFE_NO_PAD.encode(token))
}

async fn status(url: &str, headers: &[(&'static str, &str)]) -> u16 {
    Client::open_with(url, headers).await.map_or_else(|status| status, |_| 101)
}

#[tokio::test]
async fn a_token_comes_by_subprotocol_or_query() {
    let server = server_with(|options| options.token = Some("se/same+ü".to_owned())).await;
    for path in ["/prod", "/basic"] {
        let url = server.url(path);
        assert_eq!(status(&url, &[]).await, 401);
        for wrong in [protocols("other"), "roomlet.v1, token.!!!".to_owned(), protocols("")] {
            assert_eq!(status(&url, &[("sec-websocket-protocol", &wrong)]).await, 401);
        }
        let offered = protocols("se/same+ü");
        let client = Client::open_with(&url, &[("sec-websocket-protocol", &offered)]).await;
        assert_eq!(client.unwrap().subprotocol.as_deref(), Some("roomlet.v1"));
        let client = Client::open(&format!("{url}?token=se%2Fsame%2B%C3%BC")).await;
        assert_eq!(client.subprotocol, None);
        assert_eq!(status(&format!("{url}?token=wrong"), &[]).await, 401);
    }
    assert_eq!(server.log().refusals, 10);
}

#[tokio::test]
async fn without_a_token_only_our_subprotocol_is_answered() {
    let server = server().await;
    let offered = protocols("ignored");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let client = Client::open_with(&server.url("/prod"), &headers).await.unwrap();
    assert_eq!(client.subprotocol.as_deref(), Some("roomlet.v1"));
    let answer = http(
        &server,
        "GET",
        "/prod",
        &[
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", "chat"),
        ],
        "",
    )
    .await;
    // `Connection: close` makes it no upgrade; the handshake itself is looked at elsewhere.
    assert_eq!(answer.status, 426);
}

#[tokio::test]
async fn a_rooms_file_says_who_may_enter_and_a_closed_room_is_like_none() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({
        "public": false,
        "rooms": {"team": {"tokens": ["one"]}, "all": {"tokens": ["one", "two"]}},
    });
    std::fs::write(file.path(), rules.to_string()).unwrap();
    let server = server_with(|options| options.rooms = Some(file.path().to_owned())).await;
    assert_eq!(status(&server.url("/prod"), &[]).await, 401);
    assert_eq!(status(&server.url("/prod?token=three"), &[]).await, 401);

    let mut one = Client::open(&server.url("/prod?roomId=team&token=one")).await;
    assert_eq!(one.ask(json!({"action": "hello", "name": "One"})).await["type"], "welcome");
    let mut two = Client::open(&server.url("/prod?roomId=team&token=two")).await;
    assert_eq!(two.ask(json!({"action": "hello", "name": "Two"})).await["type"], "welcome");
    let no_such_room = |room: &str| json!({"type": "error", "code": "forbidden", "message": "no such room", "roomId": room});
    assert_eq!(two.next().await, no_such_room("team"));
    let with = |mut error: Value, name: &str, id: &str| {
        error[name] = json!(id);
        error
    };
    for room in ["team", "never-heard-of"] {
        let joined = two.ask(json!({"action": "join", "roomId": room})).await;
        assert_eq!(joined, no_such_room(room));
        let history = two.ask(json!({"action": "history", "roomId": room, "requestId": "h"})).await;
        assert_eq!(history, with(no_such_room(room), "requestId", "h"));
        let sent = two.ask(send_message(room, "x", "m")).await;
        assert_eq!(sent, with(no_such_room(room), "clientMessageId", "m"));
    }
    let mut spy = Client::open(&server.url("/basic?roomId=team&token=two")).await;
    one.say("team", "secret", "m1").await;
    two.expect_quiet().await;
    spy.send(basic_send("team", "from the spy")).await;
    one.expect_quiet().await;
    assert_eq!(spy.ask(json!({"action": "x"})).await["message"], "Forbidden");

    assert_eq!(two.ask(json!({"action": "join", "roomId": "all"})).await["type"], "joined");
    one.send(send_message("all", "for all", "m2")).await;
    assert_eq!(two.next().await["text"], "for all");
}

#[tokio::test]
async fn a_public_rooms_file_lets_everybody_into_the_rest() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({"public": true, "rooms": {"team": {"tokens": ["one"]}}});
    std::fs::write(file.path(), rules.to_string()).unwrap();
    let server = server_with(|options| options.rooms = Some(file.path().to_owned())).await;
    let mut ann = Client::hello(&server, "lobby", "Ann").await;
    ann.say("lobby", "hi", "m1").await;
    assert_eq!(ann.ask(send_message("team", "x", "m2")).await["code"], "forbidden");
    assert_eq!(status(&server.url("/prod?token=wrong"), &[]).await, 401);
    assert_eq!(status(&server.url("/prod?token=one"), &[]).await, 101);
}

#[tokio::test]
async fn other_hosts_and_pages_of_other_sites_are_refused() {
    let allowed = "https://app.example.com";
    let server = server_with(|options| options.allow_origin = vec![allowed.to_owned()]).await;
    for path in ["/prod", "/basic"] {
        let url = server.url(path);
        for (name, value, expected) in [
            ("host", "evil.example", 403),
            ("host", "localhost.evil.example:8787", 403),
            ("host", "app.localhost:8787", 101),
            ("host", "[::1]:8787", 101),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("origin", "http://localhost:8080", 101),
            ("origin", allowed, 101),
        ] {
            assert_eq!(status(&url, &[(name, value)]).await, expected, "{name}: {value}");
        }
    }
    for path in ["/", "/prod", "/nowhere", "/__local/faults"] {
        let local = ("x-roomlet-local", "1");
        let by_host = http(&server, "GET", path, &[("Host", "evil.example"), local], "").await;
        assert_eq!(by_host.status, 403, "{path}");
        let origin = ("Origin", "http://evil.example");
        let by_origin = http(&server, "GET", path, &[origin, local], "").await;
        assert_eq!(by_origin.status, 403, "{path}");
        assert!(!by_origin.headers.contains_key("access-control-allow-origin"));
    }
    let absolute = http(&server, "GET", "http://evil.example/", &[], "").await;
    assert_eq!(absolute.status, 403);
}

#[tokio::test]
async fn loopback_pages_may_read_what_is_not_local() {
    let server = server().await;
    let origin = ("Origin", "http://localhost:8080");
    let root = http(&server, "GET", "/", &[origin], "").await;
    assert_eq!(root.status, 200);
    assert!(root.body.contains("roomlet-local"));
    assert_eq!(root.headers["access-control-allow-origin"], "http://localhost:8080");
    let preflight = http(&server, "OPTIONS", "/graphql", &[origin], "").await;
    assert_eq!(preflight.status, 204);
    let local = http(&server, "OPTIONS", "/__local/faults", &[origin], "").await;
    assert_eq!(local.status, 403);
    assert!(!local.headers.contains_key("access-control-allow-origin"));
    let headers = [origin, ("x-roomlet-local", "1")];
    let read = http(&server, "GET", "/__local/faults", &headers, "").await;
    assert!(!read.headers.contains_key("access-control-allow-origin"));
}
