//! Where people are sent: never to somebody else's site.

use crate::attacks::exchange::Ask;
use crate::attacks::site::{HOMES, PROXY, Person, Site};

/// Where signing in with this return target leads.
async fn destination(site: &Site, home: &str, rd: &str) -> String {
    let mut person = Person::default();
    let authorize = site.begin(&mut person, home, rd).await;
    let back = site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
    assert_eq!(back.status, 302, "{rd:?}: {back:?}");
    assert!(person.session().is_some(), "{rd:?}: {back:?}");
    back.header("location").unwrap().to_owned()
}

/// Signing in at each mode with each of these targets leads to its front page, and with a sound
/// one to that.
async fn assert_none_is_followed(hostile: impl Fn(&str) -> Vec<String>) {
    let site = Site::start().await;
    for home in HOMES {
        let front = format!("http://{home}/");
        for rd in hostile(home) {
            assert_eq!(destination(&site, home, &rd).await, front, "{home}: {rd:?}");
        }
        let sound = format!("http://{home}/page?a=1&b=%2F");
        assert_eq!(destination(&site, home, &sound).await, sound);
        assert_eq!(destination(&site, home, "/page?a=1&b=%2F").await, sound);
    }
    let wiki = "https://wiki.domain.test/page";
    assert_eq!(destination(&site, "auth.domain.test", wiki).await, wiki);
}

/// GHSA-5m6c-jp6f-2vcv and its kin: browsers read a backslash as a slash.
#[tokio::test]
async fn a_backslash_leads_nowhere_else() {
    assert_none_is_followed(|home| {
        vec![
            "/\\evil.test".to_owned(),
            "\\\\evil.test".to_owned(),
            "\\/evil.test".to_owned(),
            "/\\/evil.test".to_owned(),
            "http:\\\\evil.test".to_owned(),
            format!("http://evil.test\\@{home}/"),
            format!("http://{home}\\.evil.test/"),
        ]
    })
    .await;
}

/// GHSA-j7px-6hwj-hpjg, GHSA-qqxw-m5fj-f7gv: browsers drop tabs and line breaks wherever they stand.
#[tokio::test]
async fn tabs_and_line_breaks_lead_nowhere_else() {
    assert_none_is_followed(|home| {
        vec![
            "/\t/evil.test".to_owned(),
            "/\n/evil.test".to_owned(),
            "/\r\n/evil.test".to_owned(),
            "/\r\nSet-Cookie: a=b".to_owned(),
            "\u{1}https://evil.test".to_owned(),
            " https://evil.test".to_owned(),
            "ht\ttp://evil.test".to_owned(),
            format!("http://{home}\t.evil.test/"),
            format!("http://{home}\0.evil.test/"),
        ]
    })
    .await;
}

/// Two slashes name another host; a scheme with fewer or more of them does as well.
#[tokio::test]
async fn odd_numbers_of_slashes_lead_nowhere_else() {
    assert_none_is_followed(|_| {
        [
            "//evil.test/",
            "///evil.test",
            "////evil.test",
            "https:evil.test",
            "https:/evil.test",
            "https:///evil.test",
            "http:evil.test/x",
        ]
        .map(str::to_owned)
        .to_vec()
    })
    .await;
}

#[tokio::test]
async fn other_sites_and_other_schemes_are_not_followed() {
    assert_none_is_followed(|home| {
        vec![
            "https://evil.test/".to_owned(),
            "javascript:alert(1)".to_owned(),
            "data:text/html,x".to_owned(),
            "ftp://evil.test/".to_owned(),
            "vbscript:x".to_owned(),
            format!("http://evil.test/http://{home}/"),
            format!("http://evil.test?{home}"),
            format!("http://evil.test#{home}"),
            "http://evil\u{3002}test/".to_owned(),
            "http://[::1]/".to_owned(),
            "http://0x7f000001/".to_owned(),
        ]
    })
    .await;
}

