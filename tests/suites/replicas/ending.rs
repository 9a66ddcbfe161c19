//! However a session ends, and wherever: it is over at every replica.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use outpost::session::currency::TRUST;
use outpost_tests::program::run;
use outpost_tests::{Browser, Relay, wait};
use reqwest::Method;

use crate::replicas::fleet::{Fleet, REPLICAS};
use crate::replicas::open::Open;

#[tokio::test]
async fn whoever_signs_out_at_one_replica_is_signed_out_at_all() {
    let fleet = Fleet::start().await;
    let bob = fleet.sign_in("bob").await;
    let mut bobs = Open::through(&fleet, 0, &bob).await;
    for through in 0..REPLICAS {
        let alice = fleet.sign_in("alice").await;
        let open = Open::through(&fleet, (through + 1) % REPLICAS, &alice).await;
        let url = fleet.replicas.url(through, "app.test", "/outpost.goauthentik.io/sign_out");
        let cookies = [("cookie", alice.cookies.as_str())];
        let answer = Browser::new().send(Method::GET, &url, &cookies, None).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        fleet.is_over_everywhere(&alice, &format!("sign-out through replica {through}")).await;
        open.closes().await;
    }
    fleet.is_everywhere(&bob, "bob").await;
    bobs.goes_on().await;
}

#[tokio::test]
async fn a_session_that_core_ends_is_over_at_a_replica_that_core_cannot_reach() {
    let relay = std::cell::OnceCell::new();
    let fleet = Fleet::with(|core, index| {
        let by_relay = || relay.get_or_init(|| Relay::start(core.address())).address();
        let host = (index == 0).then(|| format!("http://{}", by_relay()));
        host.map(|host| ("AUTHENTIK_HOST".to_owned(), host)).into_iter().collect()
    })
    .await;
    fleet.core.wait_connected(REPLICAS).await.unwrap();
    let (alice, bob) = (fleet.sign_in("alice").await, fleet.sign_in("bob").await);
    let open = Open::through(&fleet, 0, &alice).await;
    relay.get().unwrap().refuse();
    fleet.core.wait_connected(REPLICAS - 1).await.unwrap();
    let [sid] = &fleet.core.sessions_of("alice")[..] else { panic!("one session") };
    fleet.core.end_session(sid);
    fleet.is_over_everywhere(&alice, "session end by core").await;
    open.closes().await;
    fleet.is_everywhere(&bob, "bob").await;
}

/// Core's logout token reaches one replica, whichever the balancer takes.
#[tokio::test]
async fn a_session_that_core_ends_over_the_back_channel_is_over_everywhere_and_once() {
    let fleet = Fleet::start().await;
    let (alice, bob) = (fleet.sign_in("alice").await, fleet.sign_in("bob").await);
    let open = Open::through(&fleet, 0, &alice).await;
    let claims = fleet.core.logout_claims("app", None, Some("alice")).unwrap();
    let token = fleet.core.mint_logout_token("app", claims).unwrap().unwrap();
    let post = async |through: usize| {
        let path = "/outpost.goauthentik.io/backchannel_logout";
        let url = fleet.replicas.url(through, "app.test", path);
        Browser::new().post_form(&url, &[("logout_token", &token)]).await
    };
    let answer = post(1).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    fleet.is_over_everywhere(&alice, "logout token").await;
    open.closes().await;
    // Whoever has caught the token takes it to another replica.
    let again = fleet.sign_in("alice").await;
    for through in 0..REPLICAS {
        let answer = post(through).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    fleet.is_everywhere(&again, "alice").await;
    fleet.is_everywhere(&bob, "bob").await;
}

/// As a machine does that was suspended, or a process that got no processor for long.
#[tokio::test]
async fn a_replica_that_slept_through_a_sign_out_serves_the_session_not_once() {
    let fleet = Fleet::start().await;
    let (alice, bob) = (fleet.sign_in("alice").await, fleet.sign_in("bob").await);
    let frozen = 0;
    fleet.replicas.pause(frozen);
    let url = fleet.replicas.url(1, "app.test", "/outpost.goauthentik.io/sign_out");
    let cookies = [("cookie", alice.cookies.as_str())];
    let answer = Browser::new().send(Method::GET, &url, &cookies, None).await;
    assert_eq!(answer.status, 302, "{answer:?}");

    // They wait in the replica's queues and are the first that it sees.
    let ask = |person: &str| {
        let mut stream = TcpStream::connect(fleet.replicas.addresses(frozen).http).unwrap();
        stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        let request = format!(
            "GET /json HTTP/1.1\r\nHost: app.test\r\nCookie: {person}\r\n\
             Accept: text/html\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let alices: Vec<_> = (0..8).map(|_| ask(&alice.cookies)).collect();
    let bobs = ask(&bob.cookies);
    // What it knew when it fell asleep is believed for this long, asleep or not.
    tokio::time::sleep(TRUST).await;
    fleet.replicas.resume(frozen);
    let answer = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for stream in alices {
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
        assert!(answer.contains("/outpost.goauthentik.io/start?"), "{answer}");
    }
    assert!(answer(bobs).starts_with("HTTP/1.1 200 "));
    fleet.is_over_everywhere(&alice, "sign-out while a replica slept").await;
}

#[tokio::test]
async fn whom_an_operator_signs_out_at_one_replica_is_signed_out_at_all() {
    let fleet = Fleet::start().await;
    let (alice, elsewhere) = (fleet.sign_in("alice").await, fleet.sign_in("alice").await);
    let bob = fleet.sign_in("bob").await;
    let open = Open::through(&fleet, 2, &alice).await;
    let (host, token) = (fleet.core.url(), fleet.core.token());
    let dashboard = fleet.replicas.addresses(1).dashboard.to_string();
    let variables = [
        ("AUTHENTIK_HOST", host.as_str()),
        ("AUTHENTIK_TOKEN", &token),
        ("OUTPOST__DASHBOARD__LISTEN", &dashboard),
    ];
    let began = Instant::now();
    let said = run(&["sessions", "revoke", "--user", "alice", "--yes"], &variables);
    assert!(said.status.success(), "{said:?}");
    eprintln!("the command took {:?}", began.elapsed());
    fleet.is_over_everywhere(&alice, "revocation by an operator").await;
    fleet.is_over_everywhere(&elsewhere, "the same user's other session").await;
    open.closes().await;
    fleet.is_everywhere(&bob, "bob").await;
}
