//! What core cannot know: where things are at the operator's site.

use std::mem::take;
use std::net::SocketAddr;

use clap::Args;
use outpost_render::{Application, Secret, SecretKey, Site, TlsFiles};
use secrecy::ExposeSecret;
use url::Url;

use crate::settings::Settings;

/// Options of the site. Each is optional, and each that the target has no use for is told of.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where things are")]
pub(super) struct SiteArguments {
    /// Where reverse proxies reach the outpost [default: render.outpost_url, else
    /// http://outpost:9000]
    #[arg(long, value_name = "URL", value_parser = origin)]
    outpost: Option<Url>,
    /// Where the application is, for a reverse proxy that passes requests on to it [default: an
    /// example to be filled in]
    #[arg(long, value_name = "URL", value_parser = web)]
    upstream: Option<Url>,
    /// One more header that the application gets, as `additionalHeaders` of users or groups set it;
    /// may be given several times
    #[arg(long = "header", value_name = "NAME", value_parser = header_name)]
    headers: Vec<String>,
    /// A host below the domain of a forward_domain provider, without a port; *.name for all one
    /// label below; may be given several times [default: an example]
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Where the reverse proxy listens [default: the ports of the external hosts]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The reverse proxy's certificate with its chain, a PEM file on its machine
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,
    /// The certificate's key, a PEM file on that machine
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,
    /// Kubernetes namespace of the applications [default: that of the outpost]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// A key of a Kubernetes Secret that holds the URL of the session store that replicas share
    #[arg(long, value_name = "SECRET/KEY", value_parser = secret_key)]
    store: Option<SecretKey>,
    /// Write AUTHENTIK_TOKEN into what needs it [default: a place to fill in]
    #[arg(long, conflicts_with = "from")]
    with_token: bool,
}

/// Takes one option out of the arguments, if it is given.
type Taken = fn(&mut SiteArguments) -> bool;

/// Every option, with what takes it out.
const OPTIONS: [(&str, Taken); 10] = [
    ("--outpost", |site| site.outpost.take().is_some()),
    ("--upstream", |site| site.upstream.take().is_some()),
    ("--header", |site| !take(&mut site.headers).is_empty()),
    ("--host", |site| !take(&mut site.hosts).is_empty()),
    ("--listen", |site| site.listen.take().is_some()),
    ("--tls-certificate", |site| site.tls_certificate.take().is_some()),
    ("--tls-key", |site| site.tls_key.take().is_some()),
    ("--namespace", |site| site.namespace.take().is_some()),
    ("--store", |site| site.store.take().is_some()),
    ("--with-token", |site| take(&mut site.with_token)),
];

impl SiteArguments {
    /// The site.
    pub(super) fn site(&self, settings: &Settings) -> Site {
        let known = settings.render.site();
        let tls = self.tls_certificate.clone().zip(self.tls_key.clone());
        let token = || Secret::new(settings.core.token.expose_secret().to_owned());
        Site {
            outpost: self.outpost.clone().unwrap_or(known.outpost),
            upstream: self.upstream.clone(),
            namespace: self.namespace.clone(),
            token: self.with_token.then(token),
            store: self.store.clone(),
            hosts: self.hosts.clone(),
            listen: self.listen,
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            version: known.version,
        }
    }

    /// Whether a secret may be in the output.
    pub(super) const fn is_secret(&self) -> bool {
        self.with_token
    }

    /// The applications, each with the additional headers.
    pub(super) fn copied_by(&self, applications: &[Application]) -> Vec<Application> {
        let with_headers = |application: &Application| Application {
            additional: self.headers.clone(),
            ..application.clone()
        };
        applications.iter().map(with_headers).collect()
    }

    /// The options given without which the output would be `the_same`.
    pub(super) fn unused(&self, the_same: impl Fn(&Self) -> bool) -> Vec<&'static str> {
        let changes_nothing = |take: Taken| {
            let mut fewer = self.clone();
            take(&mut fewer) && the_same(&fewer)
        };
        OPTIONS.iter().filter(|(_, take)| changes_nothing(*take)).map(|(name, _)| *name).collect()
    }
}

