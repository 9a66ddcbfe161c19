//! A form that was sent when the session had just ended is kept, and sent once the person is back.
//!
//! It is kept in the browser and nowhere else: sealed (AES-256-GCM under a key of the provider), in
//! a page that offers to sign in in another tab and to send the form again. The session store would
//! be the other place; but then everybody without a session could fill it, and push out what others
//! have there. So an anonymous form writes nothing, any replica can send what another sealed, and
//! what is kept is bounded by what its browser holds. The price is that the page must stay open.
//!
//! The seal binds the form to the browser (by a cookie that only it has), to its address, to a time
//! and to the user whose session had ended: a form of nobody known is not kept, since whoever signs in
//! next would send it. That it was sent is noted in the store
//! before it goes to the application: at most once, also where the application then fails.

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use bytes::Bytes;
use http::Method;
use outpost_decision::cookie::SetCookie;
use outpost_decision::crypto;
use outpost_decision::decision::{Decision, Reason};
use outpost_decision::facts::ClientKind;
use outpost_decision::form::{self, Form, KeptForm, NotSent};
use outpost_decision::login;
use outpost_decision::provider::Provider;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::credentials::LiveSession;
use super::exchange::{Answer, Exchange, Facts};
use super::pages::kept::KeptPage;
use super::small_body::{self, BodyError};
use super::{realise, start};
use crate::clock;
use crate::randomness;
use crate::session::record::{open, seal};

/// The field of our page that holds the sealed form.
const FIELD: &str = "kept";

/// How long a browser remembers who was signed in, in seconds (30 days): sessions end, and their
/// forms come after.
const USER_SECONDS: i64 = 30 * 24 * 3600;

/// A request as the form that it was, when it comes back.
pub struct Resent {
    /// Path and query that the form was sent to.
    pub path_and_query: String,
    /// Its head.
    pub form: Form,
    /// Its body.
    pub body: Bytes,
}

impl Resent {
    /// Headers of the form as it was sent first.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let form = &self.form;
        let origin = form.origin.as_deref().map(|origin| ("origin", origin));
        let referer = form.referer.as_deref().map(|referer| ("referer", referer));
        let all = [Some(("content-type", form.content_type.as_str())), origin, referer];
        all.into_iter().flatten().map(|(name, value)| (name, value.as_bytes()))
    }
}

/// Whether a header is that of our page's form, and not of the one that was kept.
pub fn is_replaced(name: &str) -> bool {
    matches!(name, "content-type" | "origin" | "referer")
}

/// Largest form that is kept; zero: none is.
fn bytes_kept(exchange: &Exchange<'_>, provider: &Provider) -> usize {
    form::bytes_kept(provider, exchange.gateway().policy.keep_post_bytes)
}

/// Who was signed in last, as the browser remembers it.
fn known_user(exchange: &Exchange<'_>, provider: &Provider) -> Option<String> {
    let marks = exchange.cookies(&login::form_user_name(provider));
    marks.first().map(|mark| (*mark).to_owned())
}

/// Whether a request is a kept form that comes back.
pub fn is_resent(exchange: &Exchange<'_>, facts: &Facts) -> bool {
    bytes_kept(exchange, &facts.provider) > 0
        && exchange.method() == Method::POST
        && form::is_resent(facts.target.query.as_deref())
}

/// The cookie that lets a form be told another user's; `None` where forms are not kept.
pub fn user_cookie(exchange: &Exchange<'_>, provider: &Provider, sub: &str) -> Option<SetCookie> {
    (bytes_kept(exchange, provider) > 0).then(|| {
        let mark = form::user_mark(provider.cookie_secret.expose_secret().as_bytes(), sub);
        login::form_user_cookie(provider, &mark, USER_SECONDS)
    })
}

