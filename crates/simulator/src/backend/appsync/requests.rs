//! Requests, and what a sender is told.

use roomlet_client::HttpAnswer;
use serde_json::{Value, json};

use super::realtime::say;
use super::{Appsync, Origin, Payload, error, events, graphql};
use crate::conversation::Said;
use crate::exchange::{ExchangeId, Told};
use crate::network::Ground;
use crate::schedule::Happening;
use crate::statistics::Counted;

impl Appsync {
    pub(crate) fn requested(
        &mut self,
        ground: &mut Ground,
        exchange: ExchangeId,
        device: usize,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<(), String> {
        let body = serde_json::from_str::<Value>(body).map_err(|_| "a request is no JSON")?;
        let caller = self.caller_of_headers(ground, device, headers)?;
        let origin = Origin::Request(exchange);
        if ground.chance.percent(ground.faults.service.throttled) {
            ground.statistics.count(Counted::Throttled);
            let status = if ground.chance.percent(50) { 429 } else { 503 };
            if status == 429 {
                let errors = json!({"errors": error("ThrottlingException", "Slow down")});
                answer(ground, exchange, status, &errors, Told::Other);
                return Ok(());
            }
            // A load balancer's own page: nothing has run.
            let told = Told::Other;
            answer(ground, exchange, status, &json!("<html>Not now</html>"), told);
            return Ok(());
        }
        if self.dialect.is_events() {
            return self.published(ground, origin, caller, &body);
        }
        let Some(caller) = caller else {
            let message = "You are not authorized to make this call.";
            let errors = json!({"errors": error("UnauthorizedException", message)});
            answer(ground, exchange, 401, &errors, Told::Other);
            return Ok(());
        };
        self.executes(ground, exchange, &caller, &body)
    }

    /// The sender is told that it is done.
    pub(super) fn reports_success(&self, ground: &mut Ground, origin: &Origin, payload: Payload) {
        let heard = payload.heard;
        match origin {
            Origin::Nobody => {}
            Origin::Request(exchange) if self.dialect.is_graphql() => {
                let body = graphql::sent(ground, &payload.json);
                later(ground, *exchange, 200, &body, Told::Sent(heard));
            }
            Origin::Request(exchange) => {
                let body = events::successful(ground);
                later(ground, *exchange, 200, &body, Told::Sent(heard));
            }
            Origin::Frame { socket, id } => {
                let mut frame = events::successful(ground);
                (frame["type"], frame["id"]) = (json!("publish_success"), json!(id));
                let said = Said::Published { id: id.clone(), heard };
                let pause = ground.chance.between(0, ground.faults.reorder);
                let text = frame.to_string();
                let meaning = crate::network::Meaning::Said(said);
                let frame = crate::network::Frame { text, meaning };
                ground.schedule.after(pause, Happening::Posts { socket: *socket, frame });
            }
        }
    }

    /// The sender is told that something went wrong; what was done was done.
    pub(super) fn reports_failure(&self, ground: &mut Ground, origin: &Origin) {
        ground.statistics.count(Counted::Failures);
        match origin {
            Origin::Nobody => {}
            Origin::Request(exchange) => {
                let body = json!({"errors": error("InternalFailure", "Something went wrong")});
                later(ground, *exchange, 500, &body, Told::Other);
            }
            Origin::Frame { .. } => {
                let errors = error("MessageProcessingError", "Something went wrong");
                self.refuses_publish(ground, origin, 500, &errors);
            }
        }
    }

    /// The id of a send is another message's.
    pub(super) fn reports_conflict(&self, ground: &mut Ground, origin: &Origin) {
        let errors = error("Conflict", "The id is another message's");
        match origin {
            Origin::Request(exchange) if self.dialect.is_graphql() => {
                let body = json!({"data": {"sendMessage": null}, "errors": errors});
                later(ground, *exchange, 200, &body, Told::Other);
            }
            _ => self.refuses_publish(ground, origin, 400, &errors),
        }
    }

    /// A publish is refused, by the way that it came.
    pub(super) fn refuses_publish(
        &self,
        ground: &mut Ground,
        origin: &Origin,
        status: u16,
        errors: &Value,
    ) {
        match origin {
            Origin::Nobody => {}
            Origin::Request(exchange) => {
                answer(ground, *exchange, status, &json!({"errors": errors}), Told::Other);
            }
            Origin::Frame { socket, id } => {
                let frame = json!({"type": "publish_error", "id": id, "errors": errors});
                say(ground, *socket, &frame, Said::PublishRefused { id: id.clone() });
            }
        }
    }
}

/// Answers at once.
pub(super) fn answer(
    ground: &mut Ground,
    exchange: ExchangeId,
    status: u16,
    body: &Value,
    told: Told,
) {
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let answer = HttpAnswer { status, body, date: None };
    ground.schedule.after(0, Happening::Answers { exchange, answer, told });
}

/// Answers some time after the broadcast, or before it arrives.
pub(super) fn later(
    ground: &mut Ground,
    exchange: ExchangeId,
    status: u16,
    body: &Value,
    told: Told,
) {
    let pause = ground.chance.between(0, ground.faults.reorder);
    let answer = HttpAnswer { status, body: body.to_string(), date: None };
    ground.schedule.after(pause, Happening::Answers { exchange, answer, told });
}
