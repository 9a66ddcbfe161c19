//! What a reverse proxy has to serve: hosts, the applications on each by their paths, and which
//! paths are the outpost's. Every name in it may stand in any configuration without quotes.

use outpost_decision::provider::Mode;
use outpost_decision::target::{Authority, Scheme};
use url::Url;

use crate::input::{Application, Input};
use crate::place;
use crate::quote::{self, Address};
use crate::rendered::RenderError;

/// Where the application is, as long as nobody has said.
const EXAMPLE_UPSTREAM: &str = "http://application:8080";

/// Headers by which proxies tell of a request, and which applications believe: what a client says
/// under these names must not get through. Those that the proxy sets anew are not among them.
pub(crate) const HOP_HEADERS: [&str; 9] = [
    "Forwarded",
    "X-Forwarded-Method",
    "X-Forwarded-Prefix",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Forwarded-Uri",
    "X-Original-URI",
    "X-Original-URL",
    "X-Rewrite-URL",
];

/// With it a client asks for HTTP/2 without TLS: a tunnel in which nobody is asked any more. None
/// but the next hop is meant, so nobody misses it.
pub(crate) const HTTP2_SETTINGS: &str = "HTTP2-Settings";

/// Hosts that are served alike.
#[derive(Debug)]
pub(crate) struct Front<'a> {
    /// Names without a port; `*.domain` stands for every host below the domain.
    pub(crate) names: Vec<String>,
    /// Scheme that browsers use.
    pub(crate) scheme: Scheme,
    /// Port that browsers use.
    pub(crate) port: u16,
    /// Whether the names are examples, to be filled in.
    pub(crate) is_example: bool,
    /// The applications, the longest path first.
    pub(crate) parts: Vec<Part<'a>>,
}

/// One application on a host.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// The application.
    pub(crate) application: &'a Application,
    /// Its name within the configuration.
    pub(crate) id: String,
    /// Path below which it lives, without a final slash; empty for the whole host.
    pub(crate) base: &'a str,
    /// What is done for it.
    pub(crate) role: Role,
    /// The headers to copy from the outpost's answer.
    pub(crate) headers: Vec<String>,
}

/// What a proxy does for an application on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Asks the outpost, then forwards.
    Ask,
    /// Forwards everything to the outpost, which forwards.
    Pass,
    /// Nothing of the application is there; people sign in there.
    SignIn,
}

impl Front<'_> {
    /// The port as it stands behind a name: `:8443`, or nothing for the scheme's own.
    pub(crate) fn port_suffix(&self) -> String {
        if self.port == self.scheme.default_port() {
            String::new()
        } else {
            format!(":{}", self.port)
        }
    }

    /// The one name of it, where there is one and no wildcard.
    pub(crate) fn only_name(&self) -> Option<&str> {
        match self.names.as_slice() {
            [name] if !name.starts_with("*.") => Some(name),
            _ => None,
        }
    }

    /// Prefixes of the outpost's own paths, sorted, without final slashes.
    pub(crate) fn own_prefixes(&self) -> Vec<String> {
        let providers = self.parts.iter().map(|part| &part.application.provider);
        let mut found: Vec<String> = providers.flat_map(|of| place::own_paths(of)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether hosts are served that are not named.
    pub(crate) fn has_wildcard(&self) -> bool {
        self.names.iter().any(|name| name.starts_with('*'))
    }

    /// Whether an application has the whole host.
    pub(crate) fn has_root(&self) -> bool {
        self.parts.iter().any(|part| part.base.is_empty() && part.role != Role::SignIn)
    }
}

/// The fronts of all applications, in their order.
pub(crate) fn of(input: &Input) -> Result<Vec<Front<'_>>, RenderError> {
    let mut fronts: Vec<Front<'_>> = Vec::new();
    for application in &input.applications {
        let external = &application.provider.external;
        let name = String::from(&*external.authority.host);
        check(application, quote::is_host(&name), "its external host has no plain host name")?;
        let single = match application.provider.mode {
            Mode::Proxy => Role::Pass,
            Mode::ForwardSingle => Role::Ask,
            Mode::ForwardDomain => Role::SignIn,
        };
        let served = match &application.provider.cookie_domain {
            Some(domain) if single == Role::SignIn => hosts_below(input, domain)?,
            _ => Vec::new(),
        };
        let (at_home, others): (Vec<_>, Vec<_>) = served.iter().cloned().partition(|n| *n == name);
        let role = if at_home.is_empty() { single } else { Role::Ask };
        add(&mut fronts, vec![name], false, part(input, application, role)?);
        if single == Role::SignIn && (!others.is_empty() || at_home.is_empty()) {
            let is_example = others.is_empty();
            let domain = application.provider.cookie_domain.as_deref().unwrap_or("example.com");
            let names = if is_example { vec![format!("app.{domain}")] } else { others };
            let whole = names.iter().all(|name| quote::is_host(name));
            check(application, whole, "its cookie domain is no plain domain")?;
            add(&mut fronts, names, is_example, part(input, application, Role::Ask)?);
        }
    }
    // A host by itself comes before a wildcard that covers it, where order counts.
    fronts.sort_by_key(Front::has_wildcard);
    for front in &mut fronts {
        front.parts.sort_by_key(|part| std::cmp::Reverse(part.base.len()));
    }
    Ok(fronts)
}