/// Keeps the form, and says so. One that comes back before its person does is kept as it is.
pub async fn keep(
    exchange: &Exchange<'_>,
    facts: &Facts,
    decision: &Decision,
    mut body: Payload,
) -> Answer {
    let keep = bytes_kept(exchange, &facts.provider);
    let resent = form::is_resent(facts.target.query.as_deref());
    let limit = form::body_limit(keep, resent);
    let fields = exchange.fields();
    let method = exchange.method().as_str();
    let Some(form) = form::keepable(method, &fields, &facts.target, limit) else {
        return not_kept(exchange, facts, decision);
    };
    let user = known_user(exchange, &facts.provider);
    if user.is_none() && !resent {
        return not_kept(exchange, facts, decision);
    }
    let body = match small_body::read(&mut body, limit).await {
        Ok(body) if body.len() == form.length => body,
        Ok(_) | Err(BodyError::Broken | BodyError::TooLarge) => {
            return refused(exchange, facts, StatusCode::BAD_REQUEST, "form_broken");
        }
        Err(BodyError::TooSlow) => {
            return refused(exchange, facts, StatusCode::REQUEST_TIMEOUT, "form_broken");
        }
    };
    if resent {
        return match opened(exchange, facts, &body) {
            Some((kept, _)) if kept.until > exchange.now => {
                page(exchange, facts, decision, &sealed_field(&body), &kept).into()
            }
            Some(_) => refused(exchange, facts, StatusCode::GONE, "form_too_late"),
            None => refused(exchange, facts, StatusCode::BAD_REQUEST, "form_unreadable"),
        };
    }
    let provider = &facts.provider;
    let (Ok(id), Ok(fresh)) = (randomness::bytes::<16>(), randomness::bytes::<32>()) else {
        return not_kept(exchange, facts, decision);
    };
    let browser = browser_of(exchange, provider).unwrap_or_else(|| crypto::base64url(&fresh));
    let kept = KeptForm {
        id: hex::encode(id),
        path_and_query: facts.target.path_and_query(),
        user,
        until: exchange.now.plus(exchange.gateway().policy.flow_seconds),
        form,
    };
    let Some(sealed) = sealed(provider, &browser, &kept, &body) else {
        return not_kept(exchange, facts, decision);
    };
    let mut response = page(exchange, facts, decision, &sealed, &kept);
    let age = exchange.gateway().policy.flow_seconds;
    let cookie = login::form_browser_cookie(provider, &browser, age);
    realise::add_cookie(&mut response, &cookie.to_string());
    response.into()
}

fn page(
    exchange: &Exchange<'_>,
    facts: &Facts,
    decision: &Decision,
    sealed: &str,
    kept: &KeptForm,
) -> actix_web::HttpResponse {
    let target = &facts.target;
    let resend = form::resend_path(&kept.path_and_query);
    let here = format!("{}{}", facts.provider.external.origin(), super::pages::SIGNED_IN_PATH);
    let mut response = KeptPage {
        sign_in: start::url(&facts.provider, &here),
        action: format!("{}://{}{resend}", target.scheme.as_str(), target.authority),
        field: FIELD,
        sealed,
        minutes: exchange.now.seconds_until(kept.until) / 60,
        code: decision.reason.code(),
        id: &exchange.id,
    }
    .page();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, realise::realm(&facts.provider));
    response
}

/// What came back, once it is clear that it may go on to the application now.
///
/// # Errors
/// The answer that says why not; nothing has been sent then.
pub async fn take(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: &LiveSession,
    body: &mut Payload,
) -> Result<Resent, Answer> {
    let refuse = |status, code| refused(exchange, facts, status, code);
    // As when it was sent first: nobody else's page makes a browser send it.
    if facts.client != ClientKind::Form {
        return Err(refuse(StatusCode::BAD_REQUEST, "form_of_other_site"));
    }
    let limit = form::body_limit(exchange.gateway().policy.keep_post_bytes, true);
    let Ok(body) = small_body::read(body, limit).await else {
        return Err(refuse(StatusCode::BAD_REQUEST, "form_broken"));
    };
    let Some((kept, body)) = opened(exchange, facts, &body) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "form_unreadable"));
    };
    let secret = facts.provider.cookie_secret.expose_secret().as_bytes();
    let user = form::user_mark(secret, &live.session.about.sub);
    match kept.check(&facts.target.path_and_query(), &user, exchange.now) {
        Ok(()) => {}
        Err(NotSent::OtherTarget) => {
            return Err(refuse(StatusCode::BAD_REQUEST, "form_of_other_target"));
        }
        Err(NotSent::TooLate) => return Err(refuse(StatusCode::GONE, "form_too_late")),
        Err(NotSent::OtherUser) => return Err(refuse(StatusCode::FORBIDDEN, "form_of_other_user")),
    }
    let lifetime = clock::lasting(exchange.now, kept.until);
    let name = format!("form/{}", kept.id);
    let sent = Some(Bytes::from_static(b"sent"));
    let values = exchange.gateway().sessions.values();
    match values.swap(&name, None, sent, Some(lifetime), exchange.now).await {
        Ok(true) => Ok(Resent { path_and_query: kept.path_and_query, form: kept.form, body }),
        Ok(false) => Err(refuse(StatusCode::CONFLICT, "form_sent_before")),
        Err(error) => {
            tracing::error!(%error, "a kept form was not sent");
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"))
        }
    }
}

