//! Signing in through core: the authorization code flow of `outpost_decision::login`, at an
//! application that was made for operators. What somebody may do hangs on their groups.
//!
//! Nothing here goes to core by itself: whatever goes wrong ends on a page that says so, with the
//! ways to try again.

mod client;

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::Role;
use outpost_dashboard::page::Message;
use outpost_decision::claims::Claims;
use outpost_decision::login::{self, Callback, FlowProof, NewFlow, StateRecord};
use outpost_decision::provider::Provider;
use outpost_decision::{cookie, token};
use secrecy::ExposeSecret;

pub use self::client::{ClientParts, operators_client};
use super::asked::Fields;
use super::entrance::{self, next};
use super::{Dashboard, answers, refused};
use crate::http::tokens::{self, CheckError};
use crate::keys::KeyRequests;
use crate::limits::{Limit, LimitFigures};
use crate::oidc::{OidcClient, OidcError, TokenAnswer};
use crate::ops::access::{Asking, How};
use crate::ops::audit::{Audit, Deed, Who};
use crate::{clock, randomness};

/// How long a sign-in may take, in seconds.
const FLOW_SECONDS: i64 = 15 * 60;

/// Makes a client for the thread that calls it.
pub(super) type MakeOidc = Arc<dyn Fn() -> OidcClient + Send + Sync>;

/// The way in through core.
#[derive(Clone)]
pub struct CoreDoor {
    /// The application, as a provider of ours.
    pub provider: Arc<Provider>,
    /// Keys of its tokens.
    pub keys: KeyRequests,
    /// Whose members may look.
    pub view_group: Option<String>,
    /// Whose members may act.
    pub act_group: Option<String>,
    /// For the back channel to core.
    pub oidc: MakeOidc,
    /// Sign-ins under way that a browser keeps.
    pub flows: usize,
    /// Where those that are removed are counted.
    pub limits: LimitFigures,
}

impl fmt::Debug for CoreDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreDoor").field("application", &self.provider.application_slug).finish()
    }
}

/// The back channel of the thread that serves.
pub(super) struct BackChannel(pub(super) OidcClient);

impl CoreDoor {
    /// What the groups of somebody allow.
    fn role(&self, groups: &[Box<str>]) -> Option<Role> {
        let is_in = |group: &Option<String>| {
            group.as_ref().is_some_and(|it| groups.iter().any(|one| **one == **it))
        };
        match (is_in(&self.act_group), is_in(&self.view_group)) {
            (true, _) => Some(Role::Act),
            (false, true) => Some(Role::View),
            (false, false) => None,
        }
    }

    /// The page for whoever is in no group.
    fn in_no_group(&self, name: &str) -> Message {
        let groups: Vec<String> = [&self.act_group, &self.view_group]
            .into_iter()
            .flatten()
            .map(|it| format!("{it:?}"))
            .collect();
        Message {
            title: "Not for you".to_owned(),
            text: format!(
                "You are signed in to authentik as {name:?}, who is not a member of {}.",
                groups.join(" or ")
            ),
            remedy: "Ask for the membership, or sign in to authentik as somebody else; then try \
                     again at /sign-in."
                .to_owned(),
        }
    }
}

/// `GET /sign-in/core?next=`: off to core.
pub(super) async fn begin(dashboard: Data<Dashboard>, request: HttpRequest) -> HttpResponse {
    if let Err(refusal) = dashboard.parts.access.entrance(Asking::of(&request)) {
        return refused(&request, refusal);
    }
    let Some(door) = &dashboard.parts.core else { return answers::not_found() };
    let next = next(&Fields::read(request.query_string()).raw("next"));
    let begun = randomness::bytes::<32>().ok().and_then(|random| {
        let now = clock::now();
        let flow = NewFlow { return_to: &next, tries: 0, now, lifetime: FLOW_SECONDS };
        login::begin(&door.provider, &flow, &random).ok()
    });
    let Some(begun) = begun else {
        return answers::say(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not now",
            "The machine gives no randomness.",
            "Try again later.",
        );
    };
    let mut answer = HttpResponse::Found();
    let mut answer = answer.insert_header((header::LOCATION, begun.location)).finish();
    entrance::set_cookie(&mut answer, &begun.flow_cookie.to_string());
    // Sign-ins that were begun and never finished do not pile up in the browser.
    for name in cookie::surplus_flows(cookies(&request), &door.provider.cookie.name, door.flows) {
        door.limits.reached(Limit::FlowsPerBrowser);
        let removal = login::remove_flow_cookie(&door.provider, &name);
        entrance::set_cookie(&mut answer, &removal.to_string());
    }
    answer
}

