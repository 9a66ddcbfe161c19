//! Where everybody has to say who they are.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use outpost_decision::time::Timestamp;

use super::*;
use crate::session::memory::MemoryStore;
use crate::session::{SessionStore, SharedValues, StoreError};

const ELSEWHERE: &str = "192.0.2.9";

/// Notes that can be out of reach.
struct Moody {
    store: MemoryStore,
    away: AtomicBool,
}

impl Moody {
    fn new() -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(10), away: AtomicBool::new(false) })
    }

    fn passage(&self) -> Result<&dyn SharedValues, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(self.store.values())
    }
}

impl Notes for Moody {
    fn values(&self) -> &dyn SharedValues {
        self
    }

    fn are_durable(&self) -> bool {
        true
    }
}

#[async_trait]
impl SharedValues for Moody {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.passage()?.read(name, now).await
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.passage()?.write(name, value, lifetime, now).await
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.passage()?.swap(name, expected, value, lifetime, now).await
    }
}

fn parts() -> AccessParts {
    AccessParts {
        token: Some("act-token".into()),
        view_token: Some("view-token".into()),
        notes: Moody::new(),
        ..testing::parts()
    }
}

fn replica(notes: &Arc<Moody>) -> Access {
    Access::new(AccessParts { notes: Arc::clone(notes) as Arc<dyn Notes>, ..parts() })
}

/// What a browser sends of a `Set-Cookie`.
fn kept(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap().to_owned()
}

fn badge(access: &Access, token: &str) -> Badge {
    access.admit_by_token(get(&HeaderMap::new()), token).unwrap()
}

fn cookie_of(access: &Access, badge: &Badge) -> String {
    kept(&access.cookie(badge).unwrap())
}

fn get(headers: &HeaderMap) -> Asking<'_> {
    let peer = ELSEWHERE.parse().ok();
    Asking { peer, version: Version::HTTP_11, method: &Method::GET, headers }
}

fn post(headers: &HeaderMap) -> Asking<'_> {
    Asking { method: &Method::POST, ..get(headers) }
}

/// A request from anywhere, by whatever name, with this cookie.
fn with(cookie: &str) -> HeaderMap {
    headers(&[("host", "outpost.example.com"), ("cookie", cookie)])
}

#[actix_web::test]
async fn a_token_gives_its_role_until_the_time_is_up() {
    let access = Access::new(parts());
    assert_eq!(access.ways(), Some(Ways { token: true, core: false }));
    for (token, role) in [("act-token", Role::Act), ("view-token", Role::View)] {
        let badge = badge(&access, token);
        let sent = with(&cookie_of(&access, &badge));
        let operator = access.page(get(&sent)).await.unwrap();
        assert_eq!((operator.role, operator.how), (role, How::Token));
        assert_eq!(operator.may(Role::Act).is_ok(), role == Role::Act);
        let viewer = operator.viewer();
        assert!(viewer.signed_in && !viewer.csrf.is_empty());
    }
    let now = clock::now();
    for (since, until, seen) in [(-10, 10, true), (-10, 0, false), (-4000, 10, false)] {
        let badge =
            Badge { since: now.plus(since), until: now.plus(until), ..badge(&access, "act-token") };
        let sent = with(&cookie_of(&access, &badge));
        assert_eq!(access.page(get(&sent)).await.is_ok(), seen, "{since} {until}");
    }
}

#[actix_web::test]
async fn whoever_brings_nothing_of_ours_is_asked_to_sign_in() {
    let access = Access::new(parts());
    let other = |parts| {
        let other = Access::new(parts);
        cookie_of(&other, &badge(&other, "view-token"))
    };
    let good = cookie_of(&access, &badge(&access, "act-token"));
    for cookie in [
        String::new(),
        "outpost_operator=".to_owned(),
        "outpost_operator=made-up".to_owned(),
        format!("x{good}"),
        format!("{good}A"),
        good.replace("outpost_operator", "__Host-outpost_operator"),
        other(AccessParts { core_token: "another".into(), ..parts() }),
        other(AccessParts { token: Some("rotated".into()), ..parts() }),
        other(AccessParts { token: None, ..parts() }),
        other(AccessParts { core: Some("slug".into()), ..parts() }),
    ] {
        let sent = with(&cookie);
        assert_eq!(access.page(get(&sent)).await, Err(Refusal::SignIn), "{cookie}");
    }
    // From this machine as well, and whatever else it brings.
    let near = Asking { peer: HERE.parse().ok(), ..get(&headers(&[("host", "localhost")])) }.peer;
    let sent = headers(&[("host", "localhost"), ("authorization", "Bearer act-token")]);
    assert_eq!(access.page(Asking { peer: near, ..get(&sent) }).await, Err(Refusal::SignIn));
    // One that is not ours beside one that is: another path or domain may have set it.
    let sent = with(&format!("outpost_operator=made-up; {good}"));
    assert!(access.page(get(&sent)).await.is_ok());
}

