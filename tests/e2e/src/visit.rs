//! Who goes where: the address of a host page with a chat in it.

use url::form_urlencoded::Serializer;

use crate::site::Site;

/// A visit to a host page; the page gives the chat the attributes that its query names.
#[derive(Clone, Debug)]
pub struct Visit {
    host: String,
    page: String,
    attributes: Vec<(String, String)>,
}

impl Visit {
    /// To `one.html`, with a chat on the backend of this endpoint (`ws:` or `wss:`).
    pub fn to(endpoint: &str) -> Self {
        Self::to_page("one.html").with("endpoint", endpoint)
    }

    /// To a host page, with nothing said about its chat.
    pub fn to_page(page: &str) -> Self {
        Self { host: "127.0.0.1".to_owned(), page: page.to_owned(), attributes: Vec::new() }
    }

    /// By another name of this machine.
    pub fn at_host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// With another page around the same chat.
    pub fn on_page(self, page: &str) -> Self {
        Self { page: page.to_owned(), ..self }
    }

    /// As a person of this name, who keeps an identity of their own in the browser.
    pub fn by(self, name: &str) -> Self {
        self.with("name", name).with("profile", &name.to_lowercase())
    }

    /// To this room.
    pub fn in_room(self, room: &str) -> Self {
        self.with("room", room)
    }

    /// With this attribute of the element, or parameter of the page.
    pub fn with(mut self, attribute: &str, value: &str) -> Self {
        self.attributes.push((attribute.to_owned(), value.to_owned()));
        self
    }

    /// The address.
    pub fn url(&self, site: &Site) -> String {
        let query = Serializer::new(String::new()).extend_pairs(&self.attributes).finish();
        site.url(&self.host, &format!("{}?{query}", self.page))
    }
}
