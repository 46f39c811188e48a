//! The task of one connection: reads, writes, watches the limits and ends it properly.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::outbox::{Ending, OutboxReceiver, Waiting};
use super::{CLOSE_GRACE, Peer, READ_BUFFER_BYTES, SocketLimits};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Bytes that are read and thrown away at once when a connection is past being read.
const DISCARD_BUFFER_BYTES: usize = 64 * 1024;

/// Runs a connection from its upgrade to its end.
pub(crate) async fn run<P: Peer>(peer: Arc<P>, receiver: OutboxReceiver, on_upgrade: OnUpgrade) {
    let _running = peer.running();
    let mut code = None;
    if let Ok(upgraded) = on_upgrade.await {
        let limits = peer.limits();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_frame_size(Some(limits.max_frame))
            .max_message_size(Some(limits.max_message));
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let opened = Instant::now();
        let pump = Pump {
            peer: Arc::clone(&peer),
            receiver,
            socket,
            head: None,
            behind: None,
            end_of_life: opened + limits.lifetime,
            last_activity: opened,
            last_keep_alive: opened,
            limits,
        };
        code = pump.run().await;
    }
    peer.closed(code).await;
}

/// Why a connection stops being served.
enum Stop {
    Ended(Ending),
    /// The client closed, or its network went away.
    ClientGone(Option<u16>),
    /// What it sent cannot be read on from; close with this code and reason.
    Unreadable(u16, &'static str),
}

/// What a connection's task waits for.
enum Event {
    Ending(Option<Ending>),
    LimitReached,
    KeepAliveDue,
    FrameDue,
    FrameQueued(Option<Waiting>),
    Incoming(Option<Result<Message, Error>>),
}

struct Pump<P> {
    peer: Arc<P>,
    limits: SocketLimits,
    receiver: OutboxReceiver,
    socket: Socket,
    /// The next frame, until it is due.
    head: Option<Waiting>,
    /// A frame that a switch sends after the next one.
    behind: Option<Waiting>,
    end_of_life: Instant,
    last_activity: Instant,
    last_keep_alive: Instant,
}

impl<P: Peer> Pump<P> {
    /// Serves the connection and gives the close code that was sent or received.
    async fn run(mut self) -> Option<u16> {
        let stop = loop {
            if let ControlFlow::Break(stop) = self.turn().await {
                break stop;
            }
        };
        match stop {
            Stop::ClientGone(code) => {
                // The answer to its close frame waits to be written.
                let _ = timeout(CLOSE_GRACE, self.socket.close(None)).await;
                code
            }
            Stop::Ended(Ending::Close { code, reason }) => self.close(code, reason).await,
            Stop::Ended(Ending::Cut) => None,
            Stop::Ended(Ending::Silence) => self.stay_silent().await,
            Stop::Unreadable(code, reason) => self.close_unreadable(code, reason).await,
        }
    }

    /// Waits for the next thing to happen, and does it.
    async fn turn(&mut self) -> ControlFlow<Stop> {
        let deadline = self.deadline();
        let keep_alive = self.limits.keep_alive.map(|interval| self.last_keep_alive + interval);
        let due = self.head.as_ref().map(|frame| frame.due);
        let event = tokio::select! {
            biased;
            ending = self.receiver.ending.wait_for(Option::is_some) => {
                Event::Ending(ending.ok().and_then(|ending| ending.clone()))
            }
            () = sleep_until(deadline) => Event::LimitReached,
            () = sleep_until(keep_alive.unwrap_or(deadline)), if keep_alive.is_some() => {
                Event::KeepAliveDue
            }
            () = sleep_until(due.unwrap_or(deadline)), if due.is_some() => Event::FrameDue,
            frame = self.receiver.frames.recv(), if due.is_none() => Event::FrameQueued(frame),
            incoming = self.socket.next() => Event::Incoming(incoming),
        };
        match event {
            Event::Ending(ending) => ControlFlow::Break(Stop::Ended(ending.unwrap_or(Ending::Cut))),
            Event::LimitReached => {
                let (code, reason) = self.limits.end_of_life;
                ControlFlow::Break(Stop::Ended(Ending::Close { code, reason: reason.to_owned() }))
            }
            Event::KeepAliveDue => {
                self.last_keep_alive = Instant::now();
                self.peer.keep_alive();
                ControlFlow::Continue(())
            }
            Event::FrameDue => match self.head.take() {
                Some(frame) => self.write_in_order(frame).await,
                None => ControlFlow::Continue(()),
            },
            Event::FrameQueued(frame) => {
                self.head = frame;
                ControlFlow::Continue(())
            }
            Event::Incoming(incoming) => self.receive(incoming).await,
        }
    }

