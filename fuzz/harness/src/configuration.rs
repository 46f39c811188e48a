//! What a build is given: `roomlet.toml`, the files of Amplify, variables; and what is baked into it.

use std::collections::BTreeMap;

use roomlet_client::config::{
    Backend, Configuration, ConfigurationError, Profile, Reading, Source,
};
use roomlet_client::{Client, Command, Input, Now, Output};

use crate::setting::Setting;

/// The text of `roomlet.toml`.
pub(crate) fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    both_profiles(Some(text), None, &BTreeMap::new());
}

/// Lines of `NAME=value`.
pub(crate) fn environment(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    both_profiles(None, None, &variables);
    both_profiles(Some(include_str!("../../../roomlet.toml")), None, &variables);
}

/// The name of a file in the first line, its text in the others.
pub(crate) fn amplify(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (name, text) = text.split_once('\n').unwrap_or((text, ""));
    for kind in [None, Some("appsync-graphql"), Some("appsync-events"), Some("api-gateway")] {
        let kind = kind.map(|kind| ("ROOMLET_BACKEND".to_owned(), kind.to_owned()));
        let file = ("ROOMLET_AMPLIFY_OUTPUTS".to_owned(), name.to_owned());
        let variables = kind.into_iter().chain([file]).collect();
        both_profiles(None, Some(text), &variables);
    }
}

/// What a browser finds baked in.
pub(crate) fn baked(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(configuration) = Configuration::from_baked(text) {
        check_baking(&configuration);
        for backend in configuration.backends() {
            connect(backend);
        }
    }
}

fn both_profiles(file: Option<&str>, amplify: Option<&str>, variables: &BTreeMap<String, String>) {
    for profile in [Profile::Development, Profile::Release] {
        let source = Source {
            file,
            amplify_outputs: amplify.map(|text| Ok(text.to_owned())),
            environment: variables.clone(),
            profile,
        };
        match source.read() {
            Ok(reading) => check_reading(&reading, profile),
            Err(error) => check_error(&error),
        }
    }
}

fn check_reading(reading: &Reading, profile: Profile) {
    let backends = reading.configuration.backends();
    assert!(!backends.is_empty(), "a configuration has a backend");
    for backend in backends {
        let (service, address) = (&backend.service, backend.service.address());
        let is_secure = address.starts_with("wss://") || address.starts_with("https://");
        assert!(is_secure || service.is_loopback(), "an address that anybody can read: {address}");
        let is_here = profile == Profile::Release && service.is_loopback();
        assert!(!is_here, "a release build has a backend on this machine: {address}");
        assert!(!service.authority().contains('@'), "an address has user info: {address}");
        if let Some(url) = connect(backend) {
            let is_address = url.starts_with("wss://") || service.is_loopback();
            let is_visible = url.bytes().all(|byte| byte.is_ascii_graphic());
            assert!(is_address && is_visible, "no address: {url}");
        }
    }
    check_baking(&reading.configuration);
    reading.warnings.iter().for_each(|warning| check_sentence(warning));
}

/// What is written is what is read.
fn check_baking(configuration: &Configuration) {
    let json = serde_json::to_string(configuration).expect("a configuration is JSON");
    assert_eq!(Configuration::from_baked(&json).as_ref(), Some(configuration), "{json}");
}

fn check_error(error: &ConfigurationError) {
    assert!(!error.setting.is_empty() && !error.problem.is_empty(), "an error says what and why");
    check_sentence(&error.to_string());
}

fn check_sentence(text: &str) {
    assert!(!text.contains(char::is_control), "what is said is one line: {text:?}");
}

/// Whatever is configured, a client can be made of it. Returns the address that it opens a socket to, unless it asks for
/// credentials first.
fn connect(backend: &Backend) -> Option<String> {
    let mut client = Client::new(backend.clone(), Setting::person(), [7; 32]);
    client.handle(Now::default(), Input::Command(Command::OpenRoom(backend.room.clone())));
    match client.poll_output().expect("a client connects, or asks for credentials") {
        Output::OpenSocket { url, .. } => Some(url),
        _ => None,
    }
}
