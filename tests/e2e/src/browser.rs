//! One browser with a fresh profile, and its windows.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use thirtyfour::{WebDriver, WindowHandle};
use tokio::sync::{Mutex, MutexGuard};

use crate::chromium::{self, Extras};
use crate::debugger;
use crate::driver::Driver;

/// A running browser. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Browser(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    web_driver: WebDriver,
    /// WebDriver commands go to the window that was switched to last.
    current: Mutex<Option<WindowHandle>>,
    /// The window that the browser came with, until somebody takes it.
    first: Mutex<Option<WindowHandle>>,
    _driver: Arc<Driver>,
}

/// One window of a browser.
#[derive(Clone, Debug)]
pub struct Window {
    browser: Browser,
    handle: WindowHandle,
}

/// The right to talk to a window: nobody else switches away meanwhile.
pub(crate) struct Attention<'a> {
    browser: &'a Inner,
    current: MutexGuard<'a, Option<WindowHandle>>,
}

impl Browser {
    /// Starts the browser that `E2E_BROWSER` names.
    pub(crate) async fn start(extras: Extras) -> Self {
        let name = env::var("E2E_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
        assert!(
            name == "chromium",
            "E2E_BROWSER is `{name}`: use `chromium`, the one there is so far"
        );
        let driver = Driver::shared(&chromium::driver_program()).await;
        let web_driver = WebDriver::new(driver.url(), chromium::capabilities(extras))
            .await
            .expect("the driver starts a browser; E2E_CHROMIUM names the program");
        let first = web_driver.window().await.expect("a browser comes with a window");
        Self(Arc::new(Inner {
            web_driver,
            current: Mutex::new(Some(first.clone())),
            first: Mutex::new(Some(first)),
            _driver: driver,
        }))
    }

    /// A window of its own, with nothing in it yet.
    pub async fn window(&self) -> Window {
        if let Some(handle) = self.0.first.lock().await.take() {
            return Window { browser: self.clone(), handle };
        }
        // Its opener must be a window that is still there, whoever closed theirs.
        let mut current = self.0.current.lock().await;
        let handles = self.0.web_driver.windows().await.expect("windows are listed");
        let opener = handles.first().expect("a window is left").clone();
        self.0.web_driver.switch_to_window(opener.clone()).await.expect("the window is there");
        *current = Some(opener);
        let handle = self.0.web_driver.new_window().await.expect("a window opens");
        Window { browser: self.clone(), handle }
    }

    /// Saves a picture of each window, `<name>-1.png` and so on, and returns where they are.
    pub async fn photograph(&self, folder: &Path, name: &str) -> Vec<PathBuf> {
        let mut pictures = Vec::new();
        let mut current = self.0.current.lock().await;
        let handles = self.0.web_driver.windows().await.unwrap_or_default();
        for (index, handle) in handles.into_iter().enumerate() {
            let path = folder.join(format!("{name}-{}.png", index + 1));
            *current = None;
            // A window that has crashed has no picture; the others have.
            if self.0.web_driver.switch_to_window(handle).await.is_ok()
                && self.0.web_driver.screenshot(&path).await.is_ok()
            {
                pictures.push(path);
            }
        }
        pictures
    }

    /// Ends the browser.
    pub async fn quit(&self) {
        // A browser that is gone already needs no farewell.
        let _ = self.0.web_driver.clone().quit().await;
    }
}

impl Window {
    /// Loads a page, and returns when its `load` event has fired.
    pub async fn goto(&self, url: &str) {
        self.attention().await.web_driver().goto(url).await.expect("the page loads");
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.attention().await.web_driver().refresh().await.expect("the page loads again");
    }

    /// Closes the window, as a person does.
    pub async fn close(self) {
        let attention = self.attention().await;
        let web_driver = attention.web_driver();
        let is_last = web_driver.windows().await.expect("windows are listed").len() == 1;
        if is_last {
            // A browser ends with its last window.
            let another = web_driver.new_window().await.expect("a window opens");
            *self.browser.0.first.lock().await = Some(another);
        }
        web_driver.close_window().await.expect("the window closes");
    }

    /// Lets the program behind the window crash, and tidies away what is left of it.
    pub async fn crash(self) {
        let mut attention = self.attention().await;
        let capabilities = attention.web_driver().capabilities();
        let options =
            capabilities.get("goog:chromeOptions").and_then(|all| all.get("debuggerAddress"));
        let address =
            options.and_then(Value::as_str).expect("a Chromium with a debugger").to_owned();
        debugger::crash(&address, &self.handle.to_string()).await;
        // The next command must not go to what is no more.
        *attention.current = None;
    }

    /// Makes the window this large.
    pub async fn resize(&self, width: u32, height: u32) {
        let attention = self.attention().await;
        let resized = attention.web_driver().set_window_rect(0, 0, width, height).await;
        resized.expect("the window takes a size");
    }

    /// Runs a script with `arguments` and reads what it returns.
    pub async fn run<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> T {
        let attention = self.attention().await;
        let returned = attention.web_driver().execute(script, arguments).await;
        let returned = returned.unwrap_or_else(|error| panic!("{error}\nin the script\n{script}"));
        read(returned.json().clone(), script)
    }

    /// Runs a script that calls its last argument with what it has to say.
    pub async fn run_until_told<T: DeserializeOwned>(
        &self,
        script: &str,
        arguments: Vec<Value>,
    ) -> T {
        let attention = self.attention().await;
        let returned = attention.web_driver().execute_async(script, arguments).await;
        let returned = returned.unwrap_or_else(|error| panic!("{error}\nin the script\n{script}"));
        read(returned.json().clone(), script)
    }

    /// Turns to this window for as long as the result lives.
    pub(crate) async fn attention(&self) -> Attention<'_> {
        let browser = &*self.browser.0;
        let mut current = browser.current.lock().await;
        if current.as_ref() != Some(&self.handle) {
            *current = None;
            let switched = browser.web_driver.switch_to_window(self.handle.clone()).await;
            switched.expect("the window is there");
            *current = Some(self.handle.clone());
        }
        Attention { browser, current }
    }
}

impl Attention<'_> {
    pub(crate) fn web_driver(&self) -> &WebDriver {
        &self.browser.web_driver
    }
}

fn read<T: DeserializeOwned>(value: Value, script: &str) -> T {
    let shown = value.to_string();
    serde_json::from_value(value)
        .unwrap_or_else(|error| panic!("{error}\nin {shown}\nreturned by the script\n{script}"))
}
