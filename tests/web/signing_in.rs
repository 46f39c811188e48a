//! Sign-in and sign-out, as a person and a page see them.

use roomlet::driver::Keep;
use roomlet_client::AskReason;
use roomlet_client::config::{
    Api, ApiKey, ApiKind, Backend, Dialect, Endpoint, Namespace, NamespaceKind, Service, SignIn,
    TokenKind,
};
use roomlet_client::{Credentials, RoomId, Secret, SignInAnswer};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use super::page::Page;

const ACK: &str = r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#;

fn token() -> SignIn {
    SignIn::Token { token: TokenKind::Cognito }
}

fn api_key() -> SignIn {
    SignIn::ApiKey { key: ApiKey::parse("da2-test").unwrap() }
}

fn graphql(dialect: Dialect) -> Service {
    let api = Api::parse(ApiKind::Graphql, "http://127.0.0.1:1/graphql").unwrap();
    Service::AppsyncGraphql { api, dialect }
}

fn events(kind: NamespaceKind) -> Service {
    let api = Api::parse(ApiKind::Events, "http://127.0.0.1:1/event").unwrap();
    Service::AppsyncEvents { api, namespace: Namespace::parse("chat").unwrap(), events: kind }
}

fn frame_id(page: &Page) -> String {
    let frame: serde_json::Value =
        serde_json::from_str(page.sockets.sent().last().unwrap()).unwrap();
    frame["id"].as_str().unwrap().to_owned()
}

/// A room of a GraphQL backend, joined by somebody who is signed in.
async fn joined() -> Page {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    page.sign_in.answer_with_token("first");
    page.settle().await;
    page.sockets.open_last();
    page.receive(ACK).await;
    page.receive(&format!(r#"{{"type":"start_ack","id":"{}"}}"#, frame_id(&page))).await;
    page
}

fn click(page: &Page, selector: &str) {
    page.all(selector).remove(0).dyn_into::<HtmlElement>().unwrap().click();
}

#[wasm_bindgen_test]
async fn no_socket_opens_before_the_page_has_answered() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    assert_eq!((page.sign_in.asked(), page.sockets.opened()), (vec![AskReason::Connect], 0));
    page.sign_in.answer_with_token("first");
    page.settle().await;
    assert_eq!(page.sockets.opened(), 1);
}

#[wasm_bindgen_test]
async fn a_send_goes_by_a_request_and_its_answer_settles_it() {
    let page = joined().await;
    assert_eq!(page.texts(".status-text"), ["Connected"]);
    // The newest page of the history is asked for at once; there is nothing in it.
    page.http.answer(200, r#"{"data":{"messages":{"messages":[],"nextCursor":null}}}"#);
    page.settle().await;
    let before = page.http.sent().len();
    page.write("hi").await;
    page.press_enter().await;
    assert_eq!(page.http.sent().len(), before + 1);
    let (url, body) = page.http.sent().pop().unwrap();
    assert_eq!(url, "http://127.0.0.1:1/graphql");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["variables"]["content"], "hi");
    assert_eq!(page.all("[data-delivery=sending]").len(), 1);
    let message = serde_json::json!({"id": "m", "roomId": "lobby", "sender": "ann", "content": "hi",
        "createdAt": "2025-10-29T04:06:00.000Z", "senderName": "Ann", "senderKind": "user",
        "clientMessageId": body["variables"]["clientMessageId"]});
    page.http.answer(200, &serde_json::json!({"data": {"sendMessage": message}}).to_string());
    page.settle().await;
    assert_eq!(page.all("[data-delivery=sent]").len(), 1);
}

#[wasm_bindgen_test]
async fn who_is_not_signed_in_is_told_and_may_try_again() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    page.sign_in.answer(SignInAnswer::SignedOut);
    page.settle().await;
    assert_eq!(page.texts(".status-text"), ["You are not signed in, or no longer."]);
    assert_eq!(page.texts(".status .link"), ["Sign in again"]);
    click(&page, ".status .link");
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), 2);
    page.sign_in.answer_with_token("first");
    page.settle().await;
    assert_eq!(page.sockets.opened(), 1);
}

