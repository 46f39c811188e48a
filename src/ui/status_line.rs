//! One quiet line that says how the connection stands.

use gloo_timers::callback::Interval;
use leptos::prelude::*;
use roomlet_client::{Refusal, Status, Timestamp};

use super::Context;
use crate::i18n::Texts;

#[component]
pub(super) fn StatusLine() -> impl IntoView {
    let context = expect_context::<Context>();
    let status = context.screen.status;
    let seconds_left = countdown(context);
    let text = move || {
        let sign_in_failed = context.screen.sign_in_failed.get();
        words(status.get(), seconds_left.get(), sign_in_failed, context.texts())
    };
    let can_try = move || {
        matches!(status.get(), Status::Reconnecting { .. } | Status::Offline | Status::Refused(_))
    };
    let hint = move || {
        let texts = context.texts();
        match status.get() {
            Status::Refused(Refusal::Unauthorized) => texts.sign_in_again,
            Status::Refused(Refusal::SignedOut) => texts.connect_again,
            _ => texts.try_now,
        }
    };
    view! { class = "r",
        <div class="status" part="status" data-status=move || name(status.get())>
            <span class="dot"></span>
            <span class="status-text" role="status">{text}</span>
            <Show when=can_try>
                <button type="button" class="link" on:click=move |_| context.remote.reconnect()>
                    {hint}
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

fn words(status: Status, seconds_left: Option<u64>, sign_in_failed: bool, texts: &Texts) -> String {
    let text = match status {
        Status::Online => texts.online,
        Status::Connecting | Status::Reconnecting { .. } if sign_in_failed => texts.sign_in_failed,
        Status::Reconnecting { .. } => match seconds_left {
            Some(seconds @ 1..) => return texts.reconnecting_in(seconds),
            Some(0) | None => texts.reconnecting,
        },
        Status::Offline => texts.offline,
        Status::Refused(Refusal::BlockedByPage) => texts.refused_blocked,
        Status::Refused(Refusal::Forbidden) => texts.refused_forbidden,
        Status::Refused(Refusal::Misconfigured) => texts.refused_misconfigured,
        Status::Refused(Refusal::SignedOut) => texts.refused_signed_out,
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

/// What `roomlet-status` calls the reason of a refusal.
#[cfg(feature = "page")]
pub(crate) fn reason(status: Status) -> Option<&'static str> {
    let Status::Refused(refusal) = status else { return None };
    Some(match refusal {
        Refusal::BlockedByPage => "blocked-by-page",
        Refusal::Forbidden => "forbidden",
        Refusal::TooManyRooms => "too-many-rooms",
        Refusal::Unauthorized => "unauthorized",
        Refusal::SignedOut => "signed-out",
        _ => "misconfigured",
    })
}
