//! Who holds a port of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::failure::Failure;

/// Something on this machine that needs longer to answer is not the backend we look for.
const PATIENCE: Duration = Duration::from_secs(1);
/// What we read of an answer: enough for its headers and its first words.
const ANSWER_LIMIT: u64 = 4 * 1024;

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Fails with a sentence when a port of the loopback addresses is taken. `advice` is an alternative to ending the holder.
pub(crate) fn check_free(port: u16, advice: &str) -> Result<(), Failure> {
    if is_free(port) {
        return Ok(());
    }
    let holder = holder(port).unwrap_or_else(|| format!("`lsof -i :{port}` names it"));
    Err(Failure::because(format!(
        "Port {port} is in use: end the program that uses it ({holder}){advice}, then run this again"
    )))
}

/// Whether somebody accepts connections on a port.
pub(crate) fn is_open(port: u16) -> bool {
    LOOPBACK.iter().any(|address| connect(*address, port).is_ok())
}

/// The body that `GET /` gives, or nothing when no HTTP server answers.
pub(crate) fn answer(port: u16) -> Option<String> {
    LOOPBACK.iter().find_map(|address| ask(*address, port).ok())
}

fn ask(address: IpAddr, port: u16) -> io::Result<String> {
    let mut stream = connect(address, port)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // In one piece: a simple server takes what the first packet holds for the whole request.
    let request = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    // A server that does not close has said enough when the patience ends.
    if let Err(error) = stream.take(ANSWER_LIMIT).read_to_end(&mut bytes)
        && bytes.is_empty()
    {
        return Err(error);
    }
    let text = String::from_utf8_lossy(&bytes);
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/") => Ok(body.to_owned()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

fn is_free(port: u16) -> bool {
    // A listener on all addresses does not everywhere stand in the way of one on a single address: connecting tells.
    !is_open(port)
        && LOOPBACK.iter().all(|address| match TcpListener::bind((*address, port)) {
            Ok(_) => true,
            // A machine without IPv6 refuses the address, not the port.
            Err(error) => error.kind() != ErrorKind::AddrInUse,
        })
}

fn connect(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), PATIENCE)
}

/// The name and the id of the process that listens on a port, where Linux lets us see it.
fn holder(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: BTreeSet<String> = tables
        .iter()
        .flat_map(|table| listening_sockets(table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let id = process.file_name();
        let Some(id) = id.to_str().filter(|id| id.parse::<u32>().is_ok()) else { continue };
        let files = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let is_holder = files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|link| sockets.contains(&*link.to_string_lossy()));
        if is_holder {
            let name = fs::read_to_string(process.path().join("comm")).ok()?;
            return Some(format!("{}, process {id}", name.trim()));
        }
    }
    None
}

/// The inodes of the sockets that listen on a port, in the format of `/proc/net/tcp` (proc(5)): the second column is
/// `ADDRESS:PORT` in hexadecimal, the fourth the state, the tenth the inode.
fn listening_sockets(table: &str, port: u16) -> Vec<&str> {
    const LISTEN: &str = "0A";
    let port = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let is_listener = columns.get(3) == Some(&LISTEN) && columns.get(1)?.ends_with(&port);
            is_listener.then(|| columns.get(9).copied()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_free_port_is_free_and_a_taken_one_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(is_open(port));
        assert!(!is_free(port));
        drop(listener);
        // A program that another test starts at this moment holds the socket until it has replaced its own image.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !is_free(port) {
            assert!(Instant::now() < deadline, "port {port} stays taken");
            thread::yield_now();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_holder_is_named_in_the_sentence() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();

        let failure = check_free(port, " or give --port another number").expect_err("it is taken");

        let sentence = failure.to_string();
        assert!(sentence.starts_with(&format!("Port {port} is in use: ")), "{sentence}");
        assert!(sentence.contains(&format!("process {}", std::process::id())), "{sentence}");
        assert!(sentence.ends_with(" or give --port another number, then run this again"));
    }

    #[test]
    fn the_first_words_of_an_answer_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a visitor");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).expect("a request");
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nroomlet-local 0.1.0",
                )
                .expect("an answer");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });

        assert_eq!(answer(port).as_deref(), Some("roomlet-local 0.1.0"));
        let request = server.join().expect("no panic");
        assert!(request.contains(&format!("Host: localhost:{port}\r\n")), "{request}");
    }

    #[test]
    fn only_listeners_on_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41234 1 0\n\
             1: 0100007F:2253 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 41235 1 0\n\
             2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41236 1 0\n";
        assert_eq!(listening_sockets(table, 8787), ["41234"]);
    }
}
