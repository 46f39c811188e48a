//! What each service says, frame by frame and answer by answer.

use crate::conversation::{self, State};
use crate::setting::{Kind, Way};

const WELCOME: &str = r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}
{"type":"history","requestId":"@r","roomId":"lobby","messages":[],"nextCursor":null}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden","connectionId":"me=","requestId":"r="}"#;
const GRAPHQL: &str = r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}
{"id":"@s","type":"start_ack"}
200 {"data":{"messages":{"messages":[],"nextCursor":null}}}"#;
const GRAPHQL_BASIC: &str = r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}
{"id":"@s","type":"start_ack"}"#;
const EVENTS: &str = r#"{"type":"connection_ack","connectionTimeoutMs":300000}
{"type":"subscribe_success","id":"@s"}"#;

const GATEWAY_STATES: [State; 6] = [
    State { kind: Kind::Gateway, way: Way::Nobody, lines: "" },
    State { kind: Kind::Gateway, way: Way::Nobody, lines: WELCOME },
    State { kind: Kind::Gateway, way: Way::Nobody, lines: FORBIDDEN },
    State { kind: Kind::GatewayBasic, way: Way::Nobody, lines: "" },
    State { kind: Kind::GatewayFull, way: Way::Cognito, lines: WELCOME },
    State { kind: Kind::GatewayFull, way: Way::OpaqueInQuery, lines: "" },
];

const GRAPHQL_STATES: [State; 6] = [
    State { kind: Kind::Graphql, way: Way::ApiKey, lines: "" },
    State { kind: Kind::Graphql, way: Way::ApiKey, lines: GRAPHQL },
    State { kind: Kind::GraphqlBasic, way: Way::ApiKey, lines: GRAPHQL_BASIC },
    State { kind: Kind::GraphqlFull, way: Way::Cognito, lines: GRAPHQL },
    State { kind: Kind::GraphqlFull, way: Way::Iam, lines: GRAPHQL },
    State { kind: Kind::Graphql, way: Way::Opaque, lines: GRAPHQL },
];

const EVENTS_STATES: [State; 6] = [
    State { kind: Kind::EventsRaw, way: Way::ApiKey, lines: "" },
    State { kind: Kind::EventsRaw, way: Way::ApiKey, lines: EVENTS },
    State { kind: Kind::EventsStamped, way: Way::ApiKey, lines: EVENTS },
    State { kind: Kind::EventsStamped, way: Way::Cognito, lines: EVENTS },
    State { kind: Kind::EventsRaw, way: Way::Iam, lines: EVENTS },
    State { kind: Kind::EventsStamped, way: Way::Opaque, lines: EVENTS },
];

/// Frames of an API Gateway.
pub(crate) fn api_gateway(data: &[u8]) {
    conversation::run(&GATEWAY_STATES, data);
}

/// Frames and HTTP answers of AppSync GraphQL.
pub(crate) fn appsync_graphql(data: &[u8]) {
    conversation::run(&GRAPHQL_STATES, data);
}

/// Frames and HTTP answers of AppSync Events.
pub(crate) fn appsync_events(data: &[u8]) {
    conversation::run(&EVENTS_STATES, data);
}
