//! One row of the list: a message, a notice, or a place where messages are missing.
//!
//! Rows are no components: there are thousands of them, and most never change. They are copies of prototypes, and are
//! compared with what they showed before.

use roomlet_client::transcript::Lead;
use roomlet_client::{
    Author, Command, Delivery, FailReason, Message, Row, RowContent, RowId, Standing, WallClock,
};
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlElement, MouseEvent};

use super::icons::Mark;
use super::{Context, dates};
use crate::i18n::{Locale, Texts};

/// How rows are shown.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) language: Locale,
    /// Whether people of this backend sign in: then a guest among them is marked as one.
    pub(super) people_sign_in: bool,
}

impl Setting {
    fn texts(self) -> &'static Texts {
        self.language.texts()
    }
}

/// What rows are copies of.
pub(super) struct Prototypes {
    document: Document,
    message: Element,
}

/// A row in the document.
pub(super) struct RowElement {
    pub(super) element: Element,
    /// Its message, notice or mark.
    body: Element,
    row: Row,
    lead: Lead,
}

impl Prototypes {
    pub(super) fn new(document: &Document) -> Option<Self> {
        let row = new_row(document)?;
        let message = add(&row, "article", "message")?;
        let author = add(&message, "p", "author")?;
        add(&author, "bdi", "")?;
        let bubble = add(&message, "div", "bubble")?;
        let text = add(&bubble, "p", "text")?;
        text.set_attribute("dir", "auto").ok()?;
        add(&bubble, "span", "meta")?.remove_attribute("part").ok()?;
        Some(Self { document: document.clone(), message: row })
    }
}

impl RowElement {
    pub(super) fn new(
        prototypes: &Prototypes,
        row: Row,
        lead: Lead,
        setting: Setting,
    ) -> Option<Self> {
        let element = match &row.content {
            RowContent::Message(_) => {
                prototypes.message.clone_node_with_deep(true).ok()?.dyn_into::<Element>().ok()?
            }
            content => {
                let element = new_row(&prototypes.document)?;
                let texts = setting.texts();
                let (class, text) = match content {
                    RowContent::Notice(text) => ("notice", text.as_str()),
                    RowContent::Hole => ("hole", texts.hole),
                    _ => ("interruption", texts.interruption),
                };
                let body = add(&element, "p", class)?;
                body.set_attribute("dir", "auto").ok()?;
                body.set_text_content(Some(text));
                element
            }
        };
        element.set_attribute("data-row", &row.id.0.to_string()).ok()?;
        let body = element.first_element_child()?;
        if let Some(message) = row.message() {
            show_message(&body, None, message, setting)?;
        }
        let mut this = Self { element, body, row, lead: Lead::Author };
        this.set_lead(lead, setting);
        Some(this)
    }

    /// The bubble of a message, or all of a row that is none.
    pub(super) fn words(&self) -> Element {
        self.body.children().item(1).unwrap_or_else(|| self.body.clone())
    }

    /// A row never turns from a message into something else.
    pub(super) fn update(&mut self, row: Row, setting: Setting) {
        if let Some(message) = row.message() {
            // What cannot be done to the document is left undone.
            let _ = show_message(&self.body, self.row.message(), message, setting);
        }
        self.row = row;
    }

    pub(super) fn set_lead(&mut self, lead: Lead, setting: Setting) {
        if self.lead == lead {
            return;
        }
        if let Some(date) = self.element.query_selector(".date").ok().flatten() {
            date.remove();
        }
        if let Lead::Date(time) = lead {
            // Without a date the row is as good.
            let _ = add_date(&self.element, time, setting);
        }
        if self.row.message().is_some() {
            let _ = self.body.class_list().toggle_with_force("continues", lead == Lead::Continues);
        }
        self.lead = lead;
    }
}

/// Does what the button says that was pressed, if it was one of a row.
pub(super) fn press(context: Context, event: &MouseEvent) -> Option<()> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let button = target.closest("[data-action]").ok()??;
    let row = button.closest("[data-row]").ok()??.get_attribute("data-row")?;
    let (room, row) = (context.room(), RowId(row.parse().ok()?));
    focus_transcript(&button);
    context.command(match button.get_attribute("data-action")?.as_str() {
        "retry" => Command::Retry { room, row },
        _ => Command::Discard { room, row },
    });
    Some(())
}

