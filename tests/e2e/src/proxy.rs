//! A bad network between the widget and its backend.
//!
//! It speaks TCP and knows just enough of WebSocket (RFC 6455, section 5.2) to garble what is in a text frame without
//! breaking the frames themselves. What it does is decided by a seed: each connection has numbers of its own, in the
//! order in which they come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The longest delay of a piece, in milliseconds.
const LONGEST_DELAY: u64 = 120;
/// A connection is cut after at most so many pieces in one direction.
const MOST_PIECES: u64 = 24;
/// One in so many text frames of the server is garbled.
const GARBLED: u64 = 6;
/// What is read at once.
const PIECE: usize = 4_096;
/// So many bytes are shown on each side of what was garbled.
const SHOWN: usize = 150;
/// The longest header of a frame of a server: no mask.
const MAX_HEADER: usize = 10;
const TEXT: u8 = 1;

/// A port that leads to a backend, through a storm or through still air.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What the storm has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Connections that were cut.
    pub cuts: u64,
    /// Text frames that were garbled.
    pub garbled: usize,
}

#[derive(Debug)]
struct Shared {
    target: String,
    is_storm: AtomicBool,
    cuts: AtomicU64,
    garbled: Mutex<Vec<String>>,
}

impl Proxy {
    /// A storm from the beginning, in front of `host:port`.
    pub async fn start(target: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            is_storm: AtomicBool::new(true),
            cuts: AtomicU64::new(0),
            garbled: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), seed));
        Self { port, shared, accepting }
    }

    /// Where it listens, as `host:port`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on everything passes as it is; connections that are open stay.
    pub fn calm(&self) {
        self.shared.is_storm.store(false, Ordering::Relaxed);
    }

    /// What the storm has done so far.
    pub fn damage(&self) -> Damage {
        Damage { cuts: self.shared.cuts.load(Ordering::Relaxed), garbled: self.garbled().len() }
    }

    /// What was garbled so far, with what stands around it: for whoever has to find out what came of it.
    pub fn garbled(&self) -> Vec<String> {
        self.shared.garbled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, seed: u64) {
    let mut dice = Dice(seed);
    while let Ok((client, _)) = listener.accept().await {
        let (up, down) = (Dice(dice.roll()), Dice(dice.roll()));
        tokio::spawn(carry(client, Arc::clone(&shared), up, down));
    }
}

/// Both directions end with the first of them.
async fn carry(client: TcpStream, shared: Arc<Shared>, up: Dice, down: Dice) {
    let Ok(server) = TcpStream::connect(&shared.target).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, &shared, up, None) => {}
        () = pump(from_server, to_client, &shared, down, Some(Frames::default())) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    mut dice: Dice,
    mut frames: Option<Frames>,
) {
    let mut pieces_left = 2 + dice.below(MOST_PIECES);
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let is_storm = shared.is_storm.load(Ordering::Relaxed);
        let bytes = &mut piece[..length];
        if is_storm {
            tokio::time::sleep(Duration::from_millis(dice.below(LONGEST_DELAY))).await;
            pieces_left = pieces_left.saturating_sub(1);
            if pieces_left == 0 {
                shared.cuts.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        if let Some(frames) = &mut frames {
            let places = frames.pass(bytes, is_storm.then_some(&mut dice));
            let shown = places.into_iter().map(|place| around(bytes, place));
            shared.garbled.lock().unwrap_or_else(PoisonError::into_inner).extend(shown);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// A garbled byte in brackets, and what passed around it.
fn around(bytes: &[u8], place: usize) -> String {
    let before = String::from_utf8_lossy(&bytes[place.saturating_sub(SHOWN)..place]);
    let after = String::from_utf8_lossy(&bytes[place + 1..(place + SHOWN).min(bytes.len())]);
    format!("{before}[{:?}]{after}", char::from(bytes[place]))
}

/// Where in what a server sends the payloads of its text frames are.
#[derive(Debug, Default)]
enum Frames {
    /// The answer to the upgrade; the number of bytes of its end (`\r\n\r\n`) that have been there.
    #[default]
    BeforeFirst,
    HeadEnds(usize),
    /// The first bytes of a frame.
    Header {
        bytes: [u8; MAX_HEADER],
        length: usize,
    },
    /// What is left of a frame, and where in the rest of it a byte is to be changed, to what.
    Payload {
        left: u64,
        change: Option<(u64, u8)>,
    },
}

impl Frames {
    /// Follows what passes, and garbles some of it if there are dice; returns where it has.
    fn pass(&mut self, bytes: &mut [u8], mut dice: Option<&mut Dice>) -> Vec<usize> {
        let mut garbled = Vec::new();
        for (place, byte) in bytes.iter_mut().enumerate() {
            *self = match std::mem::take(self) {
                Self::BeforeFirst => Self::HeadEnds(0).after_head(*byte),
                ends @ Self::HeadEnds(_) => ends.after_head(*byte),
                Self::Header { mut bytes, length } => {
                    bytes[length] = *byte;
                    Self::after_header(bytes, length + 1, dice.as_deref_mut())
                }
                Self::Payload { left, change } => {
                    let change = match change {
                        Some((0, to)) => {
                            *byte = to;
                            garbled.push(place);
                            None
                        }
                        Some((after, to)) => Some((after - 1, to)),
                        None => None,
                    };
                    Self::payload(left - 1, change)
                }
            };
        }
        garbled
    }

    fn after_head(self, byte: u8) -> Self {
        let Self::HeadEnds(seen) = self else { return self };
        match (seen, byte) {
            (3, b'\n') => Self::header(),
            (0 | 2, b'\r') | (1, b'\n') => Self::HeadEnds(seen + 1),
            (_, b'\r') => Self::HeadEnds(1),
            _ => Self::HeadEnds(0),
        }
    }

    fn after_header(bytes: [u8; MAX_HEADER], length: usize, dice: Option<&mut Dice>) -> Self {
        let extended = match bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if length < 2 || length < 2 + extended {
            return Self::Header { bytes, length };
        }
        let payload = match extended {
            0 => u64::from(bytes[1] & 0x7f),
            _ => bytes[2..2 + extended].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        let is_text = bytes[0] & 0x0f == TEXT;
        let change = dice.filter(|_| is_text && payload > 0).and_then(|dice| {
            let is_hit = dice.below(GARBLED) == 0;
            is_hit.then(|| (dice.below(payload), WRONG[dice.below(WRONG.len() as u64) as usize]))
        });
        Self::payload(payload, change)
    }

    fn payload(left: u64, change: Option<(u64, u8)>) -> Self {
        if left == 0 { Self::header() } else { Self::Payload { left, change } }
    }

    fn header() -> Self {
        Self::Header { bytes: [0; MAX_HEADER], length: 0 }
    }
}

/// What a byte becomes: no UTF-8 at all, nothing that JSON allows anywhere, what ends a string too early, and what may
/// stand where it is put, so that a text arrives as another one.
const WRONG: [u8; 4] = [0xff, 0x01, b'"', b'}'];

/// SplitMix64.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `bound` - 1.
    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}
