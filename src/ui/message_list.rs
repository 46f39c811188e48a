//! The transcript: oldest first in the document, held at its end by a `column-reverse` scroller.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use roomlet_client::transcript::Transcript;
use roomlet_client::{Command, History, RowId};
use web_sys::HtmlElement;

use super::in_view::in_view;
use super::row::{Setting, press};
use super::rows::Picture;
use super::{Context, dates, icons};

/// Within so many pixels of its end the list counts as being there.
const AT_END: i32 = 40;
/// So many pixels before its beginning older messages are fetched.
const NEAR_BEGINNING: i32 = 600;
/// Where no frames are drawn, as in a hidden page, what has come is shown after this time.
const WITHOUT_FRAMES: Duration = Duration::from_millis(300);

#[component]
pub(super) fn MessageList(
    /// What the transcript is called.
    label: Signal<String>,
) -> impl IntoView {
    let context = expect_context::<Context>();
    let screen = context.screen;
    let scroller = NodeRef::<html::Div>::new();
    let list = NodeRef::<html::Div>::new();
    let owner = StoredValue::new(());
    let picture = StoredValue::new_local(None::<Picture>);
    // While the reader is elsewhere, nothing is added at the end: what is being read must not move.
    let at_end = RwSignal::new(true);
    let last_shown = RwSignal::new(None::<RowId>);
    // Messages of others that arrived while the reader was elsewhere.
    let seen = RwSignal::new(0_usize);
    let unseen = Memo::new(move |_| screen.arrivals.get().saturating_sub(seen.get()));

    // Does to the page what has happened, and keeps the reader where they are.
    let draw = move || {
        let operations = screen.transcript.try_update_value(Transcript::take_operations);
        let Some(operations) = operations.filter(|operations| !operations.is_empty()) else {
            return;
        };
        let setting = Setting {
            language: context.language.get_untracked(),
            people_sign_in: context.people_sign_in,
        };
        let Some(element) = scroller.get_untracked() else { return };
        picture.update_value(|picture| {
            let Some(picture) = picture else { return };
            let reads_above = !at_end.get_untracked();
            let place = reads_above.then(|| Place::of(&element, picture)).flatten();
            picture.carry_out(operations, setting);
            if let Some(place) = place {
                place.keep(&element, picture);
            }
        });
        let last = screen.transcript.with_value(Transcript::last_shown);
        if last_shown.get_untracked() != last {
            last_shown.set(last);
        }
        settle_groups(owner, picture);
    };
    let read_on = move || {
        if let Some(element) = scroller.get_untracked()
            && screen.history.get_untracked() == History::More
            && distance_to_beginning(&element) < NEAR_BEGINNING
        {
            context.command(Command::LoadOlder { room: context.room() });
        }
    };
    // What happens between two frames is shown at once.
    let is_due = StoredValue::new(false);
    let draw_soon = move || {
        if is_due.get_value() {
            return;
        }
        is_due.set_value(true);
        let now = move || {
            // The list may have gone meanwhile.
            if is_due.try_get_value() == Some(true) {
                is_due.set_value(false);
                draw();
                read_on();
            }
        };
        request_animation_frame(now);
        set_timeout(now, WITHOUT_FRAMES);
    };
    // A list that has grown too long leaves a reader what they read.
    let told = StoredValue::new(None::<RowId>);
    let tell_place = move |element: &HtmlElement| {
        let reads_above = !at_end.get_untracked();
        let place = picture.with_value(|picture| Place::of(element, picture.as_ref()?));
        let from = place.filter(|_| reads_above).map(|place| place.row);
        if told.get_value() != from {
            told.set_value(from);
            context.command(Command::Reading { room: context.room(), from });
        }
    };
    let leave_end = move || {
        at_end.set(false);
        draw();
        screen.transcript.update_value(Transcript::hold);
    };
    let look = move || {
        let Some(element) = scroller.get_untracked() else { return };
        let is_at_end = distance_to_end(&element) <= AT_END;
        if is_at_end && !at_end.get_untracked() {
            // What was held back goes below, and the reader stays where they are.
            screen.transcript.update_value(Transcript::release);
            draw();
            if distance_to_end(&element) <= AT_END {
                at_end.set(true);
            } else {
                leave_end();
            }
        } else if !is_at_end && at_end.get_untracked() {
            leave_end();
        }
        tell_place(&element);
    };
    let to_end = move || {
        at_end.set(true);
        screen.transcript.update_value(Transcript::release);
        told.set_value(None);
        context.command(Command::Reading { room: context.room(), from: None });
        draw();
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
        if let Some(list) = list.get() {
            picture.set_value(Picture::new(list.into()));
            screen.redraw();
        }
    });
    Effect::new(move || {
        screen.changed.track();
        draw_soon();
    });
    // What rows say is said in the person's language, and today.
    Effect::new(move |before: Option<_>| {
        let now = (context.language.get(), dates::track_today());
        if before.is_some_and(|before| before != now) {
            screen.redraw();
        }
        now
    });
    Effect::new(move || {
        let arrivals = screen.arrivals.get();
        if at_end.get() {
            seen.set(arrivals);
        }
    });
    // What stands at the end of what somebody sees has been read.
    let is_seen = in_view(scroller);
    Effect::new(move || {
        if let Some(row) = last_shown.get().filter(|_| at_end.get() && is_seen.get()) {
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
        draw_soon();
    });
    let empty = Memo::new(move |_| match screen.history.get() {
        _ if !screen.is_empty.get() => "",
        History::Beginning => context.texts().empty,
        // Others may have spoken before.
        History::None => context.texts().empty_without_history,
        _ => "",
    });
    let top = move || match screen.history.get() {
        History::Loading => context.texts().loading_older,
        _ if screen.is_empty.get() => "",
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
                    <div
                        class="rows"
                        role="list"
                        node_ref=list
                        on:click=move |event| {
                            press(context, &event);
                        }
                    ></div>
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

/// Lets groups be left to themselves once they have been laid out, which they are after two frames.
fn settle_groups(owner: StoredValue<()>, picture: StoredValue<Option<Picture>, LocalStorage>) {
    let has_fresh =
        picture.with_value(|picture| picture.as_ref().is_some_and(Picture::has_fresh_groups));
    if has_fresh {
        on_next_frame(owner, move || {
            on_next_frame(owner, move || {
                picture.update_value(|picture| {
                    if let Some(picture) = picture {
                        picture.settle();
                    }
                });
            });
        });
    }
}

/// Where somebody reads: the first row in view, and how high on the page it stands.
struct Place {
    row: RowId,
    top: f64,
}

impl Place {
    fn of(scroller: &HtmlElement, picture: &Picture) -> Option<Self> {
        let row = picture.first_below(scroller.get_bounding_client_rect().top())?;
        Some(Self { row, top: picture.top_of(row)? })
    }

    /// Scrolls by as much as the row has moved.
    fn keep(&self, scroller: &HtmlElement, picture: &Picture) {
        if let Some(top) = picture.top_of(self.row) {
            let moved = top - self.top;
            if moved.abs() > 0.5 {
                scroller.scroll_by_with_x_and_y(0.0, moved);
            }
        }
    }
}

/// In a reversed column the end is at zero, and everything before it is negative.
fn distance_to_end(element: &HtmlElement) -> i32 {
    element.scroll_top().abs()
}

fn distance_to_beginning(element: &HtmlElement) -> i32 {
    element.scroll_height() - element.client_height() - distance_to_end(element)
}
