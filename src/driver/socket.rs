//! Sockets, as three plain events: opened, text, closed.
//!
//! The browser's WebSocket (by gloo-net) has traps that end here: it has no "opened" of its own, an error comes
//! before the close it announces, and a socket that the page's policy blocks never closes at all.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures::channel::mpsc;
use futures::{FutureExt, Sink, Stream};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State, WebSocketError};
use gloo_timers::future::TimeoutFuture;

use super::violations::{Violations, WORD_AFTER_ERROR};

/// Frames that wait for the socket's task; the task takes them at once, so that more means it has died.
const MAX_WAITING_FRAMES: usize = 256;
/// There was no close frame; RFC 6455, section 7.4.1.
const CLOSE_ABNORMAL: u16 = 1006;

/// What a socket reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// It is open.
    Opened,
    /// A text frame has arrived.
    Text(String),
    /// It has closed, or could not be opened. Nothing follows.
    Closed {
        /// The close code.
        code: u16,
        /// The server's reason.
        reason: String,
    },
    /// The page's security policy forbids it. Nothing follows.
    Blocked,
}

/// What a socket tells its events; never from within the call that opened it.
pub type OnEvent = Box<dyn Fn(SocketEvent)>;

/// Opens sockets. Tests bring their own.
pub trait Sockets {
    /// Opens a socket; with no subprotocols none is offered.
    fn open(&self, url: &str, subprotocols: &[String], on_event: OnEvent) -> Box<dyn Socket>;
}

/// An open socket, or one that is being opened. Dropping it closes it, and it reports nothing more.
pub trait Socket {
    /// Sends a text frame.
    fn send(&self, text: String);
}

/// The sockets of the browser.
#[derive(Debug, Default)]
pub struct BrowserSockets;

impl Sockets for BrowserSockets {
    fn open(&self, url: &str, subprotocols: &[String], on_event: OnEvent) -> Box<dyn Socket> {
        let (sender, frames) = mpsc::channel(MAX_WAITING_FRAMES);
        let violations = Violations::listen(url);
        let socket = match subprotocols {
            [] => WebSocket::open(url),
            protocols => {
                let protocols = protocols.iter().map(String::as_str).collect::<Vec<_>>();
                WebSocket::open_with_protocols(url, &protocols)
            }
        };
        wasm_bindgen_futures::spawn_local(async move {
            match socket {
                Ok(socket) => run(socket, frames, &violations, &on_event).await,
                Err(_) => {
                    TimeoutFuture::new(WORD_AFTER_ERROR).await;
                    on_event(if violations.seen() {
                        SocketEvent::Blocked
                    } else {
                        closed(CLOSE_ABNORMAL, "the browser refused the address")
                    });
                }
            }
        });
        Box::new(BrowserSocket { sender })
    }
}

struct BrowserSocket {
    sender: mpsc::Sender<String>,
}

impl Socket for BrowserSocket {
    fn send(&self, text: String) {
        // A task that has ended has reported the close; the frame's fate follows from that.
        let _ = self.sender.clone().try_send(text);
    }
}

/// One step of a socket's life.
enum Step {
    Opened,
    Send(String),
    Received(Option<Result<Message, WebSocketError>>),
    Dropped,
}

async fn run(
    mut socket: WebSocket,
    mut frames: mpsc::Receiver<String>,
    violations: &Violations,
    on_event: &OnEvent,
) {
    let mut is_open = false;
    loop {
        match next_step(&mut socket, &mut frames, is_open).await {
            Step::Opened => {
                is_open = true;
                on_event(SocketEvent::Opened);
            }
            Step::Send(text) => {
                // Refused only when it has closed, of which the stream tells.
                let _ = Pin::new(&mut socket).start_send(Message::Text(text));
            }
            Step::Received(Some(Ok(Message::Text(text)))) => on_event(SocketEvent::Text(text)),
            // No backend of ours sends binary frames.
            Step::Received(Some(Ok(Message::Bytes(_)))) => {}
            Step::Received(Some(Err(WebSocketError::ConnectionClose(close)))) => {
                return on_event(closed(close.code, &close.reason));
            }
            Step::Received(Some(Err(_))) => {
                if let Some(event) = after_error(&mut socket, violations).await {
                    return on_event(event);
                }
            }
            Step::Received(None) => return on_event(closed(CLOSE_ABNORMAL, "")),
            Step::Dropped => {
                let _ = socket.close(Some(1000), None);
                return;
            }
        }
    }
}

async fn next_step(
    socket: &mut WebSocket,
    frames: &mut mpsc::Receiver<String>,
    is_open: bool,
) -> Step {
    poll_fn(|context| {
        if !is_open
            && Pin::new(&mut *socket).poll_ready(context).is_ready()
            && matches!(socket.state(), State::Open)
        {
            return Poll::Ready(Step::Opened);
        }
        // Incoming first: a close must not be overtaken by frames that can no longer be sent.
        if let Poll::Ready(received) = Pin::new(&mut *socket).poll_next(context) {
            return Poll::Ready(Step::Received(received));
        }
        match Pin::new(&mut *frames).poll_next(context) {
            Poll::Ready(Some(text)) => Poll::Ready(Step::Send(text)),
            Poll::Ready(None) => Poll::Ready(Step::Dropped),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// After an error there is a close, as a rule; `None` if the socket lives on.
async fn after_error(socket: &mut WebSocket, violations: &Violations) -> Option<SocketEvent> {
    if !matches!(socket.state(), State::Closed | State::Closing) {
        return None;
    }
    let mut patience = TimeoutFuture::new(WORD_AFTER_ERROR).fuse();
    loop {
        let next = poll_fn(|context| Pin::new(&mut *socket).poll_next(context));
        futures::select_biased! {
            received = next.fuse() => match received {
                Some(Err(WebSocketError::ConnectionClose(close))) if !violations.seen() => {
                    return Some(closed(close.code, &close.reason));
                }
                Some(_) => {}
                None => break,
            },
            () = patience => break,
        }
    }
    Some(if violations.seen() { SocketEvent::Blocked } else { closed(CLOSE_ABNORMAL, "") })
}

fn closed(code: u16, reason: &str) -> SocketEvent {
    SocketEvent::Closed { code, reason: reason.to_owned() }
}
