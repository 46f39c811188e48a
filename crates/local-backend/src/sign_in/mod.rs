//! Who somebody is: API keys, JSON Web Tokens and AWS signatures, judged by secrets of this server.

mod jwt;
mod signature;

pub(crate) use jwt::{JwtError, User, looks_like_jwt};
pub(crate) use signature::{SignatureError, SignedRequest};

use std::fmt;

use crate::rooms::Timestamp;

/// The access key that a client signs with.
#[derive(Clone)]
pub(crate) struct IamKey {
    /// The access key id.
    pub(crate) id: String,
    /// The secret access key.
    pub(crate) secret: String,
}

/// The secrets that sign-ins are judged by.
#[derive(Clone)]
pub(crate) struct SignIn {
    /// What AppSync clients send as `x-api-key`.
    pub(crate) api_key: String,
    /// What JSON Web Tokens are signed with (HS256).
    pub(crate) jwt_secret: String,
    /// What requests are signed with (Signature Version 4).
    pub(crate) iam: IamKey,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignIn(…)")
    }
}

impl SignIn {
    /// Judges a JSON Web Token.
    pub(crate) fn verify_jwt(&self, token: &str, now: Timestamp) -> Result<User, JwtError> {
        jwt::verify(token, self.jwt_secret.as_bytes(), now)
    }

    /// Judges a request that is signed in its headers.
    pub(crate) fn verify_headers(
        &self,
        request: &SignedRequest<'_>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        signature::verify_headers(request, &self.iam, now)
    }

    /// Judges a request that is signed in its query.
    pub(crate) fn verify_query(
        &self,
        request: &SignedRequest<'_>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        signature::verify_query(request, &self.iam, now)
    }
}

/// Compares secrets in a time that does not tell how much of them is equal.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |unequal, (left, right)| unequal | (left ^ right)) == 0
}
