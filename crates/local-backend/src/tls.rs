//! TLS with a certificate of this machine's own, for clients that speak nothing but `https:` and
//! `wss:`.
//!
//! The certificate signs itself, so a client has to be told to trust it; it is kept beside the
//! database, so that it has to be told once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::serve::Listener;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::storage::Location;

/// The names of this machine that the certificate is for. Many clients take no wildcard right below a
/// top-level name, so there is one name below `localhost` that all of them take.
const NAMES: [&str; 5] = ["localhost", "roomlet.localhost", "*.localhost", "127.0.0.1", "::1"];

/// A certificate is valid this long.
const VALID_YEARS: i32 = 2;

/// A kept certificate older than this is made anew, well before it ends.
const MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a handshake may take; a client that opens a connection and says nothing is left.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that are through with their handshake and wait to be served.
const MAX_WAITING_CONNECTIONS: usize = 64;

/// A certificate with its key, in use.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    certificate: String,
    file: CertificateFile,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Tls {
    /// Takes the certificate beside the database, or makes one. Where the database is in memory, so
    /// is the key, and the certificate is in a file that goes when this is dropped. The error is
    /// one sentence.
    pub(crate) fn open(location: &Location) -> Result<Self, String> {
        match location {
            Location::Memory => Self::temporary(),
            Location::File(database) => Self::kept(database),
        }
    }

    /// The certificate, in PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Where the certificate is, for clients to trust.
    pub(crate) fn certificate_file(&self) -> &Path {
        &self.file.path
    }

    /// Speaks TLS with whoever connects to `listener`.
    pub(crate) fn listen(&self, listener: TcpListener) -> io::Result<TlsListener> {
        TlsListener::new(listener, TlsAcceptor::from(Arc::clone(&self.config)))
    }

    fn temporary() -> Result<Self, String> {
        let made = Pair::generate()?;
        let name = format!("roomlet-local-{:016x}.certificate.pem", made.serial);
        let path = std::env::temp_dir().join(name);
        write_new(&path, &made.certificate, false).map_err(|error| unwritable(&path, &error))?;
        let file = CertificateFile { path, temporary: true };
        Ok(Self { config: made.config()?, certificate: made.certificate, file })
    }

    fn kept(database: &Path) -> Result<Self, String> {
        let (path, key_path) =
            (beside(database, "certificate.pem"), beside(database, "certificate-key.pem"));
        let pair = match Pair::read(&path, &key_path) {
            Some(pair) => pair,
            None => {
                let made = Pair::generate()?;
                for (path, text, secret) in
                    [(&key_path, &made.key, true), (&path, &made.certificate, false)]
                {
                    replace(path, text, secret).map_err(|error| unwritable(path, &error))?;
                }
                made
            }
        };
        let config = pair.config().map_err(|problem| {
            format!(
                "The certificate {} cannot be used ({problem}); delete it and start again.",
                path.display()
            )
        })?;
        let file = CertificateFile { path, temporary: false };
        Ok(Self { config, certificate: pair.certificate, file })
    }
}

/// Where a certificate is; a temporary one goes with this.
#[derive(Debug)]
struct CertificateFile {
    path: PathBuf,
    temporary: bool,
}

