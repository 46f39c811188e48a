//! The GraphQL product: two schemas, checked as an engine would, and what a mutation selects is what subscribers see.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::authorization::Caller;
use super::requests::{answer, later};
use super::{Appsync, Key, Origin, Payload, Send, error};
use crate::Dialect;
use crate::backend::{Stored, guest_id, is_unwelcome, iso};
use crate::exchange::{ExchangeId, Heard, Told};
use crate::network::Ground;
use crate::statistics::Counted;

const BASIC_FIELDS: [&str; 5] = ["id", "roomId", "sender", "content", "createdAt"];
const FULL_FIELDS: [&str; 3] = ["senderName", "senderKind", "clientMessageId"];
const MOST_MESSAGES: u64 = 100;

/// An operation, taken apart as far as it takes.
#[derive(Debug)]
struct Operation<'a> {
    arguments: BTreeSet<&'a str>,
    /// The fields of the innermost selection.
    fields: BTreeSet<&'a str>,
    variables: &'a Value,
}

impl<'a> Operation<'a> {
    /// Reads `keyword Name($a: T!) { field(a: $a) { … } }` and holds it against its variables.
    fn read(body: &'a Value, keyword: &str, field: &str) -> Result<Self, String> {
        let query = body["query"].as_str().ok_or("an operation has no query")?;
        let bad = || format!("{query:?} is no {keyword} of {field}");
        let rest = query.trim_start().strip_prefix(keyword).ok_or_else(bad)?;
        let (head, selection) = rest.split_once('{').ok_or_else(bad)?;
        let (_, declared) = head.split_once('(').ok_or_else(bad)?;
        let declared = declared.trim_end().strip_suffix(')').ok_or_else(bad)?;
        let (arguments, rest) = selection
            .trim_start()
            .strip_prefix(field)
            .and_then(|rest| rest.trim_start().strip_prefix('('))
            .and_then(|rest| rest.split_once(')'))
            .ok_or_else(bad)?;
        let variables = &body["variables"];
        let mut declared_names = BTreeSet::new();
        for one in declared.split(',') {
            let (name, kind) = one.split_once(':').ok_or_else(bad)?;
            let name = name.trim().strip_prefix('$').ok_or_else(bad)?;
            if kind.trim().ends_with('!') && variables[name].is_null() {
                return Err(format!("the variable {name} has no value"));
            }
            declared_names.insert(name);
        }
        let given = variables.as_object().ok_or("an operation has no variables")?;
        for (name, value) in given {
            if !declared_names.contains(name.as_str()) || value.is_null() {
                return Err(format!("the variable {name} is null, or not declared"));
            }
        }
        let mut names = BTreeSet::new();
        for one in arguments.split(',') {
            let (name, value) = one.split_once(':').ok_or_else(bad)?;
            let value = value.trim().strip_prefix('$').ok_or_else(bad)?;
            if !declared_names.contains(value) {
                return Err(format!("the variable {value} is used and not declared"));
            }
            names.insert(name.trim());
        }
        let innermost = rest.rfind('{').and_then(|start| rest.get(start + 1..)).ok_or_else(bad)?;
        let (fields, _) = innermost.split_once('}').ok_or_else(bad)?;
        Ok(Self { arguments: names, fields: fields.split_whitespace().collect(), variables })
    }

    fn variable(&self, name: &str) -> Option<&'a str> {
        self.variables[name].as_str()
    }

    /// The errors of an engine whose schema has only `arguments` and these fields.
    fn errors(&self, field: &str, arguments: &[&str], dialect: Dialect) -> Option<Value> {
        let is_full = dialect == Dialect::Graphql;
        let mut errors = Vec::new();
        for name in self.arguments.iter().filter(|name| !arguments.contains(name)) {
            errors.push(json!({"message": format!(
                "Validation error of type UnknownArgument: Unknown field argument {name} @ '{field}'"
            )}));
        }
        let is_known =
            |name: &str| BASIC_FIELDS.contains(&name) || (is_full && FULL_FIELDS.contains(&name));
        for name in self.fields.iter().filter(|name| !is_known(name)) {
            errors.push(json!({"message": format!(
                "Validation error of type FieldUndefined: Field '{name}' in type 'Message' is undefined @ '{field}/{name}'"
            )}));
        }
        (!errors.is_empty()).then_some(Value::Array(errors))
    }

    /// What a subscriber does not see unless the mutation selects it.
    fn selects_everything(&self, dialect: Dialect) -> bool {
        let full = FULL_FIELDS.iter().filter(|_| dialect == Dialect::Graphql);
        BASIC_FIELDS.iter().chain(full).all(|name| self.fields.contains(name))
    }
}

