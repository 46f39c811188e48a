//! What a JSON Web Token says (RFC 7519). It is not verified: that is the backend's part, and whatever the client
//! concludes from it is for display and for renewal only.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use crate::time::WallClock;

/// The claims of a token.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Reads the claims of a signed token, with or without `Bearer ` in front; `None` of anything else.
    pub(super) fn read(token: &str) -> Option<Self> {
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let json = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// `exp`: seconds since 1970, possibly with a fraction.
    pub(super) fn expires_at(&self) -> Option<WallClock> {
        let seconds = self.0.get("exp")?.as_f64()?;
        // A cast of a float saturates, so an absurd time is merely far away.
        Some(WallClock((seconds * 1_000.0) as i64))
    }

    pub(super) fn subject(&self) -> Option<String> {
        self.text("sub")
    }

    pub(super) fn name(&self) -> Option<String> {
        ["name", "preferred_username", "cognito:username"].iter().find_map(|claim| self.text(claim))
    }

    fn text(&self, claim: &str) -> Option<String> {
        let text = self.0.get(claim)?.as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }
}
