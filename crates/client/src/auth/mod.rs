//! Signing in: what a request carries so that a backend knows who asks.
//!
//! [`Credentials`] are what the page hands over; a `Signer` turns them into the words of each protocol, made anew for
//! every attempt, since signatures and tokens age. Nothing here reads a clock, keeps state or does I/O.

mod authorization;
mod calendar;
mod credentials;
mod digest;
mod jwt;
mod secret;
mod sigv4;

pub use credentials::Credentials;
pub use secret::{AccessKeyId, AccessKeyIdError, Secret, SecretError};

pub(crate) use authorization::Authorization;
pub(crate) use calendar::{iso_date, server_time_of_date, server_time_of_error};
pub(crate) use digest::sha256;

use data_encoding::BASE64URL_NOPAD;

use crate::config::{SignIn, TokenCarrier};
use crate::time::WallClock;
use sigv4::{Keys, percent_encoded};

/// What our own API Gateway backends answer with, so that a browser accepts the connection.
const GATEWAY_SUBPROTOCOL: &str = "roomlet.v1";

/// Says who asks, at one moment, to one backend.
pub(crate) struct Signer<'a> {
    identity: Identity<'a>,
    host: &'a str,
    wall: WallClock,
    generation: u32,
}

enum Identity<'a> {
    Nobody,
    ApiKey(&'a str),
    Token(&'a str),
    Aws(Keys<'a>),
}

/// The page has not handed over what the backend wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignerError {
    /// There is nothing to sign in with.
    #[error("this backend wants a sign-in: let `auth` answer with credentials")]
    SignedOut,
    /// AWS credentials where a token is wanted.
    #[error("this backend wants a token: let `auth` answer with `{{token}}`")]
    TokenWanted,
    /// A token where AWS credentials are wanted.
    #[error(
        "this backend wants AWS credentials: let `auth` answer with `{{accessKeyId, secretAccessKey, sessionToken}}`"
    )]
    AwsWanted,
}

impl<'a> Signer<'a> {
    /// `host` is the host of the HTTP address of an AppSync API, whatever the socket's; API Gateway's stands in its
    /// URL. `wall` is the server's time as far as it is known: signatures are good for five minutes around it.
    pub(crate) fn new(
        sign_in: &'a SignIn,
        credentials: Option<&'a Credentials>,
        host: &'a str,
        wall: WallClock,
    ) -> Result<Self, SignerError> {
        let identity = match (sign_in, credentials) {
            (SignIn::None, _) => Identity::Nobody,
            (SignIn::ApiKey { key }, _) => Identity::ApiKey(key.expose()),
            (SignIn::Token { .. } | SignIn::Iam { .. }, None) => {
                return Err(SignerError::SignedOut);
            }
            (SignIn::Token { .. }, Some(Credentials::Token { token, .. })) => {
                Identity::Token(token.expose())
            }
            (SignIn::Token { .. }, Some(Credentials::Aws { .. })) => {
                return Err(SignerError::TokenWanted);
            }
            (
                SignIn::Iam { region },
                Some(Credentials::Aws { access_key_id, secret_access_key, session_token, .. }),
            ) => Identity::Aws(Keys {
                access_key_id: access_key_id.as_str(),
                secret_access_key: secret_access_key.expose(),
                session_token: session_token.as_ref().map(Secret::expose),
                region,
            }),
            (SignIn::Iam { .. }, Some(Credentials::Token { .. })) => {
                return Err(SignerError::AwsWanted);
            }
        };
        Ok(Self { identity, host, wall, generation: 0 })
    }

    /// The same, with the number of its credentials.
    pub(crate) fn of_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// Which credentials these are, counted: what is said of earlier ones does not hold for later ones.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// The auth object of AppSync's WebSockets: of the handshake, of `start`, `subscribe` and `publish`. `path` and
    /// `body` are what is signed: `/graphql/connect` and `/event` with `{}` at connect, then `/graphql` with
    /// `payload.data`, `/event` with `{"channel":…}` as it is sent (AppSync developer guide, "Building a real-time
    /// WebSocket client"; Event API guide, "Understanding the Event API WebSocket protocol").
    pub(crate) fn authorization(&self, path: &str, body: &str) -> Authorization {
        let host = self.host.to_owned();
        match &self.identity {
            Identity::Nobody => Authorization::new([("host", host)]),
            Identity::ApiKey(key) => {
                Authorization::new([("host", host), ("x-api-key", (*key).to_owned())])
            }
            Identity::Token(token) => {
                Authorization::new([("Authorization", (*token).to_owned()), ("host", host)])
            }
            Identity::Aws(keys) => keys.websocket_authorization(self.host, path, body, self.wall),
        }
    }

    /// The subprotocol that carries the auth object of the handshake: `header-` and base64url without padding,
    /// which a subprotocol may not have (RFC 6455, section 4.1).
    pub(crate) fn subprotocol(&self, path: &str, body: &str) -> String {
        format!(
            "header-{}",
            BASE64URL_NOPAD.encode(self.authorization(path, body).json().as_bytes())
        )
    }

    /// The headers of a POST to an AppSync API. `host` is signed but left to the browser, which sets it itself.
    pub(crate) fn http_headers(&self, path: &str, body: &str) -> Vec<(String, String)> {
        let mut headers = vec![("content-type", sigv4::HTTP_CONTENT_TYPE.to_owned())];
        match &self.identity {
            Identity::Nobody => {}
            Identity::ApiKey(key) => headers.push(("x-api-key", (*key).to_owned())),
            Identity::Token(token) => headers.push(("authorization", (*token).to_owned())),
            Identity::Aws(keys) => {
                headers.extend(keys.http_headers(self.host, path, body, self.wall));
            }
        }
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The URL of an API Gateway connection: signed in its query for IAM, with `token` where the carrier is the
    /// query, else as it is.
    pub(crate) fn gateway_url(&self, url: &str, carrier: TokenCarrier) -> String {
        match (&self.identity, carrier) {
            (Identity::Aws(keys), _) => keys.presigned_url(url, self.wall),
            (Identity::Token(token), TokenCarrier::Query) => {
                let separator = if url.contains('?') { '&' } else { '?' };
                format!("{url}{separator}token={}", percent_encoded(token))
            }
            (Identity::Token(_), TokenCarrier::Subprotocol)
            | (Identity::Nobody | Identity::ApiKey(_), _) => url.to_owned(),
        }
    }

    /// The subprotocols of an API Gateway connection: none but where a token travels in one, since a backend that
    /// does not answer with one of them cannot be reached by browsers.
    pub(crate) fn gateway_subprotocols(&self, carrier: TokenCarrier) -> Vec<String> {
        match (&self.identity, carrier) {
            (Identity::Token(token), TokenCarrier::Subprotocol) => vec![
                GATEWAY_SUBPROTOCOL.to_owned(),
                format!("token.{}", BASE64URL_NOPAD.encode(token.as_bytes())),
            ],
            (Identity::Token(_), TokenCarrier::Query)
            | (Identity::Nobody | Identity::ApiKey(_) | Identity::Aws(_), _) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