/// The random value that this browser is known by, of the shape that we give.
fn browser_of(exchange: &Exchange<'_>, provider: &Provider) -> Option<String> {
    let values = exchange.cookies(&login::form_browser_name(provider));
    let ours = |value: &&&str| crypto::from_base64url(value).is_some_and(|bytes| bytes.len() == 32);
    values.iter().find(ours).map(|value| (*value).to_owned())
}

fn key(provider: &Provider) -> [u8; 32] {
    crypto::derive(provider.cookie_secret.expose_secret().as_bytes(), "kept form seal")
}

fn bound_to(provider: &Provider, browser: &str) -> Vec<u8> {
    format!("{}\0{browser}", provider.client_id).into_bytes()
}

/// Length of the head, head, body; sealed, as text.
fn sealed(provider: &Provider, browser: &str, kept: &KeptForm, body: &[u8]) -> Option<String> {
    let head = serde_json::to_vec(kept).ok()?;
    let mut clear = Vec::with_capacity(4 + head.len() + body.len() + 16);
    clear.extend_from_slice(&u32::try_from(head.len()).ok()?.to_be_bytes());
    clear.extend_from_slice(&head);
    clear.extend_from_slice(body);
    let sealed = seal(&key(provider), &bound_to(provider, browser), clear).ok()?;
    Some(crypto::base64url(&sealed))
}

/// The sealed form in the body of our page's form; empty when there is none.
fn sealed_field(body: &[u8]) -> String {
    let mut fields = form_urlencoded::parse(body);
    fields.find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The form in the body of our page's form, if we sealed it for this browser.
fn opened(exchange: &Exchange<'_>, facts: &Facts, body: &[u8]) -> Option<(KeptForm, Bytes)> {
    let sealed = crypto::from_base64url(sealed_field(body))?;
    let provider = &facts.provider;
    let browsers = exchange.cookies(&login::form_browser_name(provider));
    let clear = browsers
        .into_iter()
        .find_map(|browser| open(&key(provider), &bound_to(provider, browser), &sealed).ok())?;
    let (length, rest) = clear.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (head, body) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(head).ok()?, Bytes::copy_from_slice(body)))
}

/// What a form gets that cannot be kept: the answer of any other request without a session.
fn not_kept(exchange: &Exchange<'_>, facts: &Facts, decision: &Decision) -> Answer {
    Answer::from(realise::challenge(exchange, facts, decision)).failed("form_not_kept")
}

/// A page that says why a form was not kept or not sent.
fn refused(
    exchange: &Exchange<'_>,
    facts: &Facts,
    status: StatusCode,
    code: &'static str,
) -> Answer {
    let (message, remedy) = match code {
        "form_sent_before" => (
            "This form has been sent already.",
            "Look in the application whether it has arrived, before you write it anew.",
        ),
        "form_too_late" => ("The form was kept for too long.", "Write it anew."),
        "form_of_other_user" => (
            "Somebody else was signed in when this form was written.",
            "Sign in as that user, then send it again.",
        ),
        "store_unavailable" => (
            Reason::StoreUnavailable.explanation(),
            "Nothing has been sent. Go back, and send the form again in a moment.",
        ),
        "form_broken" => ("The form did not arrive as a whole.", "Send it again."),
        _ => (
            "The form that was kept cannot be read here.",
            "Allow cookies for this site, and write the form anew.",
        ),
    };
    let mut problem = exchange
        .problem(status, code, "Form not sent", message)
        .remedy(remedy)
        .link("To the application", outpost_decision::redirect::fallback(&facts.provider));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem = problem.retry_after(5);
    }
    Answer::from(problem.page()).failed(code)
}
