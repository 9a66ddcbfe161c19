//! Everything the stand-in core knows, behind one lock.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{
    api::told::Told,
    clock::Clock,
    crypto::{self, SigningKey},
    fault::{Endpoint, Fault},
    observe::Observed,
    options::CoreOptions,
    refresh_tokens::{RefreshRules, RefreshToken},
    spec::{KeyPairSpec, ProviderSpec, UserSpec},
    tokens::{AuthorizationCode, CoreSession, IssuedToken, TokenTamper},
    websocket::Command,
};

/// The state, the lock around it, and the signal that it changed.
pub(crate) struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), version: watch::Sender::new(0) }
    }

    /// Reads or changes the state; whoever waits for a condition is told afterwards.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.version.send_modify(|version| *version = version.wrapping_add(1));
        result
    }

    /// Reads the state without telling anybody.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test's closure that panicked under the lock fails that test; the others may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A provider and what core adds to it.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) pk: u64,
    pub(crate) spec: ProviderSpec,
    /// Keys in the JWKS; the first signs.
    pub(crate) keys: Vec<Arc<SigningKey>>,
}

/// The last hello of an instance.
#[derive(Clone, Debug)]
pub(crate) struct InstanceState {
    pub(crate) args: Value,
    pub(crate) last_seen: Duration,
}

/// See the module.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) observed: Observed,

    pub(crate) outpost_uuid: Uuid,
    pub(crate) outpost_name: String,
    pub(crate) token: String,
    pub(crate) admin_token: String,
    pub(crate) managed: Option<String>,
    pub(crate) config: Map<String, Value>,
    pub(crate) refresh_interval_seconds: i64,
    pub(crate) version: String,
    pub(crate) page_size_cap: Option<usize>,
    pub(crate) names_backchannel_applications: bool,
    pub(crate) flow_redirects: bool,
    /// Decides the order of scopes; new with each process of core.
    pub(crate) scope_seed: String,

    pub(crate) providers: Vec<Provider>,
    /// Providers as records of `/outposts/proxy/`.
    pub(crate) told: Told,
    /// Providers as an outpost names them.
    pub(crate) named: Told,
    pub(crate) next_pk: u64,
    pub(crate) users: BTreeMap<String, UserSpec>,
    pub(crate) group_attributes: BTreeMap<String, Value>,
    pub(crate) keypairs: BTreeMap<Uuid, KeyPairSpec>,

    pub(crate) sessions: HashMap<String, CoreSession>,
    pub(crate) codes: HashMap<String, AuthorizationCode>,
    pub(crate) tokens: HashMap<String, IssuedToken>,
    pub(crate) tamper: Option<TokenTamper>,
    pub(crate) authorize_error: Option<(String, String)>,
    pub(crate) federated_introspection: bool,
    pub(crate) refresh_tokens: HashMap<String, RefreshToken>,
    pub(crate) refresh_rules: RefreshRules,
    /// Users whose tokens introspection calls inactive.
    pub(crate) inactive_users: BTreeSet<String>,
    /// Sessions whose tokens introspection calls inactive.
    pub(crate) inactive_sids: BTreeSet<String>,

    pub(crate) faults: HashMap<Endpoint, (Fault, Option<u32>)>,
    pub(crate) refuse_websockets: bool,
    pub(crate) acking: bool,
    pub(crate) sockets: HashMap<u64, mpsc::UnboundedSender<Command>>,
    pub(crate) instances: BTreeMap<String, InstanceState>,
}

impl State {
    pub(crate) fn new(options: &CoreOptions) -> Self {
        Self {
            clock: Clock::default(),
            observed: Observed::default(),
            outpost_uuid: options.outpost_uuid,
            outpost_name: options.outpost_name.clone(),
            token: options.token.clone(),
            admin_token: options.admin_token.clone(),
            managed: options.managed.clone(),
            config: options.config.clone(),
            refresh_interval_seconds: options.refresh_interval_seconds,
            version: options.version.clone(),
            page_size_cap: options.page_size_cap,
            names_backchannel_applications: options.names_backchannel_applications,
            flow_redirects: options.flow_redirects,
            scope_seed: crypto::random_text(16),
            providers: Vec::new(),
            told: Told::default(),
            named: Told::default(),
            next_pk: 1,
            users: BTreeMap::new(),
            group_attributes: BTreeMap::new(),
            keypairs: BTreeMap::new(),
            sessions: HashMap::new(),
            codes: HashMap::new(),
            tokens: HashMap::new(),
            tamper: None,
            authorize_error: None,
            federated_introspection: false,
            refresh_tokens: HashMap::new(),
            refresh_rules: RefreshRules::default(),
            inactive_users: BTreeSet::new(),
            inactive_sids: BTreeSet::new(),
            faults: HashMap::new(),
            refuse_websockets: false,
            acking: true,
            sockets: HashMap::new(),
            instances: BTreeMap::new(),
        }
    }

    pub(crate) fn provider_by_client(&self, client_id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.spec.client_id == client_id)
    }

    pub(crate) fn provider_by_slug(&self, slug: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.spec.has_application && provider.spec.slug == slug)
    }

    /// The fault for this request; a fault with a count is used up.
    pub(crate) fn take_fault(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let (fault, left) = self.faults.get_mut(&endpoint)?;
        let fault = fault.clone();
        if let Some(left) = left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.faults.remove(&endpoint);
            }
        }
        Some(fault)
    }

    /// Sends to every open websocket; those already gone are forgotten by their own task.
    pub(crate) fn broadcast(&self, command: &Command) {
        for socket in self.sockets.values() {
            let _ = socket.send(command.clone());
        }
    }

    /// Drops every open websocket; their own tasks end them.
    pub(crate) fn drop_sockets(&mut self) {
        self.broadcast(&Command::Drop);
        self.sockets.clear();
        self.observed.connections.clear();
    }

    /// Whether core has a session with this `sid`.
    pub(crate) fn has_session(&self, sid: &str) -> bool {
        self.sessions.values().any(|session| session.sid == sid)
    }

    /// Ends sessions of core: their tokens become inactive, every outpost is told.
    pub(crate) fn end_sessions(&mut self, ends: impl Fn(&CoreSession) -> bool) -> Vec<String> {
        let sids = self.forget_sessions(ends);
        for sid in &sids {
            for command in Command::session_end(sid) {
                self.broadcast(&command);
            }
        }
        sids
    }

    /// Ends sessions of core and tells nobody.
    pub(crate) fn forget_sessions(&mut self, ends: impl Fn(&CoreSession) -> bool) -> Vec<String> {
        let keys: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, session)| ends(session))
            .map(|(key, _)| key.clone())
            .collect();
        let mut sids = Vec::new();
        for key in keys {
            if let Some(session) = self.sessions.remove(&key) {
                sids.push(session.sid);
            }
        }
        self.tokens.retain(|_, token| token.sid.as_ref().is_none_or(|sid| !sids.contains(sid)));
        sids
    }
}
