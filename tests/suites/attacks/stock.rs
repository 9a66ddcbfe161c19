//! What broke when the stock outpost was ported to Rust.

use std::net::Ipv4Addr;

use outpost_demo::core::{CoreOptions, Endpoint, Fault, ProviderSpec, Signing};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::redis::RedisServer;
use outpost_tests::{Capture, Program};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::attacks::exchange::{Ask, Outcome};
use crate::attacks::site::{DOORS, HOMES, PROXIED, PROXY, Person, Site, VARIABLES, core, soon};

/// Sites that tell core's browsers' name on the back channel.
const BROWSERS: (&str, &str) = ("AUTHENTIK_HOST_BROWSER", "https://sso.example.com");

/// ak#25226, ak#25643: of two, servers take either, or refuse both.
#[tokio::test]
async fn one_host_is_named_to_core_and_to_applications() {
    for variables in [&[][..], &[BROWSERS]] {
        let site = Site::with(variables, |spec| spec.signed_with(Signing::Es256)).await;
        let people = site.people("alice").await;
        for door in DOORS {
            let own = Ask::get("/x").line("Cookie", people[door.provider].session_pair());
            let outcome = site.knock(door, &own).await;
            outcome.assert_open_to("alice", &format!("{door:?}"));
            let machine = Ask::get("/x").line("Authorization", "Bearer nobody's");
            let machine = machine.line("Accept", "application/json");
            site.knock(door, &machine).await.assert_refused(&[401], &format!("{door:?}"));
            for seen in outcome.reached {
                assert_eq!(seen.to_lowercase().matches("\r\nhost:").count(), 1, "{seen}");
            }
        }
        site.core.observe(|seen| {
            for endpoint in
                [Endpoint::Token, Endpoint::Jwks, Endpoint::Introspect, Endpoint::Providers]
            {
                assert!(seen.count(endpoint) > 0, "{endpoint:?} was asked");
                for request in seen.requests_to(endpoint) {
                    let hosts = request.header_values("host");
                    assert_eq!(hosts.len(), 1, "{endpoint:?}: {:?}", request.headers);
                }
            }
        });
    }
}

/// ak#24489: with another host's name, its scheme must go along: else core answers with another
/// issuer.
#[tokio::test]
async fn the_back_channel_names_host_and_scheme_that_browsers_use() {
    let site = Site::with(&[BROWSERS], |spec| spec.signed_with(Signing::Es256)).await;
    for home in HOMES {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        assert!(authorize.starts_with("https://sso.example.com/application/o/"), "{authorize}");
        let back = site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
        assert!(person.session().is_some(), "{home}: {back:?}");
    }
    for endpoint in [Endpoint::Token, Endpoint::Jwks] {
        let request = site.core.observe(|seen| seen.requests_to(endpoint).last().cloned()).unwrap();
        assert_eq!(request.header_values("host"), ["sso.example.com"], "{endpoint:?}");
        assert_eq!(request.header_values("x-forwarded-proto"), ["https"], "{endpoint:?}");
    }
}

/// ak#25409: chosen by ALPN, HTTP/2 has no upgrades, and few applications expect it.
#[tokio::test]
async fn an_application_over_tls_is_asked_in_http_1_1() {
    let app = Capture::tls().await;
    let spec = ProviderSpec {
        internal_host_ssl_validation: false,
        ..ProviderSpec::proxy("app", "http://app.test", &app.url())
    };
    let site = Site::serving(CoreOptions::default(), app, &[], [spec]).await;
    let person = site.person(PROXIED, "alice").await;
    let own = Ask::get("/x").line("Cookie", person.session_pair());
    let handshake = own
        .clone()
        .line("Connection", "Upgrade")
        .line("Upgrade", "websocket")
        .line("Sec-WebSocket-Version", "13")
        .line("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (ask, upgrade) in [(own, false), (handshake, true)] {
        let outcome = site.knock(PROXIED, &ask).await;
        outcome.assert_open_to("alice", &format!("upgrade: {upgrade}"));
        assert!(outcome.reached[0].starts_with("GET /x HTTP/1.1\r\n"), "{outcome:?}");
        assert_eq!(outcome.reached[0].contains("\r\nUpgrade: websocket\r\n"), upgrade);
    }
}

