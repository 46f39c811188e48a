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

    /// To `one.html`, with a chat on AppSync GraphQL at this path of `host:port`.
    pub fn to_graphql(authority: &str, path: &str) -> Self {
        Self::to(&format!("http://{authority}{path}")).with("kind", "appsync-graphql")
    }

    /// To `one.html`, with a chat on AppSync Events at `host:port`: in this namespace, `raw` or `stamped`.
    pub fn to_events(authority: &str, namespace: &str, events: &str) -> Self {
        let visit = Self::to(&format!("http://{authority}/event")).with("kind", "appsync-events");
        visit.with("namespace", namespace).with("events", events)
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

    /// With this API key.
    pub fn by_api_key(self, key: &str) -> Self {
        self.without("auth-mode").without("region").with("api-key", key)
    }

    /// Signed in: the page asks [the site](crate::Site::sign_in) who its person is. The mode is what the attribute
    /// `auth-mode` says; `iam` signs for `eu-west-1`.
    pub fn signed_in(self, mode: &str) -> Self {
        let visit = self.without("api-key").with("sign-in", "site").with("auth-mode", mode);
        if mode == "iam" { visit.with("region", "eu-west-1") } else { visit }
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

    /// Without this attribute of the element, or parameter of the page.
    pub fn without(mut self, attribute: &str) -> Self {
        self.attributes.retain(|(name, _)| name != attribute);
        self
    }

    /// The attributes of the element, and the parameters of the page.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// The address.
    pub fn url(&self, site: &Site) -> String {
        let query = Serializer::new(String::new()).extend_pairs(&self.attributes).finish();
        site.url(&self.host, &format!("{}?{query}", self.page))
    }
}
