//! JSON objects from outside, whose fields nobody promised: one of another type than expected counts as absent.

use serde_json::{Map, Value};

/// An object that is taken apart field by field.
#[derive(Debug, Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// Reads an object; of two fields of one name the last counts. `None` for any other JSON, and for none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The object that a value is.
    pub(crate) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    /// Takes a field out, whatever it is. Null counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take).filter(|value| !value.is_null())
    }

    /// Takes any field out.
    pub(crate) fn take_any(self) -> Option<Value> {
        self.0.into_iter().next().map(|(_, value)| value)
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that is not empty.
    pub(crate) fn word(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        self.take(name).as_ref().and_then(Value::as_u64)
    }

    pub(crate) fn integer(&mut self, name: &str) -> Option<i64> {
        self.take(name).as_ref().and_then(Value::as_i64)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name).as_ref().and_then(Value::as_bool)
    }

    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name) {
            Some(Value::Array(values)) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Option<Self> {
        self.take(name).and_then(Self::of)
    }
}
