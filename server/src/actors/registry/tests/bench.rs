//! A scripted core, a compiler that can be watched, and a registry between them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix::{Arbiter, System};
use async_trait::async_trait;
use outpost_decision::backoff::Backoff;
use outpost_decision::compile::{CompileContext, Compiled};
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::time::Timestamp;
use outpost_decision::wire::{GlobalConfig, KeypairRecord, OutpostRecord, ProviderRecord};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::super::compiler::{Compiler, PureCompiler};
use super::super::{RegistryActor, RegistryParts, RegistryReaders, RegistrySettings, start};
use super::ASKED;
use crate::actors::handle::ActorHandle;
use crate::actors::supervisor::{RebuildPolicy, Supervisor};
use crate::authentik::{ApiError, CoreApi, ProviderList, Report, UnreadableRecord};
use crate::session::memory::MemoryStore;
use crate::session::{SessionId, Sessions, StoreError, contract};
use crate::snapshot::Snapshot;
use crate::snapshot::testing::build;
use crate::status::RegistryStatus;

/// A provider record as core sends it.
pub(super) fn record(pk: i64, name: &str) -> Value {
    json!({
        "pk": pk,
        "name": name,
        "internal_host": "http://upstream.test",
        "external_host": format!("https://{name}.test"),
        "client_id": format!("client-{pk}"),
        "client_secret": "secret",
        "cookie_secret": "cookie",
        "mode": "proxy",
        "scopes_to_request": ["openid", "email", "profile", "ak_proxy"],
    })
}

/// Compiles what it must for these tests, or with the real compiler. `external_host` says what
/// happens: `bad` does not compile, `panic` panics.
#[derive(Debug, Default)]
pub(super) struct WatchedCompiler {
    real: bool,
    seen: Mutex<Vec<i64>>,
}

impl WatchedCompiler {
    /// Keys of what was compiled, sorted.
    pub(super) fn compiled(&self) -> Vec<i64> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort_unstable();
        seen
    }

    pub(super) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

impl Compiler for WatchedCompiler {
    fn compile(
        &self,
        record: &ProviderRecord,
        context: &CompileContext,
    ) -> Result<Compiled, Vec<Finding>> {
        self.seen.lock().unwrap().push(record.pk);
        if self.real {
            return PureCompiler.compile(record, context);
        }
        assert_ne!(record.external_host, "panic", "this compiler was told to panic");
        let Ok(external) = Url::parse(&record.external_host) else {
            return Err(vec![Finding::new(Severity::Error, "external_host_invalid", "bad", "fix")]);
        };
        let host = external.host_str().unwrap();
        let provider = build(record.pk, host.trim_end_matches(".test"), |provider| {
            provider.name.clone_from(&record.name);
            provider.internal = Url::parse(&record.internal_host).ok();
            provider.certificate.clone_from(&record.certificate);
        });
        Ok(Compiled { provider, findings: Vec::new() })
    }
}

/// A keypair in the scripted core.
#[derive(Clone)]
pub(super) struct Keypair {
    pub(super) fingerprint: String,
    pub(super) chain: String,
    pub(super) key: String,
}

/// A core that says what it is told to say.
pub(super) struct Core {
    script: Mutex<Script>,
    held: watch::Sender<u32>,
    open: watch::Sender<bool>,
}

struct Script {
    failure: Option<ApiError>,
    panics: u32,
    options: Value,
    providers: Vec<Value>,
    unreadable: Vec<UnreadableRecord>,
    keypairs: HashMap<String, Result<Keypair, ApiError>>,
    asked: HashMap<&'static str, u32>,
}

