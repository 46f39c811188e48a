//! The whole widget in a browser, against the local backend.
//!
//! A journey is a test that reads like what a person does. Each has a [`Stage`] of its own: a fresh browser and a
//! web site on a free port that serves the built page and the host pages in `tests/pages`. It starts the backends it
//! needs, in this process ([`Backend`]) or as the real program ([`BackendProcess`]), and opens chats on them
//! ([`Chat`]). Nothing waits for a fixed time: [`Chat::until`] looks until the screen is as expected, and says at its
//! deadline what was there instead.
//!
//! `cargo xtask test` builds the page and sets the variables:
//!
//! | variable | what it names |
//! |---|---|
//! | `E2E_DIST` | the folder of the built page; pages may bring backends of their own, those of the demo come from `fixtures/amplify_outputs.json` |
//! | `E2E_BACKEND` | the program of the local backend; without it, it is built |
//! | `E2E_BROWSER` | the browser; `chromium`, which is also the default, is the one there is so far |
//! | `E2E_CHROMIUM`, `E2E_CHROMEDRIVER` | the programs; by default `chromium` and `chromedriver` on `PATH` |

mod backend;
mod backend_process;
mod browser;
mod chat;
pub mod chromium;
mod deadline;
mod debugger;
mod driver;
mod proxy;
mod screen;
mod sign_in;
mod site;
mod stage;
mod visit;
mod watch;
mod writer;

pub use backend::Backend;
pub use backend_process::BackendProcess;
pub use browser::{Browser, Window};
pub use chat::Chat;
pub use deadline::{PATIENCE, until, until_within};
pub use proxy::{Damage, Proxy};
pub use screen::{Message, Screen};
pub use sign_in::{
    SignIn, access_key, expired_token_of, lasting_token_of, short_token_of, token_of,
};
pub use site::Site;
pub use stage::{Stage, demo_journey, journey, overheard_journey};
pub use visit::Visit;
pub use watch::{SocketLife, StatusChange, Watched};
pub use writer::Writer;
