//! An outpost that runs on Kubernetes, seen from the applications beside it: what ingress-nginx,
//! Istio and the Gateway API have in common.

use outpost_decision::OUTPOST_PREFIX;
use serde_json::{Value, json};
use url::Url;

use crate::front::{self, Front, Part, Role};
use crate::input::{self, Application, Input};
use crate::options::{Names, Options, is_label, is_subdomain};
use crate::quote;
use crate::rendered::RenderError;

/// Port of the outpost's Service.
pub(crate) const PORT: u16 = 9000;

/// Where everything is.
pub(crate) struct Cluster<'a> {
    /// Hosts to serve.
    pub(crate) fronts: Vec<Front<'a>>,
    /// The outpost's options.
    pub(crate) options: Options,
    /// Name of the outpost's Service.
    pub(crate) outpost: String,
    /// Namespace of the outpost.
    pub(crate) home: String,
    /// Namespace of the applications.
    pub(crate) namespace: String,
    upstream: Option<&'a Url>,
    /// Names of objects, by front and part.
    titles: Vec<Vec<String>>,
    /// Names of objects for the outpost's own paths, by front.
    owns: Vec<String>,
}

/// A front, and what its objects are called.
pub(crate) struct Host<'c, 'a> {
    /// The front.
    pub(crate) front: &'c Front<'a>,
    /// Its parts by name.
    pub(crate) parts: Vec<(&'c Part<'a>, &'c str)>,
    /// Name of the object for the outpost's own paths.
    pub(crate) own: &'c str,
}

/// The Service of an application.
pub(crate) struct Backend {
    /// Its name.
    pub(crate) name: String,
    /// Its port.
    pub(crate) port: u16,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// Whether nobody has said where the application is.
    pub(crate) is_example: bool,
}

impl<'a> Cluster<'a> {
    /// Looks at everything that has to be a name on Kubernetes.
    ///
    /// # Errors
    /// When something is none.
    pub(crate) fn of(input: &'a Input) -> Result<Self, RenderError> {
        let options = Options::read(&input.outpost.config)?;
        let names = Names::of(&input.outpost, &options.object_naming_template)?;
        let home = options.kubernetes.namespace.clone();
        let namespace = match &input.site.namespace {
            Some(namespace) if !is_label(namespace) => {
                let problem = format!("{namespace:?} is no name of a namespace");
                return Err(RenderError::Site { what: "namespace", problem });
            }
            Some(namespace) => namespace.clone(),
            None => home.clone(),
        };
        let fronts = front::of(input)?;
        for front in &fronts {
            for (name, part) in front.names.iter().zip(front.parts.first()) {
                check_host(name, part.application)?;
            }
        }
        let upstream = input.site.upstream.as_ref();
        let titles = titles(&fronts);
        let owns = owns(&fronts, &titles);
        Ok(Self { fronts, options, outpost: names.object, home, namespace, upstream, titles, owns })
    }

    /// The fronts with their parts, each with a name for its objects that no other has.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = Host<'_, 'a>> {
        self.fronts.iter().zip(&self.titles).zip(&self.owns).map(|((front, titles), own)| {
            let parts = front.parts.iter().zip(titles.iter().map(String::as_str)).collect();
            Host { front, parts, own }
        })
    }

    /// Whether the applications live in another namespace than the outpost.
    pub(crate) fn is_apart(&self) -> bool {
        self.home != self.namespace
    }

    /// The outpost's name for all of the cluster.
    pub(crate) fn host(&self) -> String {
        format!("{}.{}.svc.cluster.local", self.outpost, self.home)
    }

    /// `metadata` of an object beside the applications.
    pub(crate) fn metadata(&self, name: &str) -> Value {
        json!({
            "name": name,
            "namespace": self.namespace,
            "labels": {"app.kubernetes.io/part-of": self.outpost},
        })
    }