#[actix_web::test]
async fn a_session_that_was_signed_out_ends_on_every_replica() {
    let notes = Moody::new();
    let (here, there) = (replica(&notes), replica(&notes));
    let badge = badge(&here, "act-token");
    let sent = with(&cookie_of(&here, &badge));
    assert!(there.page(get(&sent)).await.is_ok());
    let removal = here.dismiss(&badge).await.unwrap();
    assert!(
        removal.starts_with("outpost_operator=; ") && removal.contains("Max-Age=0"),
        "{removal}"
    );
    assert_eq!(here.page(get(&sent)).await, Err(Refusal::SignIn));
    assert_eq!(there.page(get(&sent)).await, Err(Refusal::SignIn));
    here.over(&badge).await;
    there.over(&badge).await;
}

#[actix_web::test]
async fn while_nobody_can_tell_a_session_may_look_and_not_act() {
    let notes = Moody::new();
    let (here, there) = (replica(&notes), replica(&notes));
    let badge = badge(&here, "act-token");
    let sent = with(&cookie_of(&here, &badge));
    notes.away.store(true, Ordering::SeqCst);
    let operator = there.page(get(&sent)).await.unwrap();
    assert_eq!(operator.may(Role::View), Ok(()));
    assert_eq!(operator.may(Role::Act), Err(Refusal::Unsure));
    // Signed out meanwhile: known where it was done, and everywhere once the store is back.
    here.dismiss(&badge).await;
    assert_eq!(here.page(get(&sent)).await, Err(Refusal::SignIn));
    notes.away.store(false, Ordering::SeqCst);
    assert!(there.page(get(&sent)).await.is_ok(), "nobody has told it");
    let anybody = with(&cookie_of(&here, &self::badge(&here, "view-token")));
    assert!(here.page(get(&anybody)).await.is_ok());
    assert_eq!(there.page(get(&sent)).await, Err(Refusal::SignIn));
}

#[actix_web::test]
async fn forms_are_taken_from_pages_of_the_same_session_alone() {
    let access = Access::new(parts());
    let [one, other] = [badge(&access, "act-token"), badge(&access, "act-token")];
    let of =
        async |badge: &Badge| access.page(get(&with(&cookie_of(&access, badge)))).await.unwrap();
    let (one, other) = (of(&one).await, of(&other).await);
    let csrf = one.viewer().csrf;
    let same = [("host", "a.example.com"), ("origin", "https://a.example.com")];
    let judge = |pairs: &[(&str, &str)], csrf: &str| {
        access.form(post(&headers(pairs)), &one, csrf, Role::Act)
    };
    assert_eq!(judge(&same, &csrf), Ok(()));
    for wrong in ["", "x", &other.viewer().csrf, &csrf[1..]] {
        assert_eq!(judge(&same, wrong), Err(Refusal::Form), "{wrong}");
    }
    for pairs in [
        &[("host", "a.example.com")][..],
        &[("host", "a.example.com"), ("origin", "null")],
        &[("host", "a.example.com"), ("origin", "https://evil.example.com")],
        &[("host", "a.example.com"), ("origin", "https://a.example.com:444")],
        &[("host", "a.example.com"), ("origin", "https://a.example.com"), ("origin", "null")],
        &[same[0], same[1], ("sec-fetch-site", "cross-site")],
        &[same[0], same[1], ("sec-fetch-site", "same-site")],
    ] {
        assert_eq!(judge(pairs, &csrf), Err(Refusal::Site), "{pairs:?}");
    }
    let viewer = badge(&access, "view-token");
    let viewer = of(&viewer).await;
    let looks = access.form(post(&headers(&same)), &viewer, &viewer.viewer().csrf, Role::Act);
    assert_eq!(looks, Err(Refusal::Role));
}