/// The room that a subscription is for; or the errors of one that the schema does not have.
pub(super) fn subscription(data: &str, dialect: Dialect) -> Result<Result<String, Value>, String> {
    let body = serde_json::from_str::<Value>(data).map_err(|_| "payload.data is no JSON")?;
    let operation = Operation::read(&body, "subscription", "onNewMessage")?;
    if let Some(errors) = operation.errors("onNewMessage", &["roomId"], dialect) {
        return Ok(Err(errors));
    }
    if !operation.selects_everything(dialect) {
        return Err("a subscription does not select all fields".into());
    }
    Ok(Ok(operation.variable("roomId").ok_or("a subscription names no room")?.to_owned()))
}

impl Appsync {
    /// Runs a mutation or a query.
    pub(super) fn executes(
        &mut self,
        ground: &mut Ground,
        exchange: ExchangeId,
        caller: &Caller,
        body: &Value,
    ) -> Result<(), String> {
        let query = body["query"].as_str().unwrap_or_default().trim_start();
        if query.starts_with("query") {
            return self.queries(ground, exchange, body);
        }
        let operation = Operation::read(body, "mutation", "sendMessage")?;
        let full = ["roomId", "content", "clientMessageId", "guestKey", "guestName"];
        let is_full = self.dialect == Dialect::Graphql;
        let arguments = if is_full { full.as_slice() } else { &["roomId", "content"] };
        if let Some(errors) = operation.errors("sendMessage", arguments, self.dialect) {
            let body = json!({"data": null, "errors": errors});
            answer(ground, exchange, 200, &body, Told::Other);
            return Ok(());
        }
        if !operation.selects_everything(self.dialect) {
            return Err("a mutation does not select what subscribers need".into());
        }
        let room = operation.variable("roomId").ok_or("a mutation names no room")?;
        let text = operation.variable("content").ok_or("a mutation has no content")?;
        if self.denies(room) {
            let errors =
                error("Unauthorized", "Not Authorized to access sendMessage on type Mutation");
            let body = json!({"data": {"sendMessage": null}, "errors": errors});
            answer(ground, exchange, 200, &body, Told::Other);
            return Ok(());
        }
        if is_unwelcome(text) {
            ground.statistics.count(Counted::RefusedForGood);
            let errors = error("Rudeness", "Nobody wants to read that");
            let body = json!({"data": {"sendMessage": null}, "errors": errors});
            answer(ground, exchange, 200, &body, Told::Other);
            return Ok(());
        }
        let mut message = self.message(ground, caller, room, text);
        if is_full {
            let id = operation.variable("clientMessageId").ok_or("a send is not idempotent")?;
            if id.len() < 32 {
                return Err("a clientMessageId has fewer than 128 bits".into());
            }
            message.client_message_id = Some(id.to_owned());
            match (self.signs_in(), operation.variable("guestKey")) {
                (false, Some(key)) => {
                    message.sender.id = guest_id(key);
                    message.sender.name = operation.variable("guestName").map(str::to_owned);
                }
                (true, None) => {}
                _ => return Err("a guest has a key, and nobody else".into()),
            }
        }
        self.begins(ground, Origin::Request(exchange), Send { message, raw: None });
        Ok(())
    }

