//! Load, from the second processor.

use std::net::SocketAddr;
use std::process::Command;

use outpost_tests::folder::Folder;
use serde::Deserialize;

use super::server::{load_program, on_processor};

/// What load has measured.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    /// Answers in a second.
    pub(crate) rate: f64,
    pub(crate) microseconds: Percentiles,
}

/// Times of answers, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What is asked for.
#[derive(Clone)]
pub(crate) enum Asked {
    /// Requests as they are sent, one after the other, and the status of their answers.
    Http { requests: Vec<String>, expect: u16 },
    /// Messages that come back.
    Websocket { uri: String, headers: Vec<(String, String)> },
}

/// How it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
    /// Requests in a second; without it as fast as answers come.
    pub(crate) rate: Option<f64>,
}

/// Asks these servers, which share the connections.
pub(crate) fn run(at: &[SocketAddr], asked: &Asked, pace: Pace) -> Measured {
    let rate = pace.rate.map(|rate| ["--rate".to_owned(), rate.to_string()]);
    started(at, asked, pace.connections, |command| {
        command.args(["--seconds", &pace.seconds.to_string()]).args(rate.iter().flatten());
    })
}

/// Asks each of the requests once, however long that takes.
pub(crate) fn once(at: SocketAddr, asked: &Asked, connections: usize) -> Measured {
    started(&[at], asked, connections, |command| {
        command.arg("--once");
    })
}

fn started(
    at: &[SocketAddr],
    asked: &Asked,
    connections: usize,
    how: impl FnOnce(&mut Command),
) -> Measured {
    let folder = Folder::new();
    let mut command = on_processor(1, load_program());
    let (kind, file) = match asked {
        Asked::Http { requests, expect } => {
            let requests = serde_json::to_string(requests).expect("text");
            command.args(["http", "--expect", &expect.to_string(), "--requests"]);
            ("http", folder.write("requests.json", &requests))
        }
        Asked::Websocket { uri, headers } => {
            let request = serde_json::json!({ "uri": uri, "headers": headers });
            command.args(["websocket", "--request"]);
            ("websocket", folder.write("request.json", &request.to_string()))
        }
    };
    command.arg(file).args(["--connections", &connections.to_string()]);
    for server in at {
        command.args(["--at", &server.to_string()]);
    }
    how(&mut command);
    let output = command.output().expect("load");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{kind} at {at:?}: {said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}
