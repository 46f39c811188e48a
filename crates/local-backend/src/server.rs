//! Starting and stopping: sockets, paths and the checks that stand before all of them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST, ORIGIN, VARY,
};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use axum::routing::{any, get, post};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::access::{Origins, RoomAccess, is_loopback_host};
use crate::appsync;
use crate::backend::Backend;
use crate::connection_summary::ConnectionSummary;
use crate::events::{Events, publish_over_http};
use crate::faults::Faults;
use crate::gateway::{Dialect, Gateway, upgrade};
use crate::graphql::{self, GraphQl, SchemaKind};
use crate::local_api::{self, PREFIX};
use crate::options::Options;
use crate::served_path::ServedPath;
use crate::services::Services;
use crate::storage::Database;
use crate::tls::Tls;
use crate::traffic_log::Log;

/// How long each step of a shutdown may take.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// What a page may send along.
const ALLOWED_HEADERS: &str = "accept, authorization, content-encoding, content-type, x-amz-date, \
                               x-amz-security-token, x-amz-user-agent, x-api-key";

/// What a page may read of an answer.
const EXPOSED_HEADERS: &str = "date, x-amzn-errortype, x-amzn-requestid";

/// What the system keeps for a client that does not read. It would take megabytes for each, which
/// nobody counts, before anything is noticed here.
const SEND_BUFFER_BYTES: u32 = 128 * 1024;

/// Connections that wait to be accepted: a page full of widgets that all come back at once.
const MAX_WAITING_CONNECTIONS: u32 = 1_024;

/// Where events are published.
const EVENTS_PATH: &str = "/event";

/// Where sockets of Events connect.
const EVENTS_REALTIME_PATH: &str = "/event/realtime";

const WHAT_THIS_IS: &str = "\
roomlet-local is the development backend of Roomlet.
API Gateway: /prod?roomId=… (full dialect) and /basic?roomId=… (basic dialect).
AppSync GraphQL: /graphql and /basic/graphql. AppSync Events: /event.
";

/// Why a server did not start; each is one sentence that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens on the port.
    PortTaken(u16),
    /// The port cannot be listened on.
    Listen(u16, io::Error),
    /// The database cannot be opened.
    Database(PathBuf, String),
    /// There is no usable certificate.
    Certificate(String),
    /// The token or the rooms file is not usable.
    Access(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PortTaken(port) => write!(
                formatter,
                "Port {port} is taken; stop the program that listens there or choose another port \
                 with --port."
            ),
            Self::Listen(port, error) => write!(
                formatter,
                "Port {port} cannot be listened on ({error}); choose another one with --port."
            ),
            Self::Database(path, error) => write!(
                formatter,
                "The database {} cannot be opened ({error}); check its path and permissions, choose \
                 another one with --database or use --memory.",
                path.display()
            ),
            Self::Access(sentence) | Self::Certificate(sentence) => formatter.write_str(sentence),
        }
    }
}

impl std::error::Error for StartError {}

/// The backend, before it runs.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Opens the database, listens and serves in tasks of the current tokio runtime.
    pub async fn start(options: Options) -> Result<RunningServer, StartError> {
        let access = RoomAccess::new(options.token.clone(), options.rooms.as_deref())
            .map_err(StartError::Access)?;
        let sign_in = options.sign_in().map_err(StartError::Access)?;
        let listeners = listen(options.port).await?;
        let address =
            listeners[0].local_addr().map_err(|error| StartError::Listen(options.port, error))?;
        let location = options.location();
        let tls = options.tls.then(|| Tls::open(&location)).transpose();
        let tls = tls.map_err(StartError::Certificate)?;
        let (database, database_ended) = Database::open(&location, options.keep_stale)
            .map_err(|error| StartError::Database(options.database.clone(), error.0))?;
        let backend = Backend::new(access, sign_in, database);
        let gateway = Gateway::new(&backend, options.limits());
        let events = Events::new(&backend, options.realtime_limits(), options.publish_rate);
        let graphql = GraphQl::new(&backend, SchemaKind::Full, options.realtime_limits());
        let basic_graphql = GraphQl::new(&backend, SchemaKind::Basic, options.realtime_limits());
        let services = Services { backend, gateway, graphql, basic_graphql, events };
        let services = Arc::new(services);
        let stop = watch::Sender::new(false);
        let router = router(&services, Origins::new(&options.allow_origin));
        let mut tasks = Vec::new();
        for listener in listeners {
            let stopped = wait_for_stop(stop.subscribe());
            let router = router.clone();
            tasks.push(match &tls {
                None => {
                    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
                    tokio::spawn(serving.into_future())
                }
                Some(tls) => {
                    let listener = tls
                        .listen(listener)
                        .map_err(|error| StartError::Listen(options.port, error))?;
                    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
                    tokio::spawn(serving.into_future())
                }
            });
        }
        let guard = EndOnDrop(Arc::clone(&services));
        Ok(RunningServer { address, tls, services, stop, tasks, database_ended, guard })
    }
}

/// A server that runs. Dropping it ends it without waiting; [`RunningServer::shutdown`] waits.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    tls: Option<Tls>,
    services: Arc<Services>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<io::Result<()>>>,
    database_ended: oneshot::Receiver<()>,
    guard: EndOnDrop,
}

/// Closes the connections of a server that is dropped.
#[derive(Debug)]
struct EndOnDrop(Arc<Services>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.close_all(1001, "Going away");
    }
}

