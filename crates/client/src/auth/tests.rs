//! Every way to sign in, byte for byte.

use super::*;
use crate::config::{ApiKey, TokenKind};
use crate::time::parse_utc;

const HOST: &str = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com";
const GUEST: SignIn = SignIn::None;

fn wall() -> WallClock {
    parse_utc("2025-01-02T03:04:05Z").unwrap()
}

fn iam() -> SignIn {
    SignIn::Iam { region: "us-east-1".into() }
}

fn with_token() -> SignIn {
    SignIn::Token { token: TokenKind::Opaque }
}

fn keys(session_token: Option<&str>) -> Credentials {
    Credentials::Aws {
        access_key_id: AccessKeyId::parse("AKIDEXAMPLE0000000AB").unwrap(),
        secret_access_key: Secret::parse("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap(),
        session_token: session_token.map(|token| Secret::parse(token).unwrap()),
        expires_at: None,
    }
}

fn token(text: &str) -> Credentials {
    Credentials::Token { token: Secret::parse(text).unwrap(), expires_at: None }
}

fn signer<'a>(sign_in: &'a SignIn, credentials: &'a Credentials) -> Signer<'a> {
    Signer::new(sign_in, Some(credentials), HOST, wall()).unwrap()
}

#[test]
fn websocket_signatures_are_those_of_botocore() {
    let cases = [
        (
            "/graphql/connect",
            "{}",
            "efd44c5523b439157fa8e2f2c701bff40208e331d87d8c4069b08beb2c9cfb5a",
            "b9e0ac9685779c49400582078b4bd068f5ea7a31e9f019202d45b6b4d2ba4422",
        ),
        (
            "/graphql",
            r#"{"query":"subscription S($r:ID!){onMessage(roomId:$r){id body}}","variables":{"r":"r1"}}"#,
            "e7e6b7032cbc2a73b23b7fae6fe3dfb48ef078f60de284619916d84e224ba5ef",
            "53c8056e41fc5f9bf695f4e6a49dd32faecb81c685dd09017aded6714008081a",
        ),
        (
            "/graphql",
            r#"{"query":"mutation M($b:String!){send(body:$b){id roomId body}}","variables":{"b":"hi"}}"#,
            "09f84b30e7ef4a774fb905c1cc7841e9ee42cf8fe487110470045c8c65a9e75a",
            "d2124dbbc942fbb54511f3bc7fac5d7d7804b4d58aa36974753d7ec4c49b02cd",
        ),
        (
            "/event",
            "{}",
            "ca282579f93198d4777b9e2a6c8ca7a8ec85d3956564d6704ce093e1b7977a20",
            "d7e77de8e451817ed67214020871f2f416aba234aa50680c8e7266627a688560",
        ),
        (
            "/event",
            r#"{"channel":"/chat/room-1"}"#,
            "57ae82a98b837c9a85336194aa915811d9b2a261210bac37656d3c58f9498b8d",
            "1aa9acd730f30ebbdb8c98ee3fe98905dd447a6f52a57db5fcf350ebefcb9da4",
        ),
        (
            "/event",
            r#"{"channel":"/chat/room-1","events":["{\"body\":\"hi\"}"]}"#,
            "64f45f1c53b6c85f05bacd036f2fdfa92c12a752b2169758d6582d86a4232171",
            "89b6d0cdd7aacb0673890026f8c589e70bfd61d18315163e4ac5a09f12bcdfad",
        ),
    ];
    for (path, body, with_session, without) in cases {
        let iam = iam();
        let json = signer(&iam, &keys(Some("EXAMPLETOKEN=="))).authorization(path, body).json();
        assert_eq!(
            json,
            format!(
                r#"{{"accept":"application/json, text/javascript","content-encoding":"amz-1.0","content-type":"application/json; charset=UTF-8","host":"{HOST}","x-amz-date":"20250102T030405Z","X-Amz-Security-Token":"EXAMPLETOKEN==","Authorization":"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/aws4_request, SignedHeaders=accept;content-encoding;content-type;host;x-amz-date;x-amz-security-token, Signature={with_session}"}}"#
            )
        );
        let json = signer(&iam, &keys(None)).authorization(path, body).json();
        assert_eq!(
            json,
            format!(
                r#"{{"accept":"application/json, text/javascript","content-encoding":"amz-1.0","content-type":"application/json; charset=UTF-8","host":"{HOST}","x-amz-date":"20250102T030405Z","Authorization":"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/aws4_request, SignedHeaders=accept;content-encoding;content-type;host;x-amz-date, Signature={without}"}}"#
            )
        );
    }
}

#[test]
fn a_handshake_rides_in_a_subprotocol() {
    let sign_in = SignIn::ApiKey { key: ApiKey::parse("da2-abcdefghijklmnopqrstuvwxyz").unwrap() };
    let signer = Signer::new(&sign_in, None, HOST, wall()).unwrap();
    assert_eq!(
        signer.subprotocol("/graphql/connect", "{}"),
        "header-eyJob3N0IjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXouYXBwc3luYy1hcGkudXMtZWFzdC0xLmFtYXpvbmF3cy5jb20iLCJ4LWFwaS1rZXkiOiJkYTItYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoifQ"
    );
    // No `Secret` holds an é; the encoding is right nevertheless.
    let identity = Identity::Token("tok?>~é");
    let signer = Signer { identity, host: HOST, wall: wall(), generation: 0 };
    assert_eq!(
        signer.subprotocol("/graphql/connect", "{}"),
        "header-eyJBdXRob3JpemF0aW9uIjoidG9rPz5-w6kiLCJob3N0IjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXouYXBwc3luYy1hcGkudXMtZWFzdC0xLmFtYXpvbmF3cy5jb20ifQ"
    );
    let json = Authorization::new([("k", "???>>>".to_owned())]).json();
    assert_eq!(BASE64URL_NOPAD.encode(json.as_bytes()), "eyJrIjoiPz8_Pj4-In0");
    let guest = Signer::new(&GUEST, None, "e.com", wall()).unwrap();
    assert_eq!(guest.authorization("/event", "{}").json(), r#"{"host":"e.com"}"#);
}

#[test]
fn a_post_has_headers() {
    let body = r#"{"query":"mutation M($b:String!){send(body:$b){id roomId body}}","variables":{"b":"hi"}}"#;
    let headers = |sign_in: &SignIn, credentials: &Credentials| {
        let headers = signer(sign_in, credentials).http_headers("/graphql", body);
        headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>()
    };
    let key = SignIn::ApiKey { key: ApiKey::parse("da2-x").unwrap() };
    let token = token("tok");
    assert_eq!(headers(&GUEST, &token), "content-type: application/json\n");
    assert_eq!(headers(&key, &token), "content-type: application/json\nx-api-key: da2-x\n");
    assert_eq!(
        headers(&with_token(), &token),
        "content-type: application/json\nauthorization: tok\n"
    );
    // Computed with botocore's SigV4Auth.
    assert_eq!(
        headers(&iam(), &keys(Some("EXAMPLETOKEN=="))),
        "content-type: application/json\nx-amz-date: 20250102T030405Z\nx-amz-security-token: EXAMPLETOKEN==\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=201b66fc15fa6a5fb76fb10aac873e1986695ae6e9b03d3a7be81ce2d7828690\n"
    );
    assert_eq!(
        headers(&iam(), &keys(None)),
        "content-type: application/json\nx-amz-date: 20250102T030405Z\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=10688dfc7b5e4181fbd0e97d553c048ec8546a0653241469c3b121ec3bdffaf5\n"
    );
}

#[test]
fn api_gateway_urls_are_signed_as_botocore_signs_them() {
    // Computed with botocore's SigV4QueryAuth.
    for (session_token, url, expected) in [
        (
            None,
            "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod",
            (
                "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host",
                "ead333332c72e825a4c2078eb445832a56411ebfadeca1c3cc71ab277643f073",
            ),
        ),
        (
            Some("EXAMPLETOKEN=="),
            "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod?roomId=lobby",
            (
                "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-Security-Token=EXAMPLETOKEN%3D%3D&X-Amz-SignedHeaders=host&roomId=lobby",
                "96c8588720abf2c66e128b68558bbfb9b29b5df992e5c40e7cf349ccbaa0d801",
            ),
        ),
        (
            Some("FwoG/+x=="),
            "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod?zone=a%2Fb&roomId=%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1&flag=",
            (
                "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-Security-Token=FwoG%2F%2Bx%3D%3D&X-Amz-SignedHeaders=host&flag=&roomId=%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1&zone=a%2Fb",
                "b8d9bb6f28a06ed2362875a4a8c0d06dee8b0095739ac706c6021f9eefcb204e",
            ),
        ),
        (
            None,
            "wss://ws.example.com/chat$-_.+%21*/?a=b+c&A=~",
            (
                "wss://ws.example.com/chat$-_.+%21*/?A=~&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&a=b%20c",
                "18ea5d2b2fb16870759751cd2bdc55917bd49ff560b5cfac18a4b26397098a20",
            ),
        ),
        (
            None,
            "wss://ws.example.com/",
            (
                "wss://ws.example.com/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host",
                "89bf1bc2e246ec8ac2a6928e8a440d4735c076d2c39da23dd6e0e197bca8ec76",
            ),
        ),
        (
            None,
            "ws://127.0.0.1:8787/prod?roomId=1",
            (
                "ws://127.0.0.1:8787/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE0000000AB%2F20250102%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20250102T030405Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&roomId=1",
                "b6229483a715017299d0f35c1cbcbe1dd9695390b7a8d2a6d3b3f2d377ee9958",
            ),
        ),
    ] {
        let (iam, keys) = (iam(), keys(session_token));
        let signed = signer(&iam, &keys).gateway_url(url, TokenCarrier::Query);
        assert_eq!(signed, format!("{}&X-Amz-Signature={}", expected.0, expected.1), "{url}");
        assert!(signer(&iam, &keys).gateway_subprotocols(TokenCarrier::Subprotocol).is_empty());
    }
}

#[test]
fn a_token_reaches_api_gateway_in_its_carrier() {
    let (sign_in, token) = (with_token(), token("a?>~ b=&"));
    let signer = signer(&sign_in, &token);
    let url = "wss://e.com/prod";
    assert_eq!(
        signer.gateway_subprotocols(TokenCarrier::Subprotocol),
        ["roomlet.v1", "token.YT8-fiBiPSY"]
    );
    assert_eq!(signer.gateway_url(url, TokenCarrier::Subprotocol), url);
    assert!(signer.gateway_subprotocols(TokenCarrier::Query).is_empty());
    assert_eq!(
        signer.gateway_url(url, TokenCarrier::Query),
        "wss://e.com/prod?token=a%3F%3E~%20b%3D%26"
    );
    assert_eq!(
        signer.gateway_url("wss://e.com/?roomId=1", TokenCarrier::Query),
        "wss://e.com/?roomId=1&token=a%3F%3E~%20b%3D%26"
    );
    let guest = Signer::new(&GUEST, Some(&token), HOST, wall()).unwrap();
    assert!(guest.gateway_subprotocols(TokenCarrier::Subprotocol).is_empty());
    assert_eq!(guest.gateway_url(url, TokenCarrier::Query), url);
}

#[test]
fn says_which_credentials_are_wanted() {
    let refused = |sign_in: &SignIn, credentials: Option<&Credentials>| {
        Signer::new(sign_in, credentials, HOST, wall()).err()
    };
    assert_eq!(refused(&with_token(), None), Some(SignerError::SignedOut));
    assert_eq!(refused(&iam(), None), Some(SignerError::SignedOut));
    assert_eq!(refused(&with_token(), Some(&keys(None))), Some(SignerError::TokenWanted));
    assert_eq!(refused(&iam(), Some(&token("t"))), Some(SignerError::AwsWanted));
    assert_eq!(
        SignerError::TokenWanted.to_string(),
        "this backend wants a token: let `auth` answer with `{token}`"
    );
}

#[test]
fn no_secret_is_printed() {
    let (iam, keys) = (iam(), keys(Some("EXAMPLETOKEN==")));
    let printed = format!(
        "{keys:?} {:?} {:?}",
        token("secret-token"),
        signer(&iam, &keys).authorization("/event", "{}")
    );
    for secret in ["wJalr", "EXAMPLE", "secret-token", "AWS4"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

fn jwt(claims: &str) -> Credentials {
    token(&format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes())))
}

#[test]
fn a_jwt_says_who_and_until_when() {
    let ann =
        jwt(r#"{"sub":"u-1","exp":1761710760,"preferred_username":"ann","cognito:username":"x"}"#);
    assert_eq!(ann.expires_at(), Some(WallClock(1_761_710_760_000)));
    assert_eq!((ann.subject().as_deref(), ann.name().as_deref()), (Some("u-1"), Some("ann")));
    let named = jwt(r#"{"name":"안나","preferred_username":"ann"}"#);
    assert_eq!((named.subject(), named.name().as_deref()), (None, Some("안나")));
    assert_eq!(jwt(r#"{"name":" ","cognito:username":"c"}"#).name().as_deref(), Some("c"));
    let Credentials::Token { token: bare, .. } = ann.clone() else { panic!("a token") };
    assert_eq!(token(&format!("Bearer {}", bare.expose())).subject().as_deref(), Some("u-1"));
    let said = Credentials::Token { token: bare, expires_at: Some(WallClock(5)) };
    assert_eq!(said.expires_at(), Some(WallClock(5)));
    assert_eq!(keys(None).expires_at(), None);
    assert_eq!(keys(None).subject(), None);
}

#[test]
fn an_odd_jwt_is_merely_opaque() {
    for (claims, expires_at) in [
        ("{}", None),
        (r#"{"exp":"soon"}"#, None),
        (r#"{"exp":null}"#, None),
        (r#"{"exp":1.5}"#, Some(1_500)),
        (r#"{"exp":1e300}"#, Some(i64::MAX)),
        (r#"{"exp":-1e300}"#, Some(i64::MIN)),
        (r#"{"exp":18446744073709551615}"#, Some(i64::MAX)),
        (r#"{"exp":1e999}"#, None),
        ("[1,2]", None),
        ("not json", None),
    ] {
        assert_eq!(jwt(claims).expires_at(), expires_at.map(WallClock), "{claims}");
    }
    for text in ["opaque", "a.b", "a.b.c", "a..c", ".", "..", "a.!!!.c", "a.e30.c.d.e", "Bearer "] {
        let Ok(secret) = Secret::parse(text) else { continue };
        let odd = Credentials::Token { token: secret, expires_at: None };
        assert_eq!((odd.expires_at(), odd.subject(), odd.name()), (None, None, None), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_is_too_odd(text in "[ -~]{0,40}", path in "\\PC{0,20}", body in "\\PC{0,20}", milliseconds: i64) {
        let (iam, keys) = (iam(), keys(Some("t")));
        let signer = Signer::new(&iam, Some(&keys), &path, WallClock(milliseconds)).unwrap();
        signer.http_headers(&path, &body);
        let _ = signer.gateway_url(&format!("{path}?{body}"), TokenCarrier::Query);
        let subprotocol = signer.subprotocol(&path, &body);
        proptest::prop_assert!(subprotocol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        if let Ok(secret) = Secret::parse(&text) {
            let odd = Credentials::Token { token: secret, expires_at: None };
            let _ = (odd.expires_at(), odd.subject(), odd.name());
        }
        let claims = BASE64URL_NOPAD.encode(body.as_bytes());
        let _ = token(&format!("a.{claims}.c")).expires_at();
    }
}
