//! What stands within a `server` block.

use outpost_decision::OUTPOST_PREFIX;

use super::Places;
use crate::front::{Front, HOP_HEADERS, HTTP2_SETTINGS, Part, Role};
use crate::lines::Lines;

/// Path of the check. It is internal: clients cannot ask it.
const CHECK: &str = "/outpost.goauthentik.io/auth/nginx";

/// Everything but where it listens and its names.
pub(super) fn body(out: &mut Lines, front: &Front<'_>, places: &Places<'_>) {
    let told = Told::of(front);
    limits(out);
    if places.shared {
        out.gap();
        out.comment(
            "What upstreams are told, in the place of what the client says of itself. A location\n\
             with a proxy_set_header of its own inherits none of these, and has all of them again.",
        );
        upstreams_are_told(out, &told);
    }
    if front.parts.iter().any(|part| part.role == Role::Ask) {
        out.gap();
        check(out, places, &told);
    }
    out.gap();
    out.comment("The outpost's own paths: sign-in, sign-out, and what core tells it.");
    for prefix in front.own_prefixes() {
        out.block(format!("location {prefix}/"), |out| {
            places.pass_outpost(out);
            if !places.shared {
                upstreams_are_told(out, &told);
            }
        });
    }
    for part in &front.parts {
        match part.role {
            Role::Ask => {
                out.gap();
                sign_in(out, part, places, &told);
                out.gap();
                location(
                    out,
                    part,
                    |out| ask(out, part, places, &told),
                    |out| places.pass_application(out),
                );
            }
            Role::Pass => {
                out.gap();
                location(
                    out,
                    part,
                    |out| {
                        out.comment(
                            "The outpost forwards by itself; it streams, and so does nginx.",
                        );
                        out.put("proxy_buffering off;");
                        if !places.shared {
                            upstreams_are_told(out, &told);
                        }
                    },
                    |out| places.pass_outpost(out),
                );
            }
            Role::SignIn => {}
        }
    }
}

/// What is not served.
pub(super) fn rest(out: &mut Lines, front: &Front<'_>) {
    if !front.has_root() {
        out.gap();
        out.comment("Nothing else is served here.");
        out.block("location /", |out| out.put("return 404;"));
    }
}

/// How the request is told to others: by the names of the configuration, not by the client's.
struct Told {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Told {
    fn of(front: &Front<'_>) -> Self {
        // The host that the server was chosen by; a request line may name another than `Host`.
        let name = front.only_name().unwrap_or("$host");
        let host = format!("{name}{}", front.port_suffix());
        Self { scheme: front.scheme.as_str(), host, port: front.port }
    }

