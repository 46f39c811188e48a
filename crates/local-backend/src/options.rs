//! The flags, which are also the options of a server that is started in a program.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::appsync::{DEFAULT_LIFETIME, DEFAULT_MAX_SUBSCRIPTIONS, KEEP_ALIVE, RealtimeLimits};
use crate::events::DEFAULT_PUBLISH_RATE;
use crate::gateway::{DEFAULT_MAX_FRAME, DEFAULT_MAX_MESSAGE, IDLE_TIMEOUT, LIFETIME, Limits};
use crate::sign_in::{IamKey, SignIn};
use crate::socket::DEFAULT_MAX_BACKLOG;
use crate::storage::Location;

/// The port that everything in this repository expects.
const DEFAULT_PORT: u16 = 8787;

/// Sends a second that a person with a paste buffer does not reach.
const DEFAULT_RATE_LIMIT: u32 = 50;

/// What AppSync clients send unless a flag says otherwise; as public as every default.
const DEFAULT_API_KEY: &str = "da2-local";

/// What tokens are signed with unless a flag says otherwise.
const DEFAULT_JWT_SECRET: &str = "roomlet-local";

/// What requests are signed with unless a flag says otherwise.
const DEFAULT_IAM: &str = "AKIDLOCAL00000000000:local-secret";

const ABOUT: &str = "\
A development backend for Roomlet: API Gateway WebSocket and AppSync on this machine.

It serves API Gateway at /prod (full dialect) and /basic, AppSync GraphQL at /graphql and
/basic/graphql, and AppSync Events at /event; all share their rooms. It listens on loopback
only and refuses pages of other sites.";

const EXAMPLES: &str = "\
Examples:
  roomlet-local
      Serve on port 8787, with rooms in roomlet-local.sqlite in this directory.
  roomlet-local --port 9000 --memory
      Serve on port 9000 and forget everything at the end.
  roomlet-local --token sesame
      Clients of /prod and /basic need this token; AppSync takes it too.
  roomlet-local --keep-alive 2 --appsync-lifetime 30
      See what an AppSync client does with short signs of life and short lives.
  roomlet-local --idle-timeout 10 --lifetime 60
      See what a client does when the service ends its connections.

  curl -X PUT -H 'x-roomlet-local: 1' http://127.0.0.1:8787/__local/faults \\
      -d '{\"prod\": {\"welcome_delay_ms\": 5000}}'
      Be late on purpose; docs/local-backend.md lists every fault switch.";

/// The flags of `roomlet-local`, one field each.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "roomlet-local",
    version,
    about = ABOUT,
    long_about = None,
    after_help = EXAMPLES
)]
pub struct Options {
    /// Port to listen on; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,

    /// File that keeps rooms and messages; it is created if it is not there
    #[arg(long, value_name = "FILE", default_value = "roomlet-local.sqlite")]
    pub database: PathBuf,

    /// Keep everything in memory instead of a file
    #[arg(long, conflicts_with = "database")]
    pub memory: bool,

    /// Token that clients must send [default: none is needed]
    #[arg(long, value_name = "VALUE")]
    pub token: Option<String>,

    /// JSON file that says which tokens may enter which rooms [default: all rooms are public]
    #[arg(long, value_name = "FILE")]
    pub rooms: Option<PathBuf>,

    /// API key that AppSync clients must send
    #[arg(long, value_name = "KEY", default_value = DEFAULT_API_KEY, value_parser = parse_secret)]
    pub api_key: String,

    /// Secret that JSON Web Tokens must be signed with (HS256), on every path
    #[arg(long, value_name = "SECRET", default_value = DEFAULT_JWT_SECRET, value_parser = parse_secret)]
    pub jwt_secret: String,

    /// Access key that AWS signatures must be made with, on every path
    #[arg(long, value_name = "ID:SECRET", default_value = DEFAULT_IAM, value_parser = parse_access_key)]
    pub iam: String,

    /// Origin whose pages may connect, besides loopback ones; may be given several times
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    pub allow_origin: Vec<String>,