/// ak#25410: devices that compare names byte for byte know them as everybody writes them.
#[tokio::test]
async fn names_are_written_as_every_http_1_1_server_writes_them() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    let written_so = |text: &str, about: &str| {
        let head = text.split("\r\n\r\n").next().unwrap();
        for line in head.split("\r\n").skip(1) {
            let name = line.split(':').next().unwrap();
            let lower =
                name.split('-').find(|part| part.starts_with(|c: char| c.is_ascii_lowercase()));
            assert_eq!(lower, None, "{about}: {name} in {head}");
        }
    };
    for door in DOORS {
        for ask in [
            Ask::get("/x").line("Cookie", people[door.provider].session_pair()),
            Ask::get("/x"),
            Ask::get("/public/x").line("accept", "text/html").line("x-own", "1"),
        ] {
            let bytes = door.dialect.map_or(ask.to(door.host), |it| ask.asked_by(it, door.host));
            let mut stream = site.connect(PROXY).await;
            stream.write_all(&bytes).await.unwrap();
            let mut answer = String::new();
            site.app.take();
            soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
            written_so(&answer, &format!("{door:?}, to the client"));
            for seen in site.app.take() {
                written_so(&seen, &format!("{door:?}, to the application"));
            }
        }
    }
}

/// ak#25487: without it, clients that offered one close the connection.
#[tokio::test]
async fn the_subprotocol_that_an_application_chose_is_in_the_answer() {
    let app = SampleApp::start(0).unwrap();
    let spec = ProviderSpec::proxy("app", "http://app.test", &app.url());
    let nobody = Capture::start().await;
    let site = Site::serving(CoreOptions::default(), nobody, &[], [spec]).await;
    let person = site.person(PROXIED, "alice").await;
    for (offered, chosen) in [(Some("chat.v2, chat.v1"), Some("chat.v2")), (None, None)] {
        let mut request = format!(
            "GET /ws HTTP/1.1\r\nHost: app.test\r\nCookie: {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            person.session_pair()
        );
        if let Some(offered) = offered {
            request += &format!("Sec-WebSocket-Protocol: {offered}\r\n");
        }
        let mut stream = site.connect(PROXY).await;
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        soon("a handshake", async {
            while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "no answer");
            }
        })
        .await;
        let outcome = Outcome::read(&answer);
        assert_eq!(outcome.status, 101, "{outcome:?}");
        assert_eq!(outcome.header("sec-websocket-protocol"), chosen);
        assert_eq!(
            outcome.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "RFC 6455 section 1.3"
        );
    }
}

/// ak#25463: the certificate that core makes for itself is an authority's own.
#[tokio::test]
async fn insecure_accepts_the_certificate_that_core_made_itself_on_every_road() {
    let tls = || core(CoreOptions { tls: true, ..CoreOptions::default() });
    let nobody = Capture::start().await;
    let spec = || ProviderSpec::proxy("app", "http://app.test", &nobody.url());
    let insecure = [("AUTHENTIK_INSECURE", "true")];
    let site = Site::of(tls(), Capture::start().await, &insecure, [spec()]).await;
    site.core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.unwrap();
    let mut person = Person::default();
    site.sign_in(&mut person, "app.test", "alice").await;
    assert!(person.session().is_some());
    // And not without it.
    let careful = tls();
    careful.put_provider(spec()).unwrap();
    let outpost = Program::start(&careful, &VARIABLES);
    outpost.line("ertificate").await;
    assert_eq!(outpost.count("\"providers\":1,"), 0);
    assert_eq!(careful.observe(|seen| seen.requests.len()), 0, "core heard nothing");
}

/// ak#24528: the original path follows Envoy's prefix, to its end.
#[tokio::test]
async fn envoys_question_keeps_the_rest_of_the_path() {
    let site = Site::start().await;
    for door in DOORS.into_iter().filter(|door| door.dialect == Some("envoy")) {
        for path in ["/deep/er/page?a=1&b=%2Fx&c", "/", "/a/", "/a%20b/c?"] {
            let mut person = Person::default();
            let asked = site.knock(door, &Ask::get(path).line("Accept", "text/html")).await;
            assert_eq!(asked.status, 302, "{door:?} {path}: {asked:?}");
            person.keep(&asked);
            let authorize = asked.header("location").unwrap().to_owned();
            let back =
                site.visit(&mut person, door.home, &site.callback(&authorize, "alice")).await;
            let wanted = format!("http://{}{path}", door.host);
            assert_eq!(back.header("location"), Some(wanted.as_str()), "{door:?}");
        }
    }
}