/// An address of http or https without anything that could be a secret.
fn web(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; write http://host:port"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("write http://host:port or https://host:port".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it takes no user and password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it takes no query and no fragment".to_owned());
    }
    Ok(url)
}

/// The same without a path.
fn origin(text: &str) -> Result<Url, String> {
    let url = web(text)?;
    if url.path() == "/" { Ok(url) } else { Err("it takes no path".to_owned()) }
}

/// Name of a Secret and of a key in it; whether Kubernetes takes them, the rendering knows.
fn secret_key(text: &str) -> Result<SecretKey, String> {
    let (name, key) =
        text.split_once('/').ok_or("write the Secret's name, a slash, and the key")?;
    Ok(SecretKey { name: name.to_owned(), key: key.to_owned() })
}

/// RFC 9110 section 5.1.
fn header_name(text: &str) -> Result<String, String> {
    match http::HeaderName::from_bytes(text.as_bytes()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("this is no name of a header".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::settings::Sources;

    #[derive(Debug, Parser)]
    struct Given {
        /// As the command has it.
        #[arg(long)]
        from: Option<String>,
        #[command(flatten)]
        site: SiteArguments,
    }

    fn given(arguments: &[&str]) -> Result<SiteArguments, clap::Error> {
        Given::try_parse_from([&["it"], arguments].concat()).map(|given| given.site)
    }

    #[test]
    fn what_changes_nothing_is_named() {
        let site = given(&["--outpost", "http://a:1", "--header", "X-One"]).unwrap();
        assert_eq!(site.unused(|_| true), ["--outpost", "--header"]);
        assert_eq!(site.unused(|fewer| fewer.outpost.is_some()), ["--header"]);
        assert!(site.unused(|_| false).is_empty());
    }

    #[test]
    fn the_command_line_wins_over_the_settings_and_both_over_the_usual_name() {
        let settings = |variables: &[(&str, &str)]| {
            let environment =
                variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let sources = Sources { environment, without_core: true, ..Sources::default() };
            Settings::load(&sources).unwrap()
        };
        let set = settings(&[("OUTPOST__RENDER__OUTPOST_URL", "https://set.test")]);
        let named = given(&["--outpost", "http://named.test:9000"]).unwrap();
        assert_eq!(named.site(&set).outpost.as_str(), "http://named.test:9000/");
        let none = SiteArguments::default();
        assert_eq!(none.site(&set).outpost.as_str(), "https://set.test/");
        assert_eq!(none.site(&settings(&[])).outpost, Site::default().outpost);
    }

    #[test]
    fn the_token_is_in_a_site_only_where_it_is_asked_for() {
        let environment = [("AUTHENTIK_HOST", "http://core"), ("AUTHENTIK_TOKEN", "t0ken")];
        let environment = environment.map(|(name, value)| (name.into(), value.into())).into();
        let settings = Settings::load(&Sources { environment, ..Sources::default() }).unwrap();
        let asked = SiteArguments { with_token: true, ..SiteArguments::default() };
        assert_eq!(asked.site(&settings).token.unwrap().reveal(), "t0ken");
        assert_eq!(SiteArguments::default().site(&settings).token, None);
    }

    #[test]
    fn every_option_can_be_found_to_change_nothing() {
        use clap::CommandFactory;
        let known: Vec<String> = Given::command()
            .get_arguments()
            .filter_map(|option| option.get_long())
            .filter(|name| !["help", "from"].contains(name))
            .map(|name| format!("--{name}"))
            .collect();
        assert_eq!(known, OPTIONS.map(|(name, _)| name));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            ["--outpost", "outpost:9000"],
            ["--outpost", "http://outpost:9000/path"],
            ["--outpost", "http://user:password@outpost:9000"],
            ["--upstream", "ftp://app"],
            ["--upstream", "http://app/?x"],
            ["--header", "X Name"],
            ["--header", ""],
            ["--listen", "8080"],
            ["--store", "redis"],
            ["--tls-key", "/key.pem"],
        ] {
            assert!(given(&wrong).is_err(), "{wrong:?}");
        }
    }
}
