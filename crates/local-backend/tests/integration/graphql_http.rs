//! AppSync GraphQL over HTTP: sends, history, errors, pages of other origins.

use serde_json::{Value, json};

use crate::client::{Client, http, server, server_with};
use crate::graphql_client::{ALL, execute, post, say};

const KEYED: &[(&str, &str)] = &[("x-api-key", "da2-local")];

#[tokio::test]
async fn a_send_is_idempotent_and_a_conflict_is_told() {
    let server = server().await;
    let query = "mutation M($c: String!) {\n  sendMessage(roomId: \"a\", content: $c, clientMessageId: \"m1\", \
                 guestKey: \"00112233445566778899aabbccddeeff\") { id sender senderKind senderName clientMessageId }\n}";
    let first = execute(&server, "/graphql", query, json!({"c": "hi"})).await;
    let message = &first["data"]["sendMessage"];
    assert!(message["sender"].as_str().unwrap().starts_with("g-"));
    assert_eq!(message["senderKind"], "guest");
    assert_eq!(message["senderName"], json!(null));
    assert_eq!(execute(&server, "/graphql", query, json!({"c": "hi"})).await, first);
    let posted = post(
        &server,
        "/graphql",
        KEYED,
        &json!({"query": query, "variables": {"c": "other"}}).to_string(),
    )
    .await;
    assert_eq!(posted.status, 200);
    assert_eq!(
        posted.body.to_string(),
        json!({
            "data": {"sendMessage": null},
            "errors": [{
                "path": ["sendMessage"],
                "data": null,
                "errorType": "Conflict",
                "errorInfo": null,
                "locations": [{"line": 2, "column": 3, "sourceName": null}],
                "message": "This clientMessageId belongs to another message.",
            }],
        })
        .to_string()
    );
    // Who has no key is somebody nobody knows, but the same one for the same message.
    let query = "mutation { sendMessage(roomId: \"a\", content: \"x\", clientMessageId: \"m2\") { id sender } }";
    let first = execute(&server, "/graphql", query, json!({})).await;
    assert!(first["data"]["sendMessage"]["sender"].as_str().unwrap().starts_with("c-"));
    assert_eq!(execute(&server, "/graphql", query, json!({})).await, first);
}

