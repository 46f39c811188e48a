//! What scenarios of AppSync need: subscriptions on one socket, requests beside it, credentials.

use roomlet_client::config::{
    Api, ApiKey, ApiKind, Dialect, Endpoint, Namespace, NamespaceKind, Service, SignIn,
    TokenCarrier, TokenKind,
};
use roomlet_client::*;
use serde_json::{Value, json};

use super::Scenario;

pub(crate) const HOST: &str = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com";
/// An hour after the scenarios begin, in seconds since 1970.
pub(crate) const IN_AN_HOUR: u64 = 1_761_714_360;
pub(crate) const KEEP_ALIVE: &str = r#"{"type":"ka"}"#;
/// It does not say what it refuses, as the service's does not.
pub(crate) const LIMIT_EXCEEDED: &str = r#"{"type":"error","errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}"#;
pub(crate) const ACK: &str =
    r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#;
pub(crate) const EVENTS_ACK: &str = r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#;
pub(crate) const UNKNOWN_FIELD: &str = "Validation error of type FieldUndefined: Field 'senderName' in type 'Message' is undefined @ 'onNewMessage/senderName'";

/// What a request says.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: HttpRequestId,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn variable(&self, name: &str) -> String {
        self.json()["variables"][name].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A full backend at an API Gateway, with tokens as subprotocols.
pub(crate) fn gateway() -> Service {
    let endpoint = Endpoint::parse("wss://a1.execute-api.us-east-1.amazonaws.com/prod").unwrap();
    let (dialect, token_carrier) = (Dialect::Full, TokenCarrier::Subprotocol);
    Service::ApiGateway { endpoint, dialect, token_carrier }
}

pub(crate) fn api_key() -> SignIn {
    SignIn::ApiKey { key: ApiKey::parse("da2-abcdefghijklmnopqrstuvwxyz").unwrap() }
}

pub(crate) fn cognito() -> SignIn {
    SignIn::Token { token: TokenKind::Cognito }
}

pub(crate) fn graphql(dialect: Dialect) -> Service {
    let api = Api::parse(ApiKind::Graphql, &format!("https://{HOST}/graphql")).unwrap();
    Service::AppsyncGraphql { api, dialect }
}

pub(crate) fn events(kind: NamespaceKind) -> Service {
    let api = Api::parse(ApiKind::Events, &format!("https://{HOST}/event")).unwrap();
    Service::AppsyncEvents { api, namespace: Namespace::parse("chat").unwrap(), events: kind }
}

/// A token whose subject and expiry can be read: seconds since 1970.
pub(crate) fn jwt(subject: &str, expires_at: u64) -> Credentials {
    let encode =
        |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let head = encode(&json!({"alg": "none"}));
    let body = encode(&json!({"sub": subject, "exp": expires_at, "name": "Ann of the token"}));
    let token = Secret::parse(&format!("{head}.{body}.c2ln")).unwrap();
    Credentials::Token { token, expires_at: None }
}