#[wasm_bindgen_test]
async fn a_page_that_gets_its_sign_in_later_connects_then() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    page.remote.sign_in_changed();
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), 1, "a question is open already");
    page.sign_in.answer(SignInAnswer::SignedOut);
    page.settle().await;
    page.remote.sign_in_changed();
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), 2);
}

#[wasm_bindgen_test]
async fn a_question_that_failed_is_said_once_the_outage_shows() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    page.sign_in.answer(SignInAnswer::Failed);
    page.settle().await;
    assert_eq!(page.texts(".status-text"), ["The page could not sign you in. Trying again…"]);
    assert_eq!(page.sockets.opened(), 0);
    page.remote.reconnect();
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), 2, "the person need not wait for the pause");
    page.sign_in.answer_with_token("first");
    page.settle().await;
    assert_eq!(page.texts(".status-text"), ["Connecting…"]);
}

#[wasm_bindgen_test]
async fn credentials_that_are_refused_twice_are_the_persons_business() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    let refusal = r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired.","errorCode":401}]}}"#;
    for reason in [AskReason::Connect, AskReason::Refused] {
        assert_eq!(page.sign_in.asked().last(), Some(&reason));
        page.sign_in.answer_with_token("old");
        page.settle().await;
        page.sockets.open_last();
        page.receive(refusal).await;
    }
    assert_eq!(page.texts(".status-text"), ["You are not signed in, or no longer."]);
    assert_eq!((page.sign_in.asked().len(), page.sockets.opened()), (2, 2));
    assert_eq!(page.sockets.alive(), 0);
}

#[wasm_bindgen_test]
async fn who_signs_out_leaves_nothing_on_the_screen() {
    let page = joined().await;
    page.write("never sent").await;
    page.remote.sign_out();
    page.settle().await;
    assert_eq!((page.sockets.alive(), page.http.pending()), (0, 0));
    assert_eq!(page.texts(".status-text"), ["You are signed out."]);
    assert!(page.all(".message").is_empty());
    assert_eq!(page.input().value(), "");
    assert!(page.input().disabled());
    let asked = page.sign_in.asked().len();
    page.remote.sign_in_changed();
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), asked, "signed out is signed out");
    click(&page, ".status .link");
    page.settle().await;
    assert_eq!(page.sign_in.asked().len(), asked + 1);
    assert!(!page.input().disabled());
}

