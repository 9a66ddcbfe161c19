//! Applications on bare sockets, and an outpost before them that lets everybody in.

use std::net::SocketAddr;
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::Program;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Longest that anything is awaited.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits, but not forever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A core with one provider, `app` at `app.test`, open to everybody.
pub(crate) fn core_before(application: &str) -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", application).skip("^/"))
        .unwrap();
    core
}

/// An outpost in front of an application at this URL, and where it listens.
pub(crate) async fn before(
    application: &str,
    variables: &[(&str, &str)],
) -> (StandInCore, Program, SocketAddr) {
    let core = core_before(application);
    let outpost = Program::start(&core, variables);
    outpost.serves(1).await;
    let address = outpost.address("http").await;
    (core, outpost, address)
}

/// A connection, seen byte by byte.
pub(crate) struct Wire(pub(crate) BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Up to and with the empty line; less if the peer ends before.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = String::new();
        soon("a head", async {
            while !head.ends_with("\r\n\r\n") {
                if self.0.read_line(&mut head).await.unwrap_or_default() == 0 {
                    break;
                }
            }
        })
        .await;
        head
    }

    /// Everything until the peer ends, by whatever means.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = soon("the end", self.0.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// An application; `serve` gets each connection. It ends with the test's runtime.
pub(crate) async fn application<F, S>(at: &str, serve: S) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(Wire) -> F + Send + 'static,
{
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Wire(BufReader::new(stream))));
        }
    });
    address
}

/// Asks for a path with more header lines and gives the whole answer.
pub(crate) async fn ask(outpost: SocketAddr, method: &str, path: &str, lines: &str) -> String {
    let mut client = Wire::to(outpost).await;
    let host = "Host: app.test\r\nConnection: close\r\n";
    client.write(format!("{method} {path} HTTP/1.1\r\n{host}{lines}\r\n")).await;
    client.rest().await
}