/// AWS credentials that are good for years.
pub(crate) fn aws() -> Credentials {
    Credentials::Aws {
        access_key_id: AccessKeyId::parse("AKIDEXAMPLE0000000AB").unwrap(),
        secret_access_key: Secret::parse("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap(),
        session_token: None,
        expires_at: Some(WallClock(1_900_000_000_000)),
    }
}

/// A token that says nothing.
pub(crate) fn opaque(token: &str) -> Credentials {
    Credentials::Token { token: Secret::parse(token).unwrap(), expires_at: None }
}

impl Scenario {
    /// Signed in to a user pool, in a room that is empty, of a schema that is found out to be full.
    pub(crate) fn signed_in() -> Self {
        let mut scenario = Self::of(graphql(Dialect::Auto), cognito());
        scenario.sign_in(jwt("ann", IN_AN_HOUR));
        scenario.open();
        scenario.receive(ACK);
        scenario.start_ack();
        scenario.answer_page(&[], None);
        scenario.requests();
        scenario.sent();
        scenario
    }

    /// Connected to a GraphQL API with the full schema, whose room is empty.
    pub(crate) fn graphql_full() -> Self {
        let mut scenario = Self::of(graphql(Dialect::Auto), api_key());
        scenario.open();
        scenario.receive(ACK);
        scenario.start_ack();
        scenario.answer_page(&[], None);
        scenario.requests();
        scenario.sent();
        scenario.events.clear();
        scenario
    }

    /// Connected to a GraphQL API with the basic schema.
    pub(crate) fn graphql_basic() -> Self {
        let mut scenario = Self::of(graphql(Dialect::Auto), api_key());
        scenario.open();
        scenario.receive(ACK);
        scenario.refuse_start("", UNKNOWN_FIELD);
        scenario.start_ack();
        scenario.sent();
        scenario.events.clear();
        scenario
    }

    /// Connected to an Event API, and subscribed.
    pub(crate) fn events(kind: NamespaceKind) -> Self {
        let mut scenario = Self::of(events(kind), api_key());
        scenario.open();
        scenario.receive(EVENTS_ACK);
        scenario.subscribe_success();
        scenario.events.clear();
        scenario
    }

    /// The frames sent since the last call, as they are.
    pub(crate) fn frames(&mut self) -> Vec<String> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::SendText { text, .. } => Some(text.clone()),
            _ => None,
        });
        let frames = frames.collect();
        self.outputs.retain(|output| !matches!(output, Output::SendText { .. }));
        frames
    }

    /// The requests sent since the last call.
    pub(crate) fn requests(&mut self) -> Vec<Request> {
        let requests = self.outputs.iter().filter_map(|output| match output {
            Output::SendRequest { request, url, headers, body } => Some(Request {
                id: *request,
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
            }),
            _ => None,
        });
        let requests = requests.collect();
        self.outputs.retain(|output| !matches!(output, Output::SendRequest { .. }));
        requests
    }

    pub(crate) fn request(&mut self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub(crate) fn answer(&mut self, request: &Request, status: u16, body: &Value) {
        let answer = HttpAnswer { status, body: body.to_string(), date: None };
        self.input(Input::Answered { request: request.id, answer });
    }

    pub(crate) fn fail(&mut self, request: &Request, failure: HttpFailure) {
        self.input(Input::RequestFailed { request: request.id, failure });
    }

    /// The id of the subscription that was started last.
    pub(crate) fn started(&mut self) -> String {
        let frames = self.frames();
        let frames = frames.iter().map(|frame| serde_json::from_str::<Value>(frame).unwrap());
        let is_start = |frame: &Value| frame["type"] == "start" || frame["type"] == "subscribe";
        let last = frames.rev().find(is_start).expect("a subscription was started");
        last["id"].as_str().unwrap().to_owned()
    }

    /// Acknowledges the GraphQL subscription that was started last; returns its id.
    pub(crate) fn start_ack(&mut self) -> String {
        let id = self.started();
        self.receive(&json!({"id": id, "type": "start_ack"}).to_string());
        id
    }

    /// Refuses the GraphQL subscription that was started last.
    pub(crate) fn refuse_start(&mut self, kind: &str, message: &str) {
        let id = self.started();
        let error = json!({"errorType": kind, "message": message});
        let frame = json!({"id": id, "type": "error", "payload": {"errors": [error]}});
        self.receive(&frame.to_string());
    }

    /// Acknowledges the Events subscription that was started last; returns its id.
    pub(crate) fn subscribe_success(&mut self) -> String {
        let id = self.started();
        self.receive(&json!({"type": "subscribe_success", "id": id}).to_string());
        id
    }

    /// Answers the request for history.
    pub(crate) fn answer_page(&mut self, messages: &[Value], next: Option<&str>) -> Request {
        let request = self.request();
        let page = json!({"messages": messages, "nextCursor": next});
        self.answer(&request, 200, &json!({"data": {"messages": page}}));
        request
    }

    /// Whether the page is asked for credentials, and why.
    pub(crate) fn question(&mut self) -> Option<(QuestionId, AskReason)> {
        let question = self.outputs.iter().rev().find_map(|output| match output {
            Output::AskForCredentials { question, reason } => Some((*question, *reason)),
            _ => None,
        });
        self.outputs.retain(|output| !matches!(output, Output::AskForCredentials { .. }));
        question
    }

    /// Answers the question that is open; returns why it was asked.
    pub(crate) fn sign_in(&mut self, credentials: Credentials) -> AskReason {
        let (question, reason) = self.question().expect("the page was asked");
        let answer = SignInAnswer::Credentials(credentials);
        self.input(Input::SignedIn { question, answer });
        reason
    }

    /// Lets time pass until the page is asked for credentials, or until nothing more happens.
    pub(crate) fn wait_for_question(&mut self) {
        for _ in 0..100 {
            let is_question = |output: &Output| matches!(output, Output::AskForCredentials { .. });
            if self.outputs.iter().any(is_question) {
                return;
            }
            let Some(deadline) = self.client.poll_timeout() else { return };
            self.now = self.now.max(deadline.at.0);
            self.input(Input::TimeDue);
        }
    }

    /// The subprotocols that were offered last.
    pub(crate) fn subprotocols(&self) -> Vec<String> {
        let offered = self.outputs.iter().rev().find_map(|output| match output {
            Output::OpenSocket { subprotocols, .. } => Some(subprotocols.clone()),
            _ => None,
        });
        offered.expect("a socket was asked for")
    }

    /// The sockets that were asked for since the last call of this function.
    pub(crate) fn attempts(&mut self) -> usize {
        let is_attempt = |output: &&Output| matches!(output, Output::OpenSocket { .. });
        let attempts = self.outputs.iter().filter(is_attempt).count();
        if let Some(last) = self.outputs.iter().rev().find(is_attempt).cloned() {
            self.outputs.retain(|output| !matches!(output, Output::OpenSocket { .. }));
            self.outputs.push_back(last);
        }
        attempts
    }
}

/// A message as GraphQL has it.
pub(crate) fn graphql_message(id: &str, second: u32, content: &str) -> Value {
    json!({
        "id": id,
        "roomId": "lobby",
        "sender": "g-bo",
        "content": content,
        "createdAt": format!("2025-10-29T04:{:02}:{:02}.000Z", second / 60, second % 60),
        "senderName": "Bo",
        "senderKind": "guest",
        "clientMessageId": null,
    })
}

/// The same, live, for a subscription.
pub(crate) fn graphql_data(subscription: &str, message: &Value) -> String {
    let payload = json!({"data": {"onNewMessage": message}});
    json!({"id": subscription, "type": "data", "payload": payload}).to_string()
}

/// An event that somebody has published.
pub(crate) fn event_data(subscription: &str, event: &Value) -> String {
    json!({"type": "data", "id": subscription, "event": event.to_string()}).to_string()
}
