//! What can be looked at without a running outpost: core, its token, and the session store.

use outpost_dashboard::model::{Check, Doctor, Notice, Severity};

use super::control::{core_connection, rest_limits};
use super::store;
use crate::authentik::CoreApi;
use crate::authentik::rest::RestClient;
use crate::clock;
use crate::settings::{Settings, StoreUrl};

/// Looks at what these settings name. To be called within an actix system.
pub async fn look(settings: &Settings) -> Doctor {
    let mut checks = vec![check("settings", "The settings are right")];
    let mut findings = Vec::new();
    let mut note = |code: &str, title: &str, looked: Result<(), Looked>| {
        let mut check = check(code, title);
        match looked {
            Ok(()) => {}
            Err(Looked::Found(notice)) => {
                check.findings = 1;
                findings.push(*notice);
            }
            Err(Looked::Not(why)) => check.unknown = Some(why),
        }
        checks.push(check);
    };
    note("core", "Core answers, and takes the token", core(settings).await);
    note("store", "The session store answers", session_store(settings).await);
    Doctor { now: clock::now().0, probed: Some(clock::now().0), findings, checks }
}

/// Why something is not fine.
enum Looked {
    Found(Box<Notice>),
    /// It could not be looked at.
    Not(String),
}

fn found(code: &str, message: String, remedy: &str) -> Looked {
    Looked::Found(Box::new(Notice {
        severity: Severity::Error,
        code: code.to_owned(),
        provider: None,
        message,
        remedy: remedy.to_owned(),
    }))
}

fn check(code: &str, title: &str) -> Check {
    Check { code: code.to_owned(), title: title.to_owned(), ..Check::default() }
}

async fn core(settings: &Settings) -> Result<(), Looked> {
    let remedy = "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up.";
    let failed = |error: String| {
        found("core_refresh_failed", format!("Core cannot be asked: {error}."), remedy)
    };
    let connection = core_connection(&settings.core).map_err(|error| failed(error.to_string()))?;
    let rest = RestClient::new(connection, rest_limits(settings));
    rest.outpost().await.map(drop).map_err(|error| failed(error.to_string()))
}

async fn session_store(settings: &Settings) -> Result<(), Looked> {
    match settings.sessions.store {
        StoreUrl::Memory => {
            return Err(Looked::Not("sessions are kept in the memory of the outpost".to_owned()));
        }
        StoreUrl::File(_) => {
            return Err(Looked::Not("the outpost has the file to itself".to_owned()));
        }
        StoreUrl::Redis(_) => {}
    }
    let remedy = "Check sessions.store, and that the store is up.";
    let failed = |error: String| {
        found("session_store", format!("The session store cannot be asked: {error}."), remedy)
    };
    let store = store::open(settings).map_err(|error| failed(error.to_string()))?;
    store.count(None, clock::now()).await.map(drop).map_err(|error| failed(error.to_string()))
}
