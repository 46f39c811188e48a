//! One row of the list: a message, a notice, or a place where messages are missing.

use leptos::prelude::*;
use roomlet_client::{
    Author, Command, Delivery, FailReason, Message, Row, RowContent, RowId, Standing, WallClock,
};

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

use super::screen::{Lead, ShownRow};
use super::{Context, dates, icons};
use crate::i18n::Texts;

#[component]
pub(super) fn RowView(shown: ShownRow) -> impl IntoView {
    let context = expect_context::<Context>();
    let ShownRow { id, row, lead } = shown;
    let date = {
        let lead = lead.clone();
        move || match lead.get() {
            Lead::Date(time) => Some(date_line(context, time)),
            Lead::Continues | Lead::Author => None,
        }
    };
    // A row never turns from a message into something else.
    let body = match row.get_untracked().content {
        RowContent::Message(_) => message(context, id, row, lead).into_any(),
        RowContent::Notice(text) => view! { class = "r",
            <p class="notice" part="notice" dir="auto">{text}</p>
        }
        .into_any(),
        RowContent::Hole => view! { class = "r",
            <p class="hole" part="hole">{move || context.texts().hole}</p>
        }
        .into_any(),
        _ => view! { class = "r",
            <p class="interruption" part="interruption">{move || context.texts().interruption}</p>
        }
        .into_any(),
    };
    view! { class = "r", <li class="row" data-row=id.0.to_string()>{date}{body}</li> }
}

fn date_line(context: Context, time: WallClock) -> impl IntoView {
    let label = move || dates::date_label(time, now(), context.language.get());
    view! { class = "r",
        <p class="date" part="date"><time datetime=dates::machine(time)>{label}</time></p>
    }
}

fn message(
    context: Context,
    id: RowId,
    row: ArcRwSignal<Row>,
    lead: ArcRwSignal<Lead>,
) -> impl IntoView {
    let field = |read: fn(&Message) -> Option<String>| {
        let row = row.clone();
        ArcMemo::new(move |_| row.with(|row| row.message().and_then(read)))
    };
    let text = field(|message| Some(message.text.clone()));
    let author = {
        let row = row.clone();
        ArcMemo::new(move |_| row.with(|row| row.message().map(|message| message.author.clone())))
    };
    let delivery = {
        let row = row.clone();
        ArcMemo::new(move |_| row.with(|row| row.message().map(|message| message.delivery)))
    };
    let time =
        ArcMemo::new(move |_| row.with(|row| row.message().and_then(|message| message.time)));
    let name = {
        let author = author.clone();
        move || author.get().map(|author| author_name(&author, context.texts()))
    };
    let is_own = {
        let author = author.clone();
        ArcMemo::new(move |_| author.get() == Some(Author::Me))
    };
    let continues = {
        let lead = lead.clone();
        move || lead.get() == Lead::Continues
    };
    let state = {
        let delivery = delivery.clone();
        move || delivery.get().map_or("", delivery_name)
    };
    let standing = {
        let author = author.clone();
        ArcMemo::new(move |_| author.with(|author| standing_to_show(context, author.as_ref()?)))
    };
    let hue = move || match author.get() {
        Some(Author::Other { id, .. }) => hue(&id),
        _ => "",
    };
    let by = {
        let (name, standing) = (name.clone(), standing.clone());
        move || {
            let texts = context.texts();
            let name = name().unwrap_or_default();
            texts.message_by(&match standing.get() {
                Some(standing) => format!("{name}, {}", standing_words(standing, texts).0),
                None => name,
            })
        }
    };
    let standing_mark = move || {
        standing.get().map(|standing| {
            let (mark, meaning) = standing_words(standing, context.texts());
            view! { class = "r",
                <span class="standing" part="standing" title=meaning>
                    {mark}<span class="hidden">": "{meaning}</span>
                </span>
            }
        })
    };
    let clock = {
        let time = time.clone();
        move || {
            time.get().map(|time| {
                let language = context.language.get();
                view! { class = "r",
                    <time class="time" part="time" datetime=dates::machine(time) title=dates::exact(time, language)>
                        {dates::time(time, language)}
                    </time>
                }
            })
        }
    };
    view! { class = "r",
        <article
            class="message"
            part="message"
            class:own=is_own
            class:continues=continues
            data-hue=hue
            data-delivery=state
            aria-label=by
        >
            <p class="author" part="author"><bdi>{name}</bdi>{standing_mark}</p>
            <div class="bubble" part="bubble">
                <p class="text" part="text" dir="auto">{move || text.get()}</p>
                <span class="meta">
                    {clock}
                    {delivery_mark(context, is_own.clone(), delivery.clone())}
                </span>
            </div>
            {actions(context, id, delivery)}
        </article>
    }
}

/// How far an author may be believed, where that is less than the reader would think: among people who sign in a
/// guest's name is only what the guest says, and where the backend vouches for nobody everybody's is.
fn standing_to_show(context: Context, author: &Author) -> Option<Standing> {
    match author {
        Author::Other { standing: Standing::Unverified, .. } => Some(Standing::Unverified),
        // Without a name it says "Guest" already.
        Author::Other { standing: Standing::Guest, name: Some(_), .. } => {
            context.people_sign_in.then_some(Standing::Guest)
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

/// The small sign beside the time of an own message.
fn delivery_mark(
    context: Context,
    is_own: ArcMemo<bool>,
    delivery: ArcMemo<Option<Delivery>>,
) -> impl IntoView {
    move || {
        let texts = context.texts();
        let (icon, label) = match delivery.get().filter(|_| is_own.get())? {
            Delivery::Queued => (icons::clock().into_any(), texts.waiting),
            Delivery::Sending => (icons::clock().into_any(), texts.sending),
            Delivery::Sent => (icons::check().into_any(), texts.sent),
            _ => (icons::warning().into_any(), ""),
        };
        Some(view! { class = "r",
            <span class="mark" title=label>{icon}<span class="hidden">{label}</span></span>
        })
    }
}

/// What the person can do about a message that did not arrive, and why it did not.
fn actions(context: Context, row: RowId, delivery: ArcMemo<Option<Delivery>>) -> impl IntoView {
    move || {
        let texts = context.texts();
        let (reason, discard) = match delivery.get()? {
            Delivery::NotConfirmed => (texts.not_confirmed, texts.dismiss),
            Delivery::Failed(reason) => (fail_words(reason, texts), texts.delete),
            _ => return None,
        };
        let retry = move |event: MouseEvent| {
            focus_transcript(&event);
            context.command(Command::Retry { room: context.room(), row });
        };
        let discard_it = move |event: MouseEvent| {
            focus_transcript(&event);
            context.command(Command::Discard { room: context.room(), row });
        };
        Some(view! { class = "r",
            <div class="problem" part="problem">
                <span class="reason">{reason}</span>
                <span class="choices">
                    <button type="button" class="link" data-action="retry" on:click=retry>{texts.retry}</button>
                    <button type="button" class="link" data-action="discard" on:click=discard_it>{discard}</button>
                </span>
            </div>
        })
    }
}

/// Keeps the focus in the chat when the button that has it goes.
fn focus_transcript(event: &MouseEvent) {
    let button = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let scroller = button.and_then(|button| button.closest(".scroller").ok().flatten());
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