    /// Seconds without traffic after which a connection is closed
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = parse_seconds)]
    pub idle_timeout: Duration,

    /// Seconds after which every connection is closed
    #[arg(long, value_name = "SECONDS", default_value = "7200", value_parser = parse_seconds)]
    pub lifetime: Duration,

    /// Longest frame that a client may send
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_FRAME, value_parser = parse_bytes)]
    pub max_frame: usize,

    /// Longest message that a client may send
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_MESSAGE, value_parser = parse_bytes)]
    pub max_message: usize,

    /// Messages a second that one /prod connection may send, and at once; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RATE_LIMIT)]
    pub rate_limit: u32,

    /// Seconds between two `ka` frames of AppSync
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds)]
    pub keep_alive: Duration,

    /// Seconds after which every AppSync connection is closed
    #[arg(long, value_name = "SECONDS", default_value = "86400", value_parser = parse_seconds)]
    pub appsync_lifetime: Duration,

    /// Subscriptions that one AppSync connection may have
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_SUBSCRIPTIONS)]
    pub max_subscriptions: usize,

    /// Publishes a second that one connection of AppSync Events may send, and at once; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PUBLISH_RATE)]
    pub publish_rate: u32,

    /// Bytes that may wait for a client that reads too slowly, before it is cut
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_BACKLOG, value_parser = parse_bytes)]
    pub max_backlog: usize,

    /// Speak TLS (https: and wss:) with a certificate that signs itself
    #[arg(long)]
    pub tls: bool,

    /// Keep the rows of basic connections that a previous run left, as a real table would
    #[arg(long)]
    pub keep_stale: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: DEFAULT_PORT,
            database: PathBuf::from("roomlet-local.sqlite"),
            memory: false,
            token: None,
            rooms: None,
            api_key: DEFAULT_API_KEY.to_owned(),
            jwt_secret: DEFAULT_JWT_SECRET.to_owned(),
            iam: DEFAULT_IAM.to_owned(),
            allow_origin: Vec::new(),
            idle_timeout: IDLE_TIMEOUT,
            lifetime: LIFETIME,
            max_frame: DEFAULT_MAX_FRAME,
            max_message: DEFAULT_MAX_MESSAGE,
            rate_limit: DEFAULT_RATE_LIMIT,
            keep_alive: KEEP_ALIVE,
            appsync_lifetime: DEFAULT_LIFETIME,
            max_subscriptions: DEFAULT_MAX_SUBSCRIPTIONS,
            publish_rate: DEFAULT_PUBLISH_RATE,
            max_backlog: DEFAULT_MAX_BACKLOG,
            tls: false,
            keep_stale: false,
        }
    }
}

impl Options {
    /// What tests want: any free port, and nothing left behind.
    pub fn in_memory() -> Self {
        Self { port: 0, memory: true, ..Self::default() }
    }

    pub(crate) fn location(&self) -> Location {
        if self.memory { Location::Memory } else { Location::File(self.database.clone()) }
    }

    pub(crate) fn realtime_limits(&self) -> RealtimeLimits {
        RealtimeLimits {
            keep_alive: self.keep_alive,
            lifetime: self.appsync_lifetime,
            max_subscriptions: self.max_subscriptions,
            max_backlog: self.max_backlog,
        }
    }

    /// The secrets that sign-ins are judged by. The error is one sentence.
    pub(crate) fn sign_in(&self) -> Result<SignIn, String> {
        let (id, secret) = self.iam.split_once(':').unwrap_or((&self.iam, ""));
        for (flag, value) in [
            ("--api-key", self.api_key.as_str()),
            ("--jwt-secret", &self.jwt_secret),
            ("--iam", id),
            ("--iam", secret),
        ] {
            if value.is_empty() {
                return Err(format!("{flag} is empty or incomplete; see roomlet-local --help."));
            }
        }
        Ok(SignIn {
            api_key: self.api_key.clone(),
            jwt_secret: self.jwt_secret.clone(),
            iam: IamKey { id: id.to_owned(), secret: secret.to_owned() },
        })
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_frame: self.max_frame,
            max_message: self.max_message,
            idle_timeout: self.idle_timeout,
            lifetime: self.lifetime,
            rate_limit: self.rate_limit,
            max_backlog: self.max_backlog,
        }
    }
}

/// Longest time a flag can ask for: a year, far from where adding to a clock overflows.
const MAX_SECONDS: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// An origin as browsers send it: a scheme, a host, and a port if there is one; nothing after it.
fn parse_origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https")
            && !host.is_empty()
            && !host.contains(['/', '?', '#', '@', ' '])
    });
    if is_origin {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("write an origin, as in https://example.com or http://192.168.1.5:8080".to_owned())
    }
}

fn parse_secret(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("give a value".to_owned()) } else { Ok(text.to_owned()) }
}

fn parse_access_key(text: &str) -> Result<String, String> {
    let complete =
        text.split_once(':').is_some_and(|(id, secret)| !id.is_empty() && !secret.is_empty());
    if complete {
        Ok(text.to_owned())
    } else {
        Err("write an access key id and its secret, as in AKIDLOCAL00000000000:secret".to_owned())
    }
}

/// A limit below this would refuse every frame there is.
const MIN_BYTES: usize = 64;

fn parse_bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if bytes >= MIN_BYTES => Ok(bytes),
        _ => Err(format!("write a number of bytes, at least {MIN_BYTES}")),
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
        return Err("give a number of seconds above 0 and up to a year".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_no_flags_give() {
        let parsed = Options::try_parse_from(["roomlet-local"]).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn origins_and_limits_that_could_never_work_are_refused() {
        assert_eq!(parse_origin("https://Example.com"), Ok("https://example.com".to_owned()));
        for text in
            ["", "foo", "example.com", "https://", "https://example.com/", "ws://example.com"]
        {
            assert!(parse_origin(text).is_err(), "{text}");
        }
        assert_eq!(parse_bytes("32768"), Ok(32_768));
        for text in ["0", "-1", "many", "63"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_have_bounds() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["0", "-1", "NaN", "inf", "1e300", "ten", ""] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