    /// When the connection ends if nothing more happens.
    fn deadline(&self) -> Instant {
        let idle = self.limits.idle_timeout.map(|timeout| self.last_activity + timeout);
        idle.map_or(self.end_of_life, |idle| idle.min(self.end_of_life))
    }

    async fn receive(&mut self, incoming: Option<Result<Message, Error>>) -> ControlFlow<Stop> {
        let message = match incoming {
            Some(Ok(message)) => message,
            Some(Err(error)) => return ControlFlow::Break(explain(&error)),
            None => return ControlFlow::Break(Stop::ClientGone(None)),
        };
        if self.peer.swallows_frame() {
            return match message {
                // The library would answer it with the next frame that it reads or writes.
                Message::Close(_) => ControlFlow::Break(Stop::Ended(Ending::Silence)),
                _ => ControlFlow::Continue(()),
            };
        }
        self.last_activity = Instant::now();
        match message {
            Message::Text(text) => {
                self.peer.receive(&text).await;
                ControlFlow::Continue(())
            }
            Message::Binary(_) => ControlFlow::Break(Stop::Ended(Ending::Close {
                code: 1003,
                reason: "Binary frames are not supported".to_owned(),
            })),
            Message::Close(frame) => {
                ControlFlow::Break(Stop::ClientGone(frame.map(|frame| frame.code.into())))
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => ControlFlow::Continue(()),
        }
    }

    /// Writes a frame, and behind it the one that was held back for it.
    async fn write_in_order(&mut self, frame: Waiting) -> ControlFlow<Stop> {
        if frame.after_the_next && self.behind.is_none() {
            self.behind = Some(frame);
            return ControlFlow::Continue(());
        }
        self.write(frame).await?;
        match self.behind.take() {
            Some(behind) => self.write(behind).await,
            None => ControlFlow::Continue(()),
        }
    }

    async fn write(&mut self, frame: Waiting) -> ControlFlow<Stop> {
        let bytes = frame.text.len();
        let deadline = self.deadline();
        if !frame.lost {
            tokio::select! {
                biased;
                written = self.socket.send(Message::Text(frame.text)) => {
                    if written.is_err() {
                        return ControlFlow::Break(Stop::ClientGone(None));
                    }
                }
                // A client that does not read must not hold its own end up.
                ending = self.receiver.ending.wait_for(Option::is_some) => {
                    let ending = ending.ok().and_then(|ending| ending.clone());
                    return ControlFlow::Break(Stop::Ended(ending.unwrap_or(Ending::Cut)));
                }
                // No close frame would get through either.
                () = sleep_until(deadline) => {
                    return ControlFlow::Break(Stop::Ended(Ending::Cut));
                }
            }
            self.last_activity = Instant::now();
        }
        self.peer.outbox().written(bytes);
        match frame.ending {
            Some(ending) => ControlFlow::Break(Stop::Ended(ending)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Sends a close frame and waits, not for long, until the client has answered it.
    async fn close(mut self, code: u16, reason: String) -> Option<u16> {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let answered = async {
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(CLOSE_GRACE, answered).await;
        Some(code)
    }

    /// Sends a close frame to a client in the middle of a frame that is not read any further. The
    /// rest of it is taken off the wire: closing over unread bytes would reset the connection,
    /// and the client might never see why.
    async fn close_unreadable(mut self, code: u16, reason: &'static str) -> Option<u16> {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let drained = async {
            if self.socket.close(Some(frame)).await.is_ok() {
                let stream = self.socket.get_mut();
                if stream.shutdown().await.is_ok() {
                    discard(stream).await;
                }
            }
        };
        let _ = timeout(CLOSE_GRACE, drained).await;
        Some(code)
    }

    /// Keeps the connection open and says nothing any more, until the client has gone, the
    /// lifetime is over or somebody cuts it.
    async fn stay_silent(mut self) -> Option<u16> {
        let end_of_life = self.end_of_life;
        let ended =
            |ending: &Option<Ending>| matches!(ending, Some(Ending::Close { .. } | Ending::Cut));
        tokio::select! {
            () = discard(self.socket.get_mut()) => {}
            () = sleep_until(end_of_life) => {}
            _ = self.receiver.ending.wait_for(ended) => {}
        }
        None
    }
}

async fn discard(stream: &mut TokioIo<Upgraded>) {
    let mut buffer = vec![0; DISCARD_BUFFER_BYTES];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}

/// What an error of the protocol library means for the client.
fn explain(error: &Error) -> Stop {
    match error {
        Error::Capacity(_) => Stop::Unreadable(1009, "Message too long"),
        Error::Utf8(_) => Stop::Unreadable(1007, "Text must be UTF-8"),
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => Stop::ClientGone(None),
        Error::Protocol(_) => Stop::Unreadable(1002, "Protocol error"),
        _ => Stop::ClientGone(None),
    }
}
