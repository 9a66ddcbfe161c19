//! What a test or the demo can do to a running stand-in core: its data and its faults here, the websocket and
//! sessions in `link`, logout over the back channel in `logout`, refresh tokens and introspection in `grants`.

mod grants;
mod link;
mod logout;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

use super::{
    StandInCore,
    crypto::{self, KeyError, SigningKey},
    fault::{Endpoint, Fault},
    http::{Ask, pairs},
    oauth::authorize,
    spec::{KeyPairSpec, ProviderSpec, UserSpec},
    state::{Provider, Shared, State},
    tokens::{self, TokenDraft},
};

/// Why [`StandInCore::sign_in`] has no callback for you.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignInError {
    /// The authorize URL is not one of this core.
    #[error("{0:?} is no authorize URL of this core")]
    NotAuthorize(String),
    /// No such user.
    #[error("no user {0:?}")]
    NoSuchUser(String),
    /// Core showed a page (wrong client, wrong redirect URI, access denied) with this status.
    #[error("core answered with a page, status {0}")]
    Page(u16),
}

/// The outpost's own data.
impl StandInCore {
    /// Token of the outpost's service account.
    pub fn token(&self) -> String {
        self.shared.read(|state| state.token.clone())
    }

    /// Token of a superuser, who sees every outpost.
    pub fn admin_token(&self) -> String {
        self.shared.read(|state| state.admin_token.clone())
    }

    /// Uuid of the outpost.
    pub fn outpost_uuid(&self) -> Uuid {
        self.shared.read(|state| state.outpost_uuid)
    }

    /// Replaces the token; open websockets stay open, as with the real core.
    pub fn rotate_token(&self) -> String {
        let token = crypto::random_text(60);
        self.set_token(&token);
        token
    }

    /// Gives the outpost this token, such as one it had before.
    pub fn set_token(&self, token: &str) {
        self.shared.with(|state| token.clone_into(&mut state.token));
    }

    /// Changes core's own version.
    pub fn set_version(&self, version: &str) {
        self.shared.with(|state| version.clone_into(&mut state.version));
    }

    /// Sets keys of the outpost's configuration.
    pub fn set_config(&self, config: Map<String, Value>) {
        self.shared.with(|state| state.config.extend(config));
    }

    /// Sets `refresh_interval_s`.
    pub fn set_refresh_interval(&self, seconds: i64) {
        self.shared.with(|state| state.refresh_interval_seconds = seconds);
    }

    /// Caps the pages of `/outposts/proxy/`.
    pub fn set_page_size_cap(&self, cap: Option<usize>) {
        self.shared.with(|state| state.page_size_cap = cap);
    }

    /// Moves core's clock forward: codes, tokens and health entries age.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.with(|state| state.clock.advance(by));
    }

    /// Sets core's clock to the machine's again.
    pub fn set_clock_right(&self) {
        self.shared.with(|state| state.clock.set_right());
    }
}

/// Providers, users, certificates.
impl StandInCore {
    /// Adds a provider, or replaces the one of the same name (keeping its number). Sends no trigger.
    ///
    /// # Errors
    /// Its signing key could not be made.
    pub fn put_provider(&self, spec: ProviderSpec) -> Result<(), KeyError> {
        let key = Arc::new(SigningKey::generate(spec.signing)?);
        self.shared.with(|state| {
            let known = state.providers.iter_mut().find(|provider| provider.spec.name == spec.name);
            match known {
                Some(provider) if provider.spec.signing == spec.signing => provider.spec = spec,
                Some(provider) => *provider = Provider { pk: provider.pk, spec, keys: vec![key] },
                None => {
                    let pk = state.next_pk;
                    state.next_pk += 1;
                    state.providers.push(Provider { pk, spec, keys: vec![key] });
                }
            }
        });
        Ok(())
    }

    /// Changes the provider of this name; `false` if there is none. Sends no trigger.
    pub fn edit_provider(&self, name: &str, edit: impl FnOnce(&mut ProviderSpec)) -> bool {
        self.shared.with(|state| {
            let provider = state.providers.iter_mut().find(|provider| provider.spec.name == name);
            provider.map(|provider| edit(&mut provider.spec)).is_some()
        })
    }

    /// Removes the provider of this name; `false` if there is none. Sends no trigger.
    pub fn remove_provider(&self, name: &str) -> bool {
        self.shared.with(|state| {
            let before = state.providers.len();
            state.providers.retain(|provider| provider.spec.name != name);
            state.providers.len() != before
        })
    }

    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Option<ProviderSpec> {
        let named = |state: &State| {
            state.providers.iter().find(|one| one.spec.name == name).map(|one| one.spec.clone())
        };
        self.shared.read(named)
    }

    /// Sets the lifetime of the tokens of the provider of this name; `false` if there is none.
    pub fn set_token_validity(&self, name: &str, seconds: f64) -> bool {
        self.edit_provider(name, |spec| spec.access_token_validity = seconds)
    }

    /// Gives the provider of this name a new signing key; `false` if there is none. With `keep_old` the JWKS
    /// still lists the former keys.
    ///
    /// # Errors
    /// The key could not be made.
    pub fn rotate_signing_key(&self, name: &str, keep_old: bool) -> Result<bool, KeyError> {
        let Some(spec) = self.provider(name) else { return Ok(false) };
        let key = Arc::new(SigningKey::generate(spec.signing)?);
        Ok(self.shared.with(|state| {
            let Some(provider) =
                state.providers.iter_mut().find(|provider| provider.spec.name == name)
            else {
                return false;
            };
            if !keep_old {
                provider.keys.clear();
            }
            provider.keys.insert(0, key);
            true
        }))
    }

