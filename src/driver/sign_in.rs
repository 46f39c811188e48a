//! Asking the page who its person is.

use std::rc::Rc;

use js_sys::{Date, Function, Object, Promise, Reflect};
use roomlet_client::config::SignIn as BackendSignIn;
use roomlet_client::{AccessKeyId, AskReason, Credentials, Secret, SignInAnswer, WallClock};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// What a question is answered to; never from within the call that asked, and at most once.
pub type OnSignInAnswer = Box<dyn FnOnce(SignInAnswer)>;

/// Asks for credentials. Tests and Leptos programs bring their own.
pub trait SignIn {
    /// Asks for fresh credentials for the backend of that name. An answer that comes late, or never, does no harm.
    fn ask(&self, backend: &str, reason: AskReason, on_answer: OnSignInAnswer);
}

/// For backends without sign-in: nobody is signed in.
#[derive(Debug, Default)]
pub struct NoSignIn;

impl SignIn for NoSignIn {
    fn ask(&self, _backend: &str, _reason: AskReason, on_answer: OnSignInAnswer) {
        wasm_bindgen_futures::spawn_local(async { on_answer(SignInAnswer::SignedOut) });
    }
}

/// The page's own function: the property `auth` of the element,
/// `async ({backend, reason}) => {token, expiresAt?} | {accessKeyId, secretAccessKey, sessionToken?, expiration?} | null`.
///
/// `reason` is `connect`, `operation` or `refused`. `expiresAt` and `expiration` are a `Date`, milliseconds, seconds, or ISO 8601.
/// The property is read for each question, so that the page may set it at any time.
pub struct PageSignIn {
    element: JsValue,
    wants_aws: bool,
    complain: Rc<dyn Fn(&str)>,
}

impl PageSignIn {
    /// Asks the property `auth` of `element` for what the backend wants; `complain` is told, in one sentence, what is
    /// wrong with an answer.
    pub fn new(
        element: impl Into<JsValue>,
        wanted: &BackendSignIn,
        complain: impl Fn(&str) + 'static,
    ) -> Self {
        let wants_aws = matches!(wanted, BackendSignIn::Iam { .. });
        Self { element: element.into(), wants_aws, complain: Rc::new(complain) }
    }
}

impl SignIn for PageSignIn {
    fn ask(&self, backend: &str, reason: AskReason, on_answer: OnSignInAnswer) {
        let (element, complain) = (self.element.clone(), Rc::clone(&self.complain));
        let (backend, wants_aws) = (backend.to_owned(), self.wants_aws);
        // In a task: the page's function may call the element, which is busy asking.
        wasm_bindgen_futures::spawn_local(async move {
            let answer = ask_page(&element, &backend, reason, wants_aws).await;
            on_answer(answer.unwrap_or_else(|problem| {
                complain(&problem);
                SignInAnswer::Failed
            }));
        });
    }
}

/// The least number that is milliseconds since 1970: 1973 as such, the year 5138 as seconds.
const LEAST_MILLISECONDS: f64 = 1e11;

const SHAPE: &str = "let `auth` answer with {token, expiresAt?}, {accessKeyId, secretAccessKey, sessionToken?, expiration?} or null where nobody is signed in";

async fn ask_page(
    element: &JsValue,
    backend: &str,
    reason: AskReason,
    wants_aws: bool,
) -> Result<SignInAnswer, String> {
    let auth = get(element, "auth")?;
    if auth.is_undefined() || auth.is_null() {
        return Ok(SignInAnswer::SignedOut);
    }
    let auth = auth.dyn_into::<Function>().map_err(|_| {
        "The property `auth` is no function: set it to an async function.".to_owned()
    })?;
    let question = Object::new();
    for (key, value) in [("backend", backend), ("reason", reason_name(reason))] {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&question, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    let answer = auth.call1(element, &question).map_err(|error| failed(&error))?;
    let answer = JsFuture::from(Promise::resolve(&answer)).await.map_err(|error| failed(&error))?;
    read(&answer, wants_aws)
}

fn reason_name(reason: AskReason) -> &'static str {
    match reason {
        AskReason::Connect => "connect",
        AskReason::Operation => "operation",
        AskReason::Refused => "refused",
    }
}

/// Only the error's name is told: its message is the page's own business.
fn failed(error: &JsValue) -> String {
    let name = get(error, "name").ok().and_then(|name| name.as_string());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("The page’s function `auth` has failed{name}: see to it that it answers.")
}

fn read(answer: &JsValue, wants_aws: bool) -> Result<SignInAnswer, String> {
    if answer.is_undefined() || answer.is_null() {
        return Ok(SignInAnswer::SignedOut);
    }
    if !answer.is_object() {
        return Err(nonsense("the answer of `auth` is no object"));
    }
    let credentials = if wants_aws { aws_credentials(answer) } else { token(answer) };
    credentials.map(SignInAnswer::Credentials)
}

fn token(answer: &JsValue) -> Result<Credentials, String> {
    let token = text(answer, "token")?;
    let token =
        token.ok_or_else(|| nonsense("this backend wants a token, and `token` is missing"))?;
    Ok(Credentials::Token {
        token: secret("token", &token)?,
        expires_at: time(answer, "expiresAt")?,
    })
}

fn aws_credentials(answer: &JsValue) -> Result<Credentials, String> {
    let needed = |field| {
        let sentence = format!("this backend wants AWS credentials, and `{field}` is missing");
        text(answer, field)?.ok_or_else(|| nonsense(&sentence))
    };
    let access_key_id = AccessKeyId::parse(&needed("accessKeyId")?)
        .map_err(|problem| nonsense(&format!("`accessKeyId` {problem}")))?;
    let session_token = text(answer, "sessionToken")?;
    Ok(Credentials::Aws {
        access_key_id,
        secret_access_key: secret("secretAccessKey", &needed("secretAccessKey")?)?,
        session_token: session_token.map(|token| secret("sessionToken", &token)).transpose()?,
        expires_at: time(answer, "expiration")?,
    })
}

fn secret(field: &str, text: &str) -> Result<Secret, String> {
    Secret::parse(text).map_err(|problem| nonsense(&format!("`{field}` {problem}")))
}

fn text(object: &JsValue, field: &str) -> Result<Option<String>, String> {
    let value = get(object, field)?;
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    value.as_string().map(Some).ok_or_else(|| nonsense(&format!("`{field}` is no text")))
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond 64 bits becomes their end")]
fn time(object: &JsValue, field: &str) -> Result<Option<WallClock>, String> {
    let value = get(object, field)?;
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    let milliseconds = if let Some(date) = value.dyn_ref::<Date>() {
        date.get_time()
    } else if let Some(text) = value.as_string() {
        Date::parse(&text)
    } else {
        match value.as_f64() {
            Some(seconds) if seconds.abs() < LEAST_MILLISECONDS => seconds * 1_000.0,
            milliseconds => milliseconds.unwrap_or(f64::NAN),
        }
    };
    if milliseconds.is_finite() {
        Ok(Some(WallClock(milliseconds as i64)))
    } else {
        Err(nonsense(&format!("`{field}` is no time")))
    }
}

/// Reading a property may run the page's own code, which may throw.
fn get(object: &JsValue, field: &str) -> Result<JsValue, String> {
    Reflect::get(object, &JsValue::from_str(field))
        .map_err(|_| nonsense(&format!("`{field}` cannot be read")))
}

fn nonsense(problem: &str) -> String {
    let mut sentence = format!("{problem}: {SHAPE}.");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}
