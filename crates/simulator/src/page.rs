//! What the page around a widget knows: who is signed in, and where their tokens come from.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use roomlet_client::{Credentials, Secret, SignInAnswer, WallClock};
use serde_json::{Value, json};

use crate::backend::EPOCH;

/// What AppSync clients show where nobody signs in.
pub(crate) const API_KEY: &str = "da2-simulator";

/// A token, as whoever has issued it knows it.
#[derive(Debug)]
struct Issued {
    person: String,
    /// In virtual time.
    expires_at: u64,
    is_revoked: bool,
}

/// Whoever signs people in.
#[derive(Debug, Default)]
pub(crate) struct Issuer {
    tokens: BTreeMap<String, Issued>,
}

impl Issuer {
    /// A new token, good for `life` milliseconds.
    pub(crate) fn issue(&mut self, person: &str, now: u64, life: u64) -> String {
        let seconds = (EPOCH + i64::try_from(now + life).unwrap_or(0)) / 1_000;
        let number = self.tokens.len();
        let token = [json!({"alg": "none"}), json!({"sub": person, "exp": seconds, "jti": number})];
        let token = token.map(|part: Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        let token = format!("{}.signature", token.join("."));
        let person = person.to_owned();
        let issued = Issued { person, expires_at: now + life, is_revoked: false };
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// Whose token it is, if it is good; an error if it was never issued.
    pub(crate) fn whose(&self, token: &str, now: u64) -> Result<Option<String>, String> {
        let issued = self.tokens.get(token).ok_or("a token is shown that was never issued")?;
        let is_good = issued.expires_at > now && !issued.is_revoked;
        Ok(is_good.then(|| issued.person.clone()))
    }

    /// Whether a token has come to the end of its life, and to no other.
    pub(crate) fn has_expired(&self, token: &str, now: u64) -> bool {
        self.tokens.get(token).is_some_and(|issued| issued.expires_at <= now && !issued.is_revoked)
    }

    /// A token is good no more.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(issued) = self.tokens.get_mut(token) {
            issued.is_revoked = true;
        }
    }

    /// All tokens are good no more.
    pub(crate) fn revoke_all(&mut self) {
        for issued in self.tokens.values_mut() {
            issued.is_revoked = true;
        }
    }
}

/// The page of one device.
#[derive(Debug)]
pub(crate) struct Page {
    /// What the issuer calls the person.
    pub(crate) person: String,
    pub(crate) is_signed_in: bool,
}

/// What the issuer calls a person.
pub(crate) fn name_of(person: usize) -> String {
    format!("user-{person}")
}

/// Whom the issuer calls so.
pub(crate) fn person_of(name: &str) -> Option<usize> {
    name.strip_prefix("user-")?.parse().ok()
}

/// A token as the page hands it over. The page may say until when it is good; the token does too.
pub(crate) fn handed_over(token: &str, expires_at: Option<i64>) -> Result<SignInAnswer, String> {
    let token = Secret::parse(token).map_err(|error| error.to_string())?;
    let expires_at = expires_at.map(WallClock);
    Ok(SignInAnswer::Credentials(Credentials::Token { token, expires_at }))
}
