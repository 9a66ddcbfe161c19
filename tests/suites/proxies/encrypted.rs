//! TLS: in front of a proxy, and behind it towards the outpost and the application.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use outpost_demo::core::ProviderSpec;
use outpost_render::TlsFiles;
use outpost_tests::certificates::Authority;
use outpost_tests::folder::Folder;
use outpost_tests::proxies::{Around, Kind, Proxy, Reserved};
use outpost_tests::{Browser, World};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::proxies::front::{BELOW, Front};

pub(crate) async fn people_come_over_tls(kind: Kind) {
    let folder = Folder::new();
    let authority = Authority::new();
    let names = ["single.test", BELOW, "auth.domain.test"].map(str::to_owned);
    let (certificate, key) = authority.issue(&names);
    let path = |name: &str, text: &str| folder.write(name, text).to_string_lossy().into_owned();
    let tls = TlsFiles {
        certificate: path("host.pem", &certificate),
        // Where HAProxy looks for it.
        key: path("host.pem.key", &key),
    };
    let providers = |at: &dyn Fn(&str) -> String| {
        vec![
            ProviderSpec::forward_single("single", &at("single.test")),
            ProviderSpec::forward_domain("domain", &at("auth.domain.test"), "domain.test"),
        ]
    };
    let front = Front::around(kind, "single.test", providers, |around| {
        around.site.tls = Some(tls);
        around.trusted = Some(authority.pem().to_owned());
    })
    .await;
    for host in front.hosts() {
        let target = "/json?a=1&b=%2F&c=x%26y";
        let page = front.url(host, target);
        assert!(page.starts_with("https://"), "{kind:?}: {page}");
        let browser = Browser::trusting(authority.pem());

        // Each step by itself: every cookie on the way is for TLS alone.
        let mut cookies = Vec::new();
        let mut step = browser.get(&page).await;
        let landed = loop {
            if step.url.scheme() == "https" {
                let set = step.headers.get_all("set-cookie").iter();
                cookies.extend(set.map(|value| value.to_str().unwrap().to_owned()));
            }
            step = match step.redirect() {
                Some(next) => browser.get(&next).await,
                None if step.url.path().starts_with("/application/o/authorize") => {
                    let form = [("username", "alice"), ("password", "alice-password")];
                    browser.post_form(step.url.as_str(), &form).await
                }
                None => break step,
            };
        };
        assert_eq!(landed.status, 200, "{kind:?} {host}: {}", landed.body);
        assert_eq!(landed.url.as_str(), page, "{kind:?} {host}");
        assert_eq!(landed.json()["target"], target, "{kind:?} {host}");
        let told = |name: &str| landed.received(name).unwrap_or_default();
        assert_eq!(told("X-Forwarded-Proto"), "https", "{kind:?} {host}");
        assert_eq!(told("X-Forwarded-Host"), format!("{host}:{}", front.proxy.at.port()));
        assert_eq!(told("X-authentik-username"), "alice", "{kind:?} {host}");
        assert!(cookies.len() >= 2, "{kind:?} {host}: {cookies:?}");
        for cookie in &cookies {
            assert!(cookie.contains("; Secure"), "{kind:?} {host}: {cookie}");
            assert!(cookie.contains("; HttpOnly"), "{kind:?} {host}: {cookie}");
        }
    }
}

/// TLS in front of a plain server, until the test ends.
struct Encrypted {
    address: SocketAddr,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    open: Arc<Mutex<JoinSet<()>>>,
}

impl Encrypted {
    async fn before(to: SocketAddr, certificate: &(String, String)) -> Self {
        // Some take the first address of `localhost`, whichever it is.
        let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await {
            Ok(both) => both,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
        };
        let address = listener.local_addr().unwrap();
        let config = Arc::new(Mutex::new(showing(certificate)));
        let open = Arc::new(Mutex::new(JoinSet::new()));
        let (current, connections) = (Arc::clone(&config), Arc::clone(&open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(Arc::clone(&current.lock().unwrap()));
                connections.lock().unwrap().spawn(async move {
                    // Whoever does not trust the certificate is gone.
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    let mut inner = TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        Self { address, config, open }
    }

    /// Another certificate; connections that trusted the one before end.
    fn shows(&self, certificate: &(String, String)) {
        *self.config.lock().unwrap() = showing(certificate);
        self.open.lock().unwrap().abort_all();
    }

    fn url(&self) -> url::Url {
        format!("https://localhost:{}", self.address.port()).parse().unwrap()
    }
}

fn showing((certificate, key): &(String, String)) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

/// What the operator gave as `https` is spoken to over TLS, and must have the name's certificate.
pub(crate) async fn outpost_and_application_are_who_they_say(kind: Kind) {
    let folder = Folder::new();
    let authority = Authority::new();
    let authorities = folder.write("authorities.pem", authority.pem());
    let good = authority.issue(&["localhost".to_owned()]);
    let other_name = authority.issue(&["other.test".to_owned()]);
    let stranger = Authority::new().issue(&["localhost".to_owned()]);

    let world = World::start().await;
    let reserved = Reserved::any();
    let external = format!("http://single.test:{}", reserved.port());
    world.serve([ProviderSpec::forward_single("single", &external).skip("^/public/")]).await;
    let outpost = Encrypted::before(world.http(), &good).await;
    let application = Encrypted::before(world.app.address(), &good).await;
    let mut around = Around::of(&world, &[]);
    // HAProxy's own client asks a resolver for names, and none knows this one.
    let is_asked_over_tls = kind != Kind::HaProxy;
    if is_asked_over_tls {
        around.site.outpost = outpost.url();
    }
    around.site.upstream = Some(application.url());
    around.authorities = Some(authorities.clone());
    // Caddy and Traefik take the machine's authorities from where its environment says.
    let own = match kind {
        Kind::Nginx | Kind::Envoy => Some("/etc/ssl/certs/ca-certificates.crt"),
        Kind::HaProxy => Some("@system-ca"),
        _ => None,
    };
    around.instead.extend(own.map(|own| (own, authorities.to_string_lossy().into_owned())));
    let proxy = Proxy::between(kind, reserved, "single.test", &around, &world).await;

    for (at_outpost, at_application, open) in [
        (&good, &good, true),
        (&good, &stranger, false),
        (&good, &other_name, false),
        (&stranger, &good, false),
        (&other_name, &good, false),
        (&good, &good, true),
    ] {
        if !is_asked_over_tls && !std::ptr::eq(at_outpost, &raw const good) {
            continue;
        }
        outpost.shows(at_outpost);
        application.shows(at_application);
        let answer = Browser::new().get(&proxy.at.url("single.test", "/public/x")).await;
        let arrived = answer.status == 200 && answer.body.contains("/public/x");
        assert_eq!(arrived, open, "{kind:?}: {} {}", answer.status, answer.body);
        assert!(open || answer.status.is_server_error(), "{kind:?}: {}", answer.status);
    }
}
