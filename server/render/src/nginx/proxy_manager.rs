//! nginx Proxy Manager: the text for the "Advanced" box of a proxy host.
//!
//! It stands within a server block, so there is no place for a map or for kept connections; what
//! the page says of the application stays where it is, in variables.

use super::{Places, server};
use crate::front::{self, Role};
use crate::input::Input;
use crate::lines::Lines;
use crate::rendered::{RenderError, Rendered};

/// Writes the text: a part for each host.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let outpost = front::outpost(input)?;
    let mut out = Lines::default();
    for (index, front) in front::of(input)?.iter().enumerate() {
        if index > 0 {
            out.gap();
        }
        out.comment(&format!(
            "nginx Proxy Manager: the proxy host {}, tab Advanced.\n\
             Leave \"Cache Assets\" off: it would serve files without asking. Websockets pass,\n\
             whether \"Websockets Support\" is on or off.",
            front.names.join(", ")
        ));
        if front.is_example {
            out.comment("An example: do so for each of your applications below the domain.");
        }
        if front.parts.iter().any(|part| part.role == Role::Pass) {
            out.comment(&format!("As the forward host give the outpost: {}", outpost.url()));
        }
        out.gap();
        out.comment(
            "Only websockets are upgraded: within a tunnel nobody asks the outpost any more.",
        );
        out.put("set $outpost_upgrade '';");
        out.put("set $outpost_connection '';");
        out.block("if ($http_upgrade ~* ^websocket$)", |out| {
            out.put("set $outpost_upgrade websocket;");
            out.put("set $outpost_connection upgrade;");
        });
        out.gap();
        let places = Places {
            outpost_url: outpost.url(),
            outpost: &outpost,
            application_url: "$forward_scheme://$server:$port".to_owned(),
            application: None,
            shared: false,
        };
        server::body(&mut out, front, &places);
        // The manager writes a location of its own for the whole host, which asks nobody, unless
        // it finds one here.
        if front.parts.iter().any(|part| part.role != Role::SignIn) {
            server::rest(&mut out, front);
        }
    }
    Ok(Rendered::one("advanced.conf", out.finish()))
}
