//! One quiet line that says how the connection stands.

use gloo_timers::callback::Interval;
use leptos::prelude::*;
use roomlet_client::{Command, Refusal, Status, Timestamp};

use super::Context;
use crate::i18n::Texts;

#[component]
pub(super) fn StatusLine() -> impl IntoView {
    let context = expect_context::<Context>();
    let status = context.screen.status;
    let seconds_left = countdown(context);
    let text = move || words(status.get(), seconds_left.get(), context.texts());
    let can_try = move || {
        matches!(status.get(), Status::Reconnecting { .. } | Status::Offline | Status::Refused(_))
    };
    let try_now = move |_| {
        // The room may not even be open: then there was no place for it.
        context.command(Command::OpenRoom(context.room()));
        context.command(Command::Reconnect);
    };
    view! { class = "r",
        <div class="status" part="status" data-status=move || name(status.get())>
            <span class="dot"></span>
            <span class="status-text" role="status">{text}</span>
            <Show when=can_try>
                <button type="button" class="link" on:click=try_now>
                    {move || context.texts().try_now}
                </button>
            </Show>
        </div>
    }
}

/// Whole seconds until the next attempt, while one is planned.
fn countdown(context: Context) -> RwSignal<Option<u64>> {
    let left = RwSignal::new(None);
    let ticking = StoredValue::new_local(None::<Interval>);
    let tick = move |retry_at: Timestamp| {
        let now = context.chat.try_with_value(crate::driver::Chat::now);
        let wait = now.map(|now| retry_at.since(now).as_millis());
        left.try_set(wait.and_then(|wait| u64::try_from(wait.div_ceil(1_000)).ok()));
    };
    Effect::new(move || match context.screen.status.get() {
        Status::Reconnecting { retry_at: Some(at) } => {
            tick(at);
            ticking.set_value(Some(Interval::new(1_000, move || tick(at))));
        }
        _ => {
            ticking.set_value(None);
            left.set(None);
        }
    });
    left
}

fn words(status: Status, seconds_left: Option<u64>, texts: &Texts) -> String {
    let text = match status {
        Status::Online => texts.online,
        Status::Reconnecting { .. } => match seconds_left {
            Some(seconds @ 1..) => return (texts.reconnecting_in)(seconds),
            Some(0) | None => texts.reconnecting,
        },
        Status::Offline => texts.offline,
        Status::Refused(Refusal::BlockedByPage) => texts.refused_blocked,
        Status::Refused(Refusal::Forbidden) => texts.refused_forbidden,
        Status::Refused(Refusal::TooManyRooms) => texts.refused_too_many_rooms,
        Status::Refused(Refusal::Unauthorized) => texts.refused_unauthorized,
        _ => texts.connecting,
    };
    text.to_owned()
}

/// What the stylesheet and `roomlet-status` call it.
pub(crate) fn name(status: Status) -> &'static str {
    match status {
        Status::Online => "online",
        Status::Reconnecting { .. } => "reconnecting",
        Status::Offline => "offline",
        Status::Refused(_) => "refused",
        _ => "connecting",
    }
}
