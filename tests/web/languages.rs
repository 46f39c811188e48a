//! The texts of all languages, the page's own ones, and that there are no others.

use std::collections::{BTreeMap, BTreeSet};

use js_sys::Array;
use leptos::prelude::Set;
use roomlet::i18n::{Direction, LANGUAGES, LOADER_TEXT_NAMES, text_names};
use roomlet::{Language, Locale};
use roomlet_client::config::Dialect;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Element;

use super::overridden::{Overridden, evaluate};
use super::page::Page;

const WELCOME: &str = r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#;
/// The document that pages read for their own texts.
const DOCUMENT: &str = include_str!("../../docs/languages.md");
const LOADER: &str = include_str!("../../src/embed/roomlet.js");
/// What is the same in English, and rightly so, by language and name.
const AS_IN_ENGLISH: [(&str, &str); 0] = [];

fn text(language: Language, name: &str) -> &'static str {
    Locale::from(language).text(name).unwrap()
}

/// The plural forms of a text with their categories; all of it as `other` where it has none.
fn forms(text: &'static str) -> BTreeMap<&'static str, &'static str> {
    let is_category = |part: &str| part.bytes().all(|letter| letter.is_ascii_lowercase());
    let forms = text.split('|').filter_map(|part| part.split_once('='));
    let forms = forms.filter(|(category, _)| is_category(category)).collect::<BTreeMap<_, _>>();
    if forms.is_empty() { BTreeMap::from([("other", text)]) } else { forms }
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

/// The plural categories that the browser knows of a language.
fn categories(language: Language) -> BTreeSet<String> {
    let tag = language.tag();
    let found =
        evaluate(&format!("new Intl.PluralRules('{tag}').resolvedOptions().pluralCategories"));
    found.unchecked_into::<Array>().iter().map(|name| name.as_string().unwrap()).collect()
}

#[wasm_bindgen_test]
fn all_languages_have_the_same_placeholders() {
    for language in LANGUAGES {
        for name in text_names() {
            let expected = placeholders(text(Language::English, &name));
            for (category, form) in forms(text(language, &name)) {
                let found = placeholders(form);
                // None, one and two may be words.
                let may_lack = ["zero", "one", "two"].contains(&category);
                assert!(
                    found == expected || (may_lack && found.is_empty()),
                    "{language:?} {name} {category}: {found:?} for {expected:?}"
                );
            }
        }
    }
}

#[wasm_bindgen_test]
fn plurals_have_all_forms_of_their_language_and_no_others() {
    assert_eq!(categories(Language::Arabic).len(), 6);
    for language in LANGUAGES {
        let expected = categories(language);
        let counted = forms(text(language, "newMessages"));
        assert_eq!(
            counted.keys().copied().collect::<BTreeSet<_>>(),
            expected.iter().map(String::as_str).collect(),
            "{language:?}"
        );
        for name in text_names() {
            let text = text(language, &name);
            if text.contains("other=") {
                let found = forms(text).into_keys().map(str::to_owned).collect::<BTreeSet<_>>();
                assert_eq!(found, expected, "{language:?} {name}");
            }
        }
    }
}

#[wasm_bindgen_test]
fn texts_are_translated_and_written_cleanly() {
    for language in LANGUAGES {
        for name in text_names() {
            let text = text(language, &name);
            assert!(
                !text.is_empty() && text.trim() == text && !text.contains("..."),
                "{language:?} {name}: {text}"
            );
            let known = AS_IN_ENGLISH.contains(&(language.tag(), &*name));
            let is_english =
                language != Language::English && text == self::text(Language::English, &name);
            assert_eq!(is_english, known, "{language:?} {name}: {text}");
        }
    }
}

#[wasm_bindgen_test]
fn the_loader_speaks_the_same_languages() {
    let start = LOADER.find("const WORDS = ").unwrap() + "const WORDS = ".len();
    let end = start + LOADER[start..].find("\n};").unwrap() + 2;
    let words = evaluate(&format!("JSON.stringify({})", &LOADER[start..end]));
    let words: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&words.as_string().unwrap()).unwrap();
    assert_eq!(words.len(), LANGUAGES.len());
    let shared = "refusedMisconfigured";
    let names = LOADER_TEXT_NAMES.into_iter().chain([shared]).collect::<BTreeSet<_>>();
    let mut all = BTreeSet::new();
    for language in LANGUAGES {
        let words = &words[language.tag()];
        assert_eq!(
            words.keys().map(String::as_str).collect::<BTreeSet<_>>(),
            names,
            "{language:?}"
        );
        assert_eq!(words[shared], text(language, shared), "{language:?}");
        all.extend(words.values());
        let is_listed =
            LOADER.contains(&format!("RIGHT_TO_LEFT = new Set([\"{}\"])", language.tag()));
        assert_eq!(is_listed, language.direction() == Direction::RightToLeft, "{language:?}");
    }
    assert_eq!(all.len(), names.len() * LANGUAGES.len(), "each is translated");
}

