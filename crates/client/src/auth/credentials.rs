//! What the page hands over.

use super::jwt::Claims;
use super::secret::{AccessKeyId, Secret};
use crate::time::WallClock;

/// What the page hands over. Printing it shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A token: a JWT, or anything that an authorizer understands.
    Token {
        /// The token, with `Bearer ` in front only if the backend wants it so.
        token: Secret,
        /// Until when it is good, if the page knows.
        expires_at: Option<WallClock>,
    },
    /// AWS credentials, as from a Cognito identity pool.
    Aws {
        /// The access key id.
        access_key_id: AccessKeyId,
        /// The secret access key.
        secret_access_key: Secret,
        /// The session token of temporary credentials.
        session_token: Option<Secret>,
        /// Until when they are good, if the page knows.
        expires_at: Option<WallClock>,
    },
}

impl Credentials {
    /// Until when they are good: as the page said, else as a JWT says of itself.
    pub fn expires_at(&self) -> Option<WallClock> {
        match self {
            Self::Token { expires_at: Some(time), .. } => Some(*time),
            Self::Token { expires_at: None, .. } => self.claims()?.expires_at(),
            Self::Aws { expires_at, .. } => *expires_at,
        }
    }

    /// Whom a JWT speaks of: the sender id of this person's messages.
    pub(crate) fn subject(&self) -> Option<String> {
        self.claims()?.subject()
    }

    /// What a JWT calls this person.
    pub(crate) fn name(&self) -> Option<String> {
        self.claims()?.name()
    }

    fn claims(&self) -> Option<Claims> {
        match self {
            Self::Token { token, .. } => Claims::read(token.expose()),
            Self::Aws { .. } => None,
        }
    }
}
