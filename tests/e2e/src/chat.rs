//! One chat on a page, as a person uses it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::error::{WebDriverError, WebDriverResult, no_such_element};
use thirtyfour::{By, Key, WebElement};

use crate::browser::{Attention, Window};
use crate::deadline::{PATIENCE, until, until_within};
use crate::screen::{LOOK, Screen};

/// Finds the element that a script is about; it goes on with `host` and `root`.
const FIND: &str = "\
    const host = document.querySelectorAll('roomlet-chat')[arguments[0]]; const root = host?.shadowRoot;\n";

/// A chat in a window.
#[derive(Clone, Debug)]
pub struct Chat {
    /// The window it is in.
    pub window: Window,
    /// Which `<roomlet-chat>` of the page, from 0.
    index: usize,
}

impl Chat {
    /// The first chat of the page in a window.
    pub fn first_in(window: Window) -> Self {
        Self { window, index: 0 }
    }

    /// The second chat of the same page.
    pub fn second(&self) -> Self {
        self.nth(1)
    }

    /// Another chat of the same page, counted from 0.
    pub fn nth(&self, index: usize) -> Self {
        Self { window: self.window.clone(), index }
    }

    /// Types into the composer, key by key.
    pub async fn write(&self, text: &str) {
        self.press(text).await;
    }

    /// Puts a text into the composer at once, as pasting does; also what no keyboard has.
    pub async fn paste(&self, text: &str) {
        let script = "root.querySelector('.input').focus(); return document.execCommand('insertText', false, arguments[1]);";
        let pasted: bool = self.run(script, vec![json!(text)]).await;
        assert!(pasted, "the composer takes text");
    }

    /// Presses Enter in the composer.
    pub async fn press_enter(&self) {
        self.press(&keys([Key::Enter])).await;
    }

    /// Presses Shift and Enter in the composer.
    pub async fn press_shift_enter(&self) {
        self.press(&keys([Key::Shift, Key::Enter])).await;
    }

    /// Writes a message and sends it.
    pub async fn say(&self, text: &str) {
        self.press(&format!("{text}{}", keys([Key::Enter]))).await;
    }

    /// Says many things at once, as quickly as a script can, as soon as there is a composer.
    pub async fn say_all(&self, texts: &[&str]) {
        let script = "return Boolean(root?.querySelector('.input'));";
        let is_there = async || self.run::<bool>(script, Vec::new()).await;
        until("a composer", is_there, |is_there| *is_there).await;
        let script = "\
            const input = root.querySelector('.input'); \
            for (const text of arguments[1]) { \
                input.value = text; \
                input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
                input.form.requestSubmit(); \
            }";
        self.run::<()>(script, vec![json!(texts)]).await;
    }

    /// Clicks the send button.
    pub async fn click_send(&self) {
        self.click(".send").await;
    }

    /// Clicks what can be done about a message: `retry` or `discard`.
    pub async fn click_action(&self, row: &str, action: &str) {
        self.click(&format!("[data-row=\"{row}\"] [data-action=\"{action}\"]")).await;
    }

    /// Clicks the element of the chat that this CSS selector finds, as soon as it is there. What may be gone again by
    /// then is for a script to click.
    pub async fn click(&self, selector: &str) {
        let click = async || {
            let attention = self.window.attention().await;
            self.find(&attention, selector).await?.click().await
        };
        let clicked = until(&format!("{selector} to click on"), click, Result::is_ok).await;
        clicked.expect("it was clicked");
    }

    /// Loads the page again, and waits until the chat is connected.
    pub async fn reload(&self) {
        self.window.reload().await;
        self.until_online().await;
    }

    /// Changes an attribute of the element.
    pub async fn set_attribute(&self, name: &str, value: &str) {
        let script = "host.setAttribute(arguments[1], arguments[2]);";
        self.run::<()>(script, vec![json!(name), json!(value)]).await;
    }

    /// What is on the screen now.
    pub async fn look(&self) -> Screen {
        self.window.run(LOOK, vec![json!(self.index)]).await
    }

    /// Waits until the screen is as expected.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Screen) -> bool) -> Screen {
        self.until_within(PATIENCE, what, is_so).await
    }

    /// Like [`until`](Self::until), for what takes long by design.
    pub async fn until_within(
        &self,
        patience: Duration,
        what: &str,
        is_so: impl Fn(&Screen) -> bool,
    ) -> Screen {
        until_within(patience, what, async || self.look().await, is_so).await
    }

    /// Waits until the connection stands.
    pub async fn until_online(&self) -> Screen {
        self.until("connected", |screen| screen.status == "online").await
    }

    /// Waits until told in words to sign in.
    pub async fn until_told_to_sign_in(&self) {
        let seen = self.until("told to sign in", |screen| screen.status == "refused").await;
        assert_eq!(seen.status_words, "You are not signed in, or no longer.");
        let script = "return root.querySelector('.status .link').textContent.trim();";
        assert_eq!(self.run::<String>(script, Vec::new()).await, "Sign in again");
    }

    /// Lets so much time pass, by the page's own clock, that what would be tried again by itself has been: longer than
    /// the longest of the first pauses between two attempts.
    pub async fn stay_for_a_while(&self) {
        let clock = async || self.window.run::<f64>("return performance.now();", Vec::new()).await;
        let start = clock().await;
        until("a while", clock, |now| *now > start + 2_500.0).await;
    }

    /// Waits until exactly these messages are there, in this order.
    pub async fn until_messages(&self, texts: &[&str]) -> Screen {
        self.until(&format!("the messages {texts:?}"), |screen| screen.texts() == texts).await
    }

    /// Waits until an own message has arrived, once.
    pub async fn until_sent(&self, text: &str) -> Screen {
        self.until(&format!("`{text}` sent, once"), |screen| screen.sent_once(text)).await
    }

    /// Runs a script about this element, which it finds as `host` and its shadow root as `root`; `arguments` begin
    /// with the second of the script.
    pub async fn run<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> T {
        let arguments = [vec![json!(self.index)], arguments].concat();
        self.window.run(&format!("{FIND}{script}"), arguments).await
    }

    /// What the page has recorded under this name: `events`, `errors`, `violations`.
    pub async fn recorded(&self, name: &str) -> Vec<Value> {
        self.window.run("return window.recorded[arguments[0]];", vec![json!(name)]).await
    }

    /// Presses keys in the composer, as soon as it is there; once, whatever becomes of them.
    async fn press(&self, keys: &str) {
        let press = async || {
            let attention = self.window.attention().await;
            let input = self.find(&attention, ".input").await?;
            Ok::<_, WebDriverError>(input.send_keys(keys).await)
        };
        let pressed = until("a composer", press, Result::is_ok).await;
        pressed.flatten().expect("the composer takes keys");
    }

    async fn find(&self, attention: &Attention<'_>, selector: &str) -> WebDriverResult<WebElement> {
        let hosts = attention.web_driver().find_all(By::Css("roomlet-chat")).await?;
        let host = hosts.get(self.index).ok_or_else(|| no_such_element("no such chat".into()))?;
        host.get_shadow_root().await?.find(By::Css(selector)).await
    }
}

/// Keys as WebDriver takes them within a text.
fn keys<const N: usize>(keys: [Key; N]) -> String {
    keys.map(|key| key.value()).into_iter().collect()
}
