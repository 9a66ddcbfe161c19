//! PROXY headers: who is believed, and real senders.

use std::net::SocketAddr;
use std::process::Command;

use outpost_tests::daemon::Daemon;
use outpost_tests::folder::Folder;
use outpost_tests::proxies::Reserved;
use outpost_tests::{parts, wait};

use crate::downstream::support::{ASK, ask_at, received, status, world};

/// A header of version 2 for a client at 192.0.2.7; `tls`: with the extension that says so.
fn version_2(tls: bool) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0".to_vec();
    let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 1, 0xbb];
    let extension: &[u8] = if tls { &[0x20, 0, 5, 1, 0, 0, 0, 0] } else { &[] };
    header.push(u8::try_from(addresses.len() + extension.len()).unwrap());
    header.extend(addresses);
    header.extend(extension);
    header
}

#[tokio::test]
async fn a_trusted_senders_header_names_the_client() {
    let world = world(&[]).await;
    let line = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec();
    for (what, header, scheme) in [
        ("version 1", line, "http"),
        ("version 2", version_2(false), "http"),
        ("version 2, TLS ends at the sender", version_2(true), "https"),
    ] {
        let answer = ask_at(world.http(), &[&header[..], ASK].concat()).await;
        assert_eq!(status(&answer), 200, "{what}: {answer}");
        assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("192.0.2.7"), "{what}");
        assert_eq!(received(&answer, "x-forwarded-proto").as_deref(), Some(scheme), "{what}");
    }
}

/// A forged chain is the client's own word: the client is not the trusted proxy.
#[tokio::test]
async fn behind_a_header_the_client_is_not_trusted_as_its_sender_is() {
    let world = world(&[]).await;
    let request = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\nGET /json HTTP/1.1\r\n\
        Host: app.test\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\
        Connection: close\r\n\r\n";
    let answer = ask_at(world.http(), request).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("192.0.2.7"));
    assert_eq!(received(&answer, "x-forwarded-proto").as_deref(), Some("http"));
}

#[tokio::test]
async fn health_checkers_need_no_header() {
    let world = world(&[]).await;
    let answer = ask_at(world.http(), ASK).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("127.0.0.1"));
    // A sender that speaks for itself.
    for own in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let answer = ask_at(world.http(), &[own, ASK].concat()).await;
        assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("127.0.0.1"), "{own:?}");
    }
}

/// C15: whoever is not trusted cannot say who he is, and is not served as somebody else either.
#[tokio::test]
async fn a_header_of_somebody_else_is_refused() {
    let strangers = [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24")];
    let off = [("OUTPOST__LISTEN__PROXY_PROTOCOL", "false")];
    for variables in [&strangers, &off] {
        let world = world(variables).await;
        for header in [b"PROXY TCP4 192.0.2.7 10.0.0.1 1 443\r\n".to_vec(), version_2(false)] {
            let answer = ask_at(world.http(), &[&header[..], ASK].concat()).await;
            assert!(matches!(status(&answer), 0 | 400), "{variables:?}: {answer}");
        }
        assert_eq!(status(&ask_at(world.http(), ASK).await), 200, "{variables:?}");
    }
}

#[tokio::test]
async fn a_header_that_is_none_ends_the_connection() {
    let world = world(&[]).await;
    let endless = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 200]].concat();
    for header in [
        b"PROXY TCP4 nobody 10.0.0.1 1 443\r\n".to_vec(),
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0".to_vec(),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec(),
        endless,
    ] {
        let answer = ask_at(world.http(), &[&header[..], ASK].concat()).await;
        assert_eq!(answer, "", "{header:?}");
    }
    assert_eq!(status(&ask_at(world.http(), ASK).await), 200, "and others are served");
}

/// Asks through a sender of PROXY headers, from an address that is not this machine's usual one.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new(parts::find("curl"))
        .args(["--silent", "--show-error", "--max-time", "20", "--interface", "127.9.9.9"])
        .args(arguments)
        .output()
        .expect("curl runs");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    answer
}

/// A sender that listens on a port of its own for each line of its configuration.
struct Sender {
    _daemon: Daemon,
    _folder: Folder,
}

impl Sender {
    fn start(program: &str, arguments: &[&str], configuration: &str, ports: &[u16]) -> Self {
        let folder = Folder::new();
        let file = folder.write("sender.conf", configuration);
        let mut command = Command::new(parts::find(program));
        command.args(arguments).arg(file);
        let daemon = Daemon::start(command, &folder.path().join("log"));
        for port in ports {
            wait::until(program, || {
                std::net::TcpStream::connect(("127.0.0.1", *port))
                    .map_err(|error| format!("{error}: {}", daemon.said()))
            });
        }
        Self { _daemon: daemon, _folder: folder }
    }
}

/// Ports of senders; free until they are started.
fn ports<const N: usize>() -> [u16; N] {
    let reserved = [(); N].map(|()| Reserved::any());
    std::array::from_fn(|n| reserved[n].port())
}

#[tokio::test]
async fn haproxy_tells_the_client_in_both_versions_over_http_and_https() {
    let world = world(&[]).await;
    let (http, https) = (world.http(), world.https());
    let [one, two, tls_one, tls_two] = ports();
    let listen = |port: u16, server: SocketAddr, options: &str| {
        format!(
            "listen p{port}\n  mode tcp\n  bind 127.0.0.1:{port}\n  server s {server} {options}\n"
        )
    };
    let configuration = format!(
        "defaults\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n{}{}{}{}",
        listen(one, http, "send-proxy"),
        listen(two, http, "send-proxy-v2"),
        listen(tls_one, https, "send-proxy"),
        listen(tls_two, https, "send-proxy-v2 proxy-v2-options ssl"),
    );
    let all = [one, two, tls_one, tls_two];
    let _sender = Sender::start("haproxy", &["-db", "-f"], &configuration, &all);
    for (port, scheme) in [(one, "http"), (two, "http"), (tls_one, "https"), (tls_two, "https")] {
        let resolve = format!("app.test:{port}:127.0.0.1");
        let url = format!("{scheme}://app.test:{port}/json");
        let answer = curl(&["--insecure", "--resolve", &resolve, &url]);
        assert_eq!(
            received(&answer, "x-forwarded-for").as_deref(),
            Some("127.9.9.9"),
            "{url}: {answer}"
        );
    }
}

#[tokio::test]
async fn nginx_tells_the_client() {
    let world = world(&[]).await;
    let [port] = ports();
    let folder = Folder::new();
    let configuration = format!(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n\
         daemon off;\nmaster_process off;\npid {}/pid;\nerror_log stderr;\nevents {{}}\n\
         stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass {}; proxy_protocol on; }} }}\n",
        folder.path().display(),
        world.http(),
    );
    let _sender = Sender::start("nginx", &["-e", "stderr", "-c"], &configuration, &[port]);
    let resolve = format!("app.test:{port}:127.0.0.1");
    let answer = curl(&["--resolve", &resolve, &format!("http://app.test:{port}/json")]);
    assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("127.9.9.9"), "{answer}");
}
