//! Applications that are particular about what they get, and old or rude about what they give.

use crate::applications::support::{Wire, application, ask, before};

/// What the application answers to each path.
fn answer(path: &str) -> &'static str {
    match path {
        "/part" => {
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde"
        }
        "/beyond" => {
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n"
        }
        "/same" => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 123456\r\n\r\n",
        "/old" => "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end",
        "/half" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "/gone" => "",
        "/nonsense" => "SSH-2.0-OpenSSH_9.9\r\n",
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    }
}

#[tokio::test]
async fn every_kind_of_answer_passes_or_is_a_bad_gateway() {
    let app = application("127.0.0.1:0", |mut wire: Wire| async move {
        loop {
            let head = wire.head().await;
            let Some(path) = head.split(' ').nth(1) else { return };
            let answer = answer(path);
            wire.write(answer).await;
            if !answer.starts_with("HTTP/1.1") || path == "/half" {
                return;
            }
        }
    })
    .await;
    let (_core, _outpost, http) = before(&format!("http://{app}"), &[]).await;
    for (method, path, status, end) in [
        ("GET", "/part", " 206 ", "\r\n\r\ncde"),
        ("GET", "/beyond", " 416 ", "\r\n\r\n"),
        ("GET", "/same", " 304 ", "\r\n\r\n"),
        ("HEAD", "/head", " 200 ", "\r\n\r\n"),
        ("GET", "/old", " 200 ", "to the end\r\n0\r\n\r\n"),
        ("GET", "/half", " 200 ", "\r\n\r\nhalf"),
        ("GET", "/gone", " 502 ", ""),
        ("GET", "/nonsense", " 502 ", ""),
    ] {
        let found = ask(http, method, path, "Range: bytes=2-4\r\n").await;
        assert!(found.lines().next().unwrap().contains(status), "{path}: {found}");
        assert!(found.ends_with(end), "{path}: {found}");
        if path == "/head" {
            assert!(found.contains("\r\nContent-Length: 123456\r\n"), "{found}");
        }
    }
}

/// As IIS and others with bindings do: one `Host`, with the port that the browser shows, names as
/// devices know them, and no second word about any of it.
#[tokio::test]
async fn an_application_bound_to_its_name_gets_just_that() {
    let app = application("127.0.0.1:0", |mut wire: Wire| async move {
        let head = wire.head().await;
        let hosts: Vec<&str> =
            head.lines().filter(|line| line.to_ascii_lowercase().starts_with("host:")).collect();
        let proper = hosts == ["Host: app.test:8443"]
            && head.contains("\r\nX-Requested-By: test\r\n")
            && head.contains("\r\nIf-None-Match: \"x\"\r\n")
            && !head.to_ascii_lowercase().contains("\r\ntransfer-encoding");
        let status = if proper { "200 OK" } else { "400 Bad Request" };
        let length = head.len();
        wire.write(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{head}")).await;
    })
    .await;
    let (_core, _outpost, http) = before(&format!("http://{app}"), &[]).await;
    let mut client = Wire::to(http).await;
    client
        .write(
            "GET /x HTTP/1.1\r\nhost: app.test:8443\r\nx-requested-by: test\r\n\
             if-none-match: \"x\"\r\nconnection: close\r\n\r\n",
        )
        .await;
    let found = client.rest().await;
    assert!(found.starts_with("HTTP/1.1 200 "), "{found}");
}

#[tokio::test]
async fn an_application_on_ipv6_is_asked_there() {
    let app = application("[::1]:0", |mut wire: Wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix").await;
    })
    .await;
    let (_core, _outpost, http) = before(&format!("http://{app}"), &[]).await;
    assert!(ask(http, "GET", "/", "").await.ends_with("\r\n\r\nsix"));
}

/// An answer that takes longer than the limits of requests and connections, as long polling does.
#[tokio::test]
async fn long_polling_is_waited_for() {
    let app = application("127.0.0.1:0", |mut wire: Wire| async move {
        wire.head().await;
        // Time is what this is about.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        wire.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnews").await;
    })
    .await;
    let limits = [
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "1s"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "1s"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE", "1s"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "1s"),
        ("OUTPOST__UPSTREAM__CONNECT_TIMEOUT", "1s"),
        ("OUTPOST__UPSTREAM__POOL_IDLE_TIMEOUT", "1s"),
    ];
    let (_core, _outpost, http) = before(&format!("http://{app}"), &limits).await;
    assert!(ask(http, "GET", "/poll", "").await.ends_with("\r\n\r\nnews"));
}
