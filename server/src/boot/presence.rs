//! This replica among the others.

use std::sync::Arc;

use outpost_dashboard::model::Fleet;

use super::control::Control;
use crate::actors::presence::{PresenceParts, Traffic};
use crate::clock;
use crate::drain::Drain;
use crate::ops::readiness::Readiness;
use crate::publish::{Published, published};

/// Begins to tell the others of this one, and to hear of them.
pub(super) fn start(control: &Control, readiness: &Readiness, drain: Drain) -> Published<Fleet> {
    let (publisher, fleet) = published(Fleet::default());
    control.tell_replicas(PresenceParts {
        instance: control.instance.uuid.clone(),
        hostname: control.instance.hostname.clone(),
        started: clock::now(),
        sessions: control.sessions.clone(),
        snapshot: control.readers.snapshot.clone(),
        status: control.readers.status.clone(),
        link: control.link.clone(),
        readiness: readiness.clone(),
        drain,
        traffic: Arc::new(Traffic::default),
        fleet: Arc::new(publisher),
    });
    fleet
}
