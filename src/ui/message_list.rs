//! The transcript: oldest first in the document, held at its end by a `column-reverse` scroller.

use leptos::html;
use leptos::prelude::*;
use roomlet_client::{Command, Delivery, History, Row, RowId};
use web_sys::HtmlElement;

use super::in_view::in_view;
use super::rows::Rows;
use super::screen::ShownRow;
use super::{Context, icons};

/// Within so many pixels of its end the list counts as being there.
const AT_END: i32 = 40;
/// So many pixels before its beginning older messages are fetched.
const NEAR_BEGINNING: i32 = 600;

#[component]
pub(super) fn MessageList(
    /// What the transcript is called.
    label: Signal<String>,
) -> impl IntoView {
    let context = expect_context::<Context>();
    let screen = context.screen;
    let scroller = NodeRef::<html::Div>::new();
    let owner = StoredValue::new(());
    let at_end = RwSignal::new(true);
    // While the reader is elsewhere, nothing is added at the end: what is being read must not move.
    let cut = RwSignal::new(None::<Cut>);
    let shown = Memo::new(move |_| {
        screen.rows.with(|rows| match cut.get() {
            Some(cut) => cut.shown(rows),
            None => rows.clone(),
        })
    });
    // Messages of others that arrived while the reader was elsewhere.
    let seen = RwSignal::new(0_usize);
    let unseen = Memo::new(move |_| screen.arrivals.get().saturating_sub(seen.get()));

    let follow = move |follows: bool| {
        if at_end.get_untracked() != follows {
            at_end.set(follows);
            cut.set(shown.with_untracked(|rows| (!follows).then(|| Cut::of(rows))));
        }
    };
    // A list that has grown too long leaves a reader what they read.
    let told = StoredValue::new(None::<RowId>);
    let tell_place = move |element: &HtmlElement| {
        let from = (!at_end.get_untracked()).then(|| first_row_in_view(element)).flatten();
        if told.get_value() != from {
            told.set_value(from);
            context.command(Command::Reading { room: context.room(), from });
        }
    };
    let look = move || {
        let Some(element) = scroller.get_untracked() else { return };
        let is_at_end = distance_to_end(&element) <= AT_END;
        let held = screen.rows.with_untracked(Vec::len) > shown.with_untracked(Vec::len);
        if is_at_end && held {
            // What was held back goes below, and the reader stays where they are.
            let before = element.scroll_height();
            follow(true);
            on_next_frame(owner, move || {
                let added = element.scroll_height() - before;
                element.set_scroll_top(element.scroll_top() - added);
                follow(added <= AT_END);
            });
        } else {
            follow(is_at_end);
        }
        tell_place(&element);
    };
    let read_on = move || {
        if let Some(element) = scroller.get_untracked()
            && screen.history.get_untracked() == History::More
            && distance_to_beginning(&element) < NEAR_BEGINNING
        {
            context.command(Command::LoadOlder { room: context.room() });
        }
    };
    let to_end = move || {
        follow(true);
        told.set_value(None);
        context.command(Command::Reading { room: context.room(), from: None });
        on_next_frame(owner, move || {
            if let Some(element) = scroller.get_untracked() {
                element.set_scroll_top(0);
            }
        });
    };
    // The button that leads to the end goes with it, and must not take the focus out of the chat.
    let focus_scroller = move || {
        if let Some(element) = scroller.get_untracked() {
            let _ = element.focus();
        }
    };
    Effect::new(move || {
        let arrivals = screen.arrivals.get();
        if at_end.get() {
            seen.set(arrivals);
        }
    });
    // What stands at the end of what somebody sees has been read.
    let is_seen = in_view(scroller);
    Effect::new(move || {
        let last = shown.with(|rows| rows.last().map(|shown| shown.id));
        if let Some(row) = last.filter(|_| at_end.get() && is_seen.get()) {
            context.command(Command::MarkRead { room: context.room(), row });
        }
    });
    // What was just written here is brought into view, and so is the end of a room that is entered.
    Effect::new(move || {
        screen.written.track();
        screen.room.track();
        to_end();
    });
    // A page of history that does not fill the view is followed by the next one.
    Effect::new(move || {
        screen.history.track();
        screen.rows.track();
        on_next_frame(owner, read_on);
    });
    let empty = Memo::new(move |_| match screen.history.get() {
        _ if !screen.rows.with(Vec::is_empty) => "",
        History::Beginning => context.texts().empty,
        // Others may have spoken before.
        History::None => context.texts().empty_without_history,
        _ => "",
    });
    let top = move || match screen.history.get() {
        History::Loading => context.texts().loading_older,
        _ if screen.rows.with(Vec::is_empty) => "",
        History::Beginning => context.texts().beginning,
        History::None => context.texts().no_history,
        _ => "",
    };
    view! { class = "r",
        <div class="list" part="list">
            <div
                class="scroller"
                node_ref=scroller
                tabindex="0"
                role="region"
                aria-label=label
                on:scroll=move |_| {
                    look();
                    read_on();
                }
            >
                <div class="transcript">
                    <p class="top" part="top">{top}</p>
                    <Rows shown/>
                </div>
            </div>
            <Show when=move || !empty.get().is_empty()>
                <p class="empty" part="empty">{empty}</p>
            </Show>
            <Show when=move || !at_end.get()>
                <button
                    type="button"
                    class="to-end"
                    part="to-end"
                    aria-label=move || context.texts().to_latest
                    on:click=move |_| {
                        to_end();
                        focus_scroller();
                    }
                >
                    {icons::down()}
                    <Show when=move || unseen.get().gt(&0)>
                        <span>{move || context.texts().new_messages(unseen.get())}</span>
                    </Show>
                </button>
            </Show>
        </div>
    }
}

