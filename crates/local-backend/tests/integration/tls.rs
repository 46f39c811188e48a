//! `--tls`: every path over TLS, with a certificate that a client can trust.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use roomlet_local::RunningServer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{KEY, server, server_with};

async fn tls_server() -> RunningServer {
    server_with(|options| options.tls = true).await
}

/// Connects by a name, trusting this certificate.
async fn connect(
    server: &RunningServer,
    name: &str,
    certificate: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn the_certificate_is_for_every_name_of_this_machine() {
    let server = tls_server().await;
    let certificate = server.certificate().unwrap();
    for name in ["localhost", "roomlet.localhost", "127.0.0.1", "::1"] {
        let mut stream = connect(&server, name, certificate).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // Whether the other side says goodbye before it closes is not what this is about.
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
    }
    assert!(connect(&server, "example.com", certificate).await.is_err());
    let other = tls_server().await;
    assert!(connect(&server, "localhost", other.certificate().unwrap()).await.is_err());
}

#[tokio::test]
async fn sockets_speak_tls_too() {
    let server = tls_server().await;
    let url = server.url("/prod?roomId=a");
    assert!(url.starts_with("wss://127.0.0.1:"), "{url}");
    let stream = connect(&server, "localhost", server.certificate().unwrap()).await.unwrap();
    let request = url.into_client_request().unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    let hello = json!({"action": "hello", "guestKey": KEY}).to_string();
    socket.send(Message::text(hello)).await.unwrap();
    let welcome = socket.next().await.unwrap().unwrap();
    let welcome: Value = serde_json::from_str(welcome.to_text().unwrap()).unwrap();
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(server.close_all(1012, "restart"), 1);
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!("no close frame");
    };
    assert_eq!(u16::from(frame.code), 1012);
}

#[tokio::test]
async fn who_speaks_no_tls_or_says_nothing_holds_nobody_up() {
    let server = tls_server().await;
    let silent = TcpStream::connect(server.address()).await.unwrap();
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    connect(&server, "localhost", server.certificate().unwrap()).await.unwrap();
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/"));
    drop(silent);
    let address = server.address();
    server.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn there_is_no_certificate_without_tls() {
    let server = server().await;
    assert!(server.certificate().is_none() && server.certificate_file().is_none());
    let server = tls_server().await;
    let file = server.certificate_file().unwrap().to_owned();
    assert!(file.exists());
    server.shutdown().await;
    assert!(!file.exists());
}