    /// Adds a user, or replaces the one of the same user name.
    pub fn put_user(&self, user: UserSpec) {
        self.shared.with(|state| state.users.insert(user.username.clone(), user));
    }

    /// Removes a user; their sessions end, their refresh tokens are gone. `false` if there is none.
    pub fn remove_user(&self, username: &str) -> bool {
        self.shared.with(|state| {
            state.end_sessions(|session| session.username == username);
            state.refresh_tokens.retain(|_, token| token.session.username != username);
            state.users.remove(username).is_some()
        })
    }

    /// Sets the attributes that members of a group inherit.
    pub fn set_group_attributes(&self, group: &str, attributes: Value) {
        self.shared.with(|state| state.group_attributes.insert(group.to_owned(), attributes));
    }

    /// Adds a key pair. The outpost sees it once a provider uses it.
    pub fn add_keypair(&self, keypair: KeyPairSpec) -> Uuid {
        let uuid = Uuid::new_v4();
        self.replace_keypair(uuid, keypair);
        uuid
    }

    /// Replaces a key pair under its uuid.
    pub fn replace_keypair(&self, uuid: Uuid, keypair: KeyPairSpec) {
        self.shared.with(|state| state.keypairs.insert(uuid, keypair));
    }
}

/// Faults and wrong tokens.
impl StandInCore {
    /// Makes an endpoint fail until [`Self::clear_fault`].
    pub fn set_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.with(|state| state.faults.insert(endpoint, (fault, None)));
    }

    /// Makes the next `times` requests to an endpoint fail. Not for [`Fault::Hang`], which needs clearing.
    pub fn set_fault_times(&self, endpoint: Endpoint, fault: Fault, times: u32) {
        if times > 0 {
            self.shared.with(|state| state.faults.insert(endpoint, (fault, Some(times))));
        }
    }

    /// Makes every endpoint of the REST API fail.
    pub fn set_rest_fault(&self, fault: &Fault) {
        use Endpoint::{Events, Health, Instances, KeyPairs, Providers, RootConfig};
        for endpoint in [Instances, Providers, Health, RootConfig, KeyPairs, Events] {
            self.set_fault(endpoint, fault.clone());
        }
    }

    /// Ends the fault of an endpoint; requests that hang are answered.
    pub fn clear_fault(&self, endpoint: Endpoint) {
        self.shared.with(|state| state.faults.remove(&endpoint));
    }

    /// Ends every fault.
    pub fn clear_faults(&self) {
        self.shared.with(|state| state.faults.clear());
    }

    /// Answers every authorize request with this error (code and description), or no longer.
    pub fn set_authorize_error(&self, error: Option<(&str, &str)>) {
        let error = error.map(|(code, text)| (code.to_owned(), text.to_owned()));
        self.shared.with(|state| state.authorize_error = error);
    }

    /// Changes every token before it is signed.
    pub fn tamper_tokens(&self, tamper: impl Fn(&mut TokenDraft) + Send + Sync + 'static) {
        self.shared.with(|state| state.tamper = Some(Arc::new(tamper)));
    }

    /// Signs tokens as they are again.
    pub fn stop_tampering(&self) {
        self.shared.with(|state| state.tamper = None);
    }

    /// Signs any claims with the key of the provider of this name (the tampering applies). Introspection does not
    /// know such a token. `None` if there is no such provider.
    ///
    /// # Errors
    /// Signing failed.
    pub fn mint_token(
        &self,
        name: &str,
        claims: Map<String, Value>,
    ) -> Result<Option<String>, KeyError> {
        self.shared.read(|state| {
            let provider = state.providers.iter().find(|provider| provider.spec.name == name);
            provider.map(|provider| tokens::sign(state, provider, claims)).transpose()
        })
    }
}

/// Signing in without a browser.
impl StandInCore {
    /// What core does for a person who signs in at `authorize_url`: the callback URL with its code. Nothing goes
    /// over the network, and a new session of core is made each time.
    ///
    /// # Errors
    /// The URL is not an authorize URL, the user is unknown, or core shows a page instead.
    pub fn sign_in(&self, authorize_url: &str, username: &str) -> Result<String, SignInError> {
        let not_authorize = || SignInError::NotAuthorize(authorize_url.to_owned());
        let url = Url::parse(authorize_url).map_err(|_| not_authorize())?;
        let path =
            url.path().strip_prefix(self.site.base_path.as_str()).unwrap_or_default().to_owned();
        if path != "/application/o/authorize/" {
            return Err(not_authorize());
        }
        let raw_query = url.query().unwrap_or_default().to_owned();
        let ask = Ask {
            method: "GET".to_owned(),
            path,
            query: pairs(raw_query.as_bytes()),
            raw_query,
            headers: Vec::new(),
            form: Vec::new(),
            body: Vec::new(),
            origin: format!("{}{}", url.origin().ascii_serialization(), self.site.base_path),
            base_path: self.site.base_path.clone(),
        };
        approve(&self.shared, &ask, username)
    }
}

fn approve(shared: &Shared, ask: &Ask, username: &str) -> Result<String, SignInError> {
    shared.with(|state| {
        if !state.users.contains_key(username) {
            return Err(SignInError::NoSuchUser(username.to_owned()));
        }
        let reply = match authorize::checked_client(state, ask) {
            Err(page) => page,
            Ok((provider, redirect_uri)) => {
                let (_, session) = authorize::new_session(state, username);
                authorize::authorized(state, ask, &provider, &redirect_uri, session)
            }
        };
        reply.location().map(str::to_owned).ok_or(SignInError::Page(reply.status))
    })
}
