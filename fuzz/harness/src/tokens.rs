//! Tokens that the page hands over: anything at all, and JSON Web Tokens with any claims.

use data_encoding::BASE64URL_NOPAD;
use roomlet_client::{Command, Credentials, RoomId, Secret, WallClock};
use serde_json::Value;

use crate::device::Device;
use crate::setting::{Kind, Setting, Way};

/// The first byte says whether the rest is a token, or the claims of one.
pub(crate) fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let (is_claims, is_first_of_two) = (first & 1 == 1, first & 2 == 2);
    let token = if is_claims {
        format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(rest))
    } else {
        String::from_utf8_lossy(rest).into_owned()
    };
    let Ok(token) = Secret::parse(&token) else { return };
    let credentials = Credentials::Token { token, expires_at: None };
    if is_claims {
        check_expiry(&credentials, rest);
    }
    for (kind, way) in [
        (Kind::GatewayFull, Way::Opaque),
        (Kind::GraphqlFull, Way::Cognito),
        (Kind::EventsStamped, Way::Cognito),
    ] {
        sign_in(Setting { kind, way }, credentials.clone(), is_first_of_two);
    }
}

/// `exp` is in seconds, and is read as whatever number it is.
fn check_expiry(credentials: &Credentials, claims: &[u8]) {
    let claims = serde_json::from_slice::<Value>(claims).ok().filter(Value::is_object);
    let seconds = claims.and_then(|claims| claims["exp"].as_i64());
    // Beyond that, floats and integers differ.
    if let Some(seconds) = seconds.filter(|seconds| seconds.abs() < 1 << 40) {
        assert_eq!(credentials.expires_at(), Some(WallClock(seconds * 1_000)));
    }
}

/// Whatever a token says, a client takes it, and somebody else's after it.
fn sign_in(setting: Setting, credentials: Credentials, is_first_of_two: bool) {
    let mut device = Device::new(setting);
    let room = RoomId::default();
    device.command(Command::OpenRoom(room.clone()));
    device.command(Command::Send { room, text: "hi".into() });
    device.sign_in(credentials.clone());
    if is_first_of_two {
        device.command(Command::Reconnect);
        device.pass_to_deadline();
        device.sign_in(crate::setting::jwt("bo", 1_761_800_000));
    }
    device.rest();
}