fn new_row(document: &Document) -> Option<Element> {
    let row = document.create_element("div").ok()?;
    row.set_class_name("row");
    row.set_attribute("role", "listitem").ok()?;
    Some(row)
}

/// Adds a part of the widget: what it is called in the stylesheet is what pages call it.
fn add(parent: &Element, tag: &str, name: &str) -> Option<Element> {
    let element = parent.owner_document()?.create_element(tag).ok()?;
    if !name.is_empty() {
        element.set_class_name(name);
        element.set_attribute("part", name).ok()?;
    }
    parent.append_child(&element).ok()?;
    Some(element)
}

/// The same for what is no part for pages.
fn add_plain(parent: &Element, tag: &str, class: &str, text: &str) -> Option<Element> {
    let element = add(parent, tag, "")?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    Some(element)
}

fn add_date(row: &Element, time: WallClock, setting: Setting) -> Option<()> {
    let date = add(row, "p", "date")?;
    let label = dates::date_label(time, now(), setting.language);
    add_plain(&date, "time", "", &label)?.set_attribute("datetime", &dates::machine(time)).ok()?;
    row.insert_before(&date, row.first_child().as_ref()).ok()?;
    Some(())
}

/// Shows a message where another one was shown before, or none yet.
fn show_message(
    article: &Element,
    before: Option<&Message>,
    message: &Message,
    setting: Setting,
) -> Option<()> {
    let bubble = article.children().item(1)?;
    if before.is_none_or(|before| before.text != message.text) {
        show_text(&bubble.first_element_child()?, &message.text);
    }
    let has_author = before.is_some_and(|before| before.author == message.author);
    if !has_author {
        show_author(article, &message.author, setting)?;
    }
    let has_state = before
        .is_some_and(|before| (before.delivery, before.time) == (message.delivery, message.time));
    if !has_author || !has_state {
        article.set_attribute("data-delivery", delivery_name(message.delivery)).ok()?;
        show_meta(&bubble.last_element_child()?, message, setting)?;
        show_problem(article, message.delivery, setting)?;
    }
    Some(())
}

/// Text is text: it is never markup.
fn show_text(element: &Element, text: &str) {
    element.set_text_content(Some(text));
}

fn show_author(article: &Element, author: &Author, setting: Setting) -> Option<()> {
    let texts = setting.texts();
    let name = author_name(author, texts);
    let standing = standing_to_show(setting, author);
    article.class_list().toggle_with_force("own", *author == Author::Me).ok()?;
    match author {
        Author::Other { id, .. } => article.set_attribute("data-hue", hue(id)).ok()?,
        _ => article.remove_attribute("data-hue").ok()?,
    }
    let by = texts.message_by(&match standing {
        Some(standing) => format!("{name}, {}", standing_words(standing, texts).0),
        None => name.clone(),
    });
    article.set_attribute("aria-label", &by).ok()?;
    let line = article.first_element_child()?;
    line.first_element_child()?.set_text_content(Some(&name));
    if let Some(old) = line.children().item(1) {
        old.remove();
    }
    if let Some(standing) = standing {
        let (mark, meaning) = standing_words(standing, texts);
        let element = add(&line, "span", "standing")?;
        element.set_attribute("title", meaning).ok()?;
        element.set_text_content(Some(mark));
        add_plain(&element, "span", "hidden", &format!(": {meaning}"))?;
    }
    Some(())
}

/// The time, and the small sign beside it of an own message.
fn show_meta(meta: &Element, message: &Message, setting: Setting) -> Option<()> {
    meta.set_text_content(None);
    if let Some(time) = message.time {
        let element = add(meta, "time", "time")?;
        element.set_attribute("datetime", &dates::machine(time)).ok()?;
        element.set_attribute("title", &dates::exact(time, setting.language)).ok()?;
        element.set_text_content(Some(&dates::time(time, setting.language)));
    }
    if message.author == Author::Me {
        let texts = setting.texts();
        let (icon, label) = match message.delivery {
            Delivery::Queued => (Mark::Clock, texts.waiting),
            Delivery::Sending => (Mark::Clock, texts.sending),
            Delivery::Sent => (Mark::Check, texts.sent),
            _ => (Mark::Warning, ""),
        };
        let mark = add_plain(meta, "span", "mark", "")?;
        mark.set_attribute("title", label).ok()?;
        mark.append_child(&icon.element(&meta.owner_document()?)?.into()).ok()?;
        add_plain(&mark, "span", "hidden", label)?;
    }
    Some(())
}