/// ak#26076: what was not kept is said, with 503 and a way on; nobody is sent round and round.
#[tokio::test]
async fn a_session_that_cannot_be_kept_is_an_outage_and_no_loop() {
    let store = RedisServer::start();
    let url = store.url();
    let variables = [("OUTPOST__SESSIONS__STORE", url.as_str())];
    let site = Site::with(&variables, |spec| spec).await;
    let mut begun = Vec::new();
    for home in HOMES {
        site.sign_in(&mut Person::default(), home, "alice").await;
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        begun.push((home, person, site.callback(&authorize, "alice")));
    }
    drop(store);
    for (home, mut person, callback) in begun {
        let back = site.visit(&mut person, home, &callback).await;
        back.assert_refused(&[503], home);
        assert_eq!(person.session(), None, "{home}");
        assert_eq!(back.header("location"), None, "{home}");
        assert!(back.body.contains("Try again"), "{home}: {}", back.body);
    }
    site.outpost.nth_line("a sign-in was not kept", HOMES.len()).await;
}

/// ak#26270: an application below a path of its host.
#[tokio::test]
async fn an_external_host_may_have_a_path() {
    let app = Capture::start().await;
    let spec = ProviderSpec::proxy("app", "http://app.test/below/", &app.url());
    let site = Site::serving(CoreOptions::default(), app, &[], [spec]).await;
    let mut person = Person::default();
    let first = site.visit(&mut person, "app.test", "/below/page?a=b").await;
    let start = first.header("location").unwrap_or_default().to_owned();
    assert!(start.starts_with("http://app.test/below/outpost.goauthentik.io/start"), "{first:?}");
    let begun = site.visit(&mut person, "app.test", start.strip_prefix("http://app.test").unwrap());
    let begun = begun.await;
    let authorize = begun.header("location").unwrap_or_default().to_owned();
    let callback = site.callback(&authorize, "alice");
    assert!(callback.starts_with("/below/outpost.goauthentik.io/callback?"), "{callback}");
    let back = site.visit(&mut person, "app.test", &callback).await;
    assert_eq!(back.header("location"), Some("http://app.test/below/page?a=b"), "{back:?}");
    let ask = Ask::get("/below/page").line("Cookie", person.session_pair());
    site.knock(PROXIED, &ask).await.assert_open_to("alice", "below");
    for elsewhere in ["/", "/belowx", "/outpost.goauthentik.io/start"] {
        let ask = Ask::get(elsewhere).line("Cookie", person.session_pair());
        let outcome = site.knock(PROXIED, &ask).await;
        assert_eq!(outcome.reached, Vec::<String>::new(), "{elsewhere}: {outcome:?}");
    }
}

/// ak#23827: a token that sees no outpost, for a while.
#[tokio::test]
async fn a_core_without_outposts_is_waited_for() {
    let core = core(CoreOptions::default());
    let app = Capture::start().await;
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", &app.url())).unwrap();
    let empty = json!({"pagination": {"next": 0, "count": 0}, "results": []});
    core.set_fault(Endpoint::Instances, Fault::json(200, &empty));
    let outpost = Program::start(&core, &VARIABLES);
    let http = outpost.address("http").await;
    core.wait_for("two questions", |seen| seen.count(Endpoint::Instances) > 1).await.unwrap();
    let ask = Ask::get("/x").to("app.test");
    let stream = crate::attacks::site::connect(http, Ipv4Addr::LOCALHOST).await;
    let mut stream = stream;
    stream.write_all(&ask).await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    Outcome::read(&answer).assert_refused(&[503], "nothing is configured");
    assert_eq!(outpost.count("panicked"), 0);
    core.clear_faults();
    outpost.signal("USR1");
    outpost.serves(1).await;
}
