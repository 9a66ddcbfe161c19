//! Where it listens: Unix sockets, several addresses, IPv6, a port shared with a predecessor,
//! sockets of a service manager.

use std::os::unix::net::UnixListener;

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::program::{Program, environment};
use outpost_tests::proxies::Reserved;
use tokio::net::UnixStream;

use crate::downstream::support::{ASK, ask, ask_at, received, status, world};

#[tokio::test]
async fn a_unix_socket_is_served_like_an_address() {
    let folder = Folder::new();
    let path = folder.path().join("outpost.sock");
    // Left behind by a process that is gone.
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("127.0.0.1:0,[::1]:0,unix:{}", path.display());
    let world = world(&[("AUTHENTIK_LISTEN__HTTP", &listen)]).await;

    let answer = ask(UnixStream::connect(&path).await.unwrap(), ASK).await;
    assert_eq!(status(&answer), 200, "{answer}");
    // Whoever can open it is trusted, and says who asks.
    let request = b"GET /json HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: 192.0.2.7\r\n\
        X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n";
    let answer = ask(UnixStream::connect(&path).await.unwrap(), request).await;
    assert_eq!(received(&answer, "x-forwarded-for").as_deref(), Some("192.0.2.7"), "{answer}");
    assert_eq!(received(&answer, "x-forwarded-proto").as_deref(), Some("https"), "{answer}");

    let addresses = world.outpost.addresses.http.clone();
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    assert!(addresses.iter().any(std::net::SocketAddr::is_ipv6), "{addresses:?}");
    for address in addresses {
        assert_eq!(status(&ask_at(address, ASK).await), 200, "{address}");
    }
}

#[tokio::test]
async fn a_unix_socket_that_somebody_listens_on_is_not_taken() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let folder = Folder::new();
    let path = folder.path().join("outpost.sock");
    let _theirs = UnixListener::bind(&path).unwrap();
    let listen = format!("unix:{}", path.display());
    let program = Program::start(&core, &[("AUTHENTIK_LISTEN__HTTP", &listen)]);
    let line = program.line("does not start").await;
    assert!(line.contains("cannot listen on") && line.contains(&listen), "{line}");
    assert_eq!(program.exit_code().await, Some(1));
}

const LISTENS: &str = "\"the outpost listens\"";

const PING: &[u8] =
    b"GET /outpost.goauthentik.io/ping HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_new_process_listens_beside_an_old_one_and_goes_on_when_that_ends() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    // All ports are fixed, as in any real set-up: those for browsers are shared, and the new process has
    // others for metrics and the dashboard, so that each can be asked by itself.
    let reserved = [(); 6].map(|()| Reserved::any());
    let [listen, https, metrics, dashboard, next_metrics, next_dashboard] =
        reserved.each_ref().map(|reserved| format!("127.0.0.1:{}", reserved.port()));
    let address = listen.parse().unwrap();
    drop(reserved);
    let variables = |metrics, dashboard| {
        [
            ("AUTHENTIK_LISTEN__HTTP", listen.as_str()),
            ("AUTHENTIK_LISTEN__HTTPS", https.as_str()),
            ("AUTHENTIK_LISTEN__METRICS", metrics),
            ("OUTPOST__DASHBOARD__LISTEN", dashboard),
            ("OUTPOST__LISTEN__REUSE_PORT", "true"),
        ]
    };
    let old = Program::start(&core, &variables(&metrics, &dashboard));
    old.line(LISTENS).await;
    let same = Program::start(&core, &variables(&metrics, &dashboard));
    let line = same.line("does not start").await;
    assert!(line.contains(&format!("cannot listen on {metrics}")), "{line}");
    let new = Program::start(&core, &variables(&next_metrics, &next_dashboard));
    new.line(LISTENS).await;
    new.serves(0).await;
    old.signal("TERM");
    assert_eq!(old.exit_code().await, Some(0));
    assert_eq!(status(&ask_at(address, PING).await), 204, "served by the new one");

    let alone = Program::start(&core, &[("AUTHENTIK_LISTEN__HTTP", &listen)]);
    let line = alone.line("does not start").await;
    assert!(line.contains(&format!("cannot listen on {listen}")), "{line}");
}

/// As systemd does it: the socket is open before the program starts, as file 3 and 4.
#[tokio::test]
async fn sockets_of_a_service_manager_are_taken_over() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let folder = Folder::new();
    let path = folder.path().join("outpost.sock");
    let reserved = Reserved::any();
    let port = reserved.port();
    drop(reserved);
    let script = format!(
        "import os, socket, sys\n\
         tcp = socket.create_server(('127.0.0.1', {port}))\n\
         unix = socket.socket(socket.AF_UNIX)\n\
         unix.bind({path:?})\n\
         unix.listen()\n\
         for at, one in ((20, tcp), (21, unix)):\n    os.dup2(one.fileno(), at)\n\
         for at in (20, 21):\n    os.dup2(at, at - 17)\n    os.close(at)\n\
         os.environ['LISTEN_FDS'] = '2'\n\
         os.environ['LISTEN_PID'] = str(os.getpid())\n\
         os.execv(sys.argv[1], sys.argv[1:])\n",
        path = path.display().to_string(),
    );
    let prefix = ["python3".to_owned(), "-c".to_owned(), script];
    let variables = [("AUTHENTIK_LISTEN__HTTP", "systemd:0,systemd:1")];
    let program = Program::launch(&prefix, &environment(&core, &variables));
    program.line(LISTENS).await;
    let address = ([127, 0, 0, 1], port).into();
    let answer = ask_at(address, PING).await;
    assert_eq!(status(&answer), 204, "{answer}");
    assert_eq!(status(&ask(UnixStream::connect(&path).await.unwrap(), PING).await), 204);
}

#[tokio::test]
async fn a_socket_that_no_service_manager_has_opened_is_told() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let program = Program::start(&core, &[("AUTHENTIK_LISTEN__HTTP", "systemd:0")]);
    let line = program.line("does not start").await;
    assert!(line.contains("cannot listen on systemd:0"), "{line}");
    assert!(line.contains("LISTEN_FDS"), "{line}");
}
