//! What is outside the outpost, looked at over real sockets.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use awc::http::header;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;

use super::control::{Control, rest_limits};
use super::{BootError, upstream};
use crate::actors::probes::{Outside, ProbesParts};
use crate::authentik::connection::CoreConnection;
use crate::authentik::rest::RestClient;
use crate::publish::{Published, published};
use crate::settings::Settings;
use crate::status::probes::Probes;
use crate::upstream::Dialer;

/// How long an application may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts looking; the reader has nothing in it until there is a configuration.
///
/// # Errors
/// When TLS towards applications cannot be set up.
pub(super) fn start(
    settings: &Settings,
    control: &Control,
) -> Result<Published<Probes>, BootError> {
    let dialer = Dialer::new(upstream::settings(&settings.upstream, settings.embedded.as_ref())?)?;
    let (publisher, probes) = published(Probes::default());
    let parts = ProbesParts {
        snapshot: control.readers.snapshot.clone(),
        connect: settings.doctor.connect,
        probes: Arc::new(publisher),
    };
    let (connection, own) = (control.connection.clone(), control.instance.uuid.clone());
    let bounds = rest_limits(settings);
    control.look_outside(parts, move || {
        Rc::new(Sockets {
            dialer: dialer.clone(),
            rest: RestClient::new(connection.clone(), bounds),
            connection: connection.clone(),
            own: own.clone(),
            first_heard: RefCell::default(),
        })
    });
    Ok(probes)
}

struct Sockets {
    dialer: Dialer,
    connection: CoreConnection,
    rest: RestClient,
    /// Our own uuid.
    own: String,
    /// When core had heard of each instance when it was first seen here.
    first_heard: RefCell<HashMap<String, String>>,
}

#[async_trait(?Send)]
impl Outside for Sockets {
    async fn application(&self, provider: &Provider) -> Result<(), String> {
        let Some(internal) = &provider.internal else { return Ok(()) };
        let (verify, slug) = (provider.verify_upstream, provider.application_slug.as_str());
        let reached = self.dialer.reach(internal, verify, slug, PATIENCE).await;
        reached.map_err(|error| error.to_string())
    }

    async fn core_time(&self) -> Result<Timestamp, String> {
        let url = self.connection.address().url(&["-", "health", "live"]);
        let asked = self.connection.client().get(url.as_str()).send().await;
        let answer = asked.map_err(|error| format!("core does not answer: {error}"))?;
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let since = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
        let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
        seconds.map(Timestamp).ok_or_else(|| "core's answers have no date".to_owned())
    }

    /// Those that core has heard of since they were first seen here: one that has just ended is
    /// on core's list for a while.
    async fn instances(&self, outpost: &str) -> Result<Vec<String>, String> {
        let heard = self.rest.instances(outpost).await.map_err(|error| error.to_string())?;
        let mut first = self.first_heard.borrow_mut();
        first.retain(|uid, _| heard.iter().any(|instance| instance.uid == *uid));
        let others = heard.into_iter().filter(|instance| instance.uid != self.own);
        let alive = others.filter(|instance| {
            let seen = first.entry(instance.uid.clone());
            *seen.or_insert_with(|| instance.last_seen.clone()) != instance.last_seen
        });
        Ok(alive.map(|instance| instance.hostname).collect())
    }
}
