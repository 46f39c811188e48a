//! The two forms in which a socket brings its authorization (AppSync developer guide, "Building a
//! real-time WebSocket client").

use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};

use super::{Headers, ServiceError};
use crate::socket::{query_pairs, subprotocols};

/// What the subprotocol that carries the authorization begins with.
const HEADER_SUBPROTOCOL_PREFIX: &str = "header-";

/// What an upgrade brings.
#[derive(Debug)]
pub(super) struct Offer {
    /// Whether it offers the protocol's name.
    pub(super) offers_protocol: bool,
    /// Its authorization.
    pub(super) headers: Result<Headers, ServiceError>,
}

/// Reads an upgrade: the subprotocol `header-…`, else the query parameter `header`.
pub(super) fn read<B>(request: &Request<B>, protocol: &str) -> Offer {
    let offered = subprotocols(request.headers());
    let by_subprotocol =
        offered.iter().find_map(|word| word.strip_prefix(HEADER_SUBPROTOCOL_PREFIX));
    let headers = match by_subprotocol {
        Some(encoded) => decode(encoded),
        None => {
            let query = request.uri().query().unwrap_or_default();
            let found = query_pairs(query).find(|(name, _)| name == "header");
            // A plus sign that was not percent-encoded reads as a space.
            found.and_then(|(_, encoded)| decode(&encoded.replace(' ', "+")))
        }
    };
    Offer {
        offers_protocol: offered.iter().any(|word| word == protocol),
        headers: headers.ok_or_else(|| ServiceError::unauthorized("Required headers are missing.")),
    }
}

/// Base64 of a JSON object, in either alphabet, padded or not.
fn decode(encoded: &str) -> Option<Headers> {
    let standard = encoded.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let bytes = STANDARD_NO_PAD.decode(standard).ok()?;
    let object: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    Some(Headers::of_object(&object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_padded_or_not() {
        for encoded in ["eyJrIjoiPz8/Pj4+In0=", "eyJrIjoiPz8/Pj4+In0", "eyJrIjoiPz8_Pj4-In0"] {
            assert_eq!(decode(encoded).unwrap().get("k"), Some("???>>>"), "{encoded}");
        }
        for encoded in ["", "====", "e30é", "W10", "bm8"] {
            assert!(decode(encoded).is_none(), "{encoded}");
        }
    }

    #[test]
    fn an_offer_comes_by_subprotocol_or_query() {
        let offer = |query: &str, protocols: &str| {
            let request = Request::get(format!("/graphql/realtime{query}"))
                .header("sec-websocket-protocol", protocols)
                .body(())
                .unwrap();
            let offer = read(&request, "graphql-ws");
            let key = offer.headers.ok().and_then(|headers| headers.get("k").map(str::to_owned));
            (offer.offers_protocol, key)
        };
        let found = Some("???>>>".to_owned());
        let query = "?header=eyJrIjoiPz8%2FPj4%2BIn0%3D&payload=e30=";
        let careless = "?header=eyJrIjoiPz8/Pj4+In0=&payload=e30=";
        assert_eq!(offer(query, "graphql-ws"), (true, found.clone()));
        assert_eq!(offer(careless, "graphql-ws"), (true, found.clone()));
        let protocols = "header-eyJrIjoiPz8_Pj4-In0, graphql-ws";
        assert_eq!(offer("", protocols), (true, found.clone()));
        assert_eq!(offer("", "header-eyJrIjoiPz8_Pj4-In0"), (false, found));
        assert_eq!(offer("", "graphql-ws"), (true, None));
    }
}
