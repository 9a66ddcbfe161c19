//! What the registry knows, and how one refresh changes it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, join3};
use outpost_decision::compile::{CompileContext, Fingerprint, fingerprint};
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::time::Timestamp;
use outpost_decision::wire::{GlobalConfig, OutpostRecord, ProviderRecord};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::certificates::Certificates;
use super::embedded;
use super::last_good::contents::{Said, ToKeep};
use super::options;
use super::parts::RegistryParts;
use super::roster::{Entry, Roster};
use crate::actors::provider::{EndAll, Reconfigure, Unreadable, unreadable_finding};
use crate::authentik::{ApiError, CoreApi, ProviderList, UnreadableRecord};
use crate::clock;
use crate::session::seals::SealSecret;
use crate::snapshot::{ProviderFinding, Snapshot};
use crate::status::{ProviderState, RegistryStatus};
use crate::tls::CertificateIndex;

/// Everything core said in one refresh.
pub(super) struct Answers {
    outpost: OutpostRecord,
    providers: ProviderList,
    /// `None` where core did not say; not needed to serve.
    pub(super) global: Option<GlobalConfig>,
    /// The same.
    pub(super) expected_version: Option<String>,
    /// When core said it, if not just now: this is the last known good.
    pub(super) kept_at: Option<Timestamp>,
}

/// Asks core for everything.
pub(super) async fn ask(core: &dyn CoreApi, limit: Duration) -> Result<Answers, ApiError> {
    let questions = async {
        let outpost = core.outpost().await?;
        let (providers, global, version) =
            join3(core.providers(), core.global_config(), core.expected_version(&outpost.pk)).await;
        Ok(Answers {
            outpost,
            providers: providers?,
            global: global.ok(),
            expected_version: version.ok().flatten(),
            kept_at: None,
        })
    };
    let late = || ApiError::Unreachable(format!("no full answer within {} s", limit.as_secs()));
    timeout(limit, questions).await.unwrap_or_else(|_| Err(late()))
}

/// The registry's knowledge. Lent to the refresh that runs, so there is never a second one.
pub(super) struct Book {
    parts: RegistryParts,
    roster: Rc<RefCell<Roster>>,
    certificates: Certificates,
    context: Option<Arc<CompileContext>>,
    /// Generation of a configuration that was taken back.
    withdrawn: u64,
}

/// What has to happen to one provider.
enum Change {
    Reconfigure(Arc<ProviderRecord>, Fingerprint),
    Unreadable(String),
}

impl Book {
    pub(super) fn new(parts: RegistryParts, roster: Rc<RefCell<Roster>>) -> Self {
        Self { parts, roster, certificates: Certificates::default(), context: None, withdrawn: 0 }
    }

    /// Makes what core said the configuration in effect; returns the time until the next refresh.
    pub(super) async fn apply(&mut self, core: &dyn CoreApi, answers: &mut Answers) -> Duration {
        let outpost = &answers.outpost;
        let mut findings = options::findings(outpost, &self.parts.settings);
        let has_providers =
            !answers.providers.records.is_empty() || !answers.providers.unreadable.is_empty();
        findings.extend(embedded::findings(
            outpost,
            self.parts.settings.primary.get(),
            has_providers,
        ));
        findings.extend(answers.kept_at.map(last_known_good));
        let providers = std::mem::take(&mut answers.providers);
        let context = Arc::new(self.parts.settings.compile_context(outpost));
        let recompile = self.context.as_ref() != Some(&context);
        let changes = self.compare(providers, recompile, &mut findings);
        self.context = Some(Arc::clone(&context));
        self.carry_out(changes, &context).await;
        let soon = self.remove_the_gone().await;

        let routed = self.roster.borrow().routed();
        let limit = self.parts.settings.certificate_timeout;
        self.certificates.refresh(core, &routed, limit).await;
        self.publish(outpost, routed, findings, answers.kept_at);

        let interval = Duration::from_secs(outpost.refresh_interval_seconds());
        soon.map_or(interval, |soon| interval.min(soon))
    }

    /// What is to be kept of it all for a start without core. What core did not say this time is
    /// taken from `status`.
    pub(super) fn to_keep(&self, answers: &Answers, status: &RegistryStatus) -> ToKeep {
        let expected_version =
            answers.expected_version.as_ref().or(status.expected_version.as_ref());
        let said = Said {
            outpost: &answers.outpost,
            providers: self.roster.borrow().records(),
            global: answers.global.as_ref().unwrap_or(&status.global),
            expected_version: expected_version.map(String::as_str),
            certificates: self.certificates.pems(),
        };
        said.to_keep()
    }

