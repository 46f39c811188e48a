//! The web site that the widget is embedded in.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::sign_in::{Question, SignIn};

/// The host pages, beside this package.
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pages");

/// What `one.js` asks.
const SIGN_IN: &str = "/sign-in";

/// A site on a free loopback port: the built page, and the host pages of `tests/pages`. It answers by any host name.
#[derive(Debug)]
pub struct Site {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    folders: [PathBuf; 2],
    state: Mutex<Behaviour>,
    sign_in: SignIn,
}

#[derive(Debug, Default)]
struct Behaviour {
    headers: HeaderMap,
    missing: BTreeSet<String>,
    requests: BTreeMap<String, usize>,
}

impl Site {
    /// Begins to serve.
    pub async fn start() -> Self {
        let built = env::var_os("E2E_DIST").expect(
            "E2E_DIST names no folder: run `cargo xtask test`, which builds the page and names it",
        );
        let built = PathBuf::from(built);
        assert!(
            built.join("roomlet.js").is_file(),
            "{} holds no built page: run `cargo xtask test`, which builds it",
            built.display()
        );
        let shared = Arc::new(Shared {
            folders: [PathBuf::from(PAGES), built],
            state: Mutex::default(),
            sign_in: SignIn::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let router = Router::new()
            .route(SIGN_IN, get(sign_in))
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving goes on");
        });
        Self { port, shared, serving }
    }

    /// Where pages ask who their person is.
    pub fn sign_in(&self) -> &SignIn {
        &self.shared.sign_in
    }

    /// The address of a page under a host name that leads to this machine.
    pub fn url(&self, host: &str, page_and_query: &str) -> String {
        format!("http://{host}:{}/{page_and_query}", self.port)
    }

    /// Adds a header to each answer from now on.
    pub fn set_header(&self, name: &'static str, value: &str) {
        let value = HeaderValue::from_str(value).expect("a header value");
        self.state().headers.insert(HeaderName::from_static(name), value);
    }

    /// Answers 404 for this file from now on.
    pub fn lose(&self, file: &str) {
        self.state().missing.insert(file.to_owned());
    }

    /// Has everything again.
    pub fn find_again(&self) {
        self.state().missing.clear();
    }

    /// How often this file was asked for.
    pub fn requests(&self, file: &str) -> usize {
        self.state().requests.get(file).copied().unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, Behaviour> {
        self.shared.lock()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Behaviour> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Query(question): Query<Question>,
) -> Response<Body> {
    let answer = shared.sign_in.asked(question).await;
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let file = request.uri().path().trim_start_matches('/').to_owned();
    let (headers, is_missing) = {
        let mut state = shared.lock();
        *state.requests.entry(file.clone()).or_default() += 1;
        (state.headers.clone(), state.missing.contains(&file))
    };
    let is_plain = !file.is_empty() && !file.split('/').any(|part| part == "..");
    let mut response = StatusCode::NOT_FOUND.into_response();
    if is_plain && !is_missing {
        for folder in &shared.folders {
            if let Ok(content) = tokio::fs::read(folder.join(&file)).await {
                response =
                    ([(CONTENT_TYPE, content_type(Path::new(&file)))], content).into_response();
                break;
            }
        }
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().extend(headers);
    response
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
