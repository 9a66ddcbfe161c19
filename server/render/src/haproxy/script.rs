//! The Lua script: what is particular to the applications, and what is not.

use crate::front::{Front, Role};
use crate::lines::Lines;
use crate::quote::Address;

/// Path of the check. The outpost answers as it answers Traefik: by redirects, and 401 for scripts.
const CHECK: &str = "/outpost.goauthentik.io/auth/traefik";

/// The script.
pub(super) fn text(fronts: &[Front<'_>], outpost: &Address) -> String {
    let mut out = Lines::default();
    out.put("-- Asks an authentik outpost about each request. haproxy.cfg loads it.");
    out.gap();
    out.put("-- Where the outpost is asked.");
    out.put(format!("local check = \"{}{CHECK}\"", outpost.url()));
    out.gap();
    out.put("-- The headers that tell each application who the user is. All of them are set anew.");
    out.put("local told = {");
    let mut written: Vec<&str> = Vec::new();
    let parts = fronts.iter().flat_map(|front| &front.parts);
    for part in parts.filter(|part| part.role == Role::Ask) {
        if written.contains(&part.id.as_str()) {
            continue;
        }
        written.push(&part.id);
        out.inner(|out| {
            out.put(format!("[\"{}\"] = {{", part.id));
            out.inner(|out| part.headers.iter().for_each(|name| out.put(format!("\"{name}\","))));
            out.put("},");
        });
    }
    out.put("}");
    out.gap();
    out.finish() + include_str!("outpost.lua")
}
