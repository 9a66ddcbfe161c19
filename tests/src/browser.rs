//! A browser as far as HTTP goes: cookies by host, domain and path, redirects one at a time, and
//! every host name on loopback.

mod secure;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, redirect};
use rustls::ClientConfig;
use url::Url;

/// A browser with cookies of its own.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    tls: Option<Arc<ClientConfig>>,
    cookies: Arc<Mutex<Vec<Cookie>>>,
}

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// What was asked for.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

/// Every name is this machine.
pub(crate) struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let addresses: Addrs = Box::new(std::iter::once(here));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(Loopback))
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, tls: None, cookies: Arc::default() }
    }

    /// A browser that knows these authorities (PEM), and so opens `https` pages of this machine.
    #[must_use]
    pub fn trusting(authorities: &str) -> Self {
        Self { tls: Some(secure::config(authorities)), ..Self::new() }
    }

    /// The client underneath, without cookies: for scripts and machines.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Navigates to `url`, without following redirects.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(Method::GET, url, &[], None).await
    }

    /// One request with more headers, with the browser's cookies; cookies in the answer are kept.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let sent = self.try_send(method, url, headers, body).await;
        sent.unwrap_or_else(|error| panic!("{url}: {error:?}"))
    }

    /// The same where there may be no answer.
    ///
    /// # Errors
    /// There was none.
    ///
    /// # Panics
    /// At what is no URL and no header.
    pub async fn try_send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        let mut all = HeaderMap::new();
        if !given("accept") {
            let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
            all.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(cookies) = self.cookie_header(&url)
            && !given("cookie")
        {
            all.insert(COOKIE, HeaderValue::from_str(&cookies).expect("cookies"));
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
            all.append(name, value);
        }
        let (status, headers, body) = match &self.tls {
            Some(tls) if url.scheme() == "https" => {
                secure::send(Arc::clone(tls), method, &url, all, body).await?
            }
            _ => self.send_plain(method, &url, all, body).await?,
        };
        self.keep(&url, &headers);
        Ok(Answer { url, status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    async fn send_plain(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<String>,
    ) -> reqwest::Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let mut request = self.client.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok((status, headers, response.bytes().await?.to_vec()))
    }

    /// Navigates to `url` and follows redirects, at most 20, until something else comes.
    pub async fn follow(&self, url: &str) -> Answer {
        let mut answer = self.get(url).await;
        for _ in 0..20 {
            let Some(next) = answer.redirect() else { return answer };
            answer = self.get(&next).await;
        }
        panic!("a redirect loop, last at {}", answer.url);
    }

    /// Posts a form, as a page's button does.
    pub async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, url, &form, Some(body)).await
    }

    /// Opens `url`, signs in at core's page as `user` when it comes to that, and follows until
    /// something else than a redirect comes.
    pub async fn sign_in(&self, url: &str, user: &str) -> Answer {
        let page = self.follow(url).await;
        if !page.url.path().starts_with("/application/o/authorize") {
            return page;
        }
        let password = format!("{user}-password");
        let answer =
            self.post_form(page.url.as_str(), &[("username", user), ("password", &password)]).await;
        match answer.redirect() {
            Some(next) => self.follow(&next).await,
            None => answer,
        }
    }

    /// Value of a cookie, whatever its host.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().expect("cookies");
        cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone())
    }

    /// Names of all cookies.
    #[must_use]
    pub fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().expect("cookies").iter().map(|cookie| cookie.name.clone()).collect()
    }

    /// Forgets the cookies that `unwanted` names.
    pub fn forget(&self, unwanted: impl Fn(&str) -> bool) {
        self.cookies.lock().expect("cookies").retain(|cookie| !unwanted(&cookie.name));
    }

    /// Sets a cookie for one host, as an attacker on a sibling would.
    pub fn set_cookie(&self, host: &str, name: &str, value: &str) {
        self.cookies.lock().expect("cookies").push(Cookie {
            name: name.into(),
            value: value.into(),
            domain: host.into(),
            host_only: true,
            path: "/".into(),
        });
    }

    /// The `Cookie` header for `url`, if there is one.
    #[must_use]
    pub fn cookie_header(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let cookies = self.cookies.lock().expect("cookies");
        let fitting: Vec<String> = cookies
            .iter()
            .filter(|cookie| {
                let domain = if cookie.host_only {
                    host == cookie.domain
                } else {
                    host == cookie.domain || host.ends_with(&format!(".{}", cookie.domain))
                };
                domain && path_matches(url.path(), &cookie.path)
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!fitting.is_empty()).then(|| fitting.join("; "))
    }

    fn keep(&self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap_or_default();
        let mut cookies = self.cookies.lock().expect("cookies");
        for header in headers.get_all("set-cookie") {
            let Ok(text) = header.to_str() else { continue };
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let mut cookie = Cookie {
                name: name.into(),
                value: value.into(),
                domain: host.into(),
                host_only: true,
                path: "/".into(),
            };
            let mut gone = false;
            for part in parts {
                match part.split_once('=') {
                    Some((key, domain)) if key.eq_ignore_ascii_case("domain") => {
                        let domain = domain.trim_start_matches('.').to_ascii_lowercase();
                        let covers = host == domain || host.ends_with(&format!(".{domain}"));
                        assert!(covers, "{host} sets a cookie for {domain}");
                        cookie.domain = domain;
                        cookie.host_only = false;
                    }
                    Some((key, path)) if key.eq_ignore_ascii_case("path") => {
                        cookie.path = path.into();
                    }
                    Some((key, age)) if key.eq_ignore_ascii_case("max-age") => gone = age == "0",
                    _ => {}
                }
            }
            cookies.retain(|old| {
                (&old.name, &old.domain, &old.path) != (&cookie.name, &cookie.domain, &cookie.path)
            });
            if !gone {
                cookies.push(cookie);
            }
        }
    }
}

/// RFC 6265 section 5.1.4.
fn path_matches(path: &str, cookie: &str) -> bool {
    path == cookie
        || path
            .strip_prefix(cookie)
            .is_some_and(|rest| cookie.ends_with('/') || rest.starts_with('/'))
}

impl Answer {
    /// A header's value as text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A header's value as UTF-8, `None` when it is not there.
    #[must_use]
    pub fn header_text(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Where a redirect leads, as an absolute URL.
    #[must_use]
    pub fn redirect(&self) -> Option<String> {
        if !self.status.is_redirection() {
            return None;
        }
        let location = self.headers.get("location")?.to_str().ok()?;
        self.url.join(location).ok().map(Into::into)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.url, self.body))
    }

    /// What the sample application's `/json` says it received under `name`; several joined by a
    /// blank and a bar.
    #[must_use]
    pub fn received(&self, name: &str) -> Option<String> {
        let json = self.json();
        let values: Vec<&str> = json["headers"]
            .as_array()?
            .iter()
            .filter(|pair| pair[0].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name)))
            .filter_map(|pair| pair[1].as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(" | "))
    }
}
