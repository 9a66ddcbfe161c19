//! Caddy: the check of `forward_auth`, written out, in site blocks.
//!
//! `forward_auth` itself keeps the outpost's cookies from people whom it lets through; its long
//! form passes them on.

use outpost_decision::target::Scheme;

use crate::front::{self, Front, HOP_HEADERS, HTTP2_SETTINGS, Part, Role};
use crate::input::Input;
use crate::lines::Lines;
use crate::quote::Address;
use crate::rendered::{RenderError, Rendered};

/// Path of the check.
const CHECK: &str = "/outpost.goauthentik.io/auth/caddy";

/// Writes the file.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let fronts = front::of(input)?;
    let outpost = front::outpost(input)?;
    let (upstream, is_example) = front::upstream(input)?;
    let tls = front::tls(input)?;
    let mut out = Lines::with_tabs();
    out.comment(
        "Caddy in front of applications that an authentik outpost guards.\n\
         Put it into the Caddyfile, or save it and say: import outpost.caddy\n\
         Applications:",
    );
    out.comment(&front::about(input));
    for front in &fronts {
        out.gap();
        if front.is_example {
            out.comment("An example: name the hosts of your applications below the domain.");
        }
        out.block(addresses(input, front, tls.is_some()), |out| {
            if let Some(address) = input.site.listen {
                out.put(format!("bind {}", address.ip()));
            }
            if let Some((certificate, key)) = tls.filter(|_| front.scheme == Scheme::Https) {
                out.put(format!("tls {certificate} {key}"));
            }
            // Caddy sorts directives by kind; within a route they stay in this order.
            out.block("route", |out| {
                site(out, front, &outpost, &upstream, is_example);
            });
        });
    }
    Ok(Rendered::one("outpost.caddy", out.finish()))
}