/// `GET /sign-in/callback`: back from core.
pub(super) async fn finish(
    dashboard: Data<Dashboard>,
    back: Option<Data<BackChannel>>,
    request: HttpRequest,
) -> HttpResponse {
    if let Err(refusal) = dashboard.parts.access.entrance(Asking::of(&request)) {
        return refused(&request, refusal);
    }
    let (Some(door), Some(back)) = (&dashboard.parts.core, back) else {
        return answers::not_found();
    };
    let client = dashboard.parts.access.client(Asking::of(&request));
    match admit(door, &back.0, &request).await {
        Ok(In { claims, role, record }) => {
            let name = Some(claims.preferred_username).filter(|name| !name.is_empty());
            let name = name.unwrap_or(claims.sub);
            let mut answer = match dashboard.parts.access.admit_by_core(&name, role) {
                Ok(badge) => {
                    let who = Who { name, how: How::Core, peer: client };
                    dashboard.parts.audit.tell(&who, &Deed::SignedIn);
                    entrance::welcome(&dashboard, &badge, &next(&record.return_to))
                }
                Err(refusal) => refused(&request, refusal),
            };
            end_flow(&mut answer, door, &record);
            answer
        }
        Err(out) => {
            let Out { why, accepted, name, record, shown } = *out;
            if accepted {
                let who = Who { name, how: How::Core, peer: client };
                dashboard.parts.audit.tell(&who, &Deed::NotSignedIn { why: &why });
            } else {
                Audit::astray(client, &why);
            }
            let mut answer = match shown {
                Shown::Problem(status, problem) => {
                    let next = record.as_ref().map_or_else(|| next(""), |it| next(&it.return_to));
                    let ways = dashboard.parts.access.ways().unwrap_or_default();
                    answers::document(status, entrance::form(ways, next, Some(problem)))
                }
                Shown::Message(message) => answers::message(StatusCode::FORBIDDEN, &message),
            };
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            if let Some(record) = &record {
                end_flow(&mut answer, door, record);
            }
            answer
        }
    }
}

/// Somebody who may come in.
struct In {
    claims: Claims,
    role: Role,
    record: StateRecord,
}

/// Somebody who may not.
struct Out {
    /// Why, for the log and core.
    why: String,
    /// Whether core had accepted the code: nobody without an account comes that far.
    accepted: bool,
    /// How they are called, where that is known.
    name: String,
    /// The flow, where it was this browser's.
    record: Option<StateRecord>,
    shown: Shown,
}

/// What is said to whoever may not come in.
enum Shown {
    /// The entrance, with what went wrong.
    Problem(StatusCode, String),
    /// A page.
    Message(Message),
}

impl Out {
    fn problem(
        status: StatusCode,
        why: impl Into<String>,
        record: Option<StateRecord>,
        problem: impl Into<String>,
    ) -> Box<Self> {
        let shown = Shown::Problem(status, problem.into());
        let (why, name) = (why.into(), String::new());
        Box::new(Self { why, accepted: false, name, record, shown })
    }
}

async fn admit(door: &CoreDoor, oidc: &OidcClient, request: &HttpRequest) -> Result<In, Box<Out>> {
    let (code, record, proof) = read(door, request)?;
    let provider = &*door.provider;
    let verifier = proof.pkce_verifier(provider);
    let answer = match oidc.exchange_code(provider, &code, &verifier).await {
        Ok(answer) => answer,
        Err(error) => return Err(not_exchanged(&error, record)),
    };
    let judged = judge(door, answer, record, &proof.nonce(provider)).await;
    judged.map_err(|out| Box::new(Out { accepted: true, ..*out }))
}