/// What the person can do about a message that did not arrive, and why it did not.
fn show_problem(article: &Element, delivery: Delivery, setting: Setting) -> Option<()> {
    if let Some(old) = article.children().item(2) {
        old.remove();
    }
    let texts = setting.texts();
    let (reason, discard) = match delivery {
        Delivery::NotConfirmed => (texts.not_confirmed, texts.dismiss),
        Delivery::Failed(reason) => (fail_words(reason, texts), texts.delete),
        _ => return Some(()),
    };
    let problem = add(article, "div", "problem")?;
    add_plain(&problem, "span", "reason", reason)?;
    let choices = add_plain(&problem, "span", "choices", "")?;
    for (action, label) in [("retry", texts.retry), ("discard", discard)] {
        let button = add_plain(&choices, "button", "link", label)?;
        button.set_attribute("type", "button").ok()?;
        button.set_attribute("data-action", action).ok()?;
    }
    Some(())
}

/// How far an author may be believed, where that is less than the reader would think: among people who sign in a
/// guest's name is only what the guest says, and where the backend vouches for nobody everybody's is.
fn standing_to_show(setting: Setting, author: &Author) -> Option<Standing> {
    match author {
        Author::Other { standing: Standing::Unverified, .. } => Some(Standing::Unverified),
        // Without a name it says "Guest" already.
        Author::Other { standing: Standing::Guest, name: Some(_), .. } => {
            setting.people_sign_in.then_some(Standing::Guest)
        }
        _ => None,
    }
}

/// The mark, and what it means.
fn standing_words(standing: Standing, texts: &Texts) -> (&'static str, &'static str) {
    match standing {
        Standing::Guest => (texts.guest_mark, texts.guest_meaning),
        _ => (texts.unverified_mark, texts.unverified_meaning),
    }
}

/// Keeps the focus in the chat when the button that has it goes.
fn focus_transcript(button: &Element) {
    let scroller = button.closest(".scroller").ok().flatten();
    if let Some(scroller) = scroller.and_then(|scroller| scroller.dyn_into::<HtmlElement>().ok()) {
        // Without focus the chat works all the same.
        let _ = scroller.focus();
    }
}

fn fail_words(reason: FailReason, texts: &Texts) -> &'static str {
    match reason {
        FailReason::Misconfigured => texts.failed_misconfigured,
        FailReason::BlockedByPage => texts.failed_blocked,
        FailReason::Conflict => texts.failed_conflict,
        FailReason::Expired => texts.failed_expired,
        FailReason::Forbidden => texts.failed_forbidden,
        FailReason::Refused => texts.failed_refused,
        FailReason::TooLarge => texts.failed_too_large,
        FailReason::Unauthorized => texts.failed_unauthorized,
        _ => texts.failed_bad_request,
    }
}

/// What the stylesheet calls it.
fn delivery_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Queued => "queued",
        Delivery::Sending => "sending",
        Delivery::Sent => "sent",
        Delivery::NotConfirmed => "not-confirmed",
        _ => "failed",
    }
}

/// The name that is shown for an author.
pub(crate) fn author_name(author: &Author, texts: &Texts) -> String {
    match author {
        Author::Other { name: Some(name), .. } => name.clone(),
        // Where the backend does not say who it was there is no id either.
        Author::Other { id, .. } => texts.guest(&short(id)).trim_end().to_owned(),
        _ => texts.you.to_owned(),
    }
}

/// Four characters that tell guests apart: the last ones, since ids of one kind or region begin alike.
fn short(id: &str) -> String {
    let mut last = id
        .chars()
        .rev()
        .filter(|character| character.is_alphanumeric())
        .take(4)
        .collect::<Vec<_>>();
    last.reverse();
    last.into_iter().collect()
}

/// One of the eight hues for names, the same for the same person.
fn hue(id: &str) -> &'static str {
    const HUES: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let sum =
        id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    HUES.get(sum % HUES.len()).copied().unwrap_or("1")
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a date fit")]
fn now() -> WallClock {
    WallClock(js_sys::Date::now() as i64)
}