    fn queries(
        &mut self,
        ground: &mut Ground,
        exchange: ExchangeId,
        body: &Value,
    ) -> Result<(), String> {
        if self.dialect != Dialect::Graphql {
            return Err("a schema without history is asked for it".into());
        }
        let operation = Operation::read(body, "query", "messages")?;
        let arguments = ["roomId", "before", "limit"];
        if operation.errors("messages", &arguments, self.dialect).is_some() {
            return Err("history is asked for with odd fields or arguments".into());
        }
        let room = operation.variable("roomId").ok_or("history names no room")?;
        if self.denies(room) {
            let errors = error("Unauthorized", "Not Authorized to access messages on type Query");
            let body = json!({"data": {"messages": null}, "errors": errors});
            answer(ground, exchange, 200, &body, Told::Other);
            return Ok(());
        }
        if ground.chance.percent(ground.faults.service.failing) {
            let body = json!({"errors": error("InternalFailure", "Something went wrong")});
            answer(ground, exchange, 500, &body, Told::Other);
            return Ok(());
        }
        let limit = operation.variables["limit"].as_u64().filter(|limit| *limit <= MOST_MESSAGES);
        let limit = usize::try_from(limit.ok_or("a page has a limit of at most 100")?);
        let before = operation.variable("before").map(|at| self.place_of(room, at)).transpose()?;
        let all = self.messages(room).filter(|one| {
            before.as_ref().is_none_or(|before| (one.created_at, &one.id) < (before.0, &before.1))
        });
        let all = all.collect::<Vec<_>>();
        let first = all.len().saturating_sub(limit.unwrap_or(1));
        let page = all.get(first..).unwrap_or_default();
        let next = page.first().filter(|_| first > 0);
        let next = next.map(|one| format!("cursor/{}/{}", one.created_at, one.id));
        let messages = page.iter().map(|one| json_of(one, self.dialect)).collect::<Vec<_>>();
        ground.statistics.count(Counted::HistoryPages);
        let page = json!({"messages": messages, "nextCursor": next});
        later(ground, exchange, 200, &json!({"data": {"messages": page}}), Told::Other);
        Ok(())
    }

    /// A cursor is one of ours, or the id of a message.
    fn place_of(&self, room: &str, text: &str) -> Result<Key, String> {
        let mut parts = text.splitn(3, '/');
        if let (Some("cursor"), Some(at), Some(id)) = (parts.next(), parts.next(), parts.next())
            && let Ok(at) = at.parse()
        {
            return Ok((at, id.to_owned()));
        }
        let found = self.messages(room).find(|message| message.id == text);
        let key = found.map(|message| (message.created_at, message.id.clone()));
        key.ok_or_else(|| format!("{text} is no cursor of ours"))
    }
}

/// A message as it goes to subscribers.
pub(super) fn payload(message: &Stored, dialect: Dialect) -> Payload {
    let heard = Heard {
        room: message.room.clone(),
        key: message.id.clone(),
        id: message.id.clone(),
        text: message.text.clone(),
        created_at: Some(message.created_at),
        device: message.device,
        is_notice: false,
    };
    Payload { json: json_of(message, dialect).to_string(), heard }
}

fn json_of(message: &Stored, dialect: Dialect) -> Value {
    let mut value = json!({
        "id": message.id, "roomId": message.room, "sender": message.sender.id,
        "content": message.text, "createdAt": iso(message.created_at),
    });
    if dialect == Dialect::Graphql {
        value["senderName"] = json!(message.sender.name);
        value["senderKind"] = json!(if message.sender.is_user { "user" } else { "guest" });
        value["clientMessageId"] = json!(message.client_message_id);
    }
    value
}

pub(super) fn data(id: &str, message: &str) -> Value {
    let message = serde_json::from_str::<Value>(message).unwrap_or_default();
    json!({"type": "data", "id": id, "payload": {"data": {"onNewMessage": message}}})
}

/// What a subscriber gets of a mutation that has not selected what it must.
pub(super) fn no_data(id: &str) -> Value {
    let message = "Cannot return null for non-nullable type: 'String' within parent 'Message'";
    let errors = json!([{"message": message, "path": ["onNewMessage", "content"]}]);
    json!({"type": "data", "id": id, "payload": {"data": {"onNewMessage": null}, "errors": errors}})
}

/// A mutation that has run may have errors in it all the same.
pub(super) fn sent(ground: &mut Ground, message: &str) -> Value {
    let message = serde_json::from_str::<Value>(message).unwrap_or_default();
    let mut body = json!({"data": {"sendMessage": message}});
    if ground.chance.percent(ground.faults.service.failing) {
        body["errors"] = json!([{"message": "A field is not at hand", "path": ["sendMessage"]}]);
    }
    body
}
