//! Files that Amplify wrote.

use std::io::{Error, ErrorKind};

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/amplify/", $name))
    };
}

const GEN_2: &str = fixture!("gen2.json");

fn read_file(
    file: &str,
    text: io::Result<&str>,
    variables: &Variables<'_>,
) -> Result<Reading, String> {
    let variables = [&[("AMPLIFY_OUTPUTS", file)], variables].concat();
    read_with(FILE, Profile::Release, Some(text.map(str::to_owned)), &variables)
}

fn backend(file: &str, text: &str, variables: &Variables<'_>) -> Backend {
    let reading = read_file(file, Ok(text), variables).unwrap();
    reading.configuration.backend(None).unwrap().clone()
}

#[track_caller]
fn assert_sentence(read: Result<Reading, String>, expected: &str) {
    let message = read.map(|reading| format!("{reading:?}")).unwrap_err();
    assert!(message.starts_with(expected), "{message}\n{expected}");
    assert!(!message.contains('\n') && message.contains(' '), "{message}");
}

#[test]
fn gen_2_has_up_to_three_backends() {
    let reading =
        read_file("amplify_outputs.json", Ok(GEN_2), &[("BACKEND", "appsync-graphql")]).unwrap();
    assert_eq!(names(&reading), ["default", "api-gateway", "events", "graphql"]);
    let backend = |name| reading.configuration.backend(name).unwrap();
    assert_eq!(backend(None).service, backend(Some("graphql")).service);
    assert_eq!(backend(None).sign_in, key("da2-inventedkeyofgraphql000001"));
    // Its key is that of a mode which is not the default one.
    assert_eq!(backend(Some("events")).sign_in, token(TokenKind::Cognito));
    let Service::AppsyncEvents { api, namespace, events } = &backend(Some("events")).service else {
        panic!("events")
    };
    assert_eq!((namespace.as_str(), *events), ("chat", NamespaceKind::Stamped));
    assert_eq!(
        api.realtime(),
        "wss://inventedeventapi0000000001.appsync-realtime-api.eu-west-1.amazonaws.com/event/realtime"
    );
    let gateway = backend(Some("api-gateway"));
    assert_eq!(gateway.sign_in, token(TokenKind::Opaque));
    assert_eq!(gateway.service.dialect(), Some(Dialect::Full));
}

#[test]
fn only_what_a_backend_needs_is_baked_in() {
    for (file, text) in [
        ("amplify_outputs.json", GEN_2),
        ("aws-exports.js", fixture!("aws-exports.js")),
        ("amplifyconfiguration.json", fixture!("amplifyconfiguration-nested.json")),
        ("amplifyconfiguration.json", fixture!("amplifyconfiguration-flat.json")),
    ] {
        let reading = read_file(file, Ok(text), &[("BACKEND", "appsync-graphql")]).unwrap();
        let baked = serde_json::to_string(&reading.configuration).unwrap();
        assert!(baked.contains("inventedgraphqlapi"), "{baked}");
        for superfluous in [
            "introspection",
            "models",
            "pool",
            "Invented",
            "1invented2client3id4",
            "identity",
            "bucket",
            "inventedkeyofevents",
            "rest.example.com",
            "version",
        ] {
            assert!(!baked.contains(superfluous), "{superfluous}: {baked}");
        }
    }
}

#[test]
fn the_only_backend_is_the_default_one() {
    let (file, text) = ("amplify_outputs.json", fixture!("gen2-events.json"));
    let events = backend(file, text, &[]);
    assert_eq!(events.sign_in, key("da2-inventedkeyofevents0000001"));
    let Service::AppsyncEvents { namespace, events, .. } = events.service else { panic!("events") };
    assert_eq!((namespace.as_str(), events), ("default", NamespaceKind::Raw));
    let changed = backend(file, text, &[("NAMESPACE", "chat"), ("AUTH", "lambda"), ("ROOM", "r")]);
    assert_eq!((changed.sign_in, changed.room.as_str()), (token(TokenKind::Opaque), "r"));
    // A byte order mark is no part of the JSON.
    assert_eq!(backend(file, &format!("\u{feff}{text}"), &[]).name, "default");
}