/// What stands before an `@` is no host.
#[tokio::test]
async fn user_information_is_no_host() {
    assert_none_is_followed(|home| {
        vec![
            format!("http://{home}@evil.test/"),
            format!("http://{home}:80@evil.test/"),
            format!("http://user:pass@{home}/"),
            format!("http://{home}%40evil.test/"),
            format!("http://{home}%2f@evil.test/"),
            "//@evil.test".to_owned(),
        ]
    })
    .await;
}

/// GHSA-4mf2-f3wh-gvf2: `evilexample.com` is no part of `example.com`.
#[tokio::test]
async fn a_domain_ends_at_a_dot() {
    assert_none_is_followed(|home| {
        // Below the cookie's domain every name is one of ours.
        let own = home.strip_prefix("auth.").unwrap_or(home);
        vec![
            format!("http://evil{own}/"),
            format!("http://evil-{own}/"),
            "http://evildomain.test/".to_owned(),
            "http://wiki.evildomain.test/".to_owned(),
            "http://xdomain.test/".to_owned(),
        ]
    })
    .await;
}

/// CVE-2026-41569, CVE-2024-52289: a host is compared whole, not by its begin or as a pattern.
#[tokio::test]
async fn a_host_is_compared_to_its_end() {
    assert_none_is_followed(|home| {
        vec![
            format!("http://{home}.evil.test/"),
            format!("http://{home}%00.evil.test/"),
            format!("http://{home}%2eevil.test/"),
            format!("http://{home}:80.evil.test/"),
            format!("http://{home}-evil.test/"),
            format!("http://{}/", home.replace('.', "x")),
            "http://domain.test.evil.test/".to_owned(),
            "http://authxdomain.test/".to_owned(),
        ]
    })
    .await;
}

/// A target that leads back to us would be a loop, or a sign-out that nobody asked for.
#[tokio::test]
async fn a_target_of_our_own_paths_is_not_followed() {
    assert_none_is_followed(|home| {
        vec![
            "/outpost.goauthentik.io/sign_out".to_owned(),
            "/outpost.goauthentik.io/start?rd=/x".to_owned(),
            "/outpost.goauthentik.io/callback".to_owned(),
            "/?X-authentik-logout=true".to_owned(),
            format!("http://{home}/x?X-authentik-logout=true"),
        ]
    })
    .await;
}

/// CVE-2022-23527: a sign-out leads to core, whatever it is told.
#[tokio::test]
async fn a_sign_out_leads_to_core_whatever_it_is_told() {
    let site = Site::start().await;
    let core = site.core.url();
    for home in HOMES {
        let mut person = Person::default();
        site.sign_in(&mut person, home, "alice").await;
        let cookie = person.session_pair();
        let evil = "https%3A%2F%2Fevil.test%2F";
        for (number, query) in [
            String::new(),
            format!("?rd={evil}"),
            format!("?redirect={evil}&post_logout_redirect_uri={evil}&next={evil}"),
            "?rd=/%5Cevil.test".to_owned(),
            format!("?X-authentik-logout=true&rd={evil}"),
        ]
        .iter()
        .enumerate()
        {
            let path = format!("/outpost.goauthentik.io/sign_out{query}");
            let mut ask = Ask::get(&path).line("Referer", "https://evil.test/");
            if number == 0 {
                ask = ask.line("Cookie", &cookie);
            }
            let out = site.send(PROXY, &ask.to(home)).await;
            assert_eq!(out.status, 302, "{home} {query}: {out:?}");
            let location = out.header("location").unwrap();
            assert!(location.starts_with(&format!("{core}/application/o/")), "{location}");
            assert!(!location.contains("evil"), "{location}");
        }
        // Signed out: the cookie is worth nothing.
        let after = site.visit(&mut person, home, "/outpost.goauthentik.io/callback").await;
        after.assert_shut(home);
    }
}
