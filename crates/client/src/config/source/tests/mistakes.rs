//! Each mistake is one sentence that names what to change.

use super::*;

#[track_caller]
fn assert_sentence(read: Result<Reading, String>, expected: &str) {
    let message = read.map(|reading| format!("{reading:?}")).unwrap_err();
    assert!(message.starts_with(expected), "{message}\n{expected}");
    assert!(!message.contains('\n') && message.contains(' '), "{message}");
}

#[test]
fn of_the_environment() {
    let endpoint = |value| vec![("BACKEND", "api-gateway"), ("ENDPOINT", value)];
    let cases: &[(Vec<(&str, &str)>, &str)] = &[
        (vec![], "ROOMLET_BACKEND is not set, and a release build has no backend without it: set"),
        (vec![("BACKEND", "api-gateway")], "ROOMLET_ENDPOINT is not set: give the address"),
        (
            vec![("ENDPOINT", GATEWAY)],
            "ROOMLET_BACKEND is not set, though ROOMLET_ENDPOINT is: set it to `api-gateway`",
        ),
        (
            vec![("ENDPOINT", GRAPHQL)],
            "ROOMLET_BACKEND is not set, though ROOMLET_ENDPOINT is: set it to `appsync-graphql`",
        ),
        (
            vec![("ENDPOINT", "wss://e.com/event/realtime")],
            "ROOMLET_BACKEND is not set, though ROOMLET_ENDPOINT is: set it to `appsync-events`",
        ),
        (
            vec![("ENDPOINT", GATEWAY), ("BACKEND", "pusher")],
            "ROOMLET_BACKEND is `pusher`, which is no kind of backend: use `api-gateway`, `appsync-graphql` or `appsync-events`",
        ),
        (endpoint("wss://a.execute-api.eu-west-1.amazonaws.com"), "ROOMLET_ENDPOINT has no stage"),
        (endpoint("http://example.com/prod"), "ROOMLET_ENDPOINT begins with `http://`"),
        (endpoint(GRAPHQL), "ROOMLET_ENDPOINT begins with `https://`"),
        (
            endpoint("wss://a.appsync-realtime-api.eu-west-1.amazonaws.com/graphql"),
            "ROOMLET_ENDPOINT is the address of an AppSync API",
        ),
        (
            endpoint("ws://127.0.0.1:1/prod"),
            "ROOMLET_ENDPOINT is on this machine, which a release build cannot use",
        ),
        (
            endpoint("wss://e.com/AKIAIOSFODNN7EXAMPLE"),
            "ROOMLET_ENDPOINT looks like an AWS access key",
        ),
        (
            endpoint("wss://e.com/da2-abcdefghijklmnopqrstuvwxyz"),
            "ROOMLET_ENDPOINT looks like an AppSync API key",
        ),
        (endpoint(""), "ROOMLET_ENDPOINT is empty"),
        (
            vec![("ENDPONT", "x")],
            "ROOMLET_ENDPONT is no variable of Roomlet: did you mean ROOMLET_ENDPOINT?",
        ),
        (
            vec![("ALLOW_PAGE_BACKEND", "yes")],
            "ROOMLET_ALLOW_PAGE_BACKEND must be `true` or `false`",
        ),
    ];
    for (variables, expected) in cases {
        assert_sentence(read(Profile::Release, variables), expected);
    }
    let nothing_to_change = read_with("", Profile::Release, None, &[("ROOM", "r")]);
    assert_sentence(
        nothing_to_change,
        "ROOMLET_BACKEND is not set, though ROOMLET_ROOM is: set it to `api-gateway`, ",
    );
}

/// What a file has for work on this machine is nothing that a person who builds for others has set, or could change.
#[test]
fn of_variables_without_a_backend_in_a_release() {
    let remote = format!("{FILE}\n[backends.remote]\nkind='api-gateway'\nendpoint='{GATEWAY}'");
    for file in [FILE, &remote] {
        for (name, value) in [
            ("API_KEY", "da2-abcdefghijklmnopqrstuvwxyz"),
            ("AUTH", "cognito"),
            ("NAMESPACE", "chat"),
            ("ROOM", "r"),
        ] {
            assert_sentence(
                read_with(file, Profile::Release, None, &[(name, value)]),
                &format!(
                    "ROOMLET_BACKEND is not set, though ROOMLET_{name} is: set it to `api-gateway`, `appsync-graphql` or `appsync-events`, and ROOMLET_ENDPOINT to the address of your API"
                ),
            );
        }
    }
    let of_a_file = format!("[backends.default]\nkind='api-gateway'\nendpoint='{GATEWAY}'");
    let changed = read_with(&of_a_file, Profile::Release, None, &[("ROOM", "r")]).unwrap();
    assert_eq!(changed.configuration.backend(None).unwrap().room.as_str(), "r");
}