    /// Takes back the configuration in effect: nothing is served. Sessions stay.
    pub(super) fn withdraw(&mut self) {
        self.withdrawn = self.parts.snapshot.load().generation;
        self.certificates = Certificates::default();
        self.context = None;
        let mut roster = self.roster.borrow_mut();
        // First of all, so that no actor begins anew with what is routed.
        self.parts.snapshot.publish(Snapshot::default());
        self.parts.certificates.publish(CertificateIndex::default());
        roster.clear();
        roster.publish_states(&self.parts.states);
    }

    /// Compares the list with what is known: who is new, changed, unreadable or gone.
    fn compare(
        &mut self,
        list: ProviderList,
        recompile: bool,
        findings: &mut Vec<ProviderFinding>,
    ) -> Vec<(i64, Change)> {
        let mut roster = self.roster.borrow_mut();
        let mut present = HashSet::new();
        let mut changes = Vec::new();
        for record in list.records {
            let pk = record.pk;
            // Pages that shift while they are read show a provider twice.
            if !present.insert(pk) {
                continue;
            }
            // Whoever serves requests on the same processor goes first, after each of thousands.
            std::thread::yield_now();
            let entry = roster.entry(pk, &record.name, &self.parts);
            let print = fingerprint(&record);
            if recompile || entry.applied != Some(print) {
                changes.push((pk, Change::Reconfigure(Arc::new(record), print)));
            }
        }
        let routed = self.parts.snapshot.load();
        let mut nameless = false;
        for unreadable in list.unreadable {
            let UnreadableRecord { pk, name, error } = unreadable;
            let served =
                |pk: &i64| roster.get(*pk).is_some() || routed.ruleset.provider(*pk).is_some();
            match pk.filter(served) {
                Some(pk) => {
                    if present.insert(pk) {
                        roster.entry(pk, &name, &self.parts);
                        changes.push((pk, Change::Unreadable(error)));
                    }
                }
                None => {
                    nameless |= pk.is_none();
                    let provider = pk.map(|pk| (pk, name.clone()));
                    let error = if pk.is_none() { format!("{name}: {error}") } else { error };
                    findings
                        .push(ProviderFinding { provider, finding: unreadable_finding(&error) });
                }
            }
        }
        for (pk, entry) in roster.iter_mut() {
            if present.contains(pk) {
                entry.missing = None;
            } else if !nameless {
                // A record without a key may be any provider that is not in the list.
                entry.note_missing();
            }
        }
        changes
    }

    /// Tells the actors, all at once, and takes their views.
    async fn carry_out(&mut self, changes: Vec<(i64, Change)>, context: &Arc<CompileContext>) {
        let limit = self.parts.settings.reconfigure_timeout;
        let answers = {
            let roster = self.roster.borrow();
            let tell = |(pk, change): (i64, Change)| {
                let actor = roster.get(pk)?.actor.clone();
                let context = Arc::clone(context);
                Some(async move {
                    let answer = async {
                        actor.started().await?;
                        match &change {
                            Change::Reconfigure(record, _) => {
                                let record = Arc::clone(record);
                                actor.ask(Reconfigure { record, context }).await.ok()
                            }
                            Change::Unreadable(error) => {
                                actor.ask(Unreadable { error: error.clone() }).await.ok()
                            }
                        }
                    };
                    let answer = timeout(limit, answer).await.ok().flatten();
                    (pk, change, answer)
                })
            };
            changes.into_iter().filter_map(tell).collect::<Vec<_>>()
        };
        for (pk, change, answer) in join_all(answers).await {
            if let Some(entry) = self.roster.borrow_mut().get_mut(pk) {
                take_answer(entry, change, answer);
            }
        }
    }

    /// Ends the sessions of providers that core has not listed for a while, and their actors.
    /// Returns when to look again, if some are on their way there.
    ///
    /// Pages that shift while they are read hide a provider once, and a glitch in core may list
    /// nothing at all for a moment. So the first refresh that does not list a provider changes
    /// nothing but that another one follows soon. The second takes it out of routing. Its
    /// sessions, which nobody can use from then on, end `removal_grace` after the first: what
    /// comes back before finds everybody still signed in.
    async fn remove_the_gone(&mut self) -> Option<Duration> {
        let settings = &self.parts.settings;
        let leaving = self.roster.borrow().leaving(settings.removal_grace);
        let mut in_grace = leaving.in_grace;
        for (pk, actor) in leaving.gone {
            match actor.ask(EndAll).await {
                Ok(Ok(ended)) => {
                    tracing::info!(provider = pk, sessions = ended, "a provider was removed");
                    self.roster.borrow_mut().remove(pk);
                }
                Ok(Err(error)) => {
                    tracing::warn!(
                        provider = pk,
                        %error,
                        "the sessions of a removed provider could not be ended; trying again"
                    );
                    in_grace = true;
                }
                // The actor is being rebuilt.
                Err(_) => in_grace = true,
            }
        }
        let grace = in_grace.then_some(settings.removal_grace);
        let confirm = leaving.unconfirmed.then_some(settings.confirm_after);
        confirm.into_iter().chain(grace).min()
    }

