//! What happens in a page over time: its sockets, and what it is told of the connection.

use serde::Deserialize;
use serde_json::json;

use crate::browser::Window;
use crate::chat::Chat;
use crate::chromium;
use crate::stage::Stage;
use crate::visit::Visit;

/// Runs before the page's own scripts.
const WATCH: &str = include_str!("watch.js");

/// What has happened in a page that is watched. Times are those of its own clock, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
pub struct Watched {
    /// Its sockets, the first one first.
    pub sockets: Vec<SocketLife>,
    /// What it was told of the connection.
    pub statuses: Vec<StatusChange>,
}

/// When a socket was open.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct SocketLife {
    /// `None` if it never was.
    pub opened: Option<f64>,
    /// `None` while it is.
    pub closed: Option<f64>,
}

/// A `roomlet-status` event.
#[derive(Clone, Debug, Deserialize)]
pub struct StatusChange {
    /// When it came.
    pub at: f64,
    /// What it said.
    pub status: String,
}

impl Watched {
    /// How many sockets have been open.
    pub fn opened(&self) -> usize {
        self.sockets.iter().filter(|life| life.opened.is_some()).count()
    }

    /// How many were opened while the one before was still open.
    pub fn overlaps(&self) -> usize {
        let opened = self.sockets.iter().filter(|life| life.opened.is_some());
        let lives = opened.copied().collect::<Vec<_>>();
        let overlap =
            |pair: &&[SocketLife]| pair[0].closed.is_none_or(|at| Some(at) > pair[1].opened);
        lives.windows(2).filter(overlap).count()
    }

    /// For each time the page was told `reconnecting`: how long before, in milliseconds, the last socket had closed.
    pub fn outages_told_after(&self) -> Vec<f64> {
        let told = self.statuses.iter().filter(|change| change.status == "reconnecting");
        let after = |change: &StatusChange| {
            let ended = self.sockets.iter().filter(|life| life.opened.is_some());
            let ended = ended.filter_map(|life| life.closed).filter(|at| *at <= change.at);
            change.at - ended.fold(f64::NEG_INFINITY, f64::max)
        };
        told.map(after).collect()
    }

    /// What it was told, in order.
    pub fn told(&self) -> Vec<&str> {
        self.statuses.iter().map(|change| change.status.as_str()).collect()
    }
}

impl Stage {
    /// Opens a page with a chat that is watched from the beginning, and waits until it is connected.
    pub async fn enter_watched(&self, visit: &Visit) -> Chat {
        let chat = self.open_after(&[WATCH], visit).await;
        chat.until_online().await;
        chat
    }

    /// Opens a page with a chat, in a window where these scripts run before those of any page.
    pub async fn open_after(&self, scripts: &[&str], visit: &Visit) -> Chat {
        let window = self.window().await;
        for script in scripts {
            let source = json!({"source": script});
            chromium::command(&window, "Page.addScriptToEvaluateOnNewDocument", source).await;
        }
        window.goto(&visit.url(&self.site)).await;
        Chat::first_in(window)
    }
}

impl Chat {
    /// What has happened in the page, if it is [watched](Stage::enter_watched).
    pub async fn watched(&self) -> Watched {
        self.window.run("return window.watched;", Vec::new()).await
    }
}

impl Window {
    /// Moves the clocks of a watched page on, as if it had been asleep so long, and wakes it.
    pub async fn sleep_for(&self, milliseconds: u32) {
        let script = "watched.ahead += arguments[0]; dispatchEvent(new Event('online'));";
        self.run::<()>(script, vec![json!(milliseconds)]).await;
    }
}
