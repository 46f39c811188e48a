//! What is kept on the device for this origin: who a guest is, for each backend they chat on.

use roomlet_client::config::Backend;
use roomlet_client::{DisplayName, GuestKey, Person};
use web_sys::Storage;

const GUEST_KEY: &str = "roomlet.guest-key";
const KNOWN_AS: &str = "roomlet.known-as";

/// Where a guest is remembered, and what is not sent yet. Who somebody is who signs in is not kept: each time they are
/// who the page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// On the device, for this origin. A profile keeps several people of one origin apart.
    OnDevice {
        /// Which of them; empty for the usual one.
        profile: String,
    },
    /// Nowhere: a new guest each time, and nothing outlives the page.
    Nothing,
}

impl Keep {
    /// The guest who is remembered, else a new one; `None` only in a browser without cryptography. A guest is a guest
    /// of one backend: one that passes on what it gets learns no key that is good elsewhere. A device that keeps
    /// nothing (private mode, storage forbidden) gives a new guest each time.
    pub fn person(&self, backend: &Backend, name: Option<DisplayName>) -> Option<Person> {
        let place = self.place(backend);
        let get = |what| {
            place
                .as_ref()
                .and_then(|place| place.storage.get_item(&place.name(what)).ok().flatten())
        };
        if let Some(guest_key) = get(GUEST_KEY).as_deref().and_then(GuestKey::parse) {
            return Some(Person { guest_key, name, known_as: get(KNOWN_AS) });
        }
        let guest_key = new_key()?;
        if let Some(place) = &place {
            // A full or forbidden storage costs the identity on reload, and nothing else.
            let _ = place.storage.remove_item(&place.name(KNOWN_AS));
            let _ = place.storage.set_item(&place.name(GUEST_KEY), guest_key.expose());
        }
        Some(Person { guest_key, name, known_as: None })
    }

    /// Remembers what the backend calls this guest.
    pub(super) fn set_known_as(&self, backend: &Backend, id: &str) {
        if let Some(place) = self.place(backend) {
            let _ = place.storage.set_item(&place.name(KNOWN_AS), id);
        }
    }

    /// Forgets this guest of this backend.
    pub(super) fn forget(&self, backend: &Backend) {
        if let Some(place) = self.place(backend) {
            for what in [GUEST_KEY, KNOWN_AS] {
                // A storage that forbids deleting has forbidden keeping as well.
                let _ = place.storage.remove_item(&place.name(what));
            }
        }
    }

    fn place(&self, backend: &Backend) -> Option<Place> {
        let Self::OnDevice { profile } = self else { return None };
        if backend.sign_in.asks_the_page() {
            return None;
        }
        let storage = web_sys::window()?.local_storage().ok().flatten()?;
        Some(Place { storage, whose: format!("{}:{profile}", backend.service.address()) })
    }
}

struct Place {
    storage: Storage,
    whose: String,
}

impl Place {
    fn name(&self, what: &str) -> String {
        format!("{what}:{}", self.whose)
    }
}

fn new_key() -> Option<GuestKey> {
    let bytes = random_bytes::<16>()?;
    let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    GuestKey::parse(&text)
}

/// Bytes from the browser's own generator.
pub fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    web_sys::window()?.crypto().ok()?.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes)
}
