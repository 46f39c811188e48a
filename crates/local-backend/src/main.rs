//! The command `roomlet-local`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use roomlet_local::{Options, Server};

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return explain(&error),
    };
    let rooms =
        if options.memory { "memory".to_owned() } else { options.database.display().to_string() };
    let asked_to_end = match asked_to_end() {
        Ok(asked_to_end) => asked_to_end,
        Err(error) => {
            eprintln!("The system refuses signal handlers ({error}); free some of its resources.");
            return ExitCode::FAILURE;
        }
    };
    allow_many_connections();
    let server = match Server::start(options).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let full = server.url("/prod");
    let certificate = server.certificate_file();
    let certificate = certificate.map(|file| format!("; certificate in {}", file.display()));
    // Whoever started this may not read what it prints.
    let _ = writeln!(
        std::io::stdout(),
        "roomlet-local listens on {full} (full) and /basic (basic dialect), /graphql and \
         /basic/graphql (AppSync GraphQL), /event (AppSync Events); rooms in {rooms}{}",
        certificate.unwrap_or_default()
    );
    asked_to_end.await;
    server.shutdown().await;
    ExitCode::SUCCESS
}

/// Asks for as many open files as the system gives: each connection is one, and many shells begin
/// with fewer than the connections that this serves.
fn allow_many_connections() {
    // With the limit as it is, whoever is one too many waits until somebody leaves.
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}

/// Prints help where it was asked for, and else one sentence.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let problem = first.strip_prefix("error: ").unwrap_or(first);
    eprintln!("{problem}; see roomlet-local --help.");
    ExitCode::from(USAGE)
}

/// Listens for Ctrl-C and, where there is such a thing, SIGTERM from now on; the future waits.
#[cfg(unix)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // An error would mean that there is no Ctrl-C to wait for.
        let _ = tokio::signal::ctrl_c().await;
    })
}