impl Drop for CertificateFile {
    fn drop(&mut self) {
        if self.temporary {
            // Somebody may have deleted it before.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
    /// A random number, to name a file by.
    serial: u64,
}

impl Pair {
    fn generate() -> Result<Self, String> {
        let problem = |error: rcgen::Error| {
            format!("No certificate can be made ({error}); start without --tls.")
        };
        let mut serial = [0; 8];
        getrandom::fill(&mut serial).map_err(|error| {
            format!("The system gives no random bytes ({error}); start without --tls.")
        })?;
        let key = KeyPair::generate().map_err(problem)?;
        let names = NAMES.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut parameters = CertificateParams::new(names).map_err(problem)?;
        parameters.distinguished_name.push(DnType::CommonName, "roomlet-local");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let month = today.month().unsigned_abs();
        // The first of the month exists in every year, and no clock is a month ahead of this one.
        parameters.not_before = date_time_ymd(i32::from(today.year()), month, 1);
        parameters.not_after = date_time_ymd(i32::from(today.year()) + VALID_YEARS, month, 1);
        let certificate = parameters.self_signed(&key).map_err(problem)?;
        Ok(Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            serial: u64::from_le_bytes(serial),
        })
    }

    /// The kept pair, if both files are there and young enough.
    fn read(certificate: &Path, key: &Path) -> Option<Self> {
        let modified = fs::metadata(certificate).and_then(|found| found.modified()).ok()?;
        let age = SystemTime::now().duration_since(modified).unwrap_or_default();
        if age > MAX_AGE {
            return None;
        }
        let certificate = fs::read_to_string(certificate).ok()?;
        let key = fs::read_to_string(key).ok()?;
        Some(Self { certificate, key, serial: 0 })
    }

    fn config(&self) -> Result<Arc<ServerConfig>, String> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| error.to_string())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![certificate], key)
            })
            .map_err(|error| error.to_string())?;
        // WebSockets need HTTP/1.1, and there is nothing else here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// A listener whose connections have been through the handshake. Handshakes run beside each other,
/// so that a client that is slow with its own holds nobody up.
pub(crate) struct TlsListener {
    address: SocketAddr,
    connections: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    fn new(mut listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, connections) = mpsc::channel(MAX_WAITING_CONNECTIONS);
        tokio::spawn(async move {
            loop {
                let (stream, peer) = tokio::select! {
                    // Dropping the receiving end is what frees the port.
                    () = sender.closed() => break,
                    accepted = Listener::accept(&mut listener) => accepted,
                };
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    // A handshake fails where the client does not trust the certificate, which the
                    // client says better than this side could.
                    if let Ok(Ok(stream)) =
                        timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await
                    {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { address, connections })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(accepted) => accepted,
            // The task that accepts ends after this listener, never before it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

fn beside(database: &Path, name: &str) -> PathBuf {
    let mut file = database.as_os_str().to_owned();
    file.push(".");
    file.push(name);
    PathBuf::from(file)
}

fn replace(path: &Path, text: &str, secret: bool) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    write_new(path, text, secret)
}

/// Writes a file that is not there yet, so that nobody else's file or link is followed.
fn write_new(path: &Path, text: &str, secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    options.open(path)?.write_all(text.as_bytes())
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!(
        "The certificate file {} cannot be written ({error}); check its directory or start without \
         --tls.",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_certificate_is_used_again() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("rooms.sqlite"));
        let first = Tls::open(&location).unwrap();
        let again = Tls::open(&location).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        assert!(first.certificate_file().ends_with("rooms.sqlite.certificate.pem"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let key = directory.path().join("rooms.sqlite.certificate-key.pem");
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn an_old_certificate_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("rooms.sqlite"));
        let first = Tls::open(&location).unwrap();
        let file = fs::File::options().write(true).open(first.certificate_file()).unwrap();
        file.set_modified(SystemTime::now() - MAX_AGE - Duration::from_secs(1)).unwrap();
        let again = Tls::open(&location).unwrap();
        assert_ne!(first.certificate(), again.certificate());
    }

    #[test]
    fn a_certificate_that_is_none_is_one_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("rooms.sqlite"));
        let file = Tls::open(&location).unwrap().certificate_file().to_owned();
        fs::write(&file, "no certificate").unwrap();
        let problem = Tls::open(&location).unwrap_err();
        assert!(problem.contains("rooms.sqlite.certificate.pem"), "{problem}");
        assert!(problem.ends_with("delete it and start again."), "{problem}");
    }

    #[test]
    fn a_temporary_certificate_goes() {
        let tls = Tls::open(&Location::Memory).unwrap();
        let file = tls.certificate_file().to_owned();
        assert_eq!(fs::read_to_string(&file).unwrap(), tls.certificate());
        drop(tls);
        assert!(!file.exists());
    }
}