impl Core {
    fn new(providers: Vec<Value>) -> Self {
        Self {
            script: Mutex::new(Script {
                failure: None,
                panics: 0,
                options: json!({ "log_level": "debug" }),
                providers,
                unreadable: Vec::new(),
                keypairs: HashMap::new(),
                asked: HashMap::new(),
            }),
            held: watch::Sender::new(0),
            open: watch::Sender::new(true),
        }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn set_providers(&self, providers: Vec<Value>) {
        self.script().providers = providers;
    }

    pub(super) fn set_unreadable(&self, unreadable: Vec<UnreadableRecord>) {
        self.script().unreadable = unreadable;
    }

    pub(super) fn set_option(&self, name: &str, value: Value) {
        self.script().options[name] = value;
    }

    /// Every question is answered with this error, until `None`.
    pub(super) fn fail(&self, failure: Option<ApiError>) {
        self.script().failure = failure;
    }

    /// The next `times` refreshes end in a panic of the registry.
    pub(super) fn panic(&self, times: u32) {
        self.script().panics = times;
    }

    pub(super) fn set_keypair(&self, uuid: &str, keypair: Result<Keypair, ApiError>) {
        self.script().keypairs.insert(uuid.to_owned(), keypair);
    }

    /// How often a question was asked.
    pub(super) fn asked(&self, what: &'static str) -> u32 {
        self.script().asked.get(what).copied().unwrap_or(0)
    }

    /// From now on the question for the outpost gets no answer until [`Core::release`].
    pub(super) fn hold(&self) {
        self.held.send_replace(0);
        self.open.send_replace(false);
    }

    pub(super) fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until `count` questions are without an answer.
    pub(super) async fn wait_until_held(&self, count: u32) {
        self.held.subscribe().wait_for(|held| *held >= count).await.unwrap();
    }

    fn note(&self, what: &'static str) -> Result<(), ApiError> {
        let mut script = self.script();
        *script.asked.entry(what).or_default() += 1;
        script.failure.clone().map_or(Ok(()), Err)
    }

    fn keypair(&self, what: &'static str, uuid: &str) -> Result<Keypair, ApiError> {
        self.note(what)?;
        let unknown = ApiError::Status { status: 404, path: format!("/keypairs/{uuid}/") };
        self.script().keypairs.get(uuid).cloned().unwrap_or(Err(unknown))
    }
}

struct Client(Arc<Core>);

#[async_trait(?Send)]
impl CoreApi for Client {
    async fn outpost(&self) -> Result<OutpostRecord, ApiError> {
        self.0.note("outpost")?;
        {
            let mut script = self.0.script();
            if script.panics > 0 {
                script.panics -= 1;
                panic!("this core was told to panic");
            }
        }
        self.0.held.send_modify(|held| *held += 1);
        self.0.open.subscribe().wait_for(|open| *open).await.unwrap();
        let options = self.0.script().options.clone();
        Ok(serde_json::from_value(json!({
            "pk": "the-outpost", "name": "Outpost", "type": "proxy",
            "refresh_interval_s": 1.0, "config": options, "managed": null,
        }))
        .unwrap())
    }

    async fn providers(&self) -> Result<ProviderList, ApiError> {
        self.0.note("providers")?;
        let script = self.0.script();
        let read = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        Ok(ProviderList {
            records: script.providers.iter().map(read).collect(),
            unreadable: script.unreadable.clone(),
        })
    }

    async fn global_config(&self) -> Result<GlobalConfig, ApiError> {
        self.0.note("global")?;
        Ok(serde_json::from_value(json!({ "error_reporting": { "enabled": true } })).unwrap())
    }

    async fn keypair(&self, uuid: &str) -> Result<KeypairRecord, ApiError> {
        let keypair = self.0.keypair("keypair", uuid)?;
        Ok(KeypairRecord { fingerprint_sha256: Some(keypair.fingerprint) })
    }

    async fn certificate(&self, uuid: &str) -> Result<String, ApiError> {
        Ok(self.0.keypair("certificate", uuid)?.chain)
    }

    async fn private_key(&self, uuid: &str) -> Result<SecretString, ApiError> {
        Ok(self.0.keypair("private_key", uuid)?.key.into())
    }

    async fn expected_version(&self, outpost: &str) -> Result<Option<String>, ApiError> {
        assert_eq!(outpost, "the-outpost");
        Ok(Some("2025.10.0".into()))
    }

    async fn report(&self, _: &Report) -> Result<(), ApiError> {
        unreachable!("the registry reports nothing")
    }
}

/// A registry that runs, and all it touches.
pub(super) struct Bench {
    pub(super) core: Arc<Core>,
    pub(super) compiler: Arc<WatchedCompiler>,
    pub(super) sessions: Sessions,
    pub(super) supervisor: Supervisor,
    pub(super) registry: ActorHandle<RegistryActor>,
    pub(super) readers: RegistryReaders,
}

/// Patient where time must not decide, impatient where the tests would have to wait.
fn settings() -> RegistrySettings {
    let now = Duration::from_millis(1);
    RegistrySettings {
        retry: Backoff { shortest: now, longest: now },
        confirm_after: Duration::from_secs(3600),
        removal_grace: Duration::ZERO,
        sweep_interval: Duration::from_secs(3600),
        count_interval: Duration::from_secs(3600),
        ..RegistrySettings::default()
    }
}

impl Bench {
    /// A registry that has heard core once.
    pub(super) async fn start(providers: Vec<Value>) -> Self {
        let bench = Self::new(Core::new(providers), settings(), None, false);
        bench.refreshed(1).await;
        bench
    }

    /// The same with the real compiler.
    pub(super) async fn start_real(providers: Vec<Value>) -> Self {
        let bench = Self::new(Core::new(providers), settings(), None, true);
        bench.refreshed(1).await;
        bench
    }

    /// A registry whose core fails from the beginning.
    pub(super) fn start_failing(providers: Vec<Value>, failure: ApiError) -> Self {
        let core = Core::new(providers);
        core.fail(Some(failure));
        Self::new(core, settings(), None, false)
    }

