//! Who asks: an API key, or a token that may have expired.

use serde_json::Value;

use super::Appsync;
use crate::backend::full::Sender;
use crate::backend::guest_id;
use crate::network::Ground;
use crate::page::{API_KEY, person_of};
use crate::statistics::Counted;

/// The host of the HTTP address, which every auth object of a WebSocket names.
pub(crate) const HOST: &str = "abcdefghijklmnopqrstuvwxyz.appsync-api.eu-central-1.amazonaws.com";

/// Whoever asks for something.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) device: usize,
    pub(super) sender: Sender,
}

impl Appsync {
    /// The caller of an auth object of the WebSocket; `None` if the service does not know them (any more).
    pub(super) fn caller_of_object(
        &mut self,
        ground: &mut Ground,
        device: usize,
        authorization: &Value,
    ) -> Result<Option<Caller>, String> {
        let fields = authorization.as_object().ok_or("an auth object is none")?;
        if fields.len() != 2 || authorization["host"] != HOST {
            return Err("an auth object is not the HTTP host and one credential".into());
        }
        let field = |name: &str| authorization[name].as_str();
        self.caller(ground, device, field("x-api-key"), field("Authorization"))
    }

    /// The caller of a request.
    pub(super) fn caller_of_headers(
        &mut self,
        ground: &mut Ground,
        device: usize,
        headers: &[(String, String)],
    ) -> Result<Option<Caller>, String> {
        let header = |name: &str| {
            let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        if header("content-type").is_none_or(|kind| !kind.starts_with("application/json")) {
            return Err("a request does not say that it is JSON".into());
        }
        self.caller(ground, device, header("x-api-key"), header("authorization"))
    }

    fn caller(
        &mut self,
        ground: &mut Ground,
        device: usize,
        key: Option<&str>,
        token: Option<&str>,
    ) -> Result<Option<Caller>, String> {
        match (self.signs_in, key, token) {
            (false, Some(API_KEY), None) => {
                let id = guest_id(&format!("nobody {device}"));
                let sender = Sender { id, name: None, is_user: false };
                Ok(Some(Caller { device, sender }))
            }
            (true, None, Some(token)) => {
                if ground.chance.percent(ground.faults.service.refused_token) {
                    self.issuer.revoke(token);
                }
                if self.issuer.has_expired(token, ground.schedule.now()) {
                    ground.statistics.count(Counted::ExpiredTokens);
                }
                let Some(id) = self.issuer.whose(token, ground.schedule.now())? else {
                    ground.statistics.count(Counted::RefusedTokens);
                    return Ok(None);
                };
                // Whoever the token says, and not who has the browser.
                let device = person_of(&id).unwrap_or(device);
                let sender = Sender { id, name: None, is_user: true };
                Ok(Some(Caller { device, sender }))
            }
            _ => Err("something is asked without the credentials that it needs".into()),
        }
    }
}