/// A token of somebody, which nobody checks here and which says nothing of its end: each operation asks for another.
fn token_of(subject: &str) -> SignInAnswer {
    let part = |json: String| {
        let base64 = web_sys::window().unwrap().btoa(&json).unwrap();
        base64.trim_end_matches('=').replace('+', "-").replace('/', "_")
    };
    let claims = part(format!(r#"{{"sub":"{subject}"}}"#));
    let token = Secret::parse(&format!("{}.{claims}.c2ln", part(r#"{"alg":"RS256"}"#.into())));
    SignInAnswer::Credentials(Credentials::Token { token: token.unwrap(), expires_at: None })
}

#[wasm_bindgen_test]
async fn what_somebody_is_writing_is_not_the_next_persons() {
    let page = Page::open_backend(graphql(Dialect::Full), token(), Keep::Nothing).await;
    page.sign_in.answer(token_of("ann"));
    page.settle().await;
    page.sockets.open_last();
    page.receive(ACK).await;
    page.input().focus().unwrap();
    page.write("half a thought of ann").await;
    page.sign_in.answer(token_of("ann"));
    page.settle().await;
    assert_eq!(page.input().value(), "half a thought of ann");
    page.receive(&format!(r#"{{"type":"start_ack","id":"{}"}}"#, frame_id(&page))).await;
    page.sign_in.answer(token_of("bo"));
    page.settle().await;
    assert_eq!(page.input().value(), "");
}

#[wasm_bindgen_test]
async fn unmounting_aborts_the_requests() {
    let mut page = joined().await;
    assert_eq!(page.http.pending(), 1, "the history");
    page.mounted.take();
    page.settle().await;
    assert_eq!(page.http.pending(), 0);
    page.http.answer(200, "{}");
    page.settle().await;
}

#[wasm_bindgen_test]
async fn where_nobody_is_checked_names_are_marked() {
    let page = Page::open_backend(events(NamespaceKind::Raw), api_key(), Keep::Nothing).await;
    page.sockets.open_last();
    page.receive(r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#).await;
    let id = frame_id(&page);
    page.receive(&format!(r#"{{"type":"subscribe_success","id":"{id}"}}"#)).await;
    let event = r#"{"id":"1","createdAt":"2025-10-29T04:06:00.000Z","text":"hi","sender":{"id":"x","name":"The <b>boss</b>","kind":"user"}}"#;
    let data = serde_json::json!({"type": "data", "id": id, "event": event});
    page.receive(&data.to_string()).await;
    assert_eq!(page.texts(".author bdi"), ["The <b>boss</b>"]);
    assert!(page.texts(".standing").remove(0).starts_with("unverified"));
    let label = page.all(".message").remove(0).get_attribute("aria-label").unwrap();
    let label = label.trim_end_matches("\u{2069}");
    assert!(label.ends_with("unverified"), "{label}");
    page.receive(&serde_json::json!({"type": "data", "id": id, "event": "[1]"}).to_string()).await;
    assert_eq!(page.texts(".notice"), ["[1]"]);
}

#[wasm_bindgen_test]
async fn among_people_who_sign_in_a_guest_is_marked() {
    let page = joined().await;
    for (number, kind) in [(1, "user"), (2, "guest")] {
        let message = serde_json::json!({"id": format!("m{number}"), "roomId": "lobby", "sender": kind, "content": "hi",
            "createdAt": format!("2025-10-29T04:06:0{number}.000Z"), "senderName": "Bo", "senderKind": kind});
        let frame = serde_json::json!({"type": "data", "id": start_id(&page),
            "payload": {"data": {"onNewMessage": message}}});
        page.receive(&frame.to_string()).await;
    }
    assert_eq!(page.texts(".author bdi"), ["Bo", "Bo"]);
    assert_eq!(page.all(".standing").len(), 1);
    assert!(page.texts(".standing").remove(0).starts_with("guest"));
}

fn start_id(page: &Page) -> String {
    let frames = page.sockets.sent().into_iter();
    let mut frames =
        frames.filter_map(|frame| serde_json::from_str::<serde_json::Value>(&frame).ok());
    let start = frames.find(|frame| frame["type"] == "start").unwrap();
    start["id"].as_str().unwrap().to_owned()
}

fn kept(backend: &Backend) -> String {
    let keep = Keep::OnDevice { profile: "test".into() };
    keep.person(backend, None).unwrap().guest_key.expose().to_owned()
}

fn backend(service: Service, sign_in: SignIn) -> Backend {
    Backend { name: "test".into(), service, sign_in, room: RoomId::default() }
}

#[wasm_bindgen_test]
async fn a_guest_is_a_guest_of_one_backend_until_they_sign_out() {
    let gateway = || {
        let endpoint = Endpoint::parse("ws://127.0.0.1:1/guests").unwrap();
        Service::api_gateway(endpoint, Dialect::Full)
    };
    let first = backend(gateway(), SignIn::None);
    let other = backend(graphql(Dialect::Full), api_key());
    let key = kept(&first);
    assert_eq!(kept(&first), key, "the same after a reload");
    let key_elsewhere = kept(&other);
    assert_ne!(key_elsewhere, key);
    let signed_in = backend(gateway(), token());
    assert_ne!(kept(&signed_in), key);
    assert_ne!(kept(&signed_in), kept(&signed_in), "nothing is kept of who signs in");

    let keep = Keep::OnDevice { profile: "test".into() };
    let page = Page::open_backend(gateway(), SignIn::None, keep.clone()).await;
    page.sockets.open_last();
    page.receive(r#"{"type":"welcome","features":[],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#)
        .await;
    assert_eq!(keep.person(&first, None).unwrap().known_as.as_deref(), Some("g-me"));
    page.remote.sign_out();
    let after = keep.person(&first, None).unwrap();
    assert_eq!(after.known_as, None);
    assert_ne!(after.guest_key.expose(), key);
    assert_eq!(kept(&other), key_elsewhere, "a guest of another backend is somebody else");
}
