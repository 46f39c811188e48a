//! Who may talk to this server: hosts, origins, tokens, rooms.
//!
//! The server is for the machine it runs on. A page of another site must not reach it, neither
//! by its own name (`Origin`) nor by a name of its own that points here (`Host`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

use crate::rooms::RoomId;
use crate::sign_in::User;

/// Whether a host, with or without a port, names this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((name, rest)) if is_port(rest) => {
                return name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
            }
            Some(_) | None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port_number(port) => name,
            Some(_) => return false,
            None => host,
        },
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.strip_suffix(".localhost").is_some_and(|rest| !rest.is_empty())
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(rest: &str) -> bool {
    rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port_number)
}

fn is_port_number(port: &str) -> bool {
    !port.is_empty() && port.parse::<u16>().is_ok() && !port.starts_with('+')
}

/// The origins of pages that may talk to this server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    allowed: BTreeSet<String>,
}

impl Origins {
    /// Loopback origins, and these.
    pub(crate) fn new(allowed: &[String]) -> Self {
        let normal = |origin: &String| origin.trim_end_matches('/').to_ascii_lowercase();
        Self { allowed: allowed.iter().map(normal).collect() }
    }

    /// Whether a page of this origin may talk to this server.
    pub(crate) fn allow(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let loopback = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(is_loopback_host);
        loopback || self.allowed.contains(&origin)
    }
}

/// What somebody was let in by: a token, a sign-in, or nothing where nothing was needed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    token: Option<String>,
    user: Option<User>,
}

impl Admission {
    /// That of somebody who signed in.
    pub(crate) fn of_user(user: User) -> Self {
        Self { token: None, user: Some(user) }
    }

    /// The token, if there was one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Who signed in, if somebody did.
    pub(crate) fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    fn opens(&self, rule: &RoomRule) -> bool {
        self.token.as_ref().is_some_and(|token| rule.tokens.contains(token))
            || self.user.as_ref().is_some_and(|user| rule.subjects.contains(&user.subject))
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Admission(…)")
    }
}

/// The file of `--rooms`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomsFile {
    /// Whether everybody may enter the rooms that are not listed.
    #[serde(default)]
    public: bool,
    #[serde(default)]
    rooms: BTreeMap<String, RoomRule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomRule {
    #[serde(default)]
    tokens: BTreeSet<String>,
    /// The `sub` of those who may enter with a sign-in.
    #[serde(default)]
    subjects: BTreeSet<String>,
}

/// Which tokens there are, and which rooms they open.
#[derive(Clone, Default)]
pub(crate) struct RoomAccess {
    /// The token of `--token`.
    token: Option<String>,
    rules: Option<RoomsFile>,
}

impl std::fmt::Debug for RoomAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RoomAccess(…)")
    }
}

impl RoomAccess {
    /// Reads the file of `--rooms`, if there is one. The error is one sentence.
    pub(crate) fn new(token: Option<String>, rooms_file: Option<&Path>) -> Result<Self, String> {
        if token.as_deref() == Some("") {
            return Err("--token is empty; give it a value or leave it out.".to_owned());
        }
        let Some(path) = rooms_file else {
            return Ok(Self { token, rules: None });
        };
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!("The rooms file {shown} cannot be read ({error}); check the path of --rooms.")
        })?;
        let rules: RoomsFile = serde_json::from_str(&text).map_err(|error| {
            format!(
                "The rooms file {shown} is not as expected ({error}); write it like \
                 {{\"public\": true, \"rooms\": {{\"team\": {{\"tokens\": [\"secret\"]}}}}}}."
            )
        })?;
        if let Some(room) =
            rules.rooms.keys().find(|room| room.is_empty() || RoomId::parse(Some(room)).is_none())
        {
            return Err(format!(
                "The rooms file {shown} names the room {room:?}; a room id has 1 to 128 bytes and \
                 no control characters."
            ));
        }
        Ok(Self { token, rules: Some(rules) })
    }

    /// Checks the token of an upgrade. `None`: refuse it.
    pub(crate) fn admit(&self, offered: Option<String>) -> Option<Admission> {
        let needed = self.token.is_some() || self.rules.as_ref().is_some_and(|rules| !rules.public);
        match offered {
            None => (!needed).then(Admission::default),
            Some(token) => {
                if let Some(admission) = self.admit_known(&token) {
                    return Some(admission);
                }
                // A server that knows no tokens at all does not look at them.
                let open = self.token.is_none() && self.rules.is_none();
                open.then(Admission::default)
            }
        }
    }

    /// Lets somebody in by a token that is known. `None`: it is not.
    pub(crate) fn admit_known(&self, token: &str) -> Option<Admission> {
        let known = self.token.as_deref() == Some(token) || self.lists(token);
        known.then(|| Admission { token: Some(token.to_owned()), user: None })
    }

    /// Whether somebody may enter a room, or learn that it exists.
    pub(crate) fn may_enter(&self, admission: &Admission, room: &RoomId) -> bool {
        let Some(rules) = &self.rules else {
            return true;
        };
        match rules.rooms.get(room.as_str()) {
            None => rules.public,
            Some(rule) => admission.opens(rule),
        }
    }

    /// The rooms that the rules name.
    pub(crate) fn listed_rooms(&self) -> impl Iterator<Item = RoomId> + '_ {
        let rules = self.rules.iter();
        rules.flat_map(|rules| rules.rooms.keys().cloned().map(RoomId::from_store))
    }

    fn lists(&self, token: &str) -> bool {
        let rules = self.rules.as_ref();
        rules.is_some_and(|rules| rules.rooms.values().any(|rule| rule.tokens.contains(token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8787",
            "127.9.9.9:1",
            "localhost",
            "LOCALHOST:8787",
            "a.b.localhost:80",
            "[::1]",
            "[::1]:8787",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            ".localhost",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "notlocalhost",
            "192.168.0.1",
            "0.0.0.0",
            "[::]",
            "[::1",
            "[::1]x",
            "::1",
            "localhost:80:80",
            "localhost:",
            "localhost:x",
            "user@localhost",
            "127.0.0.1:99999",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn origins_are_loopback_or_listed() {
        let origins = Origins::new(&["https://App.example.com/".to_owned()]);
        for origin in ["http://localhost:8080", "https://127.0.0.1", "https://app.example.com"] {
            assert!(origins.allow(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://example.com",
            "http://app.example.com",
            "file://localhost",
            "http://localhost.evil.example",
            "https://app.example.com.evil.example",
            "http://localhost@evil.example",
            "http://localhost/x",
        ] {
            assert!(!origins.allow(origin), "{origin}");
        }
    }
}
