//! The components: they render what the client says and hand it what the person does.
#![allow(unreachable_pub, reason = "the component macro makes properties public")]

mod composer;
mod dates;
mod device_notice;
mod icons;
mod in_view;
mod message_list;
mod remote;
mod row;
mod rows;
mod screen;
mod status_line;

use std::rc::Rc;

use leptos::prelude::*;
use roomlet_client::config::Backend;
use roomlet_client::{AskReason, Command, DisplayName, Event, RoomId, SignInAnswer};

use crate::driver::{Chat, Keep, OnSignInAnswer, Ports, SignIn, random_bytes};
use crate::i18n::{Locale, Texts};
use composer::Composer;
use device_notice::DeviceNotice;
use message_list::MessageList;
pub use remote::Remote;
#[cfg(feature = "page")]
pub(crate) use row::author_name;
use screen::Screen;
use status_line::StatusLine;
#[cfg(feature = "page")]
pub(crate) use status_line::{name as status_name, reason as refusal_name};

/// The stylesheet of the widget, for the shadow root it lives in.
pub const STYLESHEET: &str = concat!(
    include_str!("../../style/widget/frame.css"),
    include_str!("../../style/widget/transcript.css"),
    include_str!("../../style/widget/composer.css"),
);

/// What the components share: commands go down, the screen's signals come up.
#[derive(Clone, Copy)]
struct Context {
    chat: StoredValue<Chat, LocalStorage>,
    screen: Screen,
    language: Signal<Locale>,
    remote: Remote,
    /// Whether people of this backend sign in: then a guest among them is marked as one.
    people_sign_in: bool,
}

impl Context {
    fn texts(self) -> &'static Texts {
        self.language.get().texts()
    }

    fn command(self, command: Command) {
        self.chat.with_value(|chat| chat.command(command));
    }

    fn room(self) -> RoomId {
        self.screen.room.get_untracked()
    }
}

/// A callback that hears each event of the client after the screen has.
pub type OnEvent = Callback<(Chat, Event)>;

/// A chat in one room.
///
/// It runs for as long as it is mounted: then its sockets, timers and listeners end. Its looks are in
/// [`STYLESHEET`], which belongs into the shadow root, or into a page of its own.
#[component]
pub fn ChatWidget(
    /// The backend to talk to.
    backend: Backend,
    /// The room to show.
    #[prop(into)]
    room: Signal<RoomId>,
    /// The display name of the person.
    #[prop(into)]
    name: Signal<Option<String>>,
    /// The language of the widget, as its reader has it.
    #[prop(into)]
    language: Signal<Locale>,
    /// Where a guest is remembered.
    keep: Keep,
    /// The ways to the network, and to whoever signs people in.
    ports: Ports,
    /// Signs out and connects again from outside the widget.
    #[prop(optional)]
    remote: Option<Remote>,
    /// Told each event of the client.
    #[prop(optional)]
    on_event: Option<OnEvent>,
) -> impl IntoView {
    let remote = remote.unwrap_or_default();
    let parts = StoredValue::new_local((backend, keep, ports));
    // Who comes after somebody who has signed out begins with nothing of theirs.
    move || {
        remote.track_person();
        let (backend, keep, ports) = parts.get_value();
        view! { class = "r", <Conversation backend room name language keep ports remote on_event/> }
    }
}

/// The chat of one person, from sign-in to sign-out.
#[component]
fn Conversation(
    backend: Backend,
    room: Signal<RoomId>,
    name: Signal<Option<String>>,
    language: Signal<Locale>,
    keep: Keep,
    ports: Ports,
    remote: Remote,
    on_event: Option<OnEvent>,
) -> impl IntoView {
    let name_now = name.get_untracked().as_deref().and_then(DisplayName::parse);
    // Without a generator the browser has no cryptography at all; such a page cannot chat.
    let (Some(person), Some(seed)) = (keep.person(&backend, name_now), random_bytes::<32>()) else {
        return None;
    };
    let people_sign_in = backend.sign_in.asks_the_page();
    let screen = Screen::new(room.get_untracked());
    let sign_in = Rc::new(WatchedSignIn { inner: ports.sign_in, failed: screen.sign_in_failed });
    let ports = Ports { sign_in, ..ports };
    let chat = Chat::start(backend, (person, keep), seed, ports, move |chat, event| {
        screen.show(&event);
        if let Some(on_event) = on_event {
            on_event.run((chat.clone(), event));
        }
    });
    remote.attach(&chat, screen);
    let chat = StoredValue::new_local(chat);
    let context = Context { chat, screen, language, remote, people_sign_in };
    provide_context(context);
    dates::follow_calendar();
    on_cleanup(move || {
        context.chat.try_with_value(Chat::close);
    });
    Effect::new(move || {
        let room = room.get();
        let is_another = context.screen.enter(room.clone());
        let known = context.chat.with_value(|chat| {
            chat.command(Command::OpenRoom(room.clone()));
            chat.standing(&room).map(|standing| (chat.rows(&room), standing))
        });
        // A room that could not be opened has told the screen why.
        if let Some((rows, standing)) = known.filter(|_| is_another) {
            context.screen.fill(rows, standing);
        }
    });
    Effect::new(move |before: Option<Option<String>>| {
        let name = name.get();
        if before.is_some_and(|before| before != name) {
            context.chat.with_value(|chat| chat.set_name(name.as_deref()));
        }
        name
    });
    let title = move || context.screen.room.get().to_string();
    let label = move || {
        let messages = context.texts().messages(context.screen.room.get().as_str());
        name.get().map_or(messages.clone(), |name| format!("{messages}, {name}"))
    };
    Some(view! { class = "r",
        <div
            class="chat"
            part="chat"
            lang=move || language.get().tag()
            dir=move || language.get().direction().name()
        >
            <header class="header" part="header">
                <h2 class="title" part="title" dir="auto">{title}</h2>
                <StatusLine/>
            </header>
            <MessageList label=Signal::derive(label)/>
            <DeviceNotice/>
            <Composer/>
        </div>
    })
}

/// Lets the screen know whether the last question for credentials had an answer.
struct WatchedSignIn {
    inner: Rc<dyn SignIn>,
    failed: RwSignal<bool>,
}

impl SignIn for WatchedSignIn {
    fn ask(&self, backend: &str, reason: AskReason, on_answer: OnSignInAnswer) {
        let failed = self.failed;
        let watched = move |answer| {
            // The screen may have gone meanwhile.
            let _ = failed.try_set(answer == SignInAnswer::Failed);
            on_answer(answer);
        };
        self.inner.ask(backend, reason, Box::new(watched));
    }
}
