//! The outpost as a service for Docker Compose: what core's Docker integration makes, with safe
//! defaults, and labels by which Traefik finds it.

mod labels;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::input::Input;
use crate::kubernetes::object::{HOST_PLACEHOLDER, is_stock};
use crate::options::{Names, Options};
use crate::rendered::{RenderError, Rendered};
use crate::yaml::{self, Document};

/// Writes the file.
///
/// # Errors
/// When an option cannot be followed.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let options = Options::read(&input.outpost.config)?;
    let names = Names::of(&input.outpost, &options.object_naming_template)?;
    let akprox = input.applications.iter().any(|application| application.provider.akprox);
    let image = options.container_image.clone();
    let mut service = json!({
        "image": literal(&image.clone().unwrap_or_else(|| format!("outpost:{}", tag(input)))),
        "container_name": names.object,
        "restart": "unless-stopped",
        "environment": environment(&options, input, akprox),
        "labels": all_labels(input, &options, &names)?,
        "healthcheck": {
            "test": ["CMD", "/usr/local/bin/outpost", "healthcheck", "--ready"],
            "interval": "5s",
            "timeout": "5s",
            "retries": 20,
            "start_period": "3s",
        },
        "read_only": true,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": "45s",
    });
    if options.docker_map_ports {
        let old: &[u16] = if akprox { &[4180, 4443] } else { &[] };
        let ports = [9000_u16, 9443].iter().chain(old);
        service["ports"] = ports.map(|port| format!("{port}:{port}")).collect();
    }
    let mut file = json!({"services": {"outpost": service}});
    if input.site.token.is_none() {
        file["services"]["outpost"]["secrets"] = json!(["outpost_token"]);
        file["secrets"] = json!({"outpost_token": {"file": "./secrets/token"}});
    }
    if let Some(network) = &options.docker_network {
        file["networks"] = json!({"default": {"name": literal(network), "external": true}});
    }
    let document = notes(Document::new(file), input, &options);
    let intro = format!(
        "The outpost {} on Docker: docker compose -f compose.yml up -d\n\
         Name, ports and labels are those of authentik's own Docker integration: take that out of \
         the outpost in authentik first (Applications, Outposts, Edit: Integration), which removes \
         its container.\n\
         Made from the outpost's options in authentik: change them there, and render again. A $ \
         stands twice where Compose is not to replace it.",
        names.object
    );
    let text = yaml::file(&intro, &[document]);
    // One document: Compose's own files have no line of dashes.
    Ok(Rendered::one("compose.yml", text.replacen("\n---\n", "\n", 1)))
}

fn notes(mut document: Document, input: &Input, options: &Options) -> Document {
    let at = |name: &str| format!("/services/outpost/{name}");
    match &options.container_image {
        None => {
            let note = "As deploy/container/Containerfile makes it; another name goes into the \
                        outpost's option container_image.";
            document = document.note(at("image"), note);
        }
        Some(image) if is_stock(image) => {
            let note = "FILL IN: the outpost's option container_image names authentik's own \
                        outpost, for which this is not made.";
            document = document.note(at("image"), note);
        }
        Some(_) => {}
    }
    if options.authentik_host.is_empty() {
        let note =
            "FILL IN: where authentik is. The option authentik_host of the outpost is empty.";
        document = document.note(at("environment/AUTHENTIK_HOST"), note);
    }
    if options.authentik_host_insecure {
        let note = "authentik's certificate is not verified: whoever can put themselves between the \
                    two can sign in as anybody.";
        document = document.note(at("environment/AUTHENTIK_INSECURE"), note);
    }
    if input.site.token.is_none() {
        let note = "The token, which authentik shows on the page of the outpost (View Deployment \
                    Info):\n  install -D -m 0400 -o 65532 /dev/stdin secrets/token";
        document = document.note("/secrets/outpost_token", note);
    }
    if options.docker_map_ports {
        let note = "On all addresses of the machine, as authentik does it; put 127.0.0.1: in front \
                    where a reverse proxy on the machine is all that asks. The option \
                    docker_map_ports turns this off.";
        document = document.note(at("ports"), note);
    }
    document
        .note(at("read_only"), "Nothing to write to, nothing that it could gain.")
        .note(
            at("stop_grace_period"),
            "More than shutdown.delay and shutdown.drain_timeout together.",
        )
        .note(
            at("labels"),
            "Traefik (3, with its Docker provider): the outpost's own paths of every application, \
             all of those in proxy mode, and the middleware that routers of the others name.",
        )
        .note("/networks/default", "The option docker_network: it has to be there already.")
}

fn environment(options: &Options, input: &Input, akprox: bool) -> Value {
    let host = Some(options.authentik_host.as_str()).filter(|host| !host.is_empty());
    let token = input.site.token.as_ref();
    let mut variables = json!({
        "AUTHENTIK_HOST": literal(host.unwrap_or(HOST_PLACEHOLDER)),
        "AUTHENTIK_INSECURE": options.authentik_host_insecure.to_string(),
        "AUTHENTIK_TOKEN": token.map_or_else(
            || "file:///run/secrets/outpost_token".to_owned(),
            |token| literal(token.reveal()),
        ),
    });
    if !options.authentik_host_browser.is_empty() {
        variables["AUTHENTIK_HOST_BROWSER"] = literal(&options.authentik_host_browser).into();
    }
    if akprox {
        variables["OUTPOST__COMPAT__AKPROX"] = "true".into();
    }
    variables
}

/// Core's label, those for Traefik, and the operator's, who has the last word.
fn all_labels(
    input: &Input,
    options: &Options,
    names: &Names,
) -> Result<BTreeMap<String, String>, RenderError> {
    let mut all = BTreeMap::new();
    all.insert("io.goauthentik.outpost-uuid".to_owned(), names.uuid.clone());
    all.extend(labels::of(input, &names.object)?);
    all.extend(options.docker_labels.clone());
    Ok(all.into_iter().map(|(name, value)| (name, literal(&value))).collect())
}

/// Our version as a tag.
fn tag(input: &Input) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    input.site.version.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

/// A text in which Compose replaces nothing.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
