//! Validation with the words of the service, which are those of graphql-java. The engine validates
//! too; what it finds beyond this is told in its words.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, Directive, Field, FieldDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::{Pos, Positioned};
use async_graphql_value::Value;

use super::document::Document;

/// The fields of the types of a schema, by the names of both.
#[derive(Debug)]
pub(super) struct Types {
    objects: BTreeMap<String, BTreeMap<String, FieldDefinition>>,
    leaves: BTreeSet<String>,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValidationError {
    pub(super) message: String,
    pub(super) position: Option<Pos>,
}

impl Types {
    /// Those of a schema in the definition language.
    pub(super) fn of_schema(definition: &str) -> Self {
        let mut types = Self {
            objects: BTreeMap::new(),
            leaves: ["ID", "String", "Int", "Float", "Boolean"].map(str::to_owned).into(),
        };
        // The engine wrote the definition; were it not readable, it would know no field at all.
        let definitions = parse_schema(definition).map(|parsed| parsed.definitions);
        for definition in definitions.unwrap_or_default() {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter();
                    let fields = fields.map(|field| (field.node.name.node.to_string(), field.node));
                    types.objects.insert(name, fields.collect());
                }
                TypeKind::Scalar | TypeKind::Enum(_) => {
                    types.leaves.insert(name);
                }
                TypeKind::Interface(_) | TypeKind::Union(_) | TypeKind::InputObject(_) => {}
            }
        }
        types
    }

    /// What is wrong with a document and its variables; nothing, if it can be executed.
    pub(super) fn validate(&self, document: &Document) -> Vec<ValidationError> {
        let Some(operation) = document.operation() else {
            return Vec::new();
        };
        let mut walk = Walk {
            types: self,
            document,
            operation: &operation.node,
            used_variables: BTreeSet::new(),
            used_fragments: BTreeSet::new(),
            errors: Vec::new(),
        };
        walk.operation(operation.pos);
        let mut errors = walk.errors;
        if errors.is_empty() {
            errors = coerce_variables(&operation.node, document);
        }
        errors
    }
}

struct Walk<'a> {
    types: &'a Types,
    document: &'a Document,
    operation: &'a OperationDefinition,
    used_variables: BTreeSet<&'a str>,
    used_fragments: BTreeSet<&'a str>,
    errors: Vec<ValidationError>,
}

impl<'a> Walk<'a> {
    fn operation(&mut self, position: Pos) {
        for definition in &self.operation.variable_definitions {
            let name = base_name(&definition.node.var_type.node);
            if !self.types.leaves.contains(name) {
                self.add("UnknownType", format!("Unknown type {name}"), "", definition.pos);
            }
        }
        let root = match self.operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        self.selection_set(root, &self.operation.selection_set.node, &mut Vec::new());
        if self.operation.ty == OperationType::Subscription
            && self.document.action().split(' ').count() != 1
        {
            let sentence = "Subscription operation must have exactly one root field".to_owned();
            self.add("SubscriptionMultipleRootFields", sentence, "", position);
        }
        for definition in &self.operation.variable_definitions {
            let name = definition.node.name.node.as_str();
            if !self.used_variables.contains(name) {
                self.add("UnusedVariable", format!("Unused variable {name}"), "", definition.pos);
            }
        }
        let mut unused: Vec<(&str, Pos)> = self
            .document
            .query
            .fragments
            .iter()
            .map(|(name, fragment)| (name.as_str(), fragment.pos))
            .filter(|(name, _)| !self.used_fragments.contains(name))
            .collect();
        unused.sort_by_key(|(name, _)| *name);
        for (name, position) in unused {
            self.add("UnusedFragment", format!("Unused fragment {name}"), "", position);
        }
    }