    /// The Service of an application.
    ///
    /// # Errors
    /// When the operator said where it is, and that is not a Service.
    pub(crate) fn backend(&self, title: &str) -> Result<Backend, RenderError> {
        let Some(url) = self.upstream else {
            let name = title.to_owned();
            return Ok(Backend { name, port: 80, tls: false, is_example: true });
        };
        let host = url.host_str().unwrap_or_default();
        let mut labels = host.split('.');
        let name = labels.next().unwrap_or_default();
        let elsewhere = labels.next().filter(|namespace| *namespace != self.namespace);
        if !is_label(name) || name.parse::<u8>().is_ok() || elsewhere.is_some() {
            let problem = format!(
                "{:?} is no Service in the namespace {}: write http://service:port",
                quote::comment(host),
                self.namespace
            );
            return Err(RenderError::Site { what: "upstream", problem });
        }
        let tls = url.scheme() == "https";
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Backend { name: name.to_owned(), port, tls, is_example: false })
    }

    /// Headers to copy for any application that is asked for, each once.
    pub(crate) fn headers(&self) -> Vec<String> {
        input::each_once(self.asked().flat_map(|part| &part.headers).cloned())
    }

    /// Refuses headers that the outpost cannot be relied on to set, for proxies that take away from a
    /// client's request only what the answer to a check carries: `--header` names one, and the
    /// outpost sends it only for users who have it.
    ///
    /// # Errors
    /// When an application that is asked for has one.
    pub(crate) fn refuse_additional(&self, proxy: &str) -> Result<(), RenderError> {
        let Some((part, name)) = self
            .asked()
            .find_map(|part| part.application.additional.first().map(|name| (part, name)))
        else {
            return Ok(());
        };
        Err(RenderError::Provider {
            provider: quote::comment(&part.application.provider.name),
            problem: format!(
                "{proxy} overwrites only headers that the outpost's answer carries, and no answer \
                 carries {} for users without it: whoever sends it would choose who they are. Use \
                 headers that the outpost always sets (X-authentik-...), or a proxy that takes the \
                 client's away first, such as nginx",
                quote::comment(name),
            ),
        })
    }

    /// The applications that are asked for.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Part<'a>> {
        let parts = self.fronts.iter().flat_map(|front| &front.parts);
        parts.filter(|part| part.role == Role::Ask)
    }
}

/// Why headers are copied by name, for proxies that overwrite what an answer carries and leave the
/// rest as the client sent it.
pub(crate) const COPIED: &str =
    "All that the outpost sets, empty ones included: each overwrites what a client sent.";

/// The path of checks that carry the path they are about behind it.
pub(crate) fn envoy_path() -> String {
    format!("{OUTPOST_PREFIX}/auth/envoy")
}

/// Names for the objects of each application: that of its identifier, with a number where it has
/// been taken.
fn titles(fronts: &[Front<'_>]) -> Vec<Vec<String>> {
    let mut taken: Vec<String> = Vec::new();
    let mut title = |part: &Part<'_>| {
        let name = object_name(&part.id);
        if part.role == Role::SignIn {
            return name;
        }
        let free = front::unused(name, |name| taken.iter().any(|other| other == name));
        taken.push(free.clone());
        free
    };
    fronts.iter().map(|front| front.parts.iter().map(&mut title).collect()).collect()
}

/// Names for what belongs to the outpost on each host, that no application's object has.
fn owns(fronts: &[Front<'_>], titles: &[Vec<String>]) -> Vec<String> {
    let mut taken: Vec<String> = titles.iter().flatten().cloned().collect();
    let mut own = |(front, titles): (&Front<'_>, &Vec<String>)| {
        let mut parts = front.parts.iter().zip(titles);
        let first = titles.first().map_or("application", String::as_str);
        let wanted = match parts.find(|(part, _)| part.role != Role::SignIn) {
            Some((_, title)) => format!("{title}-outpost"),
            None => format!("{first}-sign-in"),
        };
        let free = front::unused(wanted, |name| taken.iter().any(|other| other == name));
        taken.push(free.clone());
        free
    };
    fronts.iter().zip(titles).map(&mut own).collect()
}

/// Name of the `index`th object of several that belong together. No other has a dot in its name.
pub(crate) fn numbered(name: &str, index: usize) -> String {
    match index {
        0 => name.to_owned(),
        _ => format!("{name}.{}", index + 1),
    }
}

/// How many hosts an HTTPRoute may name (`hostnames` of its definition).
pub(crate) const ROUTE_HOSTS: usize = 16;

/// How many matches a rule of an HTTPRoute may have.
pub(crate) const ROUTE_MATCHES: usize = 64;

/// The name of an object that is about an application.
fn object_name(id: &str) -> String {
    let dashed: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    // A Service's name begins with a letter.
    match dashed.trim_matches('-') {
        "" => "application".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("app-{name}"),
        name => name.to_owned(),
    }
}

fn check_host(name: &str, application: &Application) -> Result<(), RenderError> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    if is_subdomain(host) && host.parse::<std::net::Ipv4Addr>().is_err() {
        return Ok(());
    }
    Err(RenderError::Provider {
        provider: quote::comment(&application.provider.name),
        problem: format!(
            "Kubernetes cannot name the host {}: give it one of lower-case letters, digits, - and .",
            quote::comment(name)
        ),
    })
}
