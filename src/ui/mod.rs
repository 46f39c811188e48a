//! The components: they render what the client says and hand it what the person does.
#![allow(unreachable_pub, reason = "the component macro makes properties public")]

mod composer;
mod dates;
mod icons;
mod message_list;
mod row;
mod screen;
mod status_line;

use leptos::prelude::*;
use roomlet_client::config::Backend;
use roomlet_client::{Command, DisplayName, Event, Person, RoomId};

use crate::driver::{Chat, GuestKeys, Sockets, random_bytes};
use crate::i18n::{Language, Texts};
use composer::Composer;
use message_list::MessageList;
#[cfg(feature = "page")]
pub(crate) use row::author_name;
use screen::Screen;
use status_line::StatusLine;
#[cfg(feature = "page")]
pub(crate) use status_line::name as status_name;

/// The stylesheet of the widget, for the shadow root it lives in.
pub const STYLESHEET: &str = include_str!("../../style/widget.css");

/// What the components share: commands go down, the screen's signals come up.
#[derive(Clone, Copy)]
struct Context {
    chat: StoredValue<Chat, LocalStorage>,
    screen: Screen,
    language: Signal<Language>,
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
    /// The language of the widget.
    #[prop(into)]
    language: Signal<Language>,
    /// Where the guest key is kept.
    guest_keys: GuestKeys,
    /// The way to the network.
    sockets: Box<dyn Sockets>,
    /// Told each event of the client.
    #[prop(optional)]
    on_event: Option<OnEvent>,
) -> impl IntoView {
    // Without a generator the browser has no cryptography at all; such a page cannot chat.
    let (Some(guest_key), Some(seed)) = (guest_keys.load(&backend), random_bytes::<32>()) else {
        return None;
    };
    let name_now = name.get_untracked().as_deref().and_then(DisplayName::parse);
    let screen = Screen::new(room.get_untracked());
    let person = Person { guest_key, name: name_now };
    let chat = Chat::start(backend, person, seed, sockets, move |chat, event| {
        screen.show(&event);
        if let Some(on_event) = on_event {
            on_event.run((chat.clone(), event));
        }
    });
    let context = Context { chat: StoredValue::new_local(chat), screen, language };
    provide_context(context);
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
        let messages = (context.texts().messages)(context.screen.room.get().as_str());
        name.get().map_or(messages.clone(), |name| format!("{messages}, {name}"))
    };
    Some(view! { class = "r",
        <div class="chat" part="chat" lang=move || language.get().tag()>
            <header class="header" part="header">
                <h2 class="title" part="title" dir="auto">{title}</h2>
                <StatusLine/>
            </header>
            <MessageList label=Signal::derive(label)/>
            <Composer/>
        </div>
    })
}
