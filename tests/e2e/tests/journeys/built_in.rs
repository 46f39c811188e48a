//! What is built into the page of a site whose backends come from Amplify's file.

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// What the page under test was built with; see `xtask`.
const OUTPUTS: &str = include_str!("../../fixtures/amplify_outputs.json");

#[test]
fn of_an_amplify_file_only_the_backends_are_built_in() {
    let dist = PathBuf::from(env::var_os("E2E_DIST").expect("`cargo xtask test` sets E2E_DIST"));
    let files = fs::read_dir(&dist).expect("the folder of the page").flatten();
    let files = files.map(|entry| (entry.path(), fs::read(entry.path()).expect("a file")));
    let files = files.collect::<Vec<_>>();
    let holds = |text: &str| {
        let is_in =
            |content: &[u8]| content.windows(text.len()).any(|part| part == text.as_bytes());
        files.iter().filter(|(_, content)| is_in(content)).map(|(path, _)| path).collect::<Vec<_>>()
    };
    let outputs: Value = serde_json::from_str(OUTPUTS).expect("the file is JSON");
    let text = |path: &str| outputs.pointer(path).and_then(Value::as_str).expect("a text");

    let backend = text("/custom/roomlet/url");
    assert!(!holds(backend).is_empty(), "the page was not built with {OUTPUTS}");
    for superfluous in [
        "model_introspection",
        "InventedModel",
        "nonModels",
        "authorization_types",
        text("/auth/user_pool_id"),
        text("/auth/user_pool_client_id"),
        text("/auth/identity_pool_id"),
        text("/storage/bucket_name"),
    ] {
        assert_eq!(holds(superfluous), Vec::<&PathBuf>::new(), "`{superfluous}` is built in");
    }
}
