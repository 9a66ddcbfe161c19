//! An outpost as a process, whose access log tells whom it took for the client.

use std::net::{IpAddr, SocketAddr};

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::Program;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// An outpost in front of an application at `app.test` that is open to everybody.
pub(crate) struct Edge {
    pub(crate) outpost: Program,
    pub(crate) http: SocketAddr,
    asked: usize,
    _core: StandInCore,
    _app: SampleApp,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The status of the answer.
    pub(crate) status: u16,
    /// The body of the answer.
    pub(crate) body: String,
    /// Whom the access log names as the client.
    pub(crate) client: String,
}

impl Edge {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let core = StandInCore::start(CoreOptions::default()).unwrap();
        let app = SampleApp::start(0).unwrap();
        // A lone provider would be asked for whatever host is named.
        for slug in ["app", "other"] {
            let host = format!("http://{slug}.test");
            core.put_provider(ProviderSpec::proxy(slug, &host, &app.url()).skip("^/")).unwrap();
        }
        let outpost = Program::start(&core, variables);
        outpost.serves(2).await;
        let http = outpost.address("http").await;
        Self { outpost, http, asked: 0, _core: core, _app: app }
    }

    /// Asks for the application's echo with these header lines, from loopback.
    pub(crate) async fn ask(&mut self, lines: &[&str]) -> Outcome {
        self.ask_from("127.0.0.1".parse().unwrap(), lines).await
    }

    /// The same from another address of this machine.
    pub(crate) async fn ask_from(&mut self, from: IpAddr, lines: &[&str]) -> Outcome {
        self.asked += 1;
        let path = format!("/json/{}", self.asked);
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        for line in lines {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let port = self.http.port();
        let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);

        let line = self.outpost.line(&format!("\"path\":\"{path}\"")).await;
        let line: Value = serde_json::from_str(&line).unwrap();
        let client = line["client"].as_str().unwrap_or_default().to_owned();
        Outcome { status, body: answer, client }
    }
}
