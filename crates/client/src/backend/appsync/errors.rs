//! AppSync's errors: many names, few reactions (AppSync developer guide, "Building a real-time WebSocket client";
//! Event API guide, "WebSocket protocol").

use serde_json::Value;

use crate::auth::{server_time_of_date, server_time_of_error};
use crate::time::WallClock;

/// What an error comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The credentials are refused or have expired.
    Credentials,
    /// The signature is wrong, perhaps because the clock is.
    Signature { server: Option<WallClock> },
    /// This person may not do that.
    Denied,
    /// The schema has no such field or argument.
    UnknownField,
    /// Too much, too fast.
    Throttled,
    /// The same id with other content.
    Conflict,
    /// Longer than the service takes.
    TooLarge,
    /// The id is in use on this connection.
    DuplicateId,
    /// There is no such API.
    NoSuchApi,
    /// There is no such namespace.
    NoSuchNamespace,
    /// The backend failed, or did not answer; nothing says that it will again.
    Backend,
    /// An error in words that are not the service's: the API's own code has refused, or failed.
    Unexplained,
    /// The page's policy does not let us out.
    BlockedByPage,
    /// It cannot read what we say: saying it again is of no use.
    Malformed,
}

impl Trouble {
    /// Whether the same may go well with other credentials, where there are any, or by another clock.
    pub(crate) fn can_be_helped(self, renewable: bool) -> bool {
        match self {
            Self::Credentials => renewable,
            Self::Signature { server } => server.is_some(),
            _ => false,
        }
    }

    /// The same, with the time of the answer where the error does not say what time it is.
    pub(crate) fn at(self, date: Option<&str>) -> Self {
        match self {
            Self::Signature { server: None } => {
                Self::Signature { server: date.and_then(server_time_of_date) }
            }
            trouble => trouble,
        }
    }
}

/// One error as the wire has it. Anything may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WireError {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) code: Option<u64>,
}

/// Errors: an array, a single object, or nothing readable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WireErrors(pub(crate) Vec<WireError>);

impl WireErrors {
    /// Reads what stands where errors are expected.
    pub(crate) fn read(value: Option<Value>) -> Self {
        match value {
            Some(Value::Array(errors)) => Self(errors.iter().map(WireError::read).collect()),
            None | Some(Value::Null) => Self::default(),
            Some(error) => Self(vec![WireError::read(&error)]),
        }
    }
}

impl WireError {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = value.get("errorCode").or_else(|| value.get("code"));
        Self {
            kind: text("errorType").or_else(|| text("code")).unwrap_or_default(),
            message: text("message")
                .or_else(|| value.as_str().map(str::to_owned))
                .unwrap_or_default(),
            code: code.and_then(Value::as_u64),
        }
    }

    fn trouble(&self) -> Trouble {
        // Some come with a prefix: com.amazonaws.deepdish.graphql.auth#UnauthorizedException
        let kind = self.kind.rsplit('#').next().unwrap_or_default();
        let server = server_time_of_error(&self.message);
        match kind {
            "UnauthorizedException" | "ExpiredTokenException" | "UnrecognizedClientException" => {
                Trouble::Credentials
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" => Trouble::Signature { server },
            "BadRequestException" if server.is_some() || speaks_of_signature(&self.message) => {
                Trouble::Signature { server }
            }
            "Unauthorized" | "AccessDeniedException" => Trouble::Denied,
            "LimitExceededError"
            | "LimitExceededException"
            | "ThrottlingException"
            | "MaxSubscriptionsReachedError"
            | "MaxSubscriptionsReachedException" => Trouble::Throttled,
            "InternalFailure"
            | "InternalFailureException"
            | "InternalServerError"
            | "InternalServerException"
            | "InternalError"
            | "ServiceUnavailableException" => Trouble::Backend,
            "Conflict" | "conflict" => Trouble::Conflict,
            "EventTooLargeException" | "PayloadTooLargeException" => Trouble::TooLarge,
            "DuplicatedOperationError" => Trouble::DuplicateId,
            "HttpNotFoundException" => Trouble::NoSuchApi,
            "ResourceNotFound" | "ResourceNotFoundException" => Trouble::NoSuchNamespace,
            "BadRequestException"
            | "MalformedHttpRequestException"
            | "UnsupportedOperation"
            | "InvalidInputError"
            | "NoProtocolError"
            | "ValidationException" => Trouble::Malformed,
            _ if self.message.contains("Token has expired") => Trouble::Credentials,
            _ if self.message.starts_with("Not Authorized to access") => Trouble::Denied,
            _ if self.message.to_ascii_lowercase().contains("duplicate") => Trouble::DuplicateId,
            // In `failed` the service's code may be a number, with its name in the message.
            _ if self.message.contains("EventTooLargeException") => Trouble::TooLarge,
            _ if is_unknown_field(&self.message) => Trouble::UnknownField,
            _ if self.message.starts_with("Validation error")
                || self.message.contains("has coerced Null value") =>
            {
                Trouble::Malformed
            }
            _ => match self.code {
                Some(401) => Trouble::Credentials,
                Some(403) => Trouble::Denied,
                Some(404) => Trouble::NoSuchApi,
                Some(409) => Trouble::Conflict,
                Some(413) => Trouble::TooLarge,
                Some(429) => Trouble::Throttled,
                Some(400) => Trouble::Malformed,
                Some(500..) => Trouble::Backend,
                _ => Trouble::Unexplained,
            },
        }
    }
}