#[wasm_bindgen_test]
fn the_document_lists_the_texts_of_pages() {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|line| line.strip_suffix(" |")?.split_once("` | "));
    let listed = rows
        .filter(|(name, _)| !name.contains(' '))
        .map(|(name, text)| (name.to_owned(), text.trim_matches('`').replace("\\|", "|")))
        .collect::<BTreeMap<_, _>>();
    let expected = text_names().map(|name| {
        let text = text(Language::English, &name).to_owned();
        (name, text)
    });
    let mut expected = expected.collect::<BTreeMap<_, _>>();
    for name in LOADER_TEXT_NAMES {
        let english = &LOADER[LOADER.find("\n  en: {").unwrap()..];
        let (_, rest) = english.split_once(&format!("{name}: \"")).unwrap();
        expected.insert(name.to_owned(), rest.split('"').next().unwrap().to_owned());
    }
    for (name, text) in &expected {
        assert_eq!(
            listed.get(name),
            Some(text),
            "docs/languages.md: | `{name}` | `{}` |",
            text.replace('|', "\\|")
        );
    }
    assert_eq!(listed.len(), expected.len(), "{:?}", listed.keys().collect::<Vec<_>>());
}

#[wasm_bindgen_test]
fn the_first_language_that_is_known_is_taken_with_its_most_telling_tag() {
    let of = |tags: &[&'static str]| {
        let locale = Locale::of_tags(tags.iter().copied());
        (locale.language(), locale.tag())
    };
    assert_eq!(of(&["ko", "en-GB"]), (Language::Korean, "ko"));
    assert_eq!(of(&["en", "ko-KR", "en-GB"]), (Language::English, "en-GB"));
    assert_eq!(of(&["en_us", "en-GB"]), (Language::English, "en-US"));
    assert_eq!(of(&["fr-CH", "de-ch"]), (Language::German, "de-CH"));
    assert_eq!(of(&["fr"]), (Language::English, "en"));
    assert_eq!(of(&[]), (Language::English, "en"));
    // `Intl` throws at these.
    assert_eq!(of(&["en-", "en-x", "en--gb", "es-419"]), (Language::English, "en"));
    assert_eq!(of(&["ar-EG-u-nu-latn"]), (Language::Arabic, "ar-EG-u-nu-latn"));
}

#[wasm_bindgen_test]
fn own_texts_lie_over_the_language_and_wrong_ones_are_told() {
    let korean = Locale::from(Language::Korean);
    let own = [
        ("placeholder", "무엇이든"),
        ("newMessages", "other=+{count}"),
        ("nonsense", "x"),
        ("new_messages", "x"),
        ("guest", "{author}"),
        ("reconnectingIn", "one=soon"),
        ("empty", "{ is text, {} too"),
    ];
    let (locale, problems) = korean.with_texts(own);
    assert_eq!(locale.text("placeholder"), Some("무엇이든"));
    assert_eq!(locale.text("newMessages"), Some("other=+{count}"));
    assert_eq!(locale.text("empty"), Some("{ is text, {} too"));
    for name in ["send", "guest", "reconnectingIn"] {
        assert_eq!(locale.text(name), korean.text(name), "{name}");
    }
    let named = problems.iter().map(|problem| problem.split('`').nth(1).unwrap());
    assert_eq!(named.collect::<Vec<_>>(), ["nonsense", "new_messages", "guest", "reconnectingIn"]);
    assert_eq!(korean.with_texts(own).0, locale, "the same texts make the same locale");
    assert_ne!(locale, korean);
}

#[wasm_bindgen_test]
fn a_page_whose_texts_change_all_the_time_is_told_and_keeps_the_last() {
    let big = "x".repeat(100 * 1024);
    let english = Locale::from(Language::English);
    let told = (0..4).any(|number| {
        let text = format!("{number}{big}");
        let (locale, problems) = english.with_texts([("empty", text.as_str())]);
        let is_told = problems.iter().any(|problem| problem.contains("too many different texts"));
        assert_eq!(locale.text("empty") == english.text("empty"), is_told);
        is_told
    });
    assert!(told, "there is an end to it");
}

