//! Who asks for an operation of AppSync, in all modes at once.

use super::{Headers, ServiceError};
use crate::access::{Admission, is_loopback_host};
use crate::backend::{Backend, now};
use crate::rooms::{
    DisplayName, GuestKey, RoomId, Sender, SenderKind, Timestamp, connection_guest_id,
};
use crate::served_path::ServedPath;
use crate::sign_in::{JwtError, SignatureError, SignedRequest, User, equal, looks_like_jwt};

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// What is known of them.
    pub(crate) identity: Identity,
    admission: Admission,
}

/// What is known of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Somebody with the API key, which everybody has.
    ApiKey,
    /// Somebody with a token that the rooms file or `--token` knows.
    Token,
    /// Somebody who signed in.
    User(User),
    /// Somebody who signs with this access key.
    Iam {
        /// The access key id.
        access_key_id: String,
    },
}

impl Caller {
    /// Whether they may enter a room, as far as the rooms file and the fault switches go.
    pub(crate) fn may_enter(&self, backend: &Backend, path: ServedPath, room: &RoomId) -> bool {
        !backend.faults.denies_room(path, room) && backend.access.may_enter(&self.admission, room)
    }

    /// The sender of what they publish: who signed in, else a guest by key, by token or by access key,
    /// else somebody of whom nothing is known but `anonymous`, a text that is the same for a repeated
    /// send.
    pub(crate) fn sender(
        &self,
        guest_key: Option<&GuestKey>,
        guest_name: Option<DisplayName>,
        anonymous: &str,
    ) -> Sender {
        let guest_name = guest_name.map(DisplayName::into_string);
        if let Identity::User(user) = &self.identity {
            let name = user.name.as_deref().and_then(DisplayName::clean);
            let name = name.map(DisplayName::into_string).or(guest_name);
            return Sender { id: user.subject.clone(), name, kind: SenderKind::User };
        }
        let secret = match &self.identity {
            Identity::Iam { access_key_id } => Some(access_key_id.as_str()),
            Identity::Token => self.admission.token(),
            Identity::ApiKey | Identity::User(_) => None,
        };
        let otherwise = || connection_guest_id(secret.unwrap_or(anonymous));
        let id = guest_key.map_or_else(otherwise, GuestKey::guest_id);
        Sender { id, name: guest_name, kind: SenderKind::Guest }
    }

    /// What `/__local/connections` shows of them.
    pub(crate) fn label(&self) -> String {
        match &self.identity {
            Identity::ApiKey => "api-key".to_owned(),
            Identity::Token => "token".to_owned(),
            Identity::User(user) => user.subject.clone(),
            Identity::Iam { access_key_id } => access_key_id.clone(),
        }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'a> {
    /// Whose fault switches count.
    pub(crate) path: ServedPath,
    /// The path that a signature covers, as in `/graphql/connect`.
    pub(crate) signed_path: &'a str,
    /// The bytes that a signature covers.
    pub(crate) body: &'a [u8],
    /// Whether the headers must name this server's host, as at connect.
    pub(crate) needs_host: bool,
}

/// Judges the headers of an operation.
pub(crate) fn authorize(
    backend: &Backend,
    headers: &Headers,
    operation: &Operation<'_>,
) -> Result<Caller, ServiceError> {
    if operation.needs_host {
        check_host(headers)?;
    }
    match (headers.get("authorization"), headers.get("x-api-key")) {
        (Some(signed), _) if signed.starts_with("AWS4-HMAC-SHA256") => {
            by_signature(backend, headers, operation)
        }
        (Some(token), _) => by_token(backend, token, operation.path),
        (None, Some(key)) => by_api_key(backend, key),
        (None, None) => Err(ServiceError::unauthorized("Valid authorization header not provided.")),
    }
}

const NOT_AUTHORIZED: &str = "You are not authorized to make this call.";

fn check_host(headers: &Headers) -> Result<(), ServiceError> {
    match headers.get("host") {
        None => Err(ServiceError::unauthorized("Required headers are missing.")),
        Some(host) if is_loopback_host(host) => Ok(()),
        Some(_) => Err(ServiceError::unauthorized(NOT_AUTHORIZED)),
    }
}

fn by_api_key(backend: &Backend, key: &str) -> Result<Caller, ServiceError> {
    if equal(key.as_bytes(), backend.sign_in.api_key.as_bytes()) {
        Ok(Caller { identity: Identity::ApiKey, admission: Admission::default() })
    } else {
        Err(ServiceError::unauthorized(NOT_AUTHORIZED))
    }
}

fn by_token(backend: &Backend, token: &str, path: ServedPath) -> Result<Caller, ServiceError> {
    let prefix = token.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("bearer "));
    let token = token[prefix.map_or(0, str::len)..].trim();
    let expired = || ServiceError::unauthorized("Token has expired.");
    if let Some(admission) = backend.access.admit_known(token) {
        if backend.faults.expires_token(path) {
            return Err(expired());
        }
        return Ok(Caller { identity: Identity::Token, admission });
    }
    // Two dots make it somebody's try at a token of a user pool.
    if !looks_like_jwt(token) && token.split('.').count() != 3 {
        return Err(ServiceError::unauthorized(NOT_AUTHORIZED));
    }
    match backend.sign_in.verify_jwt(token, now()) {
        Ok(_) if backend.faults.expires_token(path) => Err(expired()),
        Ok(user) => {
            let admission = Admission::of_user(user.clone());
            Ok(Caller { identity: Identity::User(user), admission })
        }
        Err(JwtError::Expired) => Err(expired()),
        Err(JwtError::Unreadable) => Err(ServiceError::unauthorized("Unable to parse JWT token.")),
        Err(JwtError::WrongSignature) => Err(ServiceError::unauthorized(NOT_AUTHORIZED)),
    }
}

fn by_signature(
    backend: &Backend,
    headers: &Headers,
    operation: &Operation<'_>,
) -> Result<Caller, ServiceError> {
    let now = Timestamp(now().0.saturating_add(backend.faults.clock_skew_ms(operation.path)));
    let verify = |headers: &Headers| {
        let request = SignedRequest {
            service: "appsync",
            method: "POST",
            path: operation.signed_path,
            query: "",
            headers: headers.all(),
            body: operation.body,
        };
        backend.sign_in.verify_headers(&request, now)
    };
    let verified = verify(headers).or_else(|error| {
        // The service has no port in its host, so there are clients that never sign one.
        match headers.without_port() {
            Some(portless) if matches!(error, SignatureError::Mismatch(_)) => {
                verify(&portless).map_err(|_| error)
            }
            Some(_) | None => Err(error),
        }
    });
    match verified {
        Ok(()) => Ok(Caller {
            identity: Identity::Iam { access_key_id: backend.sign_in.iam.id.clone() },
            admission: Admission::default(),
        }),
        Err(SignatureError::UnknownKey) => Err(ServiceError::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            403,
        )),
        Err(
            SignatureError::Incomplete(sentence)
            | SignatureError::OutOfTime(sentence)
            | SignatureError::Mismatch(sentence),
        ) => Err(ServiceError::bad_request(sentence)),
    }
}