#[test]
fn of_an_api_gateway_backend() {
    for (variables, expected) in [
        (
            [("DIALECT", "klingon")].as_slice(),
            "ROOMLET_DIALECT is `klingon`: use `auto`, `basic` or `full`",
        ),
        (&[("ROOM", "a\nb")], "ROOMLET_ROOM is no room id"),
        (
            &[("AUTH", "cognito")],
            "ROOMLET_AUTH must be `none`, `token` or `iam` for an API Gateway backend",
        ),
        (&[("AUTH", "api-key")], "ROOMLET_AUTH must be `none`, `token` or `iam`"),
        (&[("AUTH", "Token")], "ROOMLET_AUTH must be `none`, `token` or `iam`"),
        (
            &[("AUTH", "iam"), ("REGION", "us-east-1")],
            "ROOMLET_REGION is `us-east-1`, but the API is in `eu-west-1`: remove it",
        ),
        (
            &[("REGION", "eu-west-1")],
            "ROOMLET_REGION has a meaning only where requests are signed: remove it, or set ROOMLET_AUTH to `iam`",
        ),
        (
            &[("API_KEY", "da2-x")],
            "ROOMLET_API_KEY has no meaning for an API Gateway backend: remove it",
        ),
        (&[("EVENTS", "raw")], "ROOMLET_EVENTS has no meaning for an API Gateway backend"),
        (&[("HOST", "e.com")], "ROOMLET_HOST has no meaning for an API Gateway backend"),
        (&[("NAMESPACE", "chat")], "ROOMLET_NAMESPACE has no meaning for an API Gateway backend"),
        (
            &[("REALTIME_ENDPOINT", GATEWAY)],
            "ROOMLET_REALTIME_ENDPOINT has no meaning for an API Gateway backend: put its address into ROOMLET_ENDPOINT",
        ),
        (
            &[("TOKEN_CARRIER", "query")],
            "ROOMLET_TOKEN_CARRIER carries nothing: set ROOMLET_AUTH to `token`, or remove it",
        ),
        (&[("TOKEN_CARRIER", "query"), ("AUTH", "iam")], "ROOMLET_TOKEN_CARRIER carries nothing"),
        (
            &[("TOKEN_CARRIER", "cookie"), ("AUTH", "token")],
            "ROOMLET_TOKEN_CARRIER is `cookie`: use `subprotocol` or `query`",
        ),
    ] {
        let own = [("BACKEND", "api-gateway"), ("ENDPOINT", GATEWAY)];
        assert_sentence(read(Profile::Release, &[&own, variables].concat()), expected);
    }
    let elsewhere = [("BACKEND", "api-gateway"), ("ENDPOINT", "wss://e.com/chat"), ("AUTH", "iam")];
    assert_sentence(
        read(Profile::Release, &elsewhere),
        "ROOMLET_REGION is not set, and the address does not say it",
    );
    let odd = [elsewhere.as_slice(), &[("REGION", "Ireland")]].concat();
    assert_sentence(
        read(Profile::Release, &odd),
        "ROOMLET_REGION is `Ireland`: write a region such as `eu-west-1`",
    );
}