#[wasm_bindgen_test]
async fn numbers_and_times_are_the_readers_own() {
    let page = Page::open(Dialect::Full).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    page.receive(&message("m1", "2025-10-29T04:06:00.000Z", "hi")).await;
    let shown = |page: &Page| {
        (
            page.texts(".date time").remove(0),
            page.all(".time").remove(0).get_attribute("title").unwrap(),
        )
    };
    let expected = |tag: &str| {
        let format = |options: &str| {
            let time =
                format!("new Date('2025-10-29T04:06:00Z').toLocaleString('{tag}', {options})");
            evaluate(&time).as_string().unwrap()
        };
        (format("{dateStyle: 'long'}"), format("{dateStyle: 'full', timeStyle: 'medium'}"))
    };
    for tag in ["en-US", "en-GB", "ko", "ar-EG", "de-AT", "ja", "es-MX"] {
        page.language.set(Locale::of_tags([tag].into_iter()));
        page.settle().await;
        assert_eq!(shown(&page), expected(tag), "{tag}");
        assert_eq!(page.all(".chat")[0].get_attribute("lang").as_deref(), Some(tag));
    }
    assert_ne!(expected("en-US"), expected("en-GB"));
}

#[wasm_bindgen_test]
async fn formatters_are_made_once() {
    let page = Page::open(Dialect::Full).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    page.receive(&message("m1", "2025-10-29T04:06:00.000Z", "hi")).await;
    evaluate("(window.formattersMade = 0, window.plainIntl = Intl.DateTimeFormat)");
    let counting = "function (...given) { window.formattersMade += 1; return new window.plainIntl(...given); }";
    let _counted = Overridden::method("Intl", "DateTimeFormat", counting);
    for number in 2..10 {
        page.receive(&message(
            &format!("m{number}"),
            &format!("2025-10-{number:02}T04:06:00.000Z"),
            "hi",
        ))
        .await;
    }
    assert_eq!(page.texts(".text").len(), 9);
    assert_eq!(evaluate("window.formattersMade").as_f64(), Some(0.0));
}

#[wasm_bindgen_test]
async fn the_layout_runs_as_the_language_does() {
    let page = Page::open(Dialect::Basic).await;
    let direction = || page.all(".chat")[0].get_attribute("dir").unwrap();
    assert_eq!(direction(), "ltr");
    page.language.set(Language::Arabic.into());
    page.settle().await;
    assert_eq!(direction(), "rtl");
    page.language.set(Locale::from(Language::Arabic).in_direction(Direction::LeftToRight));
    page.settle().await;
    assert_eq!(direction(), "ltr");
}

#[wasm_bindgen_test]
async fn today_becomes_yesterday_when_the_day_ends() {
    let _held = Overridden::method(
        "window",
        "setInterval",
        "(look) => { (window.looks ??= []).push(look); return 0; }",
    );
    evaluate("window.looks = []");
    let page = Page::open(Dialect::Full).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    let now = evaluate("new Date().toISOString()").as_string().unwrap();
    page.receive(&message("m1", &now, "hi")).await;
    assert_eq!(page.texts(".date"), ["Today"]);

    let later = "class extends Date { \
        constructor(...given) { if (given.length) super(...given); else super(Date.now() + 86400000); } \
        static now() { return super.now() + 86400000; } }";
    let tomorrow = Overridden::method("window", "Date", later);
    evaluate("window.looks.forEach((look) => look())");
    page.settle().await;
    assert_eq!(page.texts(".date"), ["Yesterday"]);

    drop(tomorrow);
    evaluate("window.looks.forEach((look) => look())");
    page.settle().await;
    assert_eq!(page.texts(".date"), ["Today"]);
}

