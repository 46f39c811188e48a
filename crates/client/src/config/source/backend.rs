//! A backend, from what is set.

use super::ConfigurationError;
use super::settings::{Field, Place, Settings};
use crate::chat::ids::RoomId;
use crate::config::{
    Api, ApiError, ApiKind, Backend, Dialect, Endpoint, Namespace, NamespaceKind, Service, SignIn,
    TokenCarrier,
};

const KINDS: &str = "use `api-gateway`, `appsync-graphql` or `appsync-events`";

impl Settings {
    pub(super) fn backend(&self, name: &str) -> Result<Backend, ConfigurationError> {
        let (service, sign_in) = match self.get(Field::Kind) {
            Some("api-gateway") => self.api_gateway()?,
            Some("appsync-graphql") => self.appsync_graphql()?,
            Some("appsync-events") => self.appsync_events()?,
            Some(kind) => {
                let problem = format!("is `{kind}`, which is no kind of backend: {KINDS}");
                return Err(self.error(Field::Kind, problem));
            }
            None => return Err(self.error(Field::Kind, format!("is not set: {KINDS}"))),
        };
        let room = RoomId::parse(self.get(Field::Room).unwrap_or_default())
            .map_err(|problem| self.error(Field::Room, format!("is no room id: {problem}")))?;
        Ok(Backend { name: name.to_owned(), service, sign_in, room })
    }

    /// What works, but should be thought about.
    pub(super) fn warning(&self) -> Option<String> {
        let carrier = self.get(Field::TokenCarrier).and_then(TokenCarrier::parse)?;
        (carrier == TokenCarrier::Query).then(|| {
            format!(
                "{} is `query`: tokens stand in URLs and so enter access logs; use `subprotocol` if the backend can answer it",
                self.name(Field::TokenCarrier)
            )
        })
    }

    fn api_gateway(&self) -> Result<(Service, SignIn), ConfigurationError> {
        let service = "an API Gateway backend";
        self.refuse(&[Field::ApiKey, Field::Events, Field::Host, Field::Namespace], service)?;
        if self.is_deliberate(Field::RealtimeEndpoint) {
            let problem = format!(
                "has no meaning for {service}: put its address into {}",
                self.name(Field::Endpoint)
            );
            return Err(self.error(Field::RealtimeEndpoint, problem));
        }
        let example = "wss://{api-id}.execute-api.{region}.amazonaws.com/{stage}";
        let endpoint = Endpoint::parse(self.endpoint(example)?)
            .map_err(|problem| self.error(Field::Endpoint, problem.to_string()))?;
        let sign_in = self.gateway_sign_in(endpoint.authority())?;
        let token_carrier = self.token_carrier(&sign_in)?;
        let dialect = self.dialect()?;
        Ok((Service::ApiGateway { endpoint, dialect, token_carrier }, sign_in))
    }

    fn appsync_graphql(&self) -> Result<(Service, SignIn), ConfigurationError> {
        let superfluous = [Field::Events, Field::Namespace, Field::TokenCarrier];
        self.refuse(&superfluous, "an AppSync GraphQL backend")?;
        let api = self.api(ApiKind::Graphql)?;
        let sign_in = self.appsync_sign_in(&api)?;
        Ok((Service::AppsyncGraphql { api, dialect: self.dialect()? }, sign_in))
    }

    fn appsync_events(&self) -> Result<(Service, SignIn), ConfigurationError> {
        self.refuse(&[Field::Dialect, Field::TokenCarrier], "an AppSync Events backend")?;
        let api = self.api(ApiKind::Events)?;
        let sign_in = self.appsync_sign_in(&api)?;
        let namespace = self.get(Field::Namespace).map(Namespace::parse).transpose();
        let namespace =
            namespace.map_err(|problem| self.error(Field::Namespace, problem.to_string()))?;
        let events = match self.get(Field::Events) {
            None => NamespaceKind::default(),
            Some(text) => NamespaceKind::parse(text).ok_or_else(|| {
                self.error(Field::Events, format!("is `{text}`: use `raw` or `stamped`"))
            })?,
        };
        let namespace = namespace.unwrap_or_default();
        Ok((Service::AppsyncEvents { api, namespace, events }, sign_in))
    }

    fn api(&self, kind: ApiKind) -> Result<Api, ConfigurationError> {
        let example = match kind {
            ApiKind::Graphql => "https://{api-id}.appsync-api.{region}.amazonaws.com/graphql",
            ApiKind::Events => "https://{api-id}.appsync-api.{region}.amazonaws.com/event",
        };
        let wrong = |key| move |problem: ApiError| self.error(key, problem.to_string());
        let mut api = Api::parse(kind, self.endpoint(example)?).map_err(wrong(Field::Endpoint))?;
        if let Some(text) = self.get(Field::RealtimeEndpoint) {
            api = api.with_realtime(text).map_err(wrong(Field::RealtimeEndpoint))?;
        }
        if let Some(text) = self.get(Field::Host) {
            api = api.with_host(text).map_err(wrong(Field::Host))?;
        }
        Ok(api)
    }

    fn endpoint(&self, example: &str) -> Result<&str, ConfigurationError> {
        self.get(Field::Endpoint).ok_or_else(|| {
            let problem = format!("is not set: give the address of the API, as in {example}");
            self.error(Field::Endpoint, problem)
        })
    }

    fn dialect(&self) -> Result<Dialect, ConfigurationError> {
        let Some(text) = self.get(Field::Dialect) else { return Ok(Dialect::Auto) };
        Dialect::parse(text).ok_or_else(|| {
            self.error(Field::Dialect, format!("is `{text}`: use `auto`, `basic` or `full`"))
        })
    }

    fn refuse(&self, superfluous: &[Field], service: &str) -> Result<(), ConfigurationError> {
        let Some(&key) = superfluous.iter().find(|key| self.is_deliberate(**key)) else {
            return Ok(());
        };
        let problem = match (self.place(key), self.place(Field::Kind)) {
            (Place::Variable, Place::Table(name)) => format!(
                "has no meaning for {service}, which `{name}` of roomlet.toml is: remove it, or set ROOMLET_BACKEND and ROOMLET_ENDPOINT"
            ),
            _ => format!("has no meaning for {service}: remove it"),
        };
        Err(self.error(key, problem))
    }
}
