//! Parts of the browser that are otherwise for the length of a test.

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// The value of a JavaScript expression.
pub fn evaluate(expression: &str) -> JsValue {
    Function::new_no_args(&format!("return {expression}")).call0(&JsValue::UNDEFINED).unwrap()
}

/// A property of some object of the browser; dropping this puts it back.
pub struct Overridden {
    target: Object,
    name: &'static str,
    before: JsValue,
}

impl Overridden {
    /// `descriptor` is what `Object.defineProperty` takes; the property it describes stays configurable.
    pub fn new(target: &str, name: &'static str, descriptor: &str) -> Self {
        let target = evaluate(target).unchecked_into::<Object>();
        let before = Object::get_own_property_descriptor(&target, &name.into());
        let descriptor = evaluate(&format!("({{configurable: true, ...{descriptor}}})"));
        Object::define_property(&target, &name.into(), descriptor.unchecked_ref());
        Self { target, name, before }
    }

    /// A method of a prototype.
    pub fn method(prototype: &str, name: &'static str, function: &str) -> Self {
        Self::new(prototype, name, &format!("{{writable: true, value: {function}}}"))
    }

    /// The browser has no Web Locks, as on an insecure origin.
    pub fn without_locks() -> Self {
        Self::new("navigator", "locks", "{value: undefined}")
    }

    /// The page may not use the database, as in some private modes.
    pub fn without_database() -> Self {
        Self::new(
            "window",
            "indexedDB",
            "{get() { throw new DOMException('no', 'SecurityError'); }}",
        )
    }

    /// No database ever opens.
    pub fn with_hanging_database() -> Self {
        Self::method("IDBFactory.prototype", "open", "() => new EventTarget()")
    }

    /// The disk is full.
    pub fn with_full_disk() -> Self {
        let put = "() => { throw new DOMException('full', 'QuotaExceededError'); }";
        Self::method("IDBObjectStore.prototype", "put", put)
    }
}

impl Drop for Overridden {
    fn drop(&mut self) {
        if self.before.is_undefined() {
            Reflect::delete_property(&self.target, &self.name.into()).unwrap();
        } else {
            Object::define_property(&self.target, &self.name.into(), self.before.unchecked_ref());
        }
    }
}