    /// Publishes certificates, the list of provider states and the snapshot.
    fn publish(
        &self,
        outpost: &OutpostRecord,
        routed: Vec<Arc<Provider>>,
        mut findings: Vec<ProviderFinding>,
        kept_at: Option<Timestamp>,
    ) {
        let now = clock::now();
        let (index, about_certificates) = self.certificates.index(&routed, now);
        if !self.parts.certificates.load().same(&index) {
            self.parts.certificates.publish(index);
        }
        let roster = self.roster.borrow();
        roster.publish_states(&self.parts.states);
        findings.extend(roster.findings());
        let (ruleset, about_routing) = Ruleset::build(routed);
        for (pk, finding) in about_certificates.into_iter().chain(about_routing) {
            let name = roster.get(pk).map(|entry| entry.state.name.clone()).unwrap_or_default();
            findings.push(ProviderFinding { provider: Some((pk, name)), finding });
        }
        let next = Snapshot {
            generation: 0,
            ruleset,
            outpost: options::identity(outpost),
            findings,
            refreshed_at: Some(kept_at.unwrap_or(now)),
        };
        let before = self.parts.snapshot.load();
        let changed = !same_meaning(&before, &next);
        let generation = before.generation.max(self.withdrawn) + u64::from(changed);
        // Before anybody can be sent to one of these providers.
        self.parts.sessions.take_seals(seals(&next.ruleset));
        self.parts.snapshot.publish(Snapshot { generation, ..next });
        // Said once it is true.
        let now = self.parts.snapshot.load();
        if changed {
            tracing::info!(
                generation,
                providers = now.ruleset.providers().len(),
                findings = now.findings.len(),
                "another configuration is in effect"
            );
        }
        log_new_findings(&before.findings, &now.findings);
    }
}

fn take_answer(entry: &mut Entry, change: Change, answer: Option<Arc<ProviderState>>) {
    entry.silent = answer.is_none();
    // Whoever has not taken a record is told again at the next refresh.
    entry.applied = None;
    if let (Some(state), Change::Reconfigure(record, print)) = (&answer, change) {
        entry.applied = Some(print);
        if state.up_to_date || entry.record.is_none() {
            entry.record = Some(record);
        }
    }
    if let Some(state) = answer {
        entry.state = state;
    }
}

/// Says each finding once, when it comes up, and once when it is settled.
fn log_new_findings(before: &[ProviderFinding], now: &[ProviderFinding]) {
    type Key<'a> = (Option<i64>, &'a str, &'a str);
    fn key(about: &ProviderFinding) -> Key<'_> {
        let pk = about.provider.as_ref().map(|(pk, _)| *pk);
        (pk, about.finding.code, &about.finding.message)
    }
    let (old, new): (HashSet<Key<'_>>, HashSet<Key<'_>>) =
        (before.iter().map(key).collect(), now.iter().map(key).collect());
    for about in now.iter().filter(|about| !old.contains(&key(about))) {
        let (pk, name) = about.provider.clone().unzip();
        let Finding { code, severity, message, remedy } = &about.finding;
        match severity {
            Severity::Info => tracing::info!(provider = pk, name, code, remedy, "{message}"),
            _ => tracing::warn!(provider = pk, name, code, remedy, "{message}"),
        }
    }
    for about in before.iter().filter(|about| !new.contains(&key(about))) {
        let (pk, name) = about.provider.clone().unzip();
        tracing::info!(provider = pk, name, code = about.finding.code, "a finding is settled");
    }
}

/// Whether two snapshots mean the same, apart from when they were made.
fn same_meaning(a: &Snapshot, b: &Snapshot) -> bool {
    let (ours, theirs) = (a.ruleset.providers(), b.ruleset.providers());
    a.is_loaded()
        && a.outpost == b.outpost
        && a.findings == b.findings
        && ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| Arc::ptr_eq(one, other))
}

fn last_known_good(at: Timestamp) -> ProviderFinding {
    let age = at.seconds_until(clock::now());
    let age = match age {
        0..=119 => format!("{age} seconds"),
        120..=7_199 => format!("{} minutes", age / 60),
        7_200..=172_799 => format!("{} hours", age / 3_600),
        _ => format!("{} days", age / 86_400),
    };
    let finding = Finding::new(
        Severity::Warning,
        "configuration_last_known_good",
        format!("core has not answered since the start; what it said {age} before is served"),
        "Nothing to do here but to look after core; what it says replaces this as soon as it answers.",
    );
    ProviderFinding { provider: None, finding }
}

/// What the sessions of these providers are sealed with.
fn seals(ruleset: &Ruleset) -> HashMap<i64, SealSecret> {
    let providers = ruleset.providers().iter();
    providers.map(|it| (it.pk, SealSecret::of(it.cookie_secret.expose_secret()))).collect()
}