#[actix_web::test]
async fn with_an_address_of_their_own_pages_answer_under_it_and_loopback_names_alone() {
    let url = |text: &str| Some(Url::parse(text).unwrap());
    let access = Access::new(AccessParts { url: url("https://o.example.com"), ..parts() });
    for (host, fits) in [
        ("o.example.com", true),
        ("O.example.com:443", true),
        ("localhost:9301", true),
        ("127.0.0.1:9301", true),
        ("o.example.com:80", false),
        ("o.example.com:9301", false),
        ("evil.example.com", false),
        ("o.example.com.evil.example.com", false),
        ("192.0.2.9", false),
        ("", false),
    ] {
        let asked = headers(&[("host", host)]);
        let expected = if fits { Err(Refusal::SignIn) } else { Err(Refusal::Host) };
        assert_eq!(access.page(get(&asked)).await, expected, "{host}");
    }
    // Cookies that only https sets, and nobody who speaks http in our name sends forms.
    assert_eq!(access.cookie_name().as_deref(), Some("__Host-outpost_operator"));
    let set = access.cookie(&badge(&access, "act-token")).unwrap();
    for part in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part), "{set}");
    }
    for (origin, fits) in [
        ("https://o.example.com", true),
        ("https://o.example.com:443", true),
        ("http://o.example.com", false),
    ] {
        let sent = headers(&[("host", "o.example.com"), ("origin", origin)]);
        assert_eq!(access.same_origin(&sent).is_ok(), fits, "{origin}");
    }
    let plain = Access::new(AccessParts { url: url("http://o.example.com:81"), ..parts() });
    let set = plain.cookie(&badge(&plain, "act-token")).unwrap();
    assert!(set.starts_with("outpost_operator=") && !set.contains("Secure"), "{set}");
}

#[actix_web::test]
async fn programs_bring_a_token_and_browsers_with_a_session_may_read() {
    let access = Access::new(parts());
    let role = async |asking: Asking<'_>| access.call(asking).await.map(|operator| operator.role);
    for (authorization, expected) in [
        ("Bearer act-token", Ok(Role::Act)),
        ("Bearer view-token", Ok(Role::View)),
        ("Bearer other", Err(Refusal::Token)),
    ] {
        let sent = headers(&[("authorization", authorization)]);
        assert_eq!(role(get(&sent)).await, expected);
        assert_eq!(role(post(&sent)).await, expected);
    }
    let cookie = cookie_of(&access, &badge(&access, "act-token"));
    let sent = with(&cookie);
    assert_eq!(role(get(&sent)).await, Ok(Role::Act));
    assert_eq!(role(post(&sent)).await, Err(Refusal::Token), "no form, no script posts here");
    let mut cross = with(&cookie);
    cross.insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("cross-site"));
    assert_eq!(role(get(&cross)).await, Err(Refusal::Site));
    let both = headers(&[("host", "o"), ("cookie", &cookie), ("authorization", "Bearer other")]);
    assert_eq!(role(get(&both)).await, Err(Refusal::Token));
}

#[actix_web::test]
async fn guessing_is_held_up_even_when_it_comes_to_be_right() {
    let access = Access::new(parts());
    let nothing = HeaderMap::new();
    for _ in 0..10 {
        assert_eq!(access.admit_by_token(get(&nothing), "guess"), Err(Refusal::Token));
    }
    for token in ["guess", "act-token"] {
        let refused = access.admit_by_token(get(&nothing), token);
        assert!(matches!(refused, Err(Refusal::Limited(_))), "{refused:?}");
    }
    let elsewhere = Asking { peer: HERE.parse().ok(), ..get(&nothing) };
    assert!(access.admit_by_token(elsewhere, "act-token").is_ok());
}