/// The application hosts that the operator named below a domain.
fn hosts_below(input: &Input, domain: &str) -> Result<Vec<String>, RenderError> {
    let mut names = Vec::new();
    for host in &input.site.hosts {
        let name = host.to_ascii_lowercase();
        if !quote::is_host(&name) {
            let problem = format!("{:?} is no host name", quote::comment(host));
            return Err(RenderError::Site { what: "host", problem });
        }
        let plain = Authority { host: name.trim_start_matches("*.").into(), port: None };
        if plain.is_within(domain) && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn add<'a>(fronts: &mut Vec<Front<'a>>, names: Vec<String>, is_example: bool, part: Part<'a>) {
    let external = &part.application.provider.external;
    let scheme = external.scheme;
    let port = external.authority.port_or_default(scheme);
    let same = |front: &&mut Front<'_>| {
        front.names == names && front.scheme == scheme && front.port == port
    };
    match fronts.iter_mut().find(same) {
        // The sign-in of a domain needs nothing more on the host of one of its applications.
        Some(front) if part.role == Role::SignIn && front.has_root() => {}
        Some(front) => front.parts.push(part),
        None => fronts.push(Front { names, scheme, port, is_example, parts: vec![part] }),
    }
}

fn part<'a>(
    input: &Input,
    application: &'a Application,
    role: Role,
) -> Result<Part<'a>, RenderError> {
    let provider = &application.provider;
    let base = match role {
        Role::SignIn => "",
        Role::Ask | Role::Pass => provider.external.path.as_str(),
    };
    let plain = quote::is_path(base) && quote::is_path(&provider.external.home);
    check(
        application,
        plain,
        "its external host has a path with more than letters, digits, -, _, . and ~",
    )?;
    let headers = application.headers();
    for name in &headers {
        let problem =
            "a header for its application has a name with more than letters, digits and -";
        check(application, quote::is_header(name), problem)?;
    }
    Ok(Part { application, id: id(input, application), base, role, headers })
}

/// A name for the application that no other has, even where names are [`folded`].
fn id(input: &Input, application: &Application) -> String {
    let slug = application.provider.application_slug.as_str();
    let name = folded(slug);
    let shared = |other: &&Application| folded(&other.provider.application_slug) == name;
    // Slugs that look like the names below are theirs no longer.
    let plain = quote::is_identifier(slug) && !name.is_empty() && !name.starts_with("provider-");
    if plain && input.applications.iter().filter(shared).count() < 2 {
        slug.to_owned()
    } else {
        format!("provider-{}", application.provider.pk)
    }
}

/// Whether a proxy asks the outpost for any of them.
pub(crate) fn asks(fronts: &[Front<'_>]) -> bool {
    fronts.iter().flat_map(|front| &front.parts).any(|part| part.role == Role::Ask)
}

/// A name that is not taken: the one that is wanted, or with a number behind it.
pub(crate) fn unused(wanted: String, taken: impl Fn(&str) -> bool) -> String {
    let mut free = wanted.clone();
    let mut number = 2;
    while taken(&free) {
        free = format!("{wanted}-{number}");
        number += 1;
    }
    free
}

/// A name as Kubernetes takes it. Core's slugs may hold capitals and `_`.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-").trim_matches('-').to_owned()
}

fn check(application: &Application, good: bool, problem: &str) -> Result<(), RenderError> {
    if good {
        return Ok(());
    }
    Err(RenderError::Provider {
        provider: quote::comment(&application.provider.name),
        problem: format!("{problem}; that cannot be written for a reverse proxy"),
    })
}

/// Where the outpost is.
pub(crate) fn outpost(input: &Input) -> Result<Address, RenderError> {
    Address::of(&input.site.outpost, "outpost")
}

/// Where applications are, and whether that is an example.
pub(crate) fn upstream(input: &Input) -> Result<(Address, bool), RenderError> {
    match &input.site.upstream {
        Some(url) => Ok((Address::of(url, "upstream")?, false)),
        None => {
            #[expect(clippy::expect_used, reason = "a constant")]
            let url = Url::parse(EXAMPLE_UPSTREAM).expect("a URL");
            Ok((Address::of(&url, "upstream")?, true))
        }
    }
}

/// The certificate's files, checked.
pub(crate) fn tls(input: &Input) -> Result<Option<(&str, &str)>, RenderError> {
    let Some(tls) = &input.site.tls else { return Ok(None) };
    if quote::is_file(&tls.certificate) && quote::is_file(&tls.key) {
        return Ok(Some((&tls.certificate, &tls.key)));
    }
    let problem = "its files have names with more than letters, digits and /-_.+@:".to_owned();
    Err(RenderError::Site { what: "tls", problem })
}

/// What the configuration is for: a line for each application, with its line break.
pub(crate) fn about(input: &Input) -> String {
    let line = |application: &Application| {
        let provider = &application.provider;
        format!(
            "  {} ({}): {}{}\n",
            quote::comment(&provider.name),
            provider.mode.as_str(),
            quote::comment(&provider.external.origin().replace('*', "any")),
            quote::comment(&provider.external.path),
        )
    };
    input.applications.iter().map(line).collect()
}

/// A name with every mixture of `-` and `_`: applications behind CGI and WSGI take all for one.
pub(crate) fn spellings(name: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for letter in name.chars() {
        let marks: &[char] = if letter == '-' { &['-', '_'] } else { &[letter] };
        found = found
            .iter()
            .flat_map(|begun| marks.iter().map(move |mark| format!("{begun}{mark}")))
            .collect();
    }
    found
}