#[test]
fn variables_choose_among_the_backends_or_bring_their_own() {
    let file = "amplify_outputs.json";
    let chosen = backend(file, GEN_2, &[("BACKEND", "appsync-events"), ("AUTH", "api-key")]);
    assert_eq!(chosen.sign_in, key("da2-inventedkeyofevents0000001"));
    let variables = [("BACKEND", "appsync-graphql"), ("ROOM", "r")];
    let reading = read_file(file, Ok(GEN_2), &variables).unwrap();
    let room = |name| reading.configuration.backend(name).unwrap().room.as_str();
    assert_eq!((room(None), room(Some("graphql")), room(Some("events"))), ("r", "r", "lobby"));
    let own = [("BACKEND", "api-gateway"), ("ENDPOINT", GATEWAY)];
    let reading = read_file(file, Ok(GEN_2), &own).unwrap();
    assert_eq!(reading.configuration.backend(None).unwrap().service.address(), GATEWAY);
    assert_eq!(names(&reading), ["default", "api-gateway", "events", "graphql"]);
}

#[test]
fn gen_2_signs_with_the_region_of_its_api() {
    let text = fixture!("gen2-iam-custom-domain.json");
    assert_eq!(backend("o.json", text, &[]).sign_in, iam("ap-northeast-2"));
    let text = text.replace("\"aws_region\": \"ap-northeast-2\",", "");
    let elsewhere = backend("o.json", &text, &[("REGION", "eu-west-1")]);
    assert_eq!(elsewhere.sign_in, iam("eu-west-1"));
    assert_eq!(backend("o.json", &text, &[("AUTH", "cognito")]).sign_in, token(TokenKind::Cognito));
    assert_sentence(
        read_file("o.json", Ok(&text), &[]),
        "ROOMLET_REGION is not set, and the address does not say it",
    );
}

#[test]
fn gen_1_is_read_in_its_three_forms() {
    let exports = backend("src/aws-exports.js", fixture!("aws-exports.js"), &[]);
    assert_eq!(exports.sign_in, key("da2-inventedkeyofgraphql000002"));
    assert_eq!(
        exports.service.address(),
        "https://inventedgraphqlapi00000002.appsync-api.us-east-1.amazonaws.com/graphql"
    );
    // Whatever its name ends in.
    let renamed = backend("amplify_outputs.json", fixture!("aws-exports.js"), &[]);
    assert_eq!((&renamed.service, &renamed.sign_in), (&exports.service, &exports.sign_in));
    let by_hand = backend("aws-exports.js", fixture!("aws-exports-by-hand.js"), &[]);
    assert_eq!((by_hand.service, by_hand.sign_in), (exports.service, token(TokenKind::Cognito)));
    let file = "amplifyconfiguration.json";
    let flat = backend(file, fixture!("amplifyconfiguration-flat.json"), &[]);
    assert_eq!(flat.sign_in, token(TokenKind::Oidc));
    let nested = backend(file, fixture!("amplifyconfiguration-nested.json"), &[]);
    assert_eq!(nested.sign_in, iam("us-west-2"));
}

