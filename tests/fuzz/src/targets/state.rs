//! Four lines: the page to return to; a state's payload, which is then signed as ours; the value of a
//! flow cookie; the raw query of a callback, which is also taken for a state.

use outpost_decision::cookie::{flow_name, values};
use outpost_decision::crypto::{base64url, from_base64url, hmac_sha256};
use outpost_decision::login::{
    Callback, MAX_RETURN_TO, NewFlow, StateError, StateRecord, begin, carried_callback,
    parse_callback, read_state,
};
use outpost_decision::provider::Provider;
use serde_json::Value;
use url::Url;

use super::Target;
use crate::input::first_line;
use crate::site;

pub(super) const TARGET: Target = Target {
    name: "state",
    asserts: "a sign-in that was begun is finished by its own cookie alone and before its end, its page \
              stays as it was, nothing unsigned is read, and callbacks are cut and cleaned",
    check,
};

/// Base64url of a state's header.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (return_to, payload, cookie, query) = (line(), line(), line(), line());
    let site = &site::sites()[1];
    let (provider, other) = (site.app(), site.single());

    begun(provider, other, return_to, cookie);
    signed(provider, other, payload, cookie);
    let unsigned = first_line(query.as_bytes()).0;
    if let Ok(unsigned) = std::str::from_utf8(unsigned) {
        assert!(read_state(provider, unsigned, site::NOW).is_err(), "{unsigned}");
        assert!(read_state(provider, &format!("{HEADER}.{payload}.{cookie}"), site::NOW).is_err());
    }
    called_back(provider, query);
}

fn begun(provider: &Provider, other: &Provider, return_to: &str, cookie: &str) {
    let flow = NewFlow { return_to, tries: 3, now: site::NOW, lifetime: 1800 };
    // As good as random: a pattern could stand in what an input says as well.
    let random = hmac_sha256(b"random", &[return_to.as_bytes()]);
    let begun = begin(provider, &flow, &random).expect("the provider has a secret");
    let location = Url::parse(&begun.location).expect("a URL");
    assert_eq!(location.host_str(), Some("core.test"));
    let parameter = |name: &str| {
        let mut found = location.query_pairs().filter(|(key, _)| key == name);
        let value = found.next().expect("a parameter").1.into_owned();
        assert!(found.next().is_none(), "{name} twice");
        value
    };
    assert_eq!(parameter("redirect_uri"), provider.redirect_uri);
    assert_eq!(parameter("code_challenge_method"), "S256");
    let state = parameter("state");
    let record = read_state(provider, &state, site::NOW).expect("our own state");
    if return_to.len() <= MAX_RETURN_TO {
        assert_eq!(record.return_to, return_to);
    } else {
        assert_eq!(record.return_to, "http://app.test:9000/");
    }
    assert_eq!((record.tries, record.issued), (3, site::NOW));
    let at = |seconds| read_state(provider, &state, site::NOW.plus(seconds));
    assert!(at(1799).is_ok());
    assert_eq!(at(1800), Err(StateError::Expired(Box::new(record.clone()))));
    assert!(read_state(other, &state, site::NOW).is_err(), "another client's");

    let set = begun.flow_cookie.to_string();
    let pair = set.split(';').next().expect("a pair");
    let name = record.cookie_name(provider);
    assert!(name.starts_with(&flow_name(&provider.cookie.name, "")) && pair.starts_with(&name));
    let found = values([pair.as_bytes()], &name);
    let proof = record.proof(provider, found.first().expect("a value")).expect("its own cookie");
    assert_eq!(parameter("nonce"), proof.nonce(provider));
    assert_ne!(proof.nonce(provider), proof.pkce_verifier(provider));
    assert!(cookie == found[0] || record.proof(provider, cookie).is_none(), "{cookie}");
    // Nothing that travels gives the verifier away.
    assert!(!begun.location.contains(&proof.pkce_verifier(provider)));
    assert!(!begun.location.contains(found[0]));
}

/// A payload of any kind, under our own signature: an older outpost may have written it.
fn signed(provider: &Provider, other: &Provider, payload: &str, cookie: &str) {
    let message = format!("{HEADER}.{}", base64url(payload.as_bytes()));
    let mac = hmac_sha256(site::COOKIE_SECRET.as_bytes(), &[message.as_bytes()]);
    let state = format!("{message}.{}", base64url(&mac));
    let said = || serde_json::from_str::<Value>(payload).expect("JSON");
    let check = |record: &StateRecord| {
        let said = said();
        assert_eq!(said["iss"], "goauthentik.io/outpost/client-1");
        assert_eq!(said["rd"], record.return_to);
        assert_eq!(said["try"], record.tries);
        // Whoever has the cookie has to have the binding value that was hashed.
        if let Some(proof) = record.proof(provider, cookie) {
            assert_eq!(from_base64url(cookie).map(|value| value.len()), Some(16));
            assert_eq!(proof.pkce_verifier(provider).len(), 43);
        }
    };
    match read_state(provider, &state, site::NOW) {
        Ok(record) => {
            assert!(record.expires > site::NOW);
            check(&record);
        }
        Err(StateError::Expired(record)) => {
            assert!(record.expires <= site::NOW);
            check(&record);
        }
        Err(StateError::BadSignature) => panic!("our own signature"),
        Err(StateError::Malformed | StateError::WrongIssuer) => {}
    }
    assert!(
        !matches!(
            (read_state(provider, &state, site::NOW), read_state(other, &state, site::NOW)),
            (Ok(_), Ok(_))
        ),
        "a state of two clients"
    );
}

fn called_back(provider: &Provider, query: &str) {
    match parse_callback(query) {
        Callback::Code { code, state } => {
            assert!((1..=4096).contains(&code.len()) && (1..=16 * 1024).contains(&state.len()));
        }
        Callback::Error { error, description, state } => {
            for text in [error, description] {
                assert!(text.chars().count() <= 300 && !text.chars().any(char::is_control));
            }
            assert!(state.is_none_or(|state| (1..=16 * 1024).contains(&state.len())));
        }
        Callback::Incomplete => {}
    }
    if let Some(path) = carried_callback(provider, Some(query)) {
        let here = Url::parse("http://app.test:9000/akprox/start").expect("a URL");
        let there = here.join(&path).expect("a path");
        assert_eq!((there.origin(), there.path()), (here.origin(), "/akprox/callback"));
    }
}
