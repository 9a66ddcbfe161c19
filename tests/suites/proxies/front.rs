//! A proxy in front of the sample application, for an application and for a whole domain.

use outpost_demo::core::ProviderSpec;
use outpost_tests::proxies::{Around, Kind, Proxy, Reserved};
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

use crate::ask::{self, Verdict};

/// The host of an application below the domain.
pub(crate) const BELOW: &str = "app.domain.test";

pub(crate) struct Front {
    pub(crate) kind: Kind,
    pub(crate) proxy: Proxy,
    pub(crate) world: World,
}

impl Front {
    /// `single.test`, and [`BELOW`] of a whole domain; both have everything below `/public/` open.
    pub(crate) async fn of(kind: Kind) -> Self {
        Self::serving(kind, "single.test", |at| {
            let mut all =
                vec![ProviderSpec::forward_single("single", &at("single.test")).skip("^/public/")];
            if kind != Kind::NginxProxyManager {
                let domain =
                    ProviderSpec::forward_domain("domain", &at("auth.domain.test"), "domain.test");
                all.push(domain.skip("^https?://[^/]+/public/"));
            }
            all
        })
        .await
    }

    /// What `providers` makes of a function that gives the address of a host at the proxy.
    pub(crate) async fn serving(
        kind: Kind,
        host: &str,
        providers: impl FnOnce(&dyn Fn(&str) -> String) -> Vec<ProviderSpec>,
    ) -> Self {
        Self::around(kind, host, providers, |_| {}).await
    }

    /// The same with more that the operator says.
    pub(crate) async fn around(
        kind: Kind,
        host: &str,
        providers: impl FnOnce(&dyn Fn(&str) -> String) -> Vec<ProviderSpec>,
        more: impl FnOnce(&mut Around),
    ) -> Self {
        let world = World::start().await;
        let reserved = Reserved::any();
        let port = reserved.port();
        let mut around = Around::of(&world, &[BELOW]);
        more(&mut around);
        let scheme = if around.site.tls.is_some() { "https" } else { "http" };
        world.serve(providers(&|host: &str| format!("{scheme}://{host}:{port}"))).await;
        let proxy = Proxy::between(kind, reserved, host, &around, &world).await;
        Self { kind, proxy, world }
    }

    /// The hosts of applications.
    pub(crate) fn hosts(&self) -> &'static [&'static str] {
        if self.kind == Kind::NginxProxyManager {
            &["single.test"]
        } else {
            &["single.test", BELOW]
        }
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        self.proxy.at.url(host, path)
    }

    /// A browser whose user is signed in at a host.
    pub(crate) async fn signed_in(&self, host: &str, user: &str) -> Browser {
        let browser = Browser::new();
        let landed = browser.sign_in(&self.url(host, "/json"), user).await;
        assert_eq!(landed.status, 200, "{:?} {host}: {}", self.kind, landed.body);
        browser
    }

    /// Sends `GET <target>` byte for byte, with more header lines, each with its line break.
    pub(crate) async fn raw(&self, host: &str, target: &[u8], more: &[u8]) -> Verdict {
        let mut head = b"GET ".to_vec();
        head.extend_from_slice(target);
        head.extend_from_slice(
            format!(" HTTP/1.1\r\nHost: {host}:{}\r\n", self.proxy.at.port()).as_bytes(),
        );
        head.extend_from_slice(b"Accept: text/html\r\n");
        head.extend_from_slice(more);
        ask::raw(self.proxy.at.address(), &head).await
    }

    /// The same as a script asks, for data.
    pub(crate) async fn data(&self, host: &str, target: &[u8]) -> Verdict {
        let mut head = b"GET ".to_vec();
        head.extend_from_slice(target);
        let port = self.proxy.at.port();
        let rest = format!(" HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/json\r\n");
        head.extend_from_slice(rest.as_bytes());
        ask::raw(self.proxy.at.address(), &head).await
    }

    /// Asks for `/json`-like data with every spelling of an identity header that a client may try.
    pub(crate) async fn spoofed(&self, browser: &Browser, url: &str) -> Answer {
        let headers = [
            ("X-authentik-username", "mallory"),
            ("x-AUTHENTIK-groups", "mallory"),
            ("X-Authentik-Uid", "mallory"),
            ("x-authentik-jwt", "mallory"),
            ("X-authentik-meta-app", "mallory"),
            ("x_authentik_username", "mallory"),
            ("X_AUTHENTIK_EMAIL", "mallory"),
            ("x-authentik_name", "mallory"),
            ("X_authentik-Meta_App", "mallory"),
            ("x.authentik.username", "mallory"),
            ("X-Authentik_Made-Up", "mallory"),
            // A hop that believes it would take the outpost's header away with the client's.
            ("connection", "close, X-authentik-username"),
            ("accept", "application/json"),
        ];
        browser.send(Method::GET, url, &headers, None).await
    }
}