impl WireErrors {
    /// What they come to. Who one is comes before what one asks for: behind an expired token any other error may
    /// be a consequence.
    pub(crate) fn trouble(&self) -> Trouble {
        let troubles = self.0.iter().map(WireError::trouble).collect::<Vec<_>>();
        let find = |is_it: fn(&Trouble) -> bool| troubles.iter().copied().find(is_it);
        find(|trouble| matches!(trouble, Trouble::Credentials | Trouble::Signature { .. }))
            .or_else(|| find(|trouble| *trouble != Trouble::Unexplained))
            .or_else(|| troubles.first().copied())
            .unwrap_or(Trouble::Backend)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What an HTTP answer comes to that is no success.
pub(crate) fn of_answer(status: u16, errors: &WireErrors) -> Trouble {
    match (status, errors.is_empty()) {
        (413, _) => Trouble::TooLarge,
        (429, _) => Trouble::Throttled,
        (500.., _) => Trouble::Backend,
        (_, false) => match errors.trouble() {
            // A handler's refusal of an event; the service words it as it likes.
            Trouble::Unexplained if status == 403 => Trouble::Denied,
            Trouble::Unexplained if status == 401 => Trouble::Credentials,
            Trouble::Unexplained if status >= 400 => Trouble::Malformed,
            trouble => trouble,
        },
        (401, true) => Trouble::Credentials,
        (403, true) => Trouble::Denied,
        (404, true) => Trouble::NoSuchApi,
        (400.., true) => Trouble::Malformed,
        (_, true) => Trouble::Backend,
    }
}

fn speaks_of_signature(message: &str) -> bool {
    message.to_ascii_lowercase().contains("signature")
}

/// The service's words ("Validation error of type FieldUndefined"), and those of common GraphQL engines.
fn is_unknown_field(message: &str) -> bool {
    ["FieldUndefined", "UnknownArgument", "Cannot query field", "Unknown field", "Unknown argument"]
        .iter()
        .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(errors: &str) -> Trouble {
        WireErrors::read(serde_json::from_str(errors).ok()).trouble()
    }

    #[test]
    fn the_service_has_many_names_for_few_reactions() {
        for (errors, expected) in [
            (
                r#"[{"errorType":"com.amazonaws.deepdish.graphql.auth#UnauthorizedException","message":"Token has expired.","errorCode":401}]"#,
                Trouble::Credentials,
            ),
            (
                r#"[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call."}]"#,
                Trouble::Credentials,
            ),
            (
                r#"{"errorType":"Unauthorized","message":"Not Authorized to access onNewMessage on type Subscription"}"#,
                Trouble::Denied,
            ),
            (
                r#"[{"message":"Not Authorized to access sendMessage on type Mutation"}]"#,
                Trouble::Denied,
            ),
            (
                r#"[{"message":"Validation error of type FieldUndefined: Field 'senderName' in type 'Message' is undefined @ 'onNewMessage/senderName'"}]"#,
                Trouble::UnknownField,
            ),
            (
                r#"[{"message":"Validation error of type UnknownArgument: Unknown field argument clientMessageId @ 'sendMessage'"}]"#,
                Trouble::UnknownField,
            ),
            (
                r#"[{"message":"Cannot query field \"senderName\" on type \"Message\"."}]"#,
                Trouble::UnknownField,
            ),
            (
                r#"[{"message":"Variable 'roomId' has coerced Null value for NonNull type 'ID!'"}]"#,
                Trouble::Malformed,
            ),
            (
                r#"[{"errorType":"MaxSubscriptionsReachedError","message":"Max number of 100 subscriptions reached"}]"#,
                Trouble::Throttled,
            ),
            (
                r#"[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]"#,
                Trouble::Throttled,
            ),
            (
                r#"[{"errorType":"com.amazon.coral.service.http#HttpNotFoundException","message":""}]"#,
                Trouble::NoSuchApi,
            ),
            (
                r#"[{"errorType":"BadRequestException","message":"Signature expired: 20250102T030405Z is now earlier than 20250102T031000Z (20250102T031500Z - 5 min.)"}]"#,
                Trouble::Signature { server: Some(WallClock(1_735_787_700_000)) },
            ),
            (
                r#"[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]"#,
                Trouble::Malformed,
            ),
            (
                r#"[{"errorType":"SubscriptionProcessingError","message":"x"}]"#,
                Trouble::Unexplained,
            ),
            (r#"[{"index":0,"code":409,"message":"Conflict"}]"#, Trouble::Conflict),
            (r#"[{"index":0,"code":400,"message":"EventTooLargeException"}]"#, Trouble::TooLarge),
            (r#"[{"index":0,"code":413,"message":""}]"#, Trouble::TooLarge),
            ("[]", Trouble::Backend),
            ("null", Trouble::Backend),
            ("[5]", Trouble::Unexplained),
            (r#""Token has expired.""#, Trouble::Credentials),
        ] {
            assert_eq!(trouble(errors), expected, "{errors}");
        }
    }

    #[test]
    fn an_expired_token_that_looks_like_a_schema_error_is_an_expired_token() {
        let one = r#"[{"errorType":"UnauthorizedException","message":"Validation error of type FieldUndefined: Field 'clientMessageId' is undefined. Token has expired."}]"#;
        assert_eq!(trouble(one), Trouble::Credentials);
        let two = r#"[{"message":"Validation error of type FieldUndefined: Field 'clientMessageId' is undefined"},{"errorType":"UnauthorizedException","message":"Token has expired."}]"#;
        assert_eq!(trouble(two), Trouble::Credentials);
        let bare = r#"[{"message":"Cannot query field clientMessageId: Token has expired."}]"#;
        assert_eq!(trouble(bare), Trouble::Credentials);
    }

    #[test]
    fn a_status_decides_where_the_errors_do_not() {
        let none = WireErrors::default();
        for (status, expected) in [
            (200, Trouble::Backend),
            (400, Trouble::Malformed),
            (401, Trouble::Credentials),
            (403, Trouble::Denied),
            (404, Trouble::NoSuchApi),
            (413, Trouble::TooLarge),
            (429, Trouble::Throttled),
            (500, Trouble::Backend),
            (503, Trouble::Backend),
        ] {
            assert_eq!(of_answer(status, &none), expected, "{status}");
        }
    }
}