/// Who somebody is whose code core has accepted, and whether they may come in.
async fn judge(
    door: &CoreDoor,
    answer: TokenAnswer,
    record: StateRecord,
    nonce: &str,
) -> Result<In, Box<Out>> {
    let provider = &*door.provider;
    let refused = |why: String, record| {
        let problem = format!(
            "authentik's answer cannot be accepted: {why}. Compare its provider with [dashboard] in \
            the settings: issuer mode (one for each provider), signing key, client."
        );
        Out::problem(StatusCode::BAD_GATEWAY, why, Some(record), problem)
    };
    let Some(id_token) = &answer.id_token else {
        return Err(refused("it has no id token, which the scope openid gives".to_owned(), record));
    };
    let (access, id) = (answer.access_token.expose_secret(), id_token.expose_secret());
    let checked = tokens::check(&door.keys, provider, clock::now(), |expect| {
        token::verify_sign_in(access, Some(id), expect, nonce)
    });
    match checked.await {
        Ok(claims) => match door.role(&claims.groups) {
            Some(role) => Ok(In { claims, role, record }),
            None => {
                let shown = Shown::Message(door.in_no_group(&claims.preferred_username));
                let why = "in no group that may".to_owned();
                let name = claims.preferred_username;
                Err(Box::new(Out { why, accepted: true, name, record: Some(record), shown }))
            }
        },
        Err(CheckError::Rejected(error)) => Err(refused(error.to_string(), record)),
        Err(CheckError::Unavailable(error)) => Err(away(error, record)),
    }
}

/// The code, and the flow of this browser that it belongs to.
fn read(
    door: &CoreDoor,
    request: &HttpRequest,
) -> Result<(String, StateRecord, FlowProof), Box<Out>> {
    let provider = &*door.provider;
    let stale = |why: &str| {
        Out::problem(
            StatusCode::BAD_REQUEST,
            why,
            None,
            "This does not belong to a sign-in that this browser began a moment ago. Try again, \
            and allow cookies for this site.",
        )
    };
    let flow = |state: &str| {
        let record = login::read_state(provider, state, clock::now()).ok()?;
        let values = cookie::values(cookies(request), &record.cookie_name(provider));
        let proof = values.into_iter().find_map(|value| record.proof(provider, value))?;
        Some((record, proof))
    };
    match login::parse_callback(request.query_string()) {
        Callback::Code { code, state } => match flow(&state) {
            Some((record, proof)) => Ok((code, record, proof)),
            None => Err(stale("another browser's sign-in, or one that took too long")),
        },
        Callback::Error { error, description, state } => {
            // Anybody can make a link with an error in it.
            let Some((record, _)) = state.as_deref().and_then(flow) else {
                return Err(stale("an error without a sign-in"));
            };
            let said = if description.is_empty() {
                error.clone()
            } else {
                format!("{description} ({error})")
            };
            let problem = format!("authentik answered: {said}.");
            Err(Out::problem(StatusCode::FORBIDDEN, error, Some(record), problem))
        }
        Callback::Incomplete => Err(stale("an incomplete callback")),
    }
}

fn not_exchanged(error: &OidcError, record: StateRecord) -> Box<Out> {
    match error {
        OidcError::Refused { error: code, .. } if code == "invalid_grant" => {
            let problem =
                "authentik did not accept the code it had given to this browser. Try again.";
            Out::problem(StatusCode::BAD_REQUEST, error.to_string(), Some(record), problem)
        }
        OidcError::Unreachable(_) | OidcError::Malformed(_) | OidcError::NoEndpoint(_) => {
            away(error.to_string(), record)
        }
        OidcError::Refused { .. } | OidcError::TooLarge(_) => {
            let problem = format!(
                "{error}. Compare authentik's provider with dashboard.client_id, \
                dashboard.client_secret and dashboard.url in the settings."
            );
            Out::problem(StatusCode::BAD_GATEWAY, error.to_string(), Some(record), problem)
        }
    }
}

fn away(why: String, record: StateRecord) -> Box<Out> {
    let problem = "authentik does not answer now. Try again in a moment.";
    Out::problem(StatusCode::SERVICE_UNAVAILABLE, why, Some(record), problem)
}

fn end_flow(answer: &mut HttpResponse, door: &CoreDoor, record: &StateRecord) {
    let name = record.cookie_name(&door.provider);
    entrance::set_cookie(answer, &login::remove_flow_cookie(&door.provider, &name).to_string());
}

fn cookies(request: &HttpRequest) -> impl Iterator<Item = &[u8]> {
    request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes)
}