/// Does something in the next frame, if the list is still there then: what it reads goes with its owner.
fn on_next_frame(owner: StoredValue<()>, task: impl FnOnce() + 'static) {
    request_animation_frame(move || {
        if owner.try_get_value().is_some() {
            task();
        }
    });
}

/// Where the list ends for somebody who reads further up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cut {
    /// The last row that keeps its place; all that comes after it waits, ...
    last: Option<RowId>,
    /// ... but for rows that were there: what the backend has not confirmed moves behind whatever arrives.
    kept: Vec<RowId>,
}

impl Cut {
    fn of(rows: &[ShownRow]) -> Self {
        let moves = |shown: &ShownRow| {
            let delivery = |row: &Row| row.message().map(|message| message.delivery);
            shown.row.with_untracked(delivery).is_some_and(|one| one != Delivery::Sent)
        };
        let kept = rows.iter().rev().take_while(|row| moves(row)).map(|row| row.id);
        let kept = kept.collect::<Vec<_>>();
        let last = rows.len().checked_sub(kept.len() + 1).and_then(|last| rows.get(last));
        Self { last: last.map(|row| row.id), kept }
    }

    fn shown(&self, rows: &[ShownRow]) -> Vec<ShownRow> {
        let end = match self.last {
            Some(last) => rows.iter().rposition(|row| row.id == last).map_or(rows.len(), |i| i + 1),
            None => 0,
        };
        let (before, after) = rows.split_at(end);
        let kept = after.iter().filter(|row| self.kept.contains(&row.id));
        before.iter().chain(kept).cloned().collect()
    }
}

/// The first row of which anything is in view: rows stand one below the other.
fn first_row_in_view(scroller: &HtmlElement) -> Option<RowId> {
    let rows = scroller.query_selector(".rows").ok()??.children();
    let top = scroller.get_bounding_client_rect().top();
    let (mut from, mut to) = (0, rows.length());
    while from < to {
        let middle = from + (to - from) / 2;
        if rows.item(middle)?.get_bounding_client_rect().bottom() > top {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    rows.item(from)?.get_attribute("data-row")?.parse().ok().map(RowId)
}

/// In a reversed column the end is at zero, and everything before it is negative.
fn distance_to_end(element: &HtmlElement) -> i32 {
    element.scroll_top().abs()
}

fn distance_to_beginning(element: &HtmlElement) -> i32 {
    element.scroll_height() - element.client_height() - distance_to_end(element)
}
