//! The text of a file that Amplify wrote, as an object.

use std::io::{self, ErrorKind};

use serde_json::{Map, Value};

use super::Problem;

/// How many opening braces of a module are tried as the beginning of its object: `import {…}` and comments have some.
const MAX_BRACES: usize = 16;

/// JSON, or the object literal in a JavaScript module.
pub(super) fn read(
    file: &str,
    text: Option<&io::Result<String>>,
) -> Result<Map<String, Value>, Problem> {
    let text = match text {
        Some(Ok(text)) => text.trim_start_matches('\u{feff}').trim(),
        Some(Err(problem)) => return Err(Problem::Whole(unreadable(file, problem.kind()))),
        None => return Err(Problem::Whole(unreadable(file, ErrorKind::NotFound))),
    };
    if text.is_empty() {
        return Err(Problem::Whole(format!(
            "names `{file}`, which is empty: generate the file again"
        )));
    }
    if text.starts_with(['{', '[']) {
        return json(file, text);
    }
    // A module may stand under a name that ends in `.json`; a page that a server sent instead of the file is none.
    let object = if text.starts_with('<') { None } else { module(text) };
    match object {
        Some(object) => Ok(object),
        None if file.ends_with(".json") => json(file, text),
        None => Err(Problem::Whole(format!(
            "names `{file}`, which is no JavaScript module with one object of plain values: write the values out, or name an `amplifyconfiguration.json`"
        ))),
    }
}

fn unreadable(file: &str, kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => format!(
            "names `{file}`, which does not exist: write its path from the folder of Cargo.toml, or generate it before the build"
        ),
        ErrorKind::IsADirectory => {
            format!("names `{file}`, which is a directory: name the file in it")
        }
        ErrorKind::InvalidData => {
            format!("names `{file}`, which is no text in UTF-8: generate the file again")
        }
        other => format!("names `{file}`, which cannot be read ({other}): make it readable"),
    }
}

fn json(file: &str, text: &str) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::Whole(format!(
            "names `{file}`, which is no JSON object: name an `amplify_outputs.json`"
        ))),
        Err(problem) => Err(Problem::Whole(format!(
            "names `{file}`, which is no JSON (line {}, column {}): generate the file again",
            problem.line(),
            problem.column()
        ))),
    }
}

/// The outermost braces are an object literal; JSON5 is what JavaScript allows in one as far as it is plain data.
fn module(text: &str) -> Option<Map<String, Value>> {
    let end = text.rfind('}').map_or(0, |last| last + 1);
    let objects = text.match_indices('{').take(MAX_BRACES);
    objects
        .filter_map(|(start, _)| text.get(start..end))
        .find_map(|object| json5::from_str::<Map<String, Value>>(object).ok())
}