    fn selection_set(
        &mut self,
        parent: &str,
        selection_set: &'a SelectionSet,
        path: &mut Vec<&'a str>,
    ) {
        for item in &selection_set.items {
            self.directives(item.node.directives(), path);
            match &item.node {
                Selection::Field(field) => self.field(parent, field, path),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    if self.fits(parent, on, item.pos, path) {
                        self.selection_set(parent, &fragment.node.selection_set.node, path);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.document.query.fragments.get(name) else {
                        let sentence = format!("Undefined fragment {name}");
                        self.add("UndefinedFragment", sentence, &path.join("/"), spread.pos);
                        continue;
                    };
                    // A fragment that was walked before has told what is wrong with it.
                    let fresh = self.used_fragments.insert(name);
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    if self.fits(parent, on, spread.pos, path) && fresh {
                        self.selection_set(parent, &fragment.node.selection_set.node, path);
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &str, field: &'a Positioned<Field>, path: &mut Vec<&'a str>) {
        let name = field.node.name.node.as_str();
        // What every type has, and what the engine knows better.
        if name.starts_with("__") {
            return self.arguments_beyond_schema(field);
        }
        path.push(name);
        let here = path.join("/");
        let types = self.types;
        let Some(definition) = types.objects.get(parent).and_then(|fields| fields.get(name)) else {
            let sentence = format!("Field '{name}' in type '{parent}' is undefined");
            self.add("FieldUndefined", sentence, &here, field.pos);
            path.pop();
            return;
        };
        self.arguments(field, definition, &here);
        let type_name = base_name(&definition.ty.node);
        let shown = &definition.ty.node;
        let selects = !field.node.selection_set.node.items.is_empty();
        if types.objects.contains_key(type_name) {
            if selects {
                self.selection_set(type_name, &field.node.selection_set.node, path);
            } else {
                let sentence =
                    format!("Sub selection required for type {type_name} of field {name}");
                self.add("SubSelectionRequired", sentence, &here, field.pos);
            }
        } else if selects {
            let sentence =
                format!("Sub selection not allowed on leaf type {shown} of field {name}");
            self.add("SubSelectionNotAllowed", sentence, &here, field.pos);
        }
        path.pop();
    }

    fn arguments(
        &mut self,
        field: &'a Positioned<Field>,
        definition: &'a FieldDefinition,
        here: &str,
    ) {
        for (name, value) in &field.node.arguments {
            let known = definition.arguments.iter().find(|known| known.node.name.node == name.node);
            match known {
                Some(known) => self.argument(&name.node, value, &known.node.ty.node, here),
                None => {
                    let sentence = format!("Unknown field argument {}", name.node);
                    self.add("UnknownArgument", sentence, here, name.pos);
                    self.use_variables(&value.node);
                }
            }
        }
        for known in &definition.arguments {
            let name = &known.node.name.node;
            let needed = !known.node.ty.node.nullable && known.node.default_value.is_none();
            if needed && field.node.get_argument(name).is_none() {
                let sentence = format!("Missing field argument {name}");
                self.add("MissingFieldArgument", sentence, here, field.pos);
            }
        }
    }

    fn argument(
        &mut self,
        name: &str,
        value: &'a Positioned<Value>,
        expected: &'a Type,
        here: &str,
    ) {
        match &value.node {
            Value::Variable(variable) => {
                self.variable(variable.as_str(), expected, value.pos, here);
            }
            Value::Null if !expected.nullable => {
                let sentence =
                    format!("argument '{name}' with value 'NullValue{{}}' must not be null");
                self.add("WrongType", sentence, here, value.pos);
            }
            literal => {
                if let Some(shown) = misfit(literal, base_name(expected)) {
                    let type_name = base_name(expected);
                    let sentence = format!(
                        "argument '{name}' with value '{shown}' is not a valid '{type_name}'"
                    );
                    self.add("WrongType", sentence, here, value.pos);
                }
            }
        }
    }

    fn variable(&mut self, name: &'a str, expected: &Type, position: Pos, here: &str) {
        self.used_variables.insert(name);
        let Some(definition) = self.definition(name) else {
            return self.add(
                "UndefinedVariable",
                format!("Undefined variable {name}"),
                here,
                position,
            );
        };
        let given = &definition.var_type.node;
        let may_be_null = given.nullable && definition.default_value.is_none();
        if given.base != expected.base || (may_be_null && !expected.nullable) {
            let sentence =
                format!("Variable type '{given}' doesn't match expected type '{expected}'");
            self.add("VariableTypeMismatch", sentence, here, position);
        }
    }

    fn definition(&self, name: &str) -> Option<&'a VariableDefinition> {
        let definitions = &self.operation.variable_definitions;
        let found = definitions.iter().find(|definition| definition.node.name.node == name);
        found.map(|definition| &definition.node)
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>], path: &[&str]) {
        for directive in directives {
            if !matches!(directive.node.name.node.as_str(), "include" | "skip") {
                let sentence = format!("Unknown directive {}", directive.node.name.node);
                self.add("UnknownDirective", sentence, &path.join("/"), directive.pos);
            }
            for (_, value) in &directive.node.arguments {
                self.use_variables(&value.node);
            }
        }
    }

    fn arguments_beyond_schema(&mut self, field: &'a Positioned<Field>) {
        for (_, value) in &field.node.arguments {
            self.use_variables(&value.node);
        }
    }

    fn use_variables(&mut self, value: &'a Value) {
        match value {
            Value::Variable(name) => {
                self.used_variables.insert(name.as_str());
            }
            Value::List(values) => values.iter().for_each(|value| self.use_variables(value)),
            Value::Object(fields) => {
                fields.values().for_each(|value| self.use_variables(value));
            }
            _ => {}
        }
    }

    fn fits(&mut self, parent: &str, on: &str, position: Pos, path: &[&str]) -> bool {
        let here = path.join("/");
        if !self.types.objects.contains_key(on) {
            self.add("UnknownType", format!("Unknown type {on}"), &here, position);
            return false;
        }
        if on != parent {
            let sentence = format!(
                "Fragment cannot be spread here as objects of type {parent} can never be of type \
                 {on}"
            );
            self.add("InvalidFragmentType", sentence, &here, position);
            return false;
        }
        true
    }

    fn add(&mut self, kind: &str, sentence: String, here: &str, position: Pos) {
        let at = if here.is_empty() { String::new() } else { format!(" @ '{here}'") };
        let message = format!("Validation error of type {kind}: {sentence}{at}");
        self.errors.push(ValidationError { message, position: Some(position) });
    }
}

/// What is wrong with the values of the variables.
fn coerce_variables(operation: &OperationDefinition, document: &Document) -> Vec<ValidationError> {
    let mut errors = Vec::new();
    for definition in &operation.variable_definitions {
        let name = definition.node.name.node.as_str();
        let expected = &definition.node.var_type.node;
        let value = document.variables.get(name);
        let message = match value {
            None if definition.node.default_value.is_some() => continue,
            None | Some(serde_json::Value::Null) if expected.nullable => continue,
            None | Some(serde_json::Value::Null) => {
                format!("Variable '{name}' has coerced Null value for NonNull type '{expected}'")
            }
            Some(value) if is_a(value, base_name(expected)) => continue,
            Some(_) => format!("Variable '{name}' has an invalid value for type '{expected}'"),
        };
        errors.push(ValidationError { message, position: Some(definition.pos) });
    }
    errors
}

fn base_name(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => base_name(inner),
    }
}

fn is_a(value: &serde_json::Value, type_name: &str) -> bool {
    match type_name {
        "ID" => value.is_string() || value.is_i64() || value.is_u64(),
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        _ => value.is_string(),
    }
}

/// A literal that is none of a type, as graphql-java shows it.
fn misfit(literal: &Value, type_name: &str) -> Option<String> {
    let fits = match (literal, type_name) {
        (Value::Null, _) | (Value::String(_), "ID" | "String" | "AWSDateTime") => true,
        (Value::Number(number), "ID") => number.is_i64() || number.is_u64(),
        (Value::Number(number), "Int") => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        (Value::Number(_), "Float") | (Value::Boolean(_), "Boolean") => true,
        _ => false,
    };
    if fits {
        return None;
    }
    Some(match literal {
        Value::String(text) => format!("StringValue{{value='{text}'}}"),
        Value::Number(number) if number.is_f64() => format!("FloatValue{{value={number}}}"),
        Value::Number(number) => format!("IntValue{{value={number}}}"),
        Value::Boolean(truth) => format!("BooleanValue{{value={truth}}}"),
        Value::Enum(name) => format!("EnumValue{{name='{name}'}}"),
        Value::List(_) => "ArrayValue{}".to_owned(),
        _ => "ObjectValue{}".to_owned(),
    })
}
