//! A page of another site, which the local backend must not talk to.

use roomlet_e2e::{Backend, Visit, chromium, journey};
use serde_json::json;

#[test]
fn a_page_of_another_site_gets_no_socket() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let window = stage.window().await;
        let knock = "\
            const tell = arguments[1]; const socket = new WebSocket(arguments[0]); \
            socket.onopen = () => tell('open'); socket.onerror = () => tell('refused');";
        let url = json!(format!("ws://{}/prod?roomId=lobby", backend.authority()));
        let evil = Visit::to_page("empty.html").at_host(chromium::OTHER_HOST);
        window.goto(&evil.url(&stage.site)).await;

        let told: String = window.run_until_told(knock, vec![url.clone()]).await;
        assert_eq!(told, "refused");
        // The same from a page of this machine, so that it was not something else.
        let own = Visit::to_page("empty.html").at_host("app.localhost");
        window.goto(&own.url(&stage.site)).await;
        let told: String = window.run_until_told(knock, vec![url]).await;
        assert_eq!(told, "open");
        assert_eq!(backend.log().connects, 1);
    });
}

#[test]
fn a_page_of_another_site_can_neither_read_nor_switch_anything() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let window = stage.window().await;
        let evil = Visit::to_page("empty.html").at_host(chromium::OTHER_HOST);
        window.goto(&evil.url(&stage.site)).await;
        let fetch = "\
            const tell = arguments[2]; \
            fetch(arguments[0], arguments[1]).then(async (answer) => tell([answer.type, answer.status, await answer.text()]), \
                () => tell(['error', 0, '']));";
        let read = async |path: &str, options: serde_json::Value| {
            let url = json!(format!("http://{}{path}", backend.authority()));
            window.run_until_told::<(String, u16, String)>(fetch, vec![url, options]).await
        };

        assert_eq!(read("/", json!({})).await.0, "error");
        assert_eq!(read("/__local/faults", json!({})).await.0, "error");
        let switch = json!({
            "method": "POST", "headers": {"x-roomlet-local": "1"}, "body": "{\"prod\":{\"drop_next\":9}}"
        });
        assert_eq!(read("/__local/faults", switch).await.0, "error");
        let blind =
            json!({"method": "POST", "mode": "no-cors", "body": "{\"prod\":{\"drop_next\":9}}"});
        let (kind, _, text) = read("/__local/faults", blind).await;
        assert_eq!((kind.as_str(), text.as_str()), ("opaque", ""));
        assert_eq!(backend.faults().prod.drop_next, 0);
    });
}

#[test]
fn a_name_of_another_site_that_leads_here_gets_nothing() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let window = stage.window().await;
        // DNS rebinding: the page's own name leads to the backend's port, so that nothing is cross-origin.
        let port = backend.authority().rsplit(':').next().map(str::to_owned).unwrap_or_default();
        window.goto(&format!("http://{}:{port}/", chromium::OTHER_HOST)).await;

        let script = "return performance.getEntriesByType('navigation')[0].responseStatus;";
        assert_eq!(window.run::<u16>(script, Vec::new()).await, 403);
        let knock = "\
            const tell = arguments[0]; const socket = new WebSocket(`ws://${location.host}/prod`); \
            socket.onopen = () => tell('open'); socket.onerror = () => tell('refused');";
        assert_eq!(window.run_until_told::<String>(knock, Vec::new()).await, "refused");
    });
}