#[test]
fn of_an_appsync_backend() {
    let key = ("API_KEY", "da2-local");
    for (variables, expected) in [
        (
            [].as_slice(),
            "ROOMLET_AUTH is not set: use `api-key` and set ROOMLET_API_KEY, or use `cognito`, `oidc`, `lambda` or `iam`",
        ),
        (&[("AUTH", "api-key")], "ROOMLET_API_KEY is not set, though ROOMLET_AUTH asks for it"),
        (
            &[("AUTH", "token")],
            "ROOMLET_AUTH does not say which token: use `cognito`, `oidc` or `lambda`",
        ),
        (
            &[("AUTH", "password")],
            "ROOMLET_AUTH must be `api-key`, `cognito`, `oidc`, `lambda` or `iam`",
        ),
        (
            &[("AUTH", "none")],
            "ROOMLET_AUTH is `none`, which AppSync itself does not have: use `api-key`, `cognito`, `oidc`, `lambda` or `iam`",
        ),
        (&[("AUTH", "NONE")], "ROOMLET_AUTH is `none`, which AppSync itself does not have"),
        (
            &[("AUTH", "none"), ("REALTIME_ENDPOINT", "wss://live.example.com/socket")],
            "ROOMLET_AUTH is `none`, which AppSync itself does not have",
        ),
        (
            &[("AUTH", "cognito"), key],
            "ROOMLET_API_KEY has no meaning with `cognito`: remove it, or set ROOMLET_AUTH to `api-key`",
        ),
        (
            &[("API_KEY", "abcdef")],
            "ROOMLET_API_KEY is no key of an AppSync API: it begins with `da2-`",
        ),
        (&[("API_KEY", "AKIAIOSFODNN7EXAMPLE")], "ROOMLET_API_KEY looks like an AWS access key"),
        (
            &[("API_KEY", "da2-AKIAIOSFODNN7EXAMPLE")],
            "ROOMLET_API_KEY looks like an AWS access key",
        ),
        (
            &[("API_KEY", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl")],
            "ROOMLET_API_KEY looks like a token (JWT)",
        ),
        (
            &[key, ("REGION", "eu-west-1")],
            "ROOMLET_REGION has a meaning only where requests are signed",
        ),
        (&[key, ("TOKEN_CARRIER", "query")], "ROOMLET_TOKEN_CARRIER has no meaning for an AppSync"),
        (&[key, ("HOST", "https://e.com")], "ROOMLET_HOST has no valid host and port"),
        (
            &[key, ("HOST", "a1b2c3.appsync-realtime-api.eu-west-1.amazonaws.com")],
            "ROOMLET_HOST is the host of the WebSocket: requests name and sign the API's own, a1b2c3.appsync-api.eu-west-1.amazonaws.com",
        ),
        (
            &[key, ("REALTIME_ENDPOINT", EVENTS)],
            "ROOMLET_REALTIME_ENDPOINT begins with `https://`: write it as wss://",
        ),
        (&[key, ("ROOM", "a\nb")], "ROOMLET_ROOM is no room id"),
    ] {
        for (kind, endpoint) in [("appsync-graphql", GRAPHQL), ("appsync-events", EVENTS)] {
            let own = [("BACKEND", kind), ("ENDPOINT", endpoint)];
            assert_sentence(read(Profile::Release, &[&own, variables].concat()), expected);
        }
    }
}

#[test]
fn of_a_proxy_before_appsync() {
    let own = [("BACKEND", "appsync-graphql"), ("ENDPOINT", "https://chat.example.com/graphql")];
    for (variables, expected) in [
        (
            [("AUTH", "password")].as_slice(),
            "ROOMLET_AUTH must be `api-key`, `cognito`, `oidc`, `lambda`, `iam` or `none`",
        ),
        (
            &[("AUTH", "none"), ("API_KEY", "da2-local")],
            "ROOMLET_API_KEY has no meaning with `none`",
        ),
        (
            &[
                ("AUTH", "none"),
                (
                    "REALTIME_ENDPOINT",
                    "wss://a.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
                ),
            ],
            "ROOMLET_AUTH is `none`, which AppSync itself does not have",
        ),
    ] {
        assert_sentence(read(Profile::Release, &[&own, variables].concat()), expected);
    }
}

#[test]
fn of_one_kind_of_appsync_backend() {
    let graphql = ("BACKEND", "appsync-graphql");
    let events = ("BACKEND", "appsync-events");
    for (variables, expected) in [
        (
            [graphql, ("ENDPOINT", GRAPHQL), ("EVENTS", "raw")],
            "ROOMLET_EVENTS has no meaning for an AppSync GraphQL backend: remove it",
        ),
        (
            [graphql, ("ENDPOINT", GRAPHQL), ("NAMESPACE", "chat")],
            "ROOMLET_NAMESPACE has no meaning for an AppSync GraphQL backend",
        ),
        ([graphql, ("ENDPOINT", GRAPHQL), ("DIALECT", "full2")], "ROOMLET_DIALECT is `full2`"),
        (
            [graphql, ("ENDPOINT", EVENTS), ("ROOM", "r")],
            "ROOMLET_ENDPOINT ends in `/event`: the path of this kind of API is `/graphql`",
        ),
        (
            [graphql, ("ENDPOINT", GATEWAY), ("ROOM", "r")],
            "ROOMLET_ENDPOINT is the address of the WebSocket: use the HTTP address, ",
        ),
        (
            [
                graphql,
                ("ENDPOINT", "wss://a.appsync-realtime-api.eu-west-1.amazonaws.com/graphql"),
                ("ROOM", "r"),
            ],
            "ROOMLET_ENDPOINT is the address of the WebSocket: use the HTTP address, https://a.appsync-api.eu-west-1.amazonaws.com/graphql",
        ),
        (
            [events, ("ENDPOINT", EVENTS), ("DIALECT", "full")],
            "ROOMLET_DIALECT has no meaning for an AppSync Events backend: remove it",
        ),
        (
            [events, ("ENDPOINT", EVENTS), ("NAMESPACE", "/chat")],
            "ROOMLET_NAMESPACE must be the name of a namespace",
        ),
        (
            [events, ("ENDPOINT", EVENTS), ("EVENTS", "cooked")],
            "ROOMLET_EVENTS is `cooked`: use `raw` or `stamped`",
        ),
        (
            [events, ("ENDPOINT", GRAPHQL), ("ROOM", "r")],
            "ROOMLET_ENDPOINT ends in `/graphql`: the path of this kind of API is `/event`",
        ),
    ] {
        let with_key = [variables.as_slice(), &[("API_KEY", "da2-local")]].concat();
        assert_sentence(read(Profile::Release, &with_key), expected);
    }
}

#[test]
fn of_the_file() {
    let graphql = format!("[backends.x]\nkind='appsync-graphql'\nendpoint='{GRAPHQL}'\n");
    let with = |line: &str| format!("{graphql}{line}");
    for (file, expected) in [
        ("backends = 5".to_owned(), "roomlet.toml cannot be read"),
        ("[backends.x\n".to_owned(), "roomlet.toml cannot be read"),
        ("secret = 'x'".to_owned(), "roomlet.toml cannot be read: unknown field `secret`"),
        (
            "[backends.x]\nkind='api-gateway'".to_owned(),
            "`backends.x.endpoint` of roomlet.toml is not set: give the address",
        ),
        (
            "[backends.x]\nendpoint='wss://e.com/p'".to_owned(),
            "`backends.x.kind` of roomlet.toml is not set: use `api-gateway`",
        ),
        (
            with("token='t'"),
            "`backends.x.token` of roomlet.toml is no setting of a backend: did you mean `token_carrier`?",
        ),
        (
            with(""),
            "`backends.x.auth` of roomlet.toml is not set: use `api-key` and set `backends.x.api_key` of roomlet.toml",
        ),
        (
            with("auth='oidc'\napi_key='da2-local'"),
            "`backends.x.api_key` of roomlet.toml has no meaning with `oidc`: remove it, or set `backends.x.auth` of roomlet.toml to `api-key`",
        ),
        (with("api_key=''"), "`backends.x.api_key` of roomlet.toml is empty"),
        (
            with("api_key='da2-local'\nevents='raw'"),
            "`backends.x.events` of roomlet.toml has no meaning for an AppSync GraphQL backend",
        ),
        (
            with("api_key='da2-local'\nroom='AKIAIOSFODNN7EXAMPLE'"),
            "`backends.x.room` of roomlet.toml looks like an AWS access key",
        ),
    ] {
        assert_sentence(read_with(&file, Profile::Release, None, &[]), expected);
    }
    assert_sentence(
        read(Profile::Development, &[("EVENTS", "raw")]),
        "ROOMLET_EVENTS has no meaning for an API Gateway backend, which `default` of roomlet.toml is: remove it, or set ROOMLET_BACKEND and ROOMLET_ENDPOINT",
    );
}

/// A build script says it in one line, and what stands after a line break would be an order to cargo.
#[test]
fn a_line_break_in_what_is_quoted_stays_out_of_the_sentence() {
    let api = "endpoint='wss://e.com/p'\n";
    for (file, expected) in [
        (
            format!("[backends.x]\nkind=\"api\\ngateway\"\n{api}"),
            "`backends.x.kind` of roomlet.toml is `api gateway`, which is no kind of backend",
        ),
        (
            format!("[backends.\"x\\ny\"]\nkind='no'\n{api}"),
            "`backends.x y.kind` of roomlet.toml is `no`, which is no kind of backend",
        ),
    ] {
        assert_sentence(read_with(&file, Profile::Release, None, &[]), expected);
    }
    let file = "[backends.\"x\\ny\"]\nkind='api-gateway'\nauth='token'\ntoken_carrier='query'\nendpoint='wss://e.com/p'";
    let reading = read_with(file, Profile::Release, None, &[]).unwrap();
    assert!(reading.warnings.iter().all(|warning| !warning.contains('\n')), "{reading:?}");
    assert_eq!(reading.warnings.len(), 1);
}
