//! Load for the benchmark, and the bare servers that it compares with: a process of its own, so that
//! it can be bound to a processor of its own.
//!
//! ```text
//! outpost-load http --at 127.0.0.1:9000 --requests FILE --connections 32 --seconds 5 [--rate 1000]
//! outpost-load websocket --at 127.0.0.1:9000 --request FILE --connections 8 --seconds 5 --bytes 100
//! outpost-load serve --listen 127.0.0.1:9001 [--answer FILE] [--forward 127.0.0.1:9002]
//! ```
//!
//! Load prints one JSON object.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod alarm;
mod histogram;
mod http;
mod outcome;
mod serve;
mod websocket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// Load for the benchmark, and the bare servers that it compares with.
#[derive(Parser)]
enum Command {
    /// Asks over connections that are kept, and prints what it took.
    Http {
        /// Whom to ask; several share the connections.
        #[arg(long, required = true)]
        at: Vec<SocketAddr>,
        /// A JSON array of requests as they are sent; each connection takes one after the other.
        #[arg(long)]
        requests: PathBuf,
        /// Connections.
        #[arg(long, default_value_t = 32)]
        connections: usize,
        /// Time to ask for.
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// Requests a second over all connections; without it the next one follows the answer.
        #[arg(long)]
        rate: Option<f64>,
        /// The status that every answer has.
        #[arg(long, default_value_t = 200)]
        expect: u16,
        /// Asks each request once, however long that takes.
        #[arg(long)]
        once: bool,
    },
    /// Sends messages that come back.
    Websocket {
        /// Whom to connect to.
        #[arg(long)]
        at: SocketAddr,
        /// A JSON object: `uri`, and further `headers` as pairs.
        #[arg(long)]
        request: PathBuf,
        /// Connections.
        #[arg(long, default_value_t = 8)]
        connections: usize,
        /// Time to send for.
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// Bytes of a message.
        #[arg(long, default_value_t = 100)]
        bytes: usize,
    },
    /// A bare actix-web server: it answers what it was told to, or forwards.
    Serve {
        /// Where it listens.
        #[arg(long)]
        listen: SocketAddr,
        /// A JSON object: `status`, `headers` as pairs, `body`. Without it the path tells how many
        /// bytes are answered, and `/ws` is a websocket on which messages come back.
        #[arg(long)]
        answer: Option<PathBuf>,
        /// Forwards everything to this address.
        #[arg(long)]
        forward: Option<SocketAddr>,
        /// Threads.
        #[arg(long, default_value_t = 2)]
        workers: usize,
    },
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Http { at, requests, connections, seconds, rate, expect, once } => {
            let lasts = Duration::from_secs_f64(seconds);
            http::run(&at, &requests, &http::Plan { connections, lasts, rate, expect, once })
        }
        Command::Websocket { at, request, connections, seconds, bytes } => {
            let lasts = Duration::from_secs_f64(seconds);
            websocket::run(at, &request, connections, lasts, bytes)
        }
        Command::Serve { listen, answer, forward, workers } => {
            serve::run(listen, answer.as_deref(), forward, workers)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", serde_json::json!({ "error": error.to_string() }));
            ExitCode::FAILURE
        }
    }
}
