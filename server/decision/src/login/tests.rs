use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::*;
use crate::cookie;
use crate::test_support::{exchanges, provider};

const NOW: Timestamp = Timestamp(1_800_000_000);
const TARGET: &str = "http://app.test:9000/deep?q=a%20b&x=1#f";

fn flow(return_to: &str) -> NewFlow<'_> {
    NewFlow { return_to, tries: 0, now: NOW, lifetime: DEFAULT_FLOW_SECONDS }
}

fn random(seed: u8) -> [u8; 32] {
    crate::crypto::sha256(&[seed])
}

fn parameters(location: &str) -> HashMap<String, String> {
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

/// The `name=value` of a cookie to set, as a browser sends it back.
fn sent_back(cookie: &SetCookie) -> String {
    cookie.to_string().split(';').next().unwrap().to_owned()
}

fn value_of(cookie: &SetCookie) -> String {
    sent_back(cookie).split_once('=').unwrap().1.to_owned()
}

#[test]
fn the_authorize_url_has_exactly_the_parameters_of_the_contract() {
    let provider = provider();
    let begun = begin(&provider, &flow(TARGET), &random(1)).unwrap();
    assert!(
        begun.location.starts_with("http://127.0.0.1:8000/application/o/authorize/?client_id=")
    );
    let got = parameters(&begun.location);
    let names: HashSet<_> = got.keys().map(String::as_str).collect();
    let expected = [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "nonce",
    ];
    assert_eq!(names, HashSet::from(expected));
    assert_eq!(got["client_id"], provider.client_id);
    assert_eq!(got["redirect_uri"], provider.redirect_uri);
    assert_eq!(got["response_type"], "code");
    assert_eq!(got["scope"], provider.scope);
    assert_eq!(got["code_challenge_method"], "S256");
    assert_eq!(got["code_challenge"].len(), 43);
}

#[test]
fn a_query_of_the_endpoint_is_kept() {
    let mut provider = provider();
    provider.endpoints.authorization = Url::parse("https://core.test/authorize?tenant=a").unwrap();
    let location = begin(&provider, &flow(TARGET), &random(1)).unwrap().location;
    assert!(location.starts_with("https://core.test/authorize?tenant=a&client_id="));
}

#[test]
fn a_flow_comes_back_to_the_browser_that_began_it() {
    let provider = provider();
    let begun = begin(&provider, &flow(TARGET), &random(1)).unwrap();
    let sent = parameters(&begun.location);
    let record = read_state(&provider, &sent["state"], NOW.plus(60)).unwrap();
    assert_eq!(record.return_to, TARGET);
    assert_eq!(record.tries, 0);
    assert_eq!(record.cookie_name(&provider), begun.flow_cookie.name());
    let header = format!("a=b; {}", sent_back(&begun.flow_cookie));
    let values = cookie::values([header.as_bytes()], &record.cookie_name(&provider));
    let proof = record.proof(&provider, values[0]).unwrap();
    assert_eq!(code_challenge(&proof.pkce_verifier(&provider)), sent["code_challenge"]);
    assert_eq!(proof.nonce(&provider), sent["nonce"]);
}

/// Login CSRF: the attacker's state in the victim's browser.
#[test]
fn another_browser_or_another_flow_does_not_match() {
    let provider = provider();
    let mine = begin(&provider, &flow(TARGET), &random(1)).unwrap();
    let other = begin(&provider, &flow(TARGET), &random(2)).unwrap();
    let record = read_state(&provider, &parameters(&mine.location)["state"], NOW).unwrap();
    let good = value_of(&mine.flow_cookie);
    assert!(record.proof(&provider, &good).is_some());
    let padded = format!("{good}==");
    for wrong in
        [value_of(&other.flow_cookie).as_str(), "", "AAAAAAAAAAAAAAAAAAAAAA", &good[1..], &padded]
    {
        assert!(record.proof(&provider, wrong).is_none(), "{wrong}");
    }
    // The same binding value under another flow id is not enough either.
    let mut mixed = random(3);
    mixed[16..].copy_from_slice(&random(1)[16..]);
    let third = begin(&provider, &flow(TARGET), &mixed).unwrap();
    assert_eq!(value_of(&third.flow_cookie), good);
    let record = read_state(&provider, &parameters(&other.location)["state"], NOW).unwrap();
    assert!(record.proof(&provider, &good).is_none());
}

#[test]
fn twenty_tabs_have_cookies_of_their_own_and_all_finish() {
    let provider = provider();
    let begun: Vec<_> =
        (0..20).map(|n| begin(&provider, &flow(TARGET), &random(n)).unwrap()).collect();
    let names: HashSet<_> = begun.iter().map(|flow| flow.flow_cookie.name()).collect();
    assert_eq!(names.len(), 20);
    let header = begun.iter().map(|b| sent_back(&b.flow_cookie)).collect::<Vec<_>>().join("; ");
    for flow in begun.iter().rev() {
        let record = read_state(&provider, &parameters(&flow.location)["state"], NOW).unwrap();
        let values = cookie::values([header.as_bytes()], &record.cookie_name(&provider));
        assert!(values.iter().any(|value| record.proof(&provider, value).is_some()));
    }
    assert!(cookie::surplus_flows([header.as_bytes()], &provider.cookie.name, 20).is_empty());
}

#[test]
fn nothing_secret_travels_in_the_url() {
    let provider = provider();
    let begun = begin(&provider, &flow(TARGET), &random(1)).unwrap();
    let record = read_state(&provider, &parameters(&begun.location)["state"], NOW).unwrap();
    let value = value_of(&begun.flow_cookie);
    let proof = record.proof(&provider, &value).unwrap();
    let payload = parameters(&begun.location)["state"].split('.').nth(1).unwrap().to_owned();
    let payload = String::from_utf8(crate::crypto::from_base64url(payload).unwrap()).unwrap();
    for secret in [value, proof.pkce_verifier(&provider)] {
        assert!(!begun.location.contains(&secret) && !payload.contains(&secret));
    }
    assert!(!format!("{begun:?}").contains(&value_of(&begun.flow_cookie)));
}

#[test]
fn an_expired_state_still_tells_its_target() {
    let provider = provider();
    let mut flow = flow(TARGET);
    flow.tries = 2;
    let state = parameters(&begin(&provider, &flow, &random(1)).unwrap().location)["state"].clone();
    let end = NOW.plus(DEFAULT_FLOW_SECONDS);
    assert!(read_state(&provider, &state, Timestamp(end.0 - 1)).is_ok());
    let Err(StateError::Expired(record)) = read_state(&provider, &state, end) else {
        panic!("not expired");
    };
    assert_eq!((record.return_to.as_str(), record.tries), (TARGET, 2));
}

#[test]
fn a_state_of_another_provider_or_a_forged_one_is_told_apart() {
    let ours = provider();
    let state =
        parameters(&begin(&ours, &flow(TARGET), &random(1)).unwrap().location)["state"].clone();

    let mut other_secret = provider();
    other_secret.cookie_secret = SecretString::from("another".to_owned());
    assert_eq!(read_state(&other_secret, &state, NOW), Err(StateError::BadSignature));
    let mut other_client = provider();
    other_client.client_id = "other".to_owned();
    assert_eq!(read_state(&other_client, &state, NOW), Err(StateError::WrongIssuer));

    let parts: Vec<_> = state.split('.').collect();
    let payload = crate::crypto::from_base64url(parts[1]).unwrap();
    let evil = String::from_utf8(payload).unwrap().replace("app.test", "evil.test");
    let evil = format!("{}.{}.{}", parts[0], base64url(evil.as_bytes()), parts[2]);
    assert_eq!(read_state(&ours, &evil, NOW), Err(StateError::BadSignature));

    let none = base64url(json!({"alg": "none"}).to_string().as_bytes());
    for bad in [
        String::new(),
        ".".to_owned(),
        "STATE.JWT.HERE".to_owned(),
        format!("{none}.{}.", parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.!", parts[0], parts[1]),
        format!("{state}{}", "x".repeat(20_000)),
    ] {
        assert_eq!(read_state(&ours, &bad, NOW), Err(StateError::Malformed), "{bad:.60}");
    }
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(read_state(&ours, &unsigned, NOW), Err(StateError::BadSignature));
}

#[test]
fn an_empty_cookie_secret_begins_and_accepts_nothing() {
    let mut provider = provider();
    let state =
        parameters(&begin(&provider, &flow(TARGET), &random(1)).unwrap().location)["state"].clone();
    provider.cookie_secret = SecretString::from(String::new());
    assert_eq!(
        begin(&provider, &flow(TARGET), &random(1)).unwrap_err(),
        BeginError::NoCookieSecret
    );
    assert_eq!(read_state(&provider, &state, NOW), Err(StateError::BadSignature));
}

#[test]
fn a_target_too_long_for_a_url_becomes_the_root() {
    let mut provider = provider();
    provider.external.path = "/sub".to_owned();
    let read = |target: &str| {
        let begun = begin(&provider, &flow(target), &random(1)).unwrap();
        read_state(&provider, &parameters(&begun.location)["state"], NOW).unwrap().return_to
    };
    let fits = format!("http://app.test:9000/{}", "a".repeat(MAX_RETURN_TO - 21));
    assert_eq!(read(&fits), fits);
    assert_eq!(read(&format!("{fits}a")), "http://app.test:9000/sub/");
}

#[test]
fn the_flow_cookie_goes_to_the_callback_only() {
    let mut provider = provider();
    let render = |provider: &Provider| {
        let begun = begin(provider, &flow(TARGET), &random(1)).unwrap();
        let text = begun.flow_cookie.to_string();
        text.split_once("; ").unwrap().1.to_owned()
    };
    assert_eq!(
        render(&provider),
        "Path=/outpost.goauthentik.io; Max-Age=1800; HttpOnly; SameSite=Lax"
    );
    provider.redirect_uri = "https://app.test/sub/outpost.goauthentik.io/callback?x=/y".to_owned();
    provider.cookie.secure = true;
    provider.cookie.domain = Some("test".to_owned());
    assert_eq!(
        render(&provider),
        "Path=/sub/outpost.goauthentik.io; Domain=test; Max-Age=1800; Secure; HttpOnly; SameSite=Lax"
    );
    let gone = remove_flow_cookie(&provider, "n").to_string();
    assert!(
        gone.starts_with("n=; Path=/sub/outpost.goauthentik.io; Domain=test; Max-Age=0; Expires=")
    );
    for (uri, directory) in [
        ("https://app.test", "/"),
        ("https://app.test?x=a/b", "/"),
        ("https://app.test/cb", "/"),
        ("https://app.test/a?X-authentik-auth-callback=true", "/"),
        ("https://app.test/a/outpost.goauthentik.io/callback#/z", "/a/outpost.goauthentik.io"),
    ] {
        provider.redirect_uri = uri.to_owned();
        assert_eq!(callback_directory(&provider), directory, "{uri}");
    }
}

#[test]
fn the_end_of_a_session_at_core() {
    let mut provider = provider();
    assert_eq!(
        end_session_url(&provider, Some("a.b-_.c")).as_deref(),
        Some("http://127.0.0.1:8000/application/o/app-proxy/end-session/?id_token_hint=a.b-_.c")
    );
    assert!(end_session_url(&provider, None).unwrap().ends_with("/end-session/"));
    provider.endpoints.end_session = None;
    assert_eq!(end_session_url(&provider, None), None);
}

#[test]
fn captured_callbacks_are_understood() {
    let query_of = |exchange: &serde_json::Value| {
        let headers = exchange["response"]["headers"].as_array().unwrap().clone();
        let location = headers.iter().find(|pair| pair[0] == "location")?[1].as_str()?.to_owned();
        location.contains("/callback?").then(|| location.split_once('?').unwrap().1.to_owned())
    };
    let good = exchanges("16_login_sso.json");
    let query = query_of(&good[0]).unwrap();
    let Callback::Code { code, state } = parse_callback(&query) else { panic!("{query}") };
    assert_eq!((code.len(), state.as_str()), (32, "STATE.JWT.HERE"));

    let mut errors = Vec::new();
    for exchange in exchanges("20_authorize_errors.json") {
        let Some(query) = query_of(&exchange) else { continue };
        let Callback::Error { error, description, state } = parse_callback(&query) else {
            panic!("{query}")
        };
        assert_eq!(state.as_deref(), Some("STATE.JWT.HERE"));
        assert!(description.to_lowercase().starts_with("the authorization server "));
        errors.push(error);
    }
    assert_eq!(errors, ["login_required", "unsupported_response_type"]);
}

#[test]
fn other_callbacks() {
    let error = |error: &str, description: &str| Callback::Error {
        error: error.to_owned(),
        description: description.to_owned(),
        state: None,
    };
    assert!(
        parse_callback("error=access_denied&error_description=a%0D%0Ab")
            == error("access_denied", "ab")
    );
    assert!(parse_callback("X-authentik-auth-callback=true%3Ferror=x") == error("x", ""));
    assert!(
        parse_callback("code=c&state=s&error=e")
            == Callback::Error {
                error: "e".to_owned(),
                description: String::new(),
                state: Some("s".to_owned())
            }
    );
    let long = format!("code={}&state=s", "c".repeat(MAX_RETURN_TO + 1));
    let huge = format!("code=c&state=s&x={}", "x".repeat(70_000));
    for incomplete in [
        "",
        "X-authentik-auth-callback=true",
        "code=c",
        "state=s",
        "code=&state=s",
        "code=c&state=",
        "code=c&code=d&state=s",
        "code=c&state=s&state=t",
        "Code=c&State=s",
        &long,
        &huge,
        "X-authentik-auth-callback=true?code",
        "%ff%fe=%ff&&&==;",
    ] {
        assert!(parse_callback(incomplete) == Callback::Incomplete, "{incomplete:.60}");
    }
    assert!(!format!("{:?}", parse_callback("code=sesame&state=s")).contains("sesame"));
}

proptest! {
    #[test]
    fn no_state_and_no_query_make_reading_fail(text in "\\PC{0,80}", flip in any::<prop::sample::Index>()) {
        let provider = provider();
        prop_assert!(read_state(&provider, &text, NOW).is_err());
        let _ = parse_callback(&text);
        // One changed character of a good state is never accepted.
        let good = parameters(&begin(&provider, &flow(TARGET), &random(1)).unwrap().location)["state"].clone();
        let mut changed = good.clone().into_bytes();
        let at = flip.index(changed.len());
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        prop_assert!(read_state(&provider, &changed, NOW).is_err());
    }
}

/// Browsers compare the bytes of a path with a cookie's: on another spelling there is no session.
#[test]
fn people_land_where_the_browser_sends_the_cookie() {
    for (cookie_path, asked, landed) in [
        ("/~bob", "/%7Ebob/x?a=%7Ebob#f", "/~bob/x?a=%7Ebob#f"),
        ("/~bob", "/%7ebob", "/~bob"),
        ("/~bob", "/%7Ebob/%7Ebob/", "/~bob/%7Ebob/"),
        ("/~bob", "/~bob/x", "/~bob/x"),
        ("/%7Ebob", "/~bob/x", "/%7Ebob/x"),
        ("/a/b", "/a/%62/c", "/a/b/c"),
        ("/a/b", "/a/%62c", "/a/%62c"),
        ("/a/b", "/%61", "/%61"),
        ("/a/b", "/a%2Fb/c", "/a%2Fb/c"),
        ("/a", "?x=/%61", "?x=/%61"),
        ("/", "/%7Ebob/x", "/%7Ebob/x"),
    ] {
        let mut provider = provider();
        provider.cookie.path = cookie_path.to_owned();
        let origin = "http://app.test:9000";
        let begun = begin(&provider, &flow(&format!("{origin}{asked}")), &random(1)).unwrap();
        let state = &parameters(&begun.location)["state"];
        let record = read_state(&provider, state, NOW).unwrap();
        assert_eq!(record.return_to, format!("{origin}{landed}"), "{cookie_path} {asked}");
    }
}