#[wasm_bindgen_test]
async fn no_text_is_anywhere_but_in_the_tables() {
    let page = Page::open(Dialect::Full).await;
    // All texts in brackets: what is shown without them comes from somewhere else.
    let names = text_names().collect::<Vec<_>>();
    let bracketed = |name: &String| forms(text(Language::English, name))["other"].to_owned();
    let own = names
        .iter()
        .map(|name| (name.as_str(), format!("⟦{}⟧", bracketed(name))))
        .collect::<Vec<_>>();
    let own = own.iter().map(|(name, text)| (*name, text.as_str()));
    let (locale, problems) = Locale::from(Language::English).with_texts(own);
    assert_eq!(problems, [""; 0]);
    page.language.set(locale);
    page.settle().await;
    let mut seen = BTreeSet::new();
    let mut look = |state: &str| {
        let shown = words(&page);
        let plain = shown.iter().filter(|words| !is_bracketed(words)).collect::<Vec<_>>();
        assert!(plain.is_empty(), "{state}: {plain:?}");
        seen.extend(shown);
    };

    look("connecting");
    page.sockets.open_last();
    page.receive(WELCOME).await;
    look("loading history");
    let asked = sent(&page, "requestId");
    page.receive(&format!(r#"{{"type":"history","requestId":"{asked}","messages":[]}}"#)).await;
    look("empty");
    page.receive(&message("m1", "2025-10-29T04:06:00.000Z", "hi")).await;
    page.receive(&guest("m2", &evaluate("new Date().toISOString()").as_string().unwrap())).await;
    look("messages");
    page.write("mine").await;
    page.press_enter().await;
    look("sending");
    let client_id = sent(&page, "clientMessageId");
    page.receive(&format!(
        r#"{{"type":"error","clientMessageId":"{client_id}","code":"forbidden","message":"no"}}"#
    ))
    .await;
    look("failed");
    page.write("mine again").await;
    page.press_enter().await;
    page.write(&"x".repeat(40_000)).await;
    look("too long");
    page.sockets.lose_last();
    // Short outages are not shown.
    for _ in 0..500 {
        if !page.all("[data-status=reconnecting]").is_empty() {
            break;
        }
        page.settle().await;
    }
    look("reconnecting");
    page.sockets.lose_last();
    page.settle().await;
    look("waiting to reconnect");
    page.remote.sign_out();
    page.settle().await;
    look("signed out");

    // That much was reached, or the test says nothing.
    for name in [
        "connecting",
        "empty",
        "online",
        "today",
        "placeholder",
        "send",
        "sending",
        "retry",
        "delete",
        "failedForbidden",
        "tooLong",
        "refusedSignedOut",
        "connectAgain",
    ] {
        let text = locale.text(name).unwrap();
        assert!(seen.contains(text), "{name} was not seen: {seen:?}");
    }
    assert!(seen.iter().any(|words| words.starts_with("⟦No connection.")), "{seen:?}");
    assert!(seen.iter().any(|words| words.contains("of 32,000 bytes")), "{seen:?}");
}

/// A field of the last frame that has it.
fn sent(page: &Page, field: &str) -> String {
    let frames = page.sockets.sent().into_iter().rev();
    let frames = frames.filter_map(|frame| serde_json::from_str::<serde_json::Value>(&frame).ok());
    let value = frames.filter_map(|frame| frame[field].as_str().map(str::to_owned)).next();
    value.unwrap_or_else(|| panic!("no frame has `{field}`"))
}

fn message(id: &str, time: &str, text: &str) -> String {
    serde_json::json!({"type": "message", "id": id, "roomId": "lobby", "text": text, "createdAt": time,
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}})
    .to_string()
}

/// From somebody without a name.
fn guest(id: &str, time: &str) -> String {
    serde_json::json!({"type": "message", "id": id, "roomId": "lobby", "text": "hi", "createdAt": time,
        "sender": {"id": "g-abcd", "kind": "guest"}})
    .to_string()
}

/// Everything that is written or said, but for what people, rooms and clocks say.
fn words(page: &Page) -> Vec<String> {
    let mut words = Vec::new();
    let of_others = ".title, .text, .notice, time, input, textarea";
    for element in page.all("*") {
        for attribute in
            ["aria-label", "title", "placeholder", "alt", "aria-description", "aria-valuetext"]
        {
            let is_clock = element.matches("time").unwrap();
            words.extend(element.get_attribute(attribute).filter(|_| !is_clock));
        }
        let is_ours = element.closest(of_others).unwrap().is_none() || is_date(&element);
        let nodes = element.child_nodes();
        for node in (0..nodes.length()).filter_map(|index| nodes.item(index)) {
            let is_text = node.node_type() == web_sys::Node::TEXT_NODE;
            words.extend(node.text_content().filter(|_| is_text && is_ours));
        }
    }
    // A name, and what stands between a mark and its meaning.
    let is_said = |words: &String| !["", ":", "Bo", "Ann"].contains(&words.trim());
    words.into_iter().filter(is_said).collect()
}

/// "Today" and its like are words, dates are not.
fn is_date(element: &Element) -> bool {
    let date = element.closest(".date").unwrap().is_some();
    date && !element.text_content().unwrap().contains(char::is_numeric)
}

/// Several texts may stand in one label, with a person's name behind them.
fn is_bracketed(words: &str) -> bool {
    words.starts_with('⟦') && (words.ends_with('⟧') || words.ends_with("⟧, Ann"))
}