#[tokio::test]
async fn history_comes_in_pages_both_ways() {
    let server = server().await;
    for number in 0..5 {
        say(&server, "a", &number.to_string(), "id").await;
    }
    let page = async |arguments: &str| -> (Vec<String>, Value) {
        let query = format!(
            "{{ messages(roomId: \"a\"{arguments}) {{ messages {{ content }} nextCursor }} }}"
        );
        let answer = execute(&server, "/graphql", &query, json!({})).await;
        let page = answer["data"]["messages"].clone();
        let texts = page["messages"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
        let texts = texts.map(|message| message["content"].as_str().unwrap().to_owned()).collect();
        (texts, page["nextCursor"].clone())
    };
    let (texts, end) = page("").await;
    assert_eq!((texts.join(""), end), ("01234".to_owned(), json!(null)));
    let (texts, cursor) = page(", limit: 2").await;
    assert_eq!(texts.join(""), "34");
    let (texts, cursor) = page(&format!(", limit: 2, before: {cursor}")).await;
    assert_eq!(texts.join(""), "12");
    let (texts, _) = page(&format!(", limit: 9, after: {cursor}")).await;
    assert_eq!(texts.join(""), "234");
    let first = execute(
        &server,
        "/graphql",
        "{ messages(roomId: \"a\", limit: 5) { messages { id } } }",
        json!({}),
    )
    .await;
    let id = &first["data"]["messages"]["messages"][0]["id"];
    assert_eq!(page(&format!(", after: {id}, limit: 1")).await.0.join(""), "1");
    for arguments in
        [", limit: 0", ", limit: -1", ", before: \"x\"", ", before: \"a\", after: \"b\""]
    {
        let query = format!("{{ messages(roomId: \"a\"{arguments}) {{ nextCursor }} }}");
        let answer = execute(&server, "/graphql", &query, json!({})).await;
        assert_eq!(answer["data"], json!(null), "{arguments}");
        assert_eq!(answer["errors"][0]["errorType"], "BadRequest");
        assert_eq!(answer["errors"][0]["path"], json!(["messages"]));
    }
}

#[tokio::test]
async fn a_page_ends_at_96_kb() {
    let server = server().await;
    let long = "y".repeat(30_000);
    for _ in 0..5 {
        say(&server, "a", &long, "id").await;
    }
    let query =
        format!("{{ messages(roomId: \"a\", limit: 100) {{ messages {{ {ALL} }} nextCursor }} }}");
    let answer = execute(&server, "/graphql", &query, json!({})).await;
    let page = &answer["data"]["messages"];
    assert_eq!(page["messages"].as_array().unwrap().len(), 3);
    assert!(page["nextCursor"].is_string() && page.to_string().len() <= 96 * 1024);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_apart_from_what_is_not_valid() {
    let server = server().await;
    for (body, sentence) in [
        ("", "Request body is not a valid JSON object."),
        ("[]", "Request body is not a valid JSON object."),
        ("{}", "Request body has no usable member 'query'."),
        ("{\"query\":7}", "Request body has no usable member 'query'."),
        (
            "{\"query\":\"{ ping }\",\"variables\":[]}",
            "Request member 'variables' is no JSON object.",
        ),
        ("{\"query\":\"{ ping\"}", "Unable to parse GraphQL query."),
        (
            "{\"query\":\"query A { ping } query B { ping }\",\"operationName\":\"C\"}",
            "Unknown operation named by 'operationName'.",
        ),
    ] {
        let refused = post(&server, "/graphql", KEYED, body).await;
        assert_eq!(refused.status, 400, "{body}");
        let error_type = "MalformedHttpRequestException";
        assert_eq!(refused.headers["x-amzn-errortype"], error_type);
        let errors = json!({"errors": [{"errorType": error_type, "message": sentence}]});
        assert_eq!(refused.body, errors, "{body}");
    }
    let body = "{\"query\":\"query A { ping } query B { again: ping }\",\"operationName\":\"B\"}";
    let served = post(&server, "/graphql", KEYED, body).await;
    assert_eq!(served.body, json!({"data": {"again": "pong"}}));
    assert!(served.headers.contains_key("x-amzn-requestid"));
    let subscription = "{\"query\":\"subscription { onNewMessage(roomId: 1) { id } }\"}";
    let refused = post(&server, "/graphql", KEYED, subscription).await;
    assert_eq!(
        (refused.status, refused.headers["x-amzn-errortype"].as_str()),
        (400, "UnsupportedOperation")
    );

    let answer = execute(&server, "/graphql", "{\n  nothing\n}", json!({})).await;
    assert_eq!(
        answer,
        json!({
            "data": null,
            "errors": [{
                "path": null,
                "locations": [{"line": 2, "column": 3, "sourceName": null}],
                "message": "Validation error of type FieldUndefined: Field 'nothing' in type \
                            'Query' is undefined @ 'nothing'",
            }],
        })
    );
    let full =
        "mutation { sendMessage(roomId: \"a\", content: \"x\", clientMessageId: \"m\") { id } }";
    let answer = execute(&server, "/basic/graphql", full, json!({})).await;
    assert_eq!(
        answer["errors"][0]["message"],
        "Validation error of type UnknownArgument: Unknown field argument clientMessageId @ \
         'sendMessage'"
    );
    for (arguments, word) in [
        ("roomId: \"a\", content: \"\"", "content"),
        ("roomId: \"\\u0007\", content: \"x\"", "roomId"),
        ("roomId: \"a\", content: \"x\", clientMessageId: \"\"", "clientMessageId"),
        ("roomId: \"a\", content: \"x\", guestKey: \"x\"", "guestKey"),
    ] {
        let query = format!("mutation {{ sendMessage({arguments}) {{ id }} }}");
        let answer = execute(&server, "/graphql", &query, json!({})).await;
        assert_eq!(answer["errors"][0]["errorType"], "BadRequest", "{arguments}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(word), "{answer}");
    }
    let wrong = "mutation { sendMessage(roomId: \"a\", content: 7) { id } }";
    let answer = execute(&server, "/graphql", wrong, json!({})).await;
    assert_eq!(
        answer["errors"][0]["message"],
        "Validation error of type WrongType: argument 'content' with value 'IntValue{value=7}' is \
         not a valid 'String' @ 'sendMessage'"
    );
}

#[tokio::test]
async fn nulls_are_like_nothing_where_nothing_is_allowed() {
    let server = server().await;
    let query = "mutation M($i: String, $k: String) { sendMessage(roomId: 7, content: \"x\", \
                 clientMessageId: $i, guestKey: $k, guestName: null) { roomId clientMessageId } }";
    for variables in [json!({"i": null, "k": null}), json!({}), json!({"other": 1})] {
        let answer = execute(&server, "/graphql", query, variables).await;
        let expected = json!({"roomId": "7", "clientMessageId": null});
        assert_eq!(answer["data"]["sendMessage"], expected, "{answer}");
    }
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let server = server().await;
    let body = format!("{{\"query\":\"{}\"}}", " ".repeat(1024 * 1024));
    let refused = post(&server, "/graphql", KEYED, &body).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.headers["x-amzn-errortype"], "RequestEntityTooLargeException");
}

#[tokio::test]
async fn the_schema_describes_itself() {
    let server = server().await;
    let query = "{ __schema { mutationType { fields { name args { name } } } } __typename }";
    for (path, arguments) in [("/graphql", 5), ("/basic/graphql", 2)] {
        let answer = execute(&server, path, query, json!({})).await;
        assert_eq!(answer["data"]["__typename"], "Query");
        let field = &answer["data"]["__schema"]["mutationType"]["fields"][0];
        assert_eq!(field["name"], "sendMessage");
        assert_eq!(field["args"].as_array().unwrap().len(), arguments);
    }
}

#[tokio::test]
async fn pages_of_this_machine_may_ask_and_read() {
    let server = server().await;
    let origin = ("Origin", "http://localhost:8080");
    let preflight = http(&server, "OPTIONS", "/graphql", &[origin], "").await;
    assert_eq!(preflight.status, 204);
    for header in [
        "authorization",
        "x-api-key",
        "content-type",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-user-agent",
        "accept",
        "content-encoding",
    ] {
        let allowed = &preflight.headers["access-control-allow-headers"];
        assert!(allowed.split(", ").any(|word| word == header), "{header}");
    }
    let answer = http(&server, "POST", "/graphql", &[origin], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:8080");
    let exposed = &answer.headers["access-control-expose-headers"];
    assert_eq!(exposed, "date, x-amzn-errortype, x-amzn-requestid");
    assert!(answer.headers.contains_key("date"));
    let evil = ("Origin", "https://evil.example");
    for (method, path) in
        [("POST", "/graphql"), ("OPTIONS", "/graphql"), ("POST", "/basic/graphql")]
    {
        assert_eq!(http(&server, method, path, &[evil], "{}").await.status, 403);
        assert_eq!(
            http(&server, method, path, &[("Host", "evil.example")], "{}").await.status,
            403
        );
    }
    let ping = http(&server, "GET", "/ping", &[], "").await;
    assert_eq!((ping.status, ping.body.as_str()), (200, "healthy"));
}

#[tokio::test]
async fn a_message_too_long_for_the_gateway_is_not_posted_by_it() {
    let server = server().await;
    let mut prod = Client::hello(&server, "a", "Ann").await;
    say(&server, "a", &"x".repeat(200 * 1024), "id").await;
    say(&server, "a", "short", "id").await;
    assert_eq!(prod.next().await["text"], "short");
}

#[tokio::test]
async fn limits_are_flags() {
    let server = server_with(|options| options.api_key = "da2-other".to_owned()).await;
    let refused = post(&server, "/graphql", KEYED, "{\"query\":\"{ ping }\"}").await;
    assert_eq!(refused.status, 401);
    let other = [("X-Api-Key", "da2-other")];
    assert_eq!(post(&server, "/graphql", &other, "{\"query\":\"{ ping }\"}").await.status, 200);
}

#[tokio::test]
async fn garbled_requests_are_answered_and_nothing_breaks() {
    let server = server().await;
    let whole = "query Q($r: ID!, $n: [Int!] = [1, 2]) { a: messages(roomId: $r, limit: 3) \
                 { ...P messages @include(if: true) { id } } } fragment P on MessagePage { nextCursor }";
    let mut queries: Vec<String> = (0..whole.len()).map(|end| whole[..end].to_owned()).collect();
    for (from, to) in
        [("{", "{{"), ("}", ""), ("$", "$$"), ("ID", "[ID"), ("3", "3e999"), ("Q", "\u{0}")]
    {
        queries.push(whole.replace(from, to));
    }
    queries.push(format!("{}x{}", "{a".repeat(9_000), "}".repeat(9_000)));
    queries.push(format!(
        "{{ messages(roomId: {}1{}) {{ nextCursor }} }}",
        "[".repeat(9_000),
        "]".repeat(9_000)
    ));
    queries.push(format!("query({}$a:Int{}) {{ ping }}", "$a:".repeat(9_000), "!".repeat(9_000)));
    queries.push(format!("{{ {} }}", "...F ".repeat(9_000)));
    queries.push(format!("{{ ping {} }}", "@skip(if: false) ".repeat(3_000)));
    queries.push(format!("query({}) {{ ping }}", "$a: Int ".repeat(5_000)));
    queries.push(format!("query($v: {}Int{}) {{ ping }}", "[".repeat(9_000), "]".repeat(9_000)));
    for query in &queries {
        let body = json!({"query": query, "variables": {"r": "a"}}).to_string();
        let answer = post(&server, "/graphql", KEYED, &body).await;
        assert!(matches!(answer.status, 200 | 400), "{query}");
    }
    let deep = format!(
        "{{\"query\":\"{{ ping }}\",\"variables\":{}1{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    assert_eq!(post(&server, "/graphql", KEYED, &deep).await.status, 400);
    let answer = execute(&server, "/graphql", whole, json!({"r": "a"})).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
}
