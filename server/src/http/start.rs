//! Beginning a sign-in: a redirect to core with a flow of its own.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::crypto;
use outpost_decision::dialect::nginx;
use outpost_decision::endpoint::AKPROX_PREFIX;
use outpost_decision::login::{self, NewFlow};
use outpost_decision::provider::{External, Mode, Provider};
use outpost_decision::redirect;
use outpost_decision::target::Target;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::exchange::{Answer, Exchange, Facts};
use super::realise;
use crate::limits::Limit;
use crate::randomness;

/// Begins a sign-in towards `return_to`; without one, towards what the request's `rd` says, what the
/// reverse proxy tells in a header, what a refused nginx check remembered, or the application's
/// front page.
pub fn begin(exchange: &Exchange<'_>, facts: &Facts, return_to: Option<&Target>) -> Answer {
    if return_to.is_none()
        && let Some(callback) =
            login::carried_callback(&facts.provider, facts.target.query.as_deref())
    {
        return HttpResponse::Found()
            .insert_header((header::LOCATION, callback))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish()
            .into();
    }
    let target = match return_to {
        Some(target) => in_escapes(&target.to_string()),
        None => requested_target(exchange, facts),
    };
    redirect_to_core(exchange, facts, &target, 0)
}

/// The redirect to core's authorize endpoint; `tries` counts the sign-ins begun anew by
/// themselves.
pub fn redirect_to_core(
    exchange: &Exchange<'_>,
    facts: &Facts,
    return_to: &str,
    tries: u8,
) -> Answer {
    let gateway = exchange.gateway();
    if let Err(seconds) = gateway.sign_ins.spend(facts.origin.client, exchange.now) {
        gateway.metrics.limits().reached(Limit::SignIns);
        let problem = exchange
            .problem(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_sign_ins",
                "Too many sign-ins",
                "More sign-ins were begun from your address than are allowed in a minute.",
            )
            .remedy("Wait a minute. Operators: limits.sign_ins_per_minute.")
            .retry_after(seconds);
        return Answer::from(realise::show(&problem, facts.client)).failed("too_many_sign_ins");
    }
    let Ok(random) = randomness::bytes::<32>() else {
        let problem = exchange.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_randomness",
            "Cannot sign in now",
            "The machine gives no randomness.",
        );
        return Answer::from(problem.page()).failed("no_randomness");
    };
    let flow =
        NewFlow { return_to, tries, now: exchange.now, lifetime: gateway.policy.flow_seconds };
    match login::begin(&facts.provider, &flow, &random) {
        Ok(begun) => {
            let mut response = HttpResponse::Found()
                .insert_header((header::LOCATION, begun.location))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .append_header((header::SET_COOKIE, begun.flow_cookie.to_string()))
                .finish();
            // Sign-ins that were begun and never finished do not pile up in the browser.
            for name in exchange.surplus_flows(&facts.provider) {
                gateway.metrics.limits().reached(Limit::FlowsPerBrowser);
                let removal = login::remove_flow_cookie(&facts.provider, &name);
                realise::add_cookie(&mut response, &removal.to_string());
            }
            response.into()
        }
        Err(error) => {
            let problem = exchange
                .problem(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot_begin_sign_in",
                    "Cannot sign in",
                    error.to_string(),
                )
                .remedy("Ask the operator to look at the provider in authentik.");
            Answer::from(problem.page()).failed("cannot_begin_sign_in")
        }
    }
}

/// Where a request to `/start` wants to go, if that is a safe place.
fn requested_target(exchange: &Exchange<'_>, facts: &Facts) -> String {
    let provider = &facts.provider;
    let query = facts.target.query.as_deref();
    let asked = redirect::return_target_from_query(query, provider, facts.request_host());
    let remembered = || {
        exchange
            .cookies(&login::remembered_name(provider))
            .into_iter()
            .filter_map(crypto::from_base64url)
            .filter_map(|bytes| String::from_utf8(bytes).ok())
            .find_map(|rd| redirect::return_target(&rd, provider, facts.request_host()).ok())
    };
    match asked {
        Ok(Some(target)) => target,
        Ok(None) => told_by_proxy(exchange, facts)
            .or_else(remembered)
            .unwrap_or_else(|| redirect::fallback(provider)),
        Err(_) => redirect::fallback(provider),
    }
}

/// An address with the bytes that other clients than browsers send raw in the escapes that they
/// stand for: return targets have no others.
fn in_escapes(url: &str) -> String {
    utf8_percent_encode(url, RAW).to_string()
}

/// What browsers write in escapes, and other clients may not; beyond ASCII everything.
const RAW: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');

/// What was asked for, where a reverse proxy hands a request that it may not let through on to the
/// start path, and names it as in its checks: nginx cannot escape an address for `rd`.
fn told_by_proxy(exchange: &Exchange<'_>, facts: &Facts) -> Option<String> {
    let target = nginx::target(&exchange.fields(), &facts.origin).ok()?;
    let url = in_escapes(&target.to_string());
    redirect::return_target(&url, &facts.provider, facts.request_host()).ok()
}

/// Address of the start path that leads to `return_to`, absolute.
#[must_use]
pub fn url(provider: &Provider, return_to: &str) -> String {
    let return_to = in_escapes(return_to);
    let encoded = utf8_percent_encode(&return_to, NON_ALPHANUMERIC);
    format!("{}/start?rd={encoded}", base(provider))
}

/// Address that the outpost's own paths of a provider lie below, without a final slash.
#[must_use]
pub fn base(provider: &Provider) -> String {
    let External { home, .. } = &provider.external;
    // A reverse proxy of that time sends us the old prefix alone.
    if provider.akprox && provider.mode != Mode::Proxy {
        return format!("{}{AKPROX_PREFIX}", provider.external.origin());
    }
    format!("{}{home}{OUTPOST_PREFIX}", provider.external.origin())
}