fn addresses(input: &Input, front: &Front<'_>, has_tls: bool) -> String {
    let (scheme, port) = match input.site.listen {
        Some(address) if has_tls => (front.scheme, address.port()),
        Some(address) => (Scheme::Http, address.port()),
        None => (front.scheme, front.port),
    };
    let suffix = if port == scheme.default_port() { String::new() } else { format!(":{port}") };
    let names = front.names.iter().map(|name| format!("{}://{name}{suffix}", scheme.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

fn site(
    out: &mut Lines,
    front: &Front<'_>,
    outpost: &Address,
    upstream: &Address,
    is_example: bool,
) {
    let told = Told::of(front);
    out.comment("What clients say of themselves, in the spellings that applications take for it.");
    for pattern in spoofable(front) {
        out.put(format!("request_header -{pattern}"));
    }
    out.comment("Only websockets are upgraded: within a tunnel nobody asks the outpost any more.");
    out.put("@plain not header_regexp Upgrade (?i)^websocket$");
    out.put("request_header @plain -Upgrade");
    out.put("request_header @plain -Connection");
    out.put("@websocket header_regexp Upgrade (?i)^websocket$");
    out.put("request_header @websocket Upgrade websocket");
    out.comment("Headers that a client names here would be taken away from the application.");
    out.put("@connection not header_regexp Connection (?i)upgrade");
    out.put("request_header @connection -Connection");
    out.put("@upgrade header_regexp Connection (?i)upgrade");
    out.put("request_header @upgrade Connection Upgrade");
    out.gap();
    out.comment("The outpost's own paths: sign-in, sign-out, and what core tells it.");
    let own: Vec<String> = front.own_prefixes().iter().map(|prefix| pattern(prefix)).collect();
    out.put(format!("@outpost path_regexp ^({})/", own.join("|")));
    out.block(format!("reverse_proxy @outpost {}", outpost.url()), |out| told.put(out));
    for part in &front.parts {
        if !part.base.is_empty() {
            out.gap();
            out.put(format!("@app_{} path_regexp ^{}(/|$)", part.id, pattern(part.base)));
        }
        match part.role {
            Role::Ask => {
                out.gap();
                ask(out, part, outpost, &told);
                out.gap();
                if is_example {
                    out.comment("An example: where your application is.");
                }
                let head = format!("reverse_proxy {}{}", matcher(part), upstream.url());
                out.block(head, |out| told.put(out));
            }
            Role::Pass => {
                out.gap();
                out.comment("The outpost forwards by itself.");
                let head = format!("reverse_proxy {}{}", matcher(part), outpost.url());
                out.block(head, |out| told.put(out));
            }
            Role::SignIn => {}
        }
    }
    if !front.has_root() {
        out.gap();
        out.comment("Nothing else is served here.");
        out.put("respond 404");
    }
}

/// How requests are told of: by the names of the configuration, not by the client's.
struct Told {
    scheme: &'static str,
    host: String,
}

impl Told {
    fn of(front: &Front<'_>) -> Self {
        let name = front.only_name().unwrap_or("{host}");
        Self { scheme: front.scheme.as_str(), host: format!("{name}{}", front.port_suffix()) }
    }

    fn put(&self, out: &mut Lines) {
        out.put(format!("header_up Host {}", self.host));
        // What Caddy says by itself it warns about.
        if self.host != "{host}" {
            out.put(format!("header_up X-Forwarded-Host {}", self.host));
        }
        out.put(format!("header_up X-Forwarded-Proto {}", self.scheme));
        out.put("header_up X-Real-IP {remote_host}");
    }
}

/// A path as a regular expression. Caddy's other matcher takes `/A` for `/a`, which are two paths
/// to the outpost.
fn pattern(path: &str) -> String {
    path.replace('.', "[.]")
}

/// Patterns of `request_header` for what a client must not say. `Authorization` is not among them:
/// the outpost reads it, and it is taken away after that.
fn spoofable(front: &Front<'_>) -> Vec<String> {
    let mut found: Vec<String> =
        ["x-authentik*", "x_authentik*", "x.authentik*"].map(str::to_owned).to_vec();
    found.extend(HOP_HEADERS.map(str::to_owned));
    found.push("X-Forwarded-Port".to_owned());
    found.push(HTTP2_SETTINGS.to_owned());
    // Caddy sets X-Forwarded-* and X-Real-IP by themselves; these are other spellings.
    for word in ["forwarded", "original", "real", "rewrite"] {
        found.extend(["_", "."].map(|mark| format!("x{mark}{word}*")));
        found.extend(["_", "."].map(|mark| format!("x-{word}{mark}*")));
    }
    for part in &front.parts {
        let others = part.headers.iter().filter(|name| !is_identity(name) && !is_credential(name));
        found.extend(others.flat_map(|name| front::spellings(name)));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|pattern| seen.insert(pattern.clone()));
    found
}

fn is_identity(name: &str) -> bool {
    outpost_decision::headers::is_identity_name(name)
}

fn is_credential(name: &str) -> bool {
    name.eq_ignore_ascii_case("Authorization")
}

/// The matcher of an application, with a blank behind it; nothing for a whole host.
fn matcher(part: &Part<'_>) -> String {
    if part.base.is_empty() { String::new() } else { format!("@app_{} ", part.id) }
}

fn ask(out: &mut Lines, part: &Part<'_>, outpost: &Address, told: &Told) {
    out.comment(
        "The check of each request. Who is not signed in gets the outpost's answer: a page the\n\
         redirect to authentik, a script 401.",
    );
    out.block(format!("reverse_proxy {}{}", matcher(part), outpost.url()), |out| {
        out.put("method GET");
        out.put(format!("rewrite {CHECK}"));
        told.put(out);
        out.put("header_up X-Forwarded-Method {method}");
        out.put("header_up X-Forwarded-Uri {uri}");
        out.block("transport http", |out| {
            out.put("dial_timeout 5s");
            out.put("response_header_timeout 30s");
        });
        out.put("@let_through status 200");
        out.block("handle_response @let_through", |out| {
            out.block("copy_response_headers", |out| out.put("include Set-Cookie"));
            out.comment(
                "Who the user is. What the client sent is gone, even where the outpost says\n\
                 nothing: then the application must not see a placeholder either.",
            );
            out.block("route", |out| {
                for (index, name) in part.headers.iter().enumerate() {
                    let said = format!("{{rp.header.{}}}", canonical(name));
                    out.put(format!("request_header -{name}"));
                    out.put(format!("@said_{index} not vars {said} \"\""));
                    out.put(format!("request_header @said_{index} {name} {said}"));
                }
            });
        });
        out.comment("The outpost never says so: whoever does is somebody else.");
        out.put("@odd status 1xx 2xx");
        out.block("handle_response @odd", |out| out.put("respond 503"));
    });
}

/// As Go writes it: capitals at the beginning of each word.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + &letters.as_str().to_ascii_lowercase()
        })
    });
    words.collect::<Vec<_>>().join("-")
}
