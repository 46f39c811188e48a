//! What is kept on the device: the guest keys of this origin, one for each place it chats with.

use roomlet_client::GuestKey;
use roomlet_client::config::Backend;
use web_sys::Storage;

const GUEST_KEY: &str = "roomlet.guest-key";

/// Where guest keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestKeys {
    /// On the device, for this origin. A profile keeps several people of one origin apart.
    OnDevice {
        /// Which of them; empty for the usual one.
        profile: String,
    },
    /// Nowhere: a new guest each time.
    Nowhere,
}

impl GuestKeys {
    /// The key that is kept for a backend, else a new one. A backend may pass on what it gets, so that none learns a
    /// key which is good elsewhere. A device that keeps nothing (private mode, storage forbidden)
    /// gives a new guest each time.
    pub fn load(&self, backend: &Backend) -> Option<GuestKey> {
        let Self::OnDevice { profile } = self else { return new_key() };
        let name = format!("{GUEST_KEY}:{}:{profile}", backend.service.authority());
        let storage = storage();
        let kept = storage.as_ref().and_then(|storage| storage.get_item(&name).ok().flatten());
        if let Some(key) = kept.as_deref().and_then(GuestKey::parse) {
            return Some(key);
        }
        let key = new_key()?;
        if let Some(storage) = &storage {
            // A full or forbidden storage costs the identity on reload, and nothing else.
            let _ = storage.set_item(&name, key.expose());
        }
        Some(key)
    }
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
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
