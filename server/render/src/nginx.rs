//! nginx: `auth_request`, in a file for the http context.
//!
//! - The outpost is told the host by which nginx chose the server, never what the client wrote into
//!   a header: else a request could be checked for one application and reach another.
//! - Who is not signed in is not redirected to `/start?rd=…`, since nginx cannot escape the address
//!   for a query: nginx hands the request on to that path, with the address in a header. So query
//!   strings arrive as they were, cookies of the sign-in are passed on all of them, and scripts get
//!   the outpost's 401.

mod server;

use outpost_decision::target::Scheme;

use crate::front::{self, Front};
use crate::input::Input;
use crate::lines::Lines;
use crate::quote::Address;
use crate::rendered::{RenderError, Rendered};

pub(crate) mod proxy_manager;

/// Name of the upstream that is the outpost.
const OUTPOST: &str = "outpost";

/// Name of the upstream that is the application.
const APPLICATION: &str = "application";

/// Variable with the status of the check's answer. To nginx every 2xx is a yes, so that whatever
/// answers in the outpost's place opens everything; here 200 alone leads to the application.
const ALLOWED: &str = "outpost_status";

/// Writes the file.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let fronts = front::of(input)?;
    let outpost = front::outpost(input)?;
    let (upstream, is_example) = front::upstream(input)?;
    let mut out = Lines::default();
    out.comment(
        "nginx in front of applications that an authentik outpost guards.\n\
         Save it as /etc/nginx/conf.d/outpost.conf (it belongs into the http block), then\n\
         nginx -t && nginx -s reload. nginx needs its auth_request module.\n\
         Applications:",
    );
    out.comment(&front::about(input));
    out.gap();
    out.comment(
        "Connections are kept, unless they become a websocket's. Nothing else is upgraded: within a\n\
         tunnel nobody asks the outpost any more.",
    );
    for (variable, value) in [("upgrade", "websocket"), ("connection", "upgrade")] {
        out.block(format!("map $http_upgrade $outpost_{variable}"), |out| {
            out.put("default        '';");
            out.put(format!("~*^websocket$  {value};"));
        });
    }
    let asks = front::asks(&fronts);
    if asks {
        out.gap();
        out.comment(
            "To nginx any 2xx is a yes; the outpost's is 200, and nothing else leads to the\n\
             application. (Before the last status others may stand, of connections that were lost.)",
        );
        out.block(format!("map ${ALLOWED} $outpost_{APPLICATION}"), |out| {
            out.put("default  '';");
            out.put(format!("~200$    {APPLICATION};"));
        });
    }
    out.gap();
    pool(&mut out, OUTPOST, &outpost, false);
    if asks {
        out.gap();
        pool(&mut out, APPLICATION, &upstream, is_example);
    }
    for front in &fronts {
        out.gap();
        if front.is_example {
            out.comment("An example: name the hosts of your applications below the domain.");
        }
        let places = Places {
            outpost_url: format!("{}://{OUTPOST}", outpost.scheme()),
            outpost: &outpost,
            application_url: format!("{}://$outpost_{APPLICATION}", upstream.scheme()),
            application: Some(&upstream),
            shared: true,
        };
        let tls = front::tls(input)?;
        out.block("server", |out| {
            listen(out, input, front, tls);
            out.put(format!("server_name {};", front.names.join(" ")));
            out.gap();
            server::body(out, front, &places);
            server::rest(out, front);
        });
    }
    Ok(Rendered::one("outpost.conf", out.finish()))
}

/// Where things are, as `proxy_pass` names them.
struct Places<'a> {
    outpost_url: String,
    outpost: &'a Address,
    application_url: String,
    /// Where it is known.
    application: Option<&'a Address>,
    /// Whether the server says once for all locations what upstreams are told. Within a server of
    /// somebody else's, whose own lines would add to these, each location says it.
    shared: bool,
}

impl Places<'_> {
    fn pass_outpost(&self, out: &mut Lines) {
        pass(out, &self.outpost_url, Some(self.outpost));
    }

    fn pass_application(&self, out: &mut Lines) {
        pass(out, &self.application_url, self.application);
    }
}

/// `proxy_pass` and what a TLS upstream needs beside it.
fn pass(out: &mut Lines, url: &str, to: Option<&Address>) {
    out.put(format!("proxy_pass {url};"));
    out.put("proxy_http_version 1.1;");
    if let Some(to) = to.filter(|to| to.tls) {
        out.put("proxy_ssl_server_name on;");
        out.put(format!("proxy_ssl_name {};", to.host));
        out.comment("An authority of its own, or its own certificate, is named here.");
        out.put("proxy_ssl_verify on;");
        out.put("proxy_ssl_verify_depth 4;");
        out.put("proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;");
    }
}

/// An upstream with connections that are kept.
fn pool(out: &mut Lines, name: &str, at: &Address, is_example: bool) {
    if is_example {
        out.comment("An example: where your application is.");
    }
    out.block(format!("upstream {name}"), |out| {
        out.put(format!("server {};", at.authority()));
        out.put("keepalive 32;");
    });
}

fn listen(out: &mut Lines, input: &Input, front: &Front<'_>, tls: Option<(&str, &str)>) {
    let over_tls = match front.scheme {
        Scheme::Http => false,
        Scheme::Https => tls.is_some() || input.site.listen.is_none(),
    };
    let suffix = if over_tls { " ssl" } else { "" };
    match input.site.listen {
        Some(address) => out.put(format!("listen {address}{suffix};")),
        None => {
            out.put(format!("listen {}{suffix};", front.port));
            out.put(format!("listen [::]:{}{suffix};", front.port));
        }
    }
    if !over_tls {
        return;
    }
    match tls {
        Some((certificate, key)) => {
            out.put(format!("ssl_certificate {certificate};"));
            out.put(format!("ssl_certificate_key {key};"));
        }
        None => {
            out.comment("The certificate of the host; nginx does not start without one.");
            out.put("#ssl_certificate /etc/ssl/certs/fullchain.pem;");
            out.put("#ssl_certificate_key /etc/ssl/private/key.pem;");
        }
    }
}
