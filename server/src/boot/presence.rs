//! This replica among the others.

use std::sync::Arc;

use outpost_dashboard::model::Fleet;

use super::control::Control;
use super::operations::Operations;
use crate::actors::presence::PresenceParts;
use crate::clock;
use crate::drain::Drain;
use crate::ops::readiness::Readiness;
use crate::ops::views::Views;
use crate::publish::Publisher;

/// Begins to tell the others of this one, to hear of them, and to answer what they ask.
pub(super) fn start(
    control: &Control,
    operations: &Operations,
    readiness: &Readiness,
    (views, drain, fleet): (&Views, Drain, Publisher<Fleet>),
) {
    let views = views.clone();
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
        activity: Arc::clone(&operations.activity),
        questions: views.questions(),
        decisions: Arc::new(move |ids| views.decisions_of(ids)),
        fleet: Arc::new(fleet),
    });
}
