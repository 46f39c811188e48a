//! The element's property `auth`, with functions that pages might write.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::Function;
use roomlet::driver::{PageSignIn, SignIn};
use roomlet_client::config::{SignIn as BackendSignIn, TokenKind};
use roomlet_client::{AccessKeyId, AskReason, Credentials, Secret, SignInAnswer, WallClock};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// What an element answers whose property `auth` is that JavaScript expression, and what the page was told.
async fn ask_for(
    wanted: &BackendSignIn,
    auth: &str,
    reason: AskReason,
) -> (Option<SignInAnswer>, Vec<String>) {
    let element = Function::new_no_args(&format!("return {{auth: {auth}}}"));
    let element = element.call0(&JsValue::NULL).unwrap();
    let complaints = Rc::new(RefCell::new(Vec::new()));
    let complaining = Rc::clone(&complaints);
    let sign_in = PageSignIn::new(element, wanted, move |problem: &str| {
        complaining.borrow_mut().push(problem.to_owned());
    });
    let answers = Rc::new(RefCell::new(Vec::new()));
    let answering = Rc::clone(&answers);
    sign_in.ask("chat", reason, Box::new(move |answer| answering.borrow_mut().push(answer)));
    assert!(answers.borrow().is_empty(), "nothing is answered from within the call");
    for _ in 0..10 {
        TimeoutFuture::new(1).await;
    }
    let mut answers = answers.take();
    assert!(answers.len() <= 1);
    (answers.pop(), complaints.take())
}

async fn ask(auth: &str, reason: AskReason) -> (Option<SignInAnswer>, Vec<String>) {
    ask_for(&BackendSignIn::Token { token: TokenKind::Opaque }, auth, reason).await
}

async fn ask_for_aws(auth: &str) -> (Option<SignInAnswer>, Vec<String>) {
    let wanted = BackendSignIn::Iam { region: "eu-west-1".into() };
    ask_for(&wanted, auth, AskReason::Connect).await
}

fn token(text: &str, expires_at: Option<i64>) -> SignInAnswer {
    let expires_at = expires_at.map(WallClock);
    SignInAnswer::Credentials(Credentials::Token {
        token: Secret::parse(text).unwrap(),
        expires_at,
    })
}

#[wasm_bindgen_test]
async fn tokens_and_their_times_in_every_form() {
    let cases = [
        ("async () => ({token: 'abc'})", token("abc", None)),
        ("() => ({token: 'abc'})", token("abc", None)),
        ("async () => ({token: 'abc', expiresAt: null})", token("abc", None)),
        (
            "async () => ({token: 'a', expiresAt: new Date(1761710760000)})",
            token("a", Some(1_761_710_760_000)),
        ),
        (
            "async () => ({token: 'a', expiresAt: 1761710760000})",
            token("a", Some(1_761_710_760_000)),
        ),
        ("async () => ({token: 'a', expiresAt: 1761710760})", token("a", Some(1_761_710_760_000))),
        (
            "async () => ({token: 'a', expiresAt: '2025-10-29T04:06:00.000Z'})",
            token("a", Some(1_761_710_760_000)),
        ),
        ("({backend, reason}) => ({token: backend + '-' + reason})", token("chat-refused", None)),
        ("function () { return {token: typeof this.auth} }", token("function", None)),
        ("async () => null", SignInAnswer::SignedOut),
        ("() => undefined", SignInAnswer::SignedOut),
        ("undefined", SignInAnswer::SignedOut),
        ("null", SignInAnswer::SignedOut),
    ];
    for (auth, expected) in cases {
        assert_eq!(ask(auth, AskReason::Refused).await, (Some(expected), Vec::new()), "{auth}");
    }
    for (reason, name) in [(AskReason::Connect, "connect"), (AskReason::Operation, "operation")] {
        let (answer, _) = ask("({reason}) => ({token: reason})", reason).await;
        assert_eq!(answer, Some(token(name, None)));
    }
}

#[wasm_bindgen_test]
async fn aws_credentials_as_amplify_hands_them_out() {
    let auth = "async () => ({accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'se/cret', sessionToken: 'tok==',
        expiration: new Date(1761710760000), identityId: 'eu-west-1:1'})";
    let expected = Credentials::Aws {
        access_key_id: AccessKeyId::parse("ASIAEXAMPLE").unwrap(),
        secret_access_key: Secret::parse("se/cret").unwrap(),
        session_token: Some(Secret::parse("tok==").unwrap()),
        expires_at: Some(WallClock(1_761_710_760_000)),
    };
    let answer = ask_for_aws(auth).await;
    assert_eq!(answer, (Some(SignInAnswer::Credentials(expected)), Vec::new()));
}

#[wasm_bindgen_test]
async fn what_is_no_answer_is_said_without_its_secret() {
    let cases = [
        ("'se-cret'", "no function"),
        ("() => 'se-cret'", "is no object"),
        ("() => { throw new RangeError('se-cret') }", "has failed (RangeError)"),
        ("async () => { throw 'se-cret' }", "has failed:"),
        ("() => ({then: (_, no) => no(new TypeError('se-cret'))})", "has failed (TypeError)"),
        ("async () => ({idToken: 'se-cret'})", "wants a token, and `token` is missing"),
        ("async () => ({token: {value: 'se-cret'}})", "`token` is no text"),
        ("async () => ({token: ''})", "`token` is empty"),
        ("async () => ({token: 'se-cret\\n'})", "`token` has characters"),
        ("async () => ({token: 'se-cret', expiresAt: 'soon'})", "`expiresAt` is no time"),
        ("async () => ({token: 'se-cret', expiresAt: {}})", "`expiresAt` is no time"),
        ("async () => ({token: 'se-cret', expiresAt: new Date(NaN)})", "`expiresAt` is no time"),
        ("async () => ({get token() { throw 'se-cret' }})", "`token` cannot be read"),
    ];
    let aws_cases = [
        ("async () => ({token: 'se-cret'})", "wants AWS credentials, and `accessKeyId` is missing"),
        ("async () => ({accessKeyId: 'A'})", "`secretAccessKey` is missing"),
        (
            "async () => ({accessKeyId: 'A B', secretAccessKey: 'se-cret'})",
            "`accessKeyId` is no access key id",
        ),
        ("async () => ({accessKeyId: 'A', secretAccessKey: ''})", "`secretAccessKey` is empty"),
        (
            "async () => ({accessKeyId: 'A', secretAccessKey: 'se-cret', sessionToken: 1})",
            "`sessionToken` is no text",
        ),
        (
            "async () => ({accessKeyId: 'A', secretAccessKey: 'se-cret', expiration: 'soon'})",
            "`expiration` is no time",
        ),
    ];
    let cases = cases.map(|(auth, problem)| (false, auth, problem));
    let aws_cases = aws_cases.map(|(auth, problem)| (true, auth, problem));
    for (aws, auth, problem) in cases.into_iter().chain(aws_cases) {
        let (answer, complaints) =
            if aws { ask_for_aws(auth).await } else { ask(auth, AskReason::Connect).await };
        assert_eq!(answer, Some(SignInAnswer::Failed), "{auth}");
        let [complaint] = complaints.as_slice() else { panic!("{auth}: {complaints:?}") };
        assert!(complaint.contains(problem), "{auth}: {complaint}");
        assert!(!complaint.contains("se-cret"), "{auth}: {complaint}");
        assert!(
            !complaint.starts_with(char::is_lowercase) && complaint.ends_with('.'),
            "{complaint}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_page_that_never_answers_is_only_silent() {
    assert_eq!(ask("() => new Promise(() => {})", AskReason::Connect).await, (None, Vec::new()));
}
