//! The providers that are rendered for: what compiles, and who is meant.

use std::fmt::{self, Write as _};

use outpost_decision::compile::compile_provider;
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::wire::ProviderRecord;
use outpost_render::Application;
use secrecy::{ExposeSecret, SecretString};

use super::super::ask::Failure;
use super::super::terminal::{tame, wrapped};
use crate::authentik::UnreadableRecord;
use crate::authentik::saved::{MASK, Said};
use crate::boot::compile_context;
use crate::settings::Settings;

/// Widest line.
const WIDTH: usize = 100;

/// A provider of core's.
pub(super) struct Known {
    pk: Option<i64>,
    name: String,
    slug: String,
    compiled: Result<Application, Vec<Finding>>,
}

/// Every provider of core's, by key: the order in which core says them means nothing.
pub(super) fn known(said: &Said, settings: &Settings) -> Vec<Known> {
    let context = compile_context(settings, &said.outpost);
    let compiled = said.providers.records.iter().map(|record| {
        let compiled = compile_provider(&with_secrets(record), &context).map(|compiled| {
            let rule = settings.identity.rules.of(&record.assigned_application_slug);
            Application::new(&compiled.provider, rule)
        });
        Known {
            pk: Some(record.pk),
            name: record.name.clone(),
            slug: record.assigned_application_slug.clone(),
            compiled,
        }
    });
    let unreadable = said.providers.unreadable.iter().cloned().map(Known::from);
    let mut all: Vec<Known> = compiled.chain(unreadable).collect();
    all.sort_by(|left, right| (left.pk, &left.name).cmp(&(right.pk, &right.name)));
    all
}

/// The record with something in the place of secrets that a file does not have: the outpost serves
/// nobody without them, and nothing is rendered from them.
fn with_secrets(record: &ProviderRecord) -> ProviderRecord {
    let mut record = record.clone();
    for secret in [&mut record.client_secret, &mut record.cookie_secret] {
        if secret.expose_secret().is_empty() {
            *secret = SecretString::from(MASK);
        }
    }
    record
}

/// Those that `names` mean; all where nobody is named.
///
/// # Errors
/// When a name means nobody, or several; or one that cannot be served.
pub(super) fn chosen(known: Vec<Known>, names: &[String]) -> Result<Vec<Known>, Failure> {
    if names.is_empty() {
        return Ok(known);
    }
    let mut meant: Vec<usize> =
        names.iter().map(|name| place(&known, name)).collect::<Result<_, _>>()?;
    meant.sort_unstable();
    meant.dedup();
    let chosen = known.into_iter().enumerate().filter(|(at, _)| meant.contains(at));
    let chosen: Vec<Known> = chosen.map(|(_, provider)| provider).collect();
    match chosen.iter().find(|provider| provider.compiled.is_err()) {
        Some(refused) => Err(Failure::NotDone(refused.to_string().trim_end().to_owned())),
        None => Ok(chosen),
    }
}

/// Which one a name means: by key, by name, by slug, the first that fits anybody.
fn place(known: &[Known], name: &str) -> Result<usize, Failure> {
    let fits: [fn(&Known, &str) -> bool; 3] = [
        |it, text| it.pk.is_some_and(|pk| pk.to_string() == text),
        |it, text| it.name == text,
        |it, text| it.slug == text,
    ];
    for fits in fits {
        let found: Vec<usize> = (0..known.len()).filter(|at| fits(&known[*at], name)).collect();
        match *found {
            [] => {}
            [one] => return Ok(one),
            _ => {
                let pks: Vec<String> =
                    found.iter().filter_map(|at| known[*at].pk).map(|pk| pk.to_string()).collect();
                return Err(Failure::Usage(format!(
                    "--provider: {name:?} may mean any of the providers {}; name it by its number",
                    pks.join(", ")
                )));
            }
        }
    }
    let all: Vec<String> = known.iter().map(Known::called).collect();
    let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    Err(Failure::Usage(format!("--provider: nobody is called {name:?}; there are: {all}")))
}

/// Those to render for, and what is to be said of the others.
pub(super) fn divided(known: Vec<Known>) -> (Vec<Application>, Vec<String>) {
    let mut applications = Vec::new();
    let mut refused = Vec::new();
    for provider in known {
        let told = provider.to_string();
        match provider.compiled {
            Ok(application) => applications.push(application),
            Err(_) => refused.push(told),
        }
    }
    (applications, refused)
}

impl Known {
    fn called(&self) -> String {
        let pk = self.pk.map_or_else(|| "without a number".to_owned(), |pk| pk.to_string());
        format!("{:?} ({pk})", tame(&self.name))
    }
}

impl From<UnreadableRecord> for Known {
    fn from(record: UnreadableRecord) -> Self {
        let UnreadableRecord { pk, name, error } = record;
        let finding = Finding::new(
            Severity::Error,
            "record_unreadable",
            format!("Core's record of it cannot be read: {error}."),
            "A newer core may need a newer outpost.",
        );
        Self { pk, name, slug: String::new(), compiled: Err(vec![finding]) }
    }
}

/// Why it is left out, and what to do about it.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("provider {} cannot be served and is left out\n", self.called());
        let findings = self.compiled.as_ref().err().into_iter().flatten();
        for finding in findings.filter(|finding| finding.severity == Severity::Error) {
            let Finding { code, message, remedy, .. } = finding;
            let _ = writeln!(text, "  error: {code}");
            text.push_str(&wrapped(message, "    ", WIDTH));
            text.push_str(&wrapped(&format!("What to do: {remedy}"), "    ", WIDTH));
        }
        f.write_str(&text)
    }
}
