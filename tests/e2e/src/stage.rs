//! What each journey has for itself, and what is left when one fails.

use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt as _;

use crate::backend::Backend;
use crate::browser::{Browser, Window};
use crate::chat::Chat;
use crate::chromium::Extras;
use crate::site::Site;
use crate::visit::Visit;

/// No journey takes so long, on however slow a machine, unless something hangs.
const LONGEST: Duration = Duration::from_secs(400);

/// A browser and a site for one journey.
#[derive(Debug)]
pub struct Stage {
    /// The site that people visit.
    pub site: Site,
    browser: Browser,
}

/// Runs a journey on a stage of its own, and tidies up after it. If it fails, pictures of all windows are kept in the
/// target directory.
pub fn journey(body: impl AsyncFnOnce(&Stage)) {
    run(async {
        let stage = Stage::set(Extras::default()).await;
        stage.perform(body(&stage)).await;
    });
}

/// Like [`journey`], in a browser that [writes down](crate::chromium::written_down) what it requests and what pages
/// say on the console.
pub fn overheard_journey(body: impl AsyncFnOnce(&Stage)) {
    run(async {
        let stage = Stage::set(Extras { writes_down: true, ..Extras::default() }).await;
        stage.perform(body(&stage)).await;
    });
}

/// Like [`journey`], in a browser that leads the demo page to the backend of this journey.
pub fn demo_journey(body: impl AsyncFnOnce(&Stage, &Backend)) {
    run(async {
        let backend = Backend::start().await;
        let extras = Extras { demo_port: Some(backend.port()), ..Extras::default() };
        let stage = Stage::set(extras).await;
        stage.perform(body(&stage, &backend)).await;
    });
}

fn run(journey: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(journey);
}

impl Stage {
    async fn set(extras: Extras) -> Self {
        Self { site: Site::start().await, browser: Browser::start(extras).await }
    }

    async fn perform(&self, body: impl Future<Output = ()>) {
        let in_time = tokio::time::timeout(LONGEST, body);
        let outcome = AssertUnwindSafe(in_time).catch_unwind().await;
        if !matches!(outcome, Ok(Ok(()))) {
            self.keep_pictures().await;
        }
        self.browser.quit().await;
        match outcome {
            Ok(in_time) => in_time.unwrap_or_else(|_| {
                panic!("the journey was not over after {} s", LONGEST.as_secs())
            }),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Opens a page with a chat in a window of its own.
    pub async fn open(&self, visit: &Visit) -> Chat {
        let window = self.window().await;
        window.goto(&visit.url(&self.site)).await;
        Chat::first_in(window)
    }

    /// Opens a chat and waits until it is connected.
    pub async fn enter(&self, visit: &Visit) -> Chat {
        let chat = self.open(visit).await;
        chat.until_online().await;
        chat
    }

    /// A new window with nothing in it.
    pub async fn window(&self) -> Window {
        self.browser.window().await
    }

    async fn keep_pictures(&self) {
        let folder = pictures_folder();
        if let Err(error) = fs::create_dir_all(&folder) {
            eprintln!("no pictures: {} cannot be made ({error})", folder.display());
            return;
        }
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("journey").replace("::", "-");
        for picture in self.browser.photograph(&folder, &name).await {
            eprintln!("picture of the failure: {}", picture.display());
        }
    }
}

/// `e2e-failures` in the target directory; this program is two folders below it, in `debug/deps`.
fn pictures_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let target = program.ancestors().nth(3).expect("it is in a target directory");
    target.join("e2e-failures")
}