#[test]
fn a_file_that_cannot_be_used_is_one_sentence() {
    let data = |fields: &str| format!(r#"{{"version":"1.4","data":{{{fields}}}}}"#);
    let url = format!(r#""url":"{GRAPHQL}""#);
    for (file, text, expected) in [
        ("o.json", String::new(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is empty"),
        ("o.json", fixture!("broken-cut-off.json").into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is no JSON (line 1, column 46): generate"),
        ("o.json", "<html>".into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is no JSON (line 1, column 1): generate"),
        ("o.json", "<html><script>const a = {};</script></html>".into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is no JSON (line 1, column 1): generate"),
        ("o.json", fixture!("aws-exports-computed.js").into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is no JSON (line 1, column"),
        ("o.json", "[]".into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which is no JSON object"),
        ("o.json", fixture!("broken-no-backend.json").into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has no backend for chat"),
        ("o.json", r#"{"aws_project_region":"eu-west-1"}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has no backend for chat"),
        ("o.json", r#"{"api":{"plugins":{}}}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has no backend for chat"),
        ("o.json", r#"{"version":"2.0"}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has version `2.0`"),
        ("o.json", r#"{"data":{}}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has no `version`"),
        ("o.js", "export default 5;".into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.js`, which is no JavaScript module"),
        ("o.js", fixture!("aws-exports-computed.js").into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.js`, which is no JavaScript module"),
        ("o.json", r#"{"version":"1","data":7}"#.into(), "`data` of o.json must be an object"),
        ("o.json", r#"{"version":"1","data":null}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has no backend for chat"),
        ("o.json", data(""), "`data.url` of o.json is not set"),
        ("o.json", data(r#""url":7"#), "`data.url` of o.json must be a text"),
        ("o.json", data(r#""url":"https://e.com""#), "`data.url` of o.json ends in `/`: the path"),
        ("o.json", data(&url), "ROOMLET_AUTH is not set: use `api-key` and set ROOMLET_API_KEY"),
        ("o.json", data(&format!(r#"{url},"default_authorization_type":"MAGIC""#)), "`data.default_authorization_type` of o.json must be `API_KEY`, `AMAZON_COGNITO_USER_POOLS`, `OPENID_CONNECT`, `AWS_LAMBDA` or `AWS_IAM`"),
        ("o.json", data(&format!(r#"{url},"default_authorization_type":"API_KEY""#)), "ROOMLET_API_KEY is not set, though `data.default_authorization_type` of o.json asks for it"),
        ("o.json", data(&format!(r#"{url},"api_key":"AKIAIOSFODNN7EXAMPLE""#)), "`data.api_key` of o.json looks like an AWS access key"),
        ("o.json", r#"{"version":"1","custom":{"roomlet":{"url":"https://e.com/prod"}}}"#.into(), "`custom.roomlet.url` of o.json begins with `https://`"),
        ("o.json", r#"{"version":"1","custom":{"roomlet":{"url":"wss://e.com/prod","default_authorization_type":"API_KEY"}}}"#.into(), "`custom.roomlet.default_authorization_type` of o.json must be `none`, `token` or `iam`"),
        ("o.json", r#"{"api":{"plugins":{"awsAPIPlugin":{"a":{"endpointType":"GraphQL"},"b":{"endpointType":"GraphQL"}}}}}"#.into(), "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which has several GraphQL APIs (`a`, `b`)"),
        ("o.json", r#"{"api":{"plugins":{"awsAPIPlugin":{"a":{"endpointType":"GraphQL"}}}}}"#.into(), "`api.plugins.awsAPIPlugin.a.endpoint` of o.json is not set"),
    ] {
        assert_sentence(read_file(file, Ok(&text), &[]), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence() {
    for (kind, expected) in [
        (ErrorKind::NotFound, "which does not exist: write its path"),
        (ErrorKind::IsADirectory, "which is a directory: name the file in it"),
        (ErrorKind::InvalidData, "which is no text in UTF-8"),
        (ErrorKind::PermissionDenied, "which cannot be read (permission denied)"),
    ] {
        let expected = format!("ROOMLET_AMPLIFY_OUTPUTS names `a/o.json`, {expected}");
        assert_sentence(read_file("a/o.json", Err(Error::from(kind)), &[]), &expected);
    }
    let none_given = read_with(FILE, Profile::Release, None, &[("AMPLIFY_OUTPUTS", "o.json")]);
    assert_sentence(none_given, "ROOMLET_AMPLIFY_OUTPUTS names `o.json`, which does not exist");
}

#[test]
fn the_choice_among_backends_is_asked_for() {
    let file = "o.json";
    assert_sentence(
        read_file(file, Ok(GEN_2), &[]),
        "ROOMLET_BACKEND is not set, and o.json has several backends: set it to one of `api-gateway`, `appsync-events`, `appsync-graphql`",
    );
    assert_sentence(
        read_file(file, Ok(fixture!("gen2-events.json")), &[("BACKEND", "api-gateway")]),
        "ROOMLET_BACKEND is `api-gateway`, which o.json does not have: use one of `appsync-events`, or set ROOMLET_ENDPOINT too",
    );
    assert_sentence(
        read_file(file, Ok(GEN_2), &[("ENDPOINT", GRAPHQL)]),
        "ROOMLET_BACKEND is not set, though ROOMLET_ENDPOINT is: set it to `appsync-graphql`",
    );
}

/// What a file of Amplify's says wrong is answered in the words that such a file has.
#[test]
fn a_way_to_sign_in_is_in_the_words_of_its_place() {
    let ways =
        "`API_KEY`, `AMAZON_COGNITO_USER_POOLS`, `OPENID_CONNECT`, `AWS_LAMBDA` or `AWS_IAM`";
    let nested = |auth: &str| {
        format!(
            r#"{{"api":{{"plugins":{{"awsAPIPlugin":{{"x":{{"endpointType":"GraphQL","endpoint":"{GRAPHQL}"{auth}}}}}}}}}}}"#
        )
    };
    let flat = |auth: &str| {
        format!(
            r#"{{"aws_appsync_graphqlEndpoint":"{GRAPHQL}","aws_appsync_authenticationType":"{auth}"}}"#
        )
    };
    let events = |fields: &str| {
        format!(r#"{{"version":"1","custom":{{"events":{{"url":"{EVENTS}"{fields}}}}}}}"#)
    };
    let of = "of o.json";
    for (text, variables, expected) in [
        (
            flat("IAM"),
            [].as_slice(),
            format!("`aws_appsync_authenticationType` {of} must be {ways}"),
        ),
        (
            flat("NONE"),
            &[],
            format!(
                "`aws_appsync_authenticationType` {of} is `NONE`, which AppSync itself does not have: use {ways}"
            ),
        ),
        (
            nested(r#","authorizationType":"iam_role""#),
            &[],
            format!("`api.plugins.awsAPIPlugin.x.authorizationType` {of} must be {ways}"),
        ),
        (
            events(r#","default_authorization_type":"token""#),
            &[],
            format!(
                "`custom.events.default_authorization_type` {of} does not say which token: use `AMAZON_COGNITO_USER_POOLS`, `OPENID_CONNECT` or `AWS_LAMBDA`"
            ),
        ),
        (
            events(""),
            &[("BACKEND", "api-gateway"), ("ENDPOINT", GATEWAY)],
            format!(
                "`custom.events.default_authorization_type` {of} is not set: use `API_KEY` and set `custom.events.api_key` {of}, or use `AMAZON_COGNITO_USER_POOLS`, `OPENID_CONNECT`, `AWS_LAMBDA` or `AWS_IAM`"
            ),
        ),
        (
            events(r#","default_authorization_type":"AWS_LAMBDA""#),
            &[("REGION", "eu-west-1")],
            format!(
                "ROOMLET_REGION has a meaning only where requests are signed: remove it, or set `custom.events.default_authorization_type` {of} to `AWS_IAM`"
            ),
        ),
        // What a variable says wrong is answered in the words of variables.
        (
            flat("AWS_IAM"),
            &[("AUTH", "IAM")],
            "ROOMLET_AUTH must be `api-key`, `cognito`, `oidc`, `lambda` or `iam`".to_owned(),
        ),
    ] {
        assert_sentence(read_file("o.json", Ok(&text), variables), &expected);
    }
}

#[test]
fn a_region_that_is_not_the_apis_is_said() {
    let wrong = "us-west-2";
    let nested = format!(
        r#"{{"api":{{"plugins":{{"awsAPIPlugin":{{"x":{{"endpointType":"GraphQL","endpoint":"{GRAPHQL}","region":"{wrong}","authorizationType":"AWS_IAM"}}}}}}}}}}"#
    );
    let flat = format!(
        r#"{{"aws_appsync_graphqlEndpoint":"{GRAPHQL}","aws_appsync_region":"{wrong}","aws_appsync_authenticationType":"AWS_IAM"}}"#
    );
    let gen_2 = |block: &str| format!(r#"{{"version":"1",{block}}}"#);
    let fields = format!(r#""aws_region":"{wrong}","default_authorization_type":"AWS_IAM""#);
    for (text, key, remedy) in [
        (&nested, "api.plugins.awsAPIPlugin.x.region", "generate the file again"),
        (&flat, "aws_appsync_region", "generate the file again"),
        (
            &gen_2(&format!(r#""data":{{"url":"{GRAPHQL}",{fields}}}"#)),
            "data.aws_region",
            "generate the file again",
        ),
        (
            &gen_2(&format!(r#""custom":{{"roomlet":{{"url":"{GATEWAY}",{fields}}}}}"#)),
            "custom.roomlet.aws_region",
            "remove it",
        ),
    ] {
        assert_sentence(
            read_file("o.json", Ok(text), &[]),
            &format!("`{key}` of o.json is `{wrong}`, but the API is in `eu-west-1`: {remedy}"),
        );
        // A variable wins, and what is not signed has no use for a region.
        let corrected = backend("o.json", text, &[("REGION", "eu-west-1")]);
        assert_eq!(corrected.sign_in, iam("eu-west-1"));
        assert_eq!(
            backend("o.json", text, &[("AUTH", "lambda")]).sign_in,
            token(TokenKind::Opaque)
        );
    }
}

#[test]
fn nothing_in_our_own_object_is_passed_over() {
    let file = |fields: &str| {
        format!(r#"{{"version":"1.4","custom":{{"roomlet":{{"url":"{GATEWAY}"{fields}}}}}}}"#)
    };
    let sign_in = |auth: &str| {
        let text = file(&format!(r#","default_authorization_type":"{auth}""#));
        backend("o.json", &text, &[]).sign_in
    };
    assert_eq!(backend("o.json", &file(""), &[]).sign_in, SignIn::None);
    assert_eq!(sign_in("none"), SignIn::None);
    assert_eq!(sign_in("token"), token(TokenKind::Opaque));
    assert_eq!(sign_in("AWS_LAMBDA"), token(TokenKind::Opaque));
    assert_eq!(sign_in("iam"), iam("eu-west-1"));
    let all = r#","default_authorization_type":"token","aws_region":"eu-west-1","dialect":"full","token_carrier":"query""#;
    assert_eq!(backend("o.json", &file(all), &[]).service.dialect(), Some(Dialect::Full));

    let every = "`url`, `default_authorization_type`, `aws_region`, `dialect`, `token_carrier`";
    let unknown =
        "is nothing that Roomlet knows: take it out of `backend.addOutput`, or use one of";
    for (fields, expected) in [
        (
            r#","auth":"token""#,
            "auth` of o.json is called `default_authorization_type` there: rename it in `backend.addOutput`".to_owned(),
        ),
        (
            r#","default_authorization_type":"token","auth":null"#,
            "auth` of o.json is called `default_authorization_type` there".to_owned(),
        ),
        (
            r#","region":"eu-west-1""#,
            "region` of o.json is called `aws_region` there".to_owned(),
        ),
        (
            r#","endpoint":"wss://e.com/prod""#,
            "endpoint` of o.json is called `url` there".to_owned(),
        ),
        (r#","authorizationType":"AWS_LAMBDA""#, format!("authorizationType` of o.json {unknown} {every}")),
        (r#","api_key":"da2-x""#, format!("api_key` of o.json {unknown}")),
        (r#","stage":{}"#, format!("stage` of o.json {unknown}")),
        (
            r#","default_authorization_type":"""#,
            "default_authorization_type` of o.json is empty: give it a value or remove it".to_owned(),
        ),
        (
            r#","default_authorization_type":"null""#,
            "default_authorization_type` of o.json must be `none`, `token` or `iam`".to_owned(),
        ),
        (
            r#","token_carrier":"query""#,
            "token_carrier` of o.json carries nothing: set ROOMLET_AUTH to `token`".to_owned(),
        ),
    ] {
        let expected = format!("`custom.roomlet.{expected}");
        assert_sentence(read_file("o.json", Ok(&file(fields)), &[]), &expected);
    }
}