impl RunningServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The WebSocket URL of a path, for instance of `/prod?roomId=lobby`.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The certificate of `--tls` in PEM, for a client to trust.
    pub fn certificate(&self) -> Option<&str> {
        self.tls.as_ref().map(Tls::certificate)
    }

    /// The file that has the certificate of `--tls`.
    pub fn certificate_file(&self) -> Option<&Path> {
        self.tls.as_ref().map(Tls::certificate_file)
    }

    /// The fault switches as they stand, with what is left of their counts.
    pub fn faults(&self) -> Faults {
        self.services.backend.faults.get()
    }

    /// Replaces all fault switches. The error is one sentence.
    pub async fn set_faults(&self, faults: Faults) -> Result<(), String> {
        faults.validate()?;
        self.services.set_faults(faults).await.map_err(|error| error.to_string())
    }

    /// Closes all connections with this code and says how many there were.
    pub fn close_all(&self, code: u16, reason: &str) -> usize {
        self.services.close_all(code, reason)
    }

    /// Sends any text to all connections of a room, on both paths, and says to how many.
    pub fn send_raw(&self, room_id: &str, text: &str) -> usize {
        self.services.send_raw(room_id, text)
    }

    /// What was received.
    pub fn log(&self) -> Log {
        self.services.backend.log.get()
    }

    /// Empties the log and its counts.
    pub fn clear_log(&self) {
        self.services.backend.log.clear();
    }

    /// The open connections.
    pub fn connections(&self) -> Vec<ConnectionSummary> {
        self.services.connections()
    }

    /// Closes all connections with code 1001, and returns when the port is free and the database
    /// closed.
    pub async fn shutdown(self) {
        let Self { services, stop, tasks, database_ended, guard, .. } = self;
        stop.send_replace(true);
        drop(guard);
        let _ = timeout(SHUTDOWN_GRACE, services.backend.drained()).await;
        for mut task in tasks {
            if timeout(SHUTDOWN_GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
        drop(services);
        let _ = timeout(SHUTDOWN_GRACE, database_ended).await;
    }
}

async fn wait_for_stop(mut stop: watch::Receiver<bool>) {
    // An error means that the server was dropped, which ends it too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Listens on both loopback addresses; the second is left out where there is no IPv6.
async fn listen(port: u16) -> Result<Vec<TcpListener>, StartError> {
    let first = bind((Ipv4Addr::LOCALHOST, port).into()).map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            StartError::PortTaken(port)
        } else {
            StartError::Listen(port, error)
        }
    })?;
    let bound = first.local_addr().map_or(port, |address| address.port());
    let second = bind((Ipv6Addr::LOCALHOST, bound).into());
    match second {
        Ok(second) => Ok(vec![first, second]),
        // A page that says `localhost` could reach the other program instead of this one.
        Err(error) if port != 0 && error.kind() == io::ErrorKind::AddrInUse => {
            Err(StartError::PortTaken(port))
        }
        Err(_) => Ok(vec![first]),
    }
}

/// Listens on an address; what is accepted has the listener's buffers.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Elsewhere this would let two programs have the same port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(MAX_WAITING_CONNECTIONS)
}

fn router(services: &Arc<Services>, origins: Origins) -> Router {
    let gateway_path = |dialect: Dialect| {
        any(move |State(services): State<Arc<Services>>, request: Request| async move {
            upgrade(&services.gateway, dialect, request).await
        })
    };
    let events_realtime =
        any(|State(services): State<Arc<Services>>, request: Request| async move {
            appsync::upgrade(&services.events, request).await
        });
    let events_publish =
        post(|State(services): State<Arc<Services>>, request: Request| async move {
            publish_over_http(&services.events, request).await
        });
    let graphql = post(|State(services): State<Arc<Services>>, request: Request| async move {
        graphql::answer(&services.graphql, request).await
    });
    let graphql_realtime =
        any(|State(services): State<Arc<Services>>, request: Request| async move {
            appsync::upgrade(&services.graphql, request).await
        });
    let basic_graphql =
        post(|State(services): State<Arc<Services>>, request: Request| async move {
            graphql::answer(&services.basic_graphql, request).await
        });
    let basic_graphql_realtime =
        any(|State(services): State<Arc<Services>>, request: Request| async move {
            appsync::upgrade(&services.basic_graphql, request).await
        });
    Router::new()
        .route("/", get(|| async { WHAT_THIS_IS }))
        .route(Dialect::Full.served().as_str(), gateway_path(Dialect::Full))
        .route(Dialect::Basic.served().as_str(), gateway_path(Dialect::Basic))
        .route("/ping", get(|| async { "healthy" }))
        .route(ServedPath::Graphql.as_str(), graphql)
        .route("/graphql/realtime", graphql_realtime)
        .route(ServedPath::BasicGraphql.as_str(), basic_graphql)
        .route("/basic/graphql/realtime", basic_graphql_realtime)
        .route(EVENTS_PATH, events_publish)
        .route(EVENTS_REALTIME_PATH, events_realtime)
        .nest(PREFIX, local_api::router())
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing at this path; see /.\n") })
        .layer(middleware::from_fn_with_state(Arc::new(origins), check))
        .with_state(Arc::clone(services))
}

/// Refuses what comes by another host's name or from another host's page, and lets loopback pages
/// read the answers of every path but those of the fault switches.
async fn check(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    if !host.is_some_and(is_loopback_host) || authority.is_some_and(|name| !is_loopback_host(name))
    {
        return refuse("This server answers only to the names of this machine.");
    }
    let origin = request.headers().get(ORIGIN).cloned();
    if let Some(origin) = &origin
        && !origin.to_str().is_ok_and(|origin| origins.allow(origin))
    {
        return refuse("Pages of this origin may not talk to this server; see --allow-origin.");
    }
    if request.uri().path().starts_with(PREFIX) {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("origin"));
        let methods = HeaderValue::from_static("GET, POST");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

fn refuse(sentence: &'static str) -> Response<Body> {
    (StatusCode::FORBIDDEN, format!("{sentence}\n")).into_response()
}