    fn url(&self) -> String {
        format!("{}://{}$request_uri", self.scheme, self.host)
    }
}

fn limits(out: &mut Lines) {
    out.comment(
        "Tokens and groups make headers large, in both directions: nginx answers 502 to what does\n\
         not fit.",
    );
    out.put("large_client_header_buffers 8 64k;");
    out.put("proxy_buffer_size 64k;");
    out.put("proxy_buffers 8 64k;");
    out.put("proxy_busy_buffers_size 128k;");
    out.comment(
        "x_authentik_username is X-authentik-username to many applications. Of all servers that\n\
         listen at one address, the first one's words count: say the same there.",
    );
    out.put("underscores_in_headers off;");
    out.put("ignore_invalid_headers on;");
    out.comment("Uploads, downloads and websockets take the time and the space they take.");
    out.put("client_max_body_size 0;");
    out.put("proxy_request_buffering off;");
    out.put("proxy_read_timeout 1h;");
    out.put("proxy_send_timeout 1h;");
}

fn check(out: &mut Lines, places: &Places<'_>, told: &Told) {
    out.comment("The check of each request. It gets the headers and no body.");
    out.block(format!("location = {CHECK}"), |out| {
        out.put("internal;");
        places.pass_outpost(out);
        about(out, told);
        out.put("proxy_pass_request_body off;");
        out.put("proxy_set_header Content-Length '';");
    });
}

/// What the outpost is told of a request that it is asked about.
fn about(out: &mut Lines, told: &Told) {
    forwarding(out, told);
    clear(out, &["X-Original-URL"]);
    out.put(format!("proxy_set_header X-Original-URL {};", told.url()));
    out.put("proxy_set_header X-Original-Method $request_method;");
    out.comment("So that it knows a websocket from a page.");
    out.put("proxy_set_header Upgrade $outpost_upgrade;");
    out.put("proxy_set_header Connection '';");
    out.put("proxy_connect_timeout 5s;");
    out.put("proxy_read_timeout 30s;");
}

/// Headers of every request that is passed on.
fn upstreams_are_told(out: &mut Lines, told: &Told) {
    forwarding(out, told);
    clear(out, &[]);
    out.put("proxy_set_header Upgrade $outpost_upgrade;");
    out.put("proxy_set_header Connection $outpost_connection;");
}

/// Set, never appended to what the client says.
fn forwarding(out: &mut Lines, told: &Told) {
    out.put(format!("proxy_set_header Host {};", told.host));
    out.put(format!("proxy_set_header X-Forwarded-Host {};", told.host));
    out.put(format!("proxy_set_header X-Forwarded-Port {};", told.port));
    out.put(format!("proxy_set_header X-Forwarded-Proto {};", told.scheme));
    out.put("proxy_set_header X-Forwarded-For $remote_addr;");
    out.put("proxy_set_header X-Real-IP $remote_addr;");
}

fn clear(out: &mut Lines, but: &[&str]) {
    for name in HOP_HEADERS.iter().filter(|name| !but.contains(name)) {
        out.put(format!("proxy_set_header {name} '';"));
    }
    out.put(format!("proxy_set_header {HTTP2_SETTINGS} '';"));
}

/// Where nginx goes with a request that was answered 401.
fn sign_in(out: &mut Lines, part: &Part<'_>, places: &Places<'_>, told: &Told) {
    out.comment(
        "Who is not signed in: a page gets the redirect to authentik, a script gets 401. The\n\
         outpost is told the address in a header, so that no byte of its query is lost.",
    );
    out.block(format!("location @{}", sign_in_name(part)), |out| {
        out.put(format!("rewrite ^ {}{OUTPOST_PREFIX}/start? break;", part.base));
        places.pass_outpost(out);
        about(out, told);
        out.comment(
            "A body goes along as it comes: without it nginx would first store the whole of it.",
        );
        out.put("proxy_request_buffering off;");
    });
}

fn sign_in_name(part: &Part<'_>) -> String {
    format!("outpost_start_{}", part.id)
}

/// A location for the application: the whole host, or its path and what lies below it.
fn location(
    out: &mut Lines,
    part: &Part<'_>,
    common: impl FnOnce(&mut Lines),
    pass: impl Fn(&mut Lines),
) {
    if part.base.is_empty() {
        out.block("location /", |out| {
            common(out);
            pass(out);
        });
        return;
    }
    out.block(format!("location {}", part.base), |out| {
        common(out);
        out.block(format!("location = {}", part.base), &pass);
        out.block(format!("location {}/", part.base), &pass);
        out.comment("What only begins alike is not the application's.");
        out.put("return 404;");
    });
}

fn ask(out: &mut Lines, part: &Part<'_>, places: &Places<'_>, told: &Told) {
    out.put(format!("auth_request {CHECK};"));
    out.put(format!("error_page 401 = @{};", sign_in_name(part)));
    if places.shared {
        // See `super::ALLOWED`.
        out.put(format!("auth_request_set ${} $upstream_status;", super::ALLOWED));
    }
    out.put("auth_request_set $outpost_cookie $upstream_http_set_cookie;");
    out.put("add_header Set-Cookie $outpost_cookie always;");
    if !places.shared {
        out.comment(
            "With this header of its own the location loses what \"HSTS Enabled\" adds. Where that\n\
             is on, say it again:",
        );
        out.put("#add_header Strict-Transport-Security $hsts_header always;");
    }
    out.gap();
    out.comment(
        "Who the user is. Each of these overwrites what the client sent, with nothing where the\n\
         outpost says nothing.",
    );
    for name in &part.headers {
        let variable = name.to_ascii_lowercase().replace('-', "_");
        out.put(format!("auth_request_set $outpost_{variable} $upstream_http_{variable};"));
        out.put(format!("proxy_set_header {name} $outpost_{variable};"));
    }
    out.gap();
    upstreams_are_told(out, told);
}