    /// Another registry with the same core script and sessions, and other settings.
    pub(super) async fn with(self, change: impl FnOnce(&mut RegistrySettings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let core = Core::new(self.core.script().providers.clone());
        let bench = Self::new(core, settings, Some(self.sessions), false);
        bench.refreshed(1).await;
        bench
    }

    /// A registry that keeps in `store`, under `token`, what a core says that fails from the
    /// beginning if `failure` is given, and otherwise answers only when it is released.
    pub(super) fn keeping(
        store: &Arc<MemoryStore>,
        token: &str,
        providers: Vec<Value>,
        failure: Option<ApiError>,
    ) -> Self {
        let core = Core::new(providers);
        match failure {
            Some(failure) => core.fail(Some(failure)),
            None => core.hold(),
        }
        let settings = RegistrySettings { start_patience: Duration::from_millis(1), ..settings() };
        let sessions = Sessions::new(Arc::clone(store) as _);
        Self::build(core, settings, Some(sessions), false, Some(token))
    }

    fn new(core: Core, settings: RegistrySettings, sessions: Option<Sessions>, real: bool) -> Self {
        Self::build(core, settings, sessions, real, None)
    }

    fn build(
        core: Core,
        settings: RegistrySettings,
        sessions: Option<Sessions>,
        real: bool,
        token: Option<&str>,
    ) -> Self {
        let now = Duration::from_millis(1);
        let supervisor = Supervisor::new(RebuildPolicy {
            backoff: Backoff { shortest: now, longest: now },
            ..RebuildPolicy::default()
        });
        let arbiter = Arbiter::try_current().unwrap_or_else(|| System::current().arbiter().clone());
        let sessions = sessions.unwrap_or_else(|| Sessions::new(Arc::new(MemoryStore::new(1_000))));
        let compiler = Arc::new(WatchedCompiler { real, ..WatchedCompiler::default() });
        let (parts, readers) =
            RegistryParts::new(settings, supervisor.clone(), arbiter.clone(), sessions.clone());
        let parts = match token {
            Some(token) => parts.with_last_known_good(&token.into()),
            None => parts,
        };
        let watched: Arc<dyn Compiler> = Arc::clone(&compiler) as _;
        let core = Arc::new(core);
        let clients = Arc::clone(&core);
        let client = move || Rc::new(Client(Arc::clone(&clients))) as Rc<dyn CoreApi>;
        let registry = start(parts.with_compiler(watched), &supervisor, &arbiter, client);
        Self { core, compiler, sessions, supervisor, registry, readers }
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.readers.snapshot.load_full()
    }

    pub(super) fn status(&self) -> Arc<RegistryStatus> {
        self.readers.status.load_full()
    }

    /// Names of what is routed, in order.
    pub(super) fn routed(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        snapshot.ruleset.providers().iter().map(|provider| provider.name.clone()).collect()
    }

    /// Codes of the findings about the outpost as a whole.
    pub(super) fn findings_of_the_outpost(&self) -> Vec<&'static str> {
        let snapshot = self.snapshot();
        let whole = snapshot.findings.iter().filter(|finding| finding.provider.is_none());
        whole.map(|finding| finding.finding.code).collect()
    }

    /// Waits until something is served, or nothing any more.
    pub(super) async fn loaded(&self, loaded: bool) {
        let now = self.readers.snapshot.wait_for(|now| now.is_loaded() == loaded).await;
        assert!(now.is_some(), "the registry is gone");
    }

    /// Waits until what core says is kept.
    pub(super) async fn kept(&self) {
        let status = self.readers.status.wait_for(|status| status.kept.is_some()).await;
        assert!(status.is_some(), "the registry is gone");
    }

    /// Codes of the findings about a provider.
    pub(super) fn findings(&self, pk: i64) -> Vec<&'static str> {
        let snapshot = self.snapshot();
        let about = snapshot.findings.iter().filter(|finding| {
            finding.provider.as_ref().is_some_and(|(provider, _)| *provider == pk)
        });
        about.map(|finding| finding.finding.code).collect()
    }

    /// Waits until `count` refreshes have ended.
    pub(super) async fn refreshed(&self, count: u64) {
        let status = self.readers.status.wait_for(|status| status.refreshes >= count).await;
        assert!(status.is_some(), "the registry is gone");
    }

    /// Asks for a refresh and waits for its end.
    pub(super) async fn refresh(&self) {
        let refreshes = self.status().refreshes;
        self.registry.do_send(ASKED).unwrap();
        self.refreshed(refreshes + 1).await;
    }

    pub(super) async fn sign_in(&self, provider: i64, sub: &str) {
        self.sign_in_until(provider, sub, i64::MAX).await;
    }

    pub(super) async fn sign_in_until(&self, provider: i64, sub: &str, expires: i64) {
        let id = SessionId::random().unwrap();
        let session = contract::session(provider, sub, None, Timestamp(expires));
        self.sessions.begin(&id, session, Timestamp(0)).await.unwrap();
    }

    /// Number of sessions, swept or not.
    pub(super) async fn count(&self, provider: Option<i64>) -> Result<usize, StoreError> {
        self.sessions.count(provider, Timestamp(0)).await
    }
}