#[actix_web::test]
async fn programs_that_guess_are_held_up_as_well() {
    let access = Access::new(parts());
    let guess = headers(&[("authorization", "Bearer guess")]);
    let nothing = headers(&[("authorization", "Bearer ")]);
    for _ in 0..10 {
        assert_eq!(access.call(get(&nothing)).await, Err(Refusal::Token), "that is no guess");
    }
    for _ in 0..10 {
        assert_eq!(access.call(get(&guess)).await, Err(Refusal::Token));
    }
    let right = headers(&[("authorization", "Bearer act-token")]);
    for sent in [&guess, &right] {
        let refused = access.call(get(sent)).await;
        assert!(matches!(refused, Err(Refusal::Limited(_))), "{refused:?}");
    }
    // The form and the API count together.
    let refused = access.admit_by_token(get(&nothing), "act-token");
    assert!(matches!(refused, Err(Refusal::Limited(_))), "{refused:?}");
    let elsewhere = Asking { peer: HERE.parse().ok(), ..get(&right) };
    assert!(access.call(elsewhere).await.is_ok());
}

#[actix_web::test]
async fn behind_a_trusted_proxy_each_client_counts_for_itself() {
    let access = Access::new(parts());
    let by = |client: &str| headers(&[("x-forwarded-for", client), ("host", "o.example.com")]);
    let proxy: Option<IpAddr> = "10.0.0.2".parse().ok();
    let (guesser, operator) = (by("198.51.100.1, 203.0.113.5"), by("203.0.113.6"));
    for _ in 0..10 {
        let asking = Asking { peer: proxy, ..get(&guesser) };
        assert_eq!(access.admit_by_token(asking, "guess"), Err(Refusal::Token));
    }
    // What clients themselves put before it says nothing.
    let other = by("198.51.100.2, 203.0.113.5");
    let refused = access.admit_by_token(Asking { peer: proxy, ..get(&other) }, "act-token");
    assert!(matches!(refused, Err(Refusal::Limited(_))), "{refused:?}");
    let asking = Asking { peer: proxy, ..get(&operator) };
    let badge = access.admit_by_token(asking, "act-token").unwrap();
    assert_eq!(access.client(asking), "203.0.113.6".parse().ok());
    assert_eq!(access.client(get(&operator)), ELSEWHERE.parse().ok(), "no trusted proxy");
    let mut sent = with(&cookie_of(&access, &badge));
    let told = HeaderValue::from_static("203.0.113.6");
    sent.insert(HeaderName::from_static("x-forwarded-for"), told);
    let seen = access.page(Asking { peer: proxy, ..get(&sent) }).await.unwrap();
    assert_eq!(seen.peer, "203.0.113.6".parse().ok());
}

#[test]
fn however_many_guess_the_right_token_opens() {
    let access = Access::new(parts());
    let nothing = HeaderMap::new();
    for host in 0..200 {
        let peer = format!("192.0.2.{host}").parse().ok();
        let refused = access.admit_by_token(Asking { peer, ..get(&nothing) }, "guess");
        assert_eq!(matches!(refused, Err(Refusal::Limited(_))), host >= 100, "{host}: {refused:?}");
    }
    let asking = Asking { peer: "203.0.113.6".parse().ok(), ..get(&nothing) };
    assert!(access.admit_by_token(asking, "act-token").is_ok());
}

#[actix_web::test]
async fn where_notes_end_with_the_process_sessions_do_too() {
    let gone = || AccessParts { notes: testing::parts().notes, ..parts() };
    let (before, after) = (Access::new(gone()), Access::new(gone()));
    let sent = with(&cookie_of(&before, &badge(&before, "act-token")));
    assert!(before.page(get(&sent)).await.is_ok());
    assert_eq!(after.page(get(&sent)).await, Err(Refusal::SignIn));
    let (before, after) = (Access::new(parts()), Access::new(parts()));
    let sent = with(&cookie_of(&before, &badge(&before, "act-token")));
    assert!(after.page(get(&sent)).await.is_ok());
}

#[test]
fn where_nobody_comes_through_core_nobody_is_admitted_by_it() {
    assert!(Access::new(parts()).admit_by_core("alice", Role::Act).is_err());
    let core = Access::new(AccessParts { core: Some("slug".into()), ..testing::parts() });
    assert_eq!(core.ways(), Some(Ways { token: false, core: true }));
    let badge = core.admit_by_core("alice", Role::View).unwrap();
    assert_eq!((badge.name.as_str(), badge.role, badge.how), ("alice", Role::View, How::Core));
    let refused = core.admit_by_token(get(&HeaderMap::new()), "");
    assert_eq!(refused, Err(Refusal::Token));
}
