//! Errors as AppSync words them.

use std::borrow::Cow;

use serde::Serialize;

/// An error of the service, on a socket or in an HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceError {
    /// As in `UnauthorizedException`.
    pub(crate) error_type: Cow<'static, str>,
    /// The service's sentence.
    pub(crate) message: Cow<'static, str>,
    /// The HTTP status that belongs to it.
    pub(crate) status: u16,
}

impl ServiceError {
    pub(crate) fn new(
        error_type: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        status: u16,
    ) -> Self {
        Self { error_type: error_type.into(), message: message.into(), status }
    }

    /// Whoever this is, or is not, may not come in.
    pub(crate) fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("UnauthorizedException", message, 401)
    }

    /// What came cannot be read.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("BadRequestException", message, 400)
    }

    /// A rate of the service was exceeded.
    pub(crate) fn limit_exceeded() -> Self {
        Self::new("LimitExceededError", "Rate limit exceeded", 429)
    }

    /// Something failed on this side.
    pub(crate) fn internal() -> Self {
        Self::new("InternalFailure", "An internal failure occurred. Try again.", 500)
    }

    /// A frame of no use on a socket.
    pub(crate) fn unsupported(operation: &str) -> Self {
        let sentence = format!("{operation} not supported through the realtime channel");
        Self::new("UnsupportedOperation", sentence, 400)
    }

    /// The element of an `errors` array.
    pub(crate) fn entry(&self) -> ErrorEntry<'_> {
        ErrorEntry { error_type: &self.error_type, message: &self.message, error_code: None }
    }

    /// The same with `errorCode`, as in a `connection_error`.
    pub(crate) fn entry_with_code(&self) -> ErrorEntry<'_> {
        ErrorEntry { error_code: Some(self.status), ..self.entry() }
    }
}

/// An element of an `errors` array.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorEntry<'a> {
    error_type: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u16>,
}
