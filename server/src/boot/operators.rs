//! Who the operators are: what the settings say of it, and core's application for them.

use std::sync::Arc;

use outpost_decision::provider::Provider;
use secrecy::SecretString;
use url::Url;

use super::control::Control;
use super::data::trust;
use crate::authentik::connection::CoreAddress;
use crate::keys::KeyEndpoint;
use crate::limits::LimitFigures;
use crate::ops::access::{Access, AccessParts, Guesses};
use crate::ops::dashboard::{ClientParts, CoreDoor, operators_client};
use crate::settings::{OperatorSignIn, Settings};

/// Who may see pages and call the API.
pub(super) fn access(settings: &Settings, control: &Control, limits: LimitFigures) -> Access {
    let core = settings.dashboard.sign_in.as_ref().map(|it| {
        // All that decides who may come in and as what; none of the texts holds a line break.
        let group = |name: &Option<String>| name.clone().unwrap_or_default();
        [it.application.clone(), it.client_id.clone(), group(&it.view_group), group(&it.act_group)]
            .join("\n")
    });
    Access::new(AccessParts {
        core_token: settings.core.token.clone(),
        token: settings.admin.token.clone(),
        view_token: settings.admin.view_token.clone(),
        core,
        url: settings.dashboard.url.clone(),
        lifetime: settings.dashboard.session_lifetime,
        notes: Arc::new(control.sessions.clone()),
        trust: trust(settings),
        guesses: Guesses {
            of_one: settings.admin.failures_per_minute,
            of_all: settings.admin.failures_per_minute_of_all,
        },
        limits,
    })
}

/// The key set of the application for operators.
pub(super) fn key_endpoint(settings: &Settings, core: &CoreAddress) -> Option<KeyEndpoint> {
    // What it is signed with plays no part in where its keys are.
    let provider = provider(settings, core, ClientSecrets::default())?;
    KeyEndpoint::of(&provider)
}

/// The way in through core, where the settings name one.
pub(super) fn core_door(
    settings: &Settings,
    control: &Control,
    access: &Access,
    limits: LimitFigures,
) -> Option<CoreDoor> {
    let sign_in = settings.dashboard.sign_in.as_ref()?;
    let secrets = ClientSecrets { flow: access.flow_secret()?, cookie_name: access.cookie_name()? };
    let provider = provider(settings, control.connection.address(), secrets)?;
    let back_channel = control.back_channel.clone();
    Some(CoreDoor {
        provider: Arc::new(provider),
        keys: control.keys.clone(),
        view_group: sign_in.view_group.clone(),
        act_group: sign_in.act_group.clone(),
        oidc: Arc::new(move || back_channel.client()),
        flows: settings.limits.flows_per_browser,
        limits,
    })
}

/// What sign-ins through core are signed with, and their cookies called.
#[derive(Default)]
struct ClientSecrets {
    flow: SecretString,
    cookie_name: String,
}

fn provider(settings: &Settings, core: &CoreAddress, secrets: ClientSecrets) -> Option<Provider> {
    let OperatorSignIn { application, client_id, client_secret, .. } =
        settings.dashboard.sign_in.as_ref()?;
    let url: &Url = settings.dashboard.url.as_ref()?;
    operators_client(&ClientParts {
        application,
        client_id,
        client_secret: client_secret.as_ref(),
        core: &|path| core.url(path),
        browser: settings.core.host_browser.as_ref(),
        url,
        cookie_name: secrets.cookie_name,
        flow_secret: secrets.flow,
    })
}
