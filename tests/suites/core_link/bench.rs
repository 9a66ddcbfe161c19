//! A link to the stand-in core, wired as the program wires it, with short intervals.

use std::sync::Arc;
use std::time::Duration;

use outpost::actors::core_link::{CoreLink, CoreLinkParts, InstanceIdentity, LinkStatus};
use outpost::actors::handle::{NotDelivered, Tell};
use outpost::actors::supervisor::{ControlPlane, RebuildPolicy, Supervisor};
use outpost::actors::{CoreSessionEnded, Refresh, RefreshCause};
use outpost::authentik::connection::{CoreAddress, CoreConnection};
use outpost::authentik::rest::{RestClient, RestLimits};
use outpost::core_tls::{CoreTimeouts, CoreTrust, client_config};
use outpost::ops::metrics::Metrics;
use outpost::publish::{Published, Publisher, published};
use outpost::snapshot::{OutpostIdentity, Snapshot};
use outpost_decision::backoff::Backoff;
use outpost_decision::link::LinkTiming;
use outpost_decision::time::Timestamp;
use outpost_demo::core::{CoreOptions, StandInCore};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

/// Our `instance_uuid`.
pub(crate) const INSTANCE: &str = "861beffd-fd87-44e4-8a1e-81782c86001b";

/// One hello a connection, and no waits.
pub(crate) const QUIET: LinkTiming = LinkTiming {
    hello_every: Duration::from_secs(3600),
    hellos_without_ack: 2,
    backoff: Backoff { shortest: Duration::ZERO, longest: Duration::from_millis(20) },
    refresh_jitter: Duration::ZERO,
};

/// Hellos in quick succession.
pub(crate) const LIVELY: LinkTiming =
    LinkTiming { hello_every: Duration::from_millis(50), ..QUIET };

/// The same, on a machine however slow.
pub(crate) const PATIENT: LinkTiming = LinkTiming { hellos_without_ack: u32::MAX, ..LIVELY };

pub(crate) fn core(options: CoreOptions) -> StandInCore {
    StandInCore::start(options).unwrap()
}

/// How to reach the core; `trust` counts where it speaks TLS.
pub(crate) fn connection(core: &StandInCore, trust: &CoreTrust) -> CoreConnection {
    connection_with(core, core.token(), trust, CoreTimeouts::default())
}

/// A connection with a token that core has never given out.
pub(crate) fn connection_with_a_wrong_token(core: &StandInCore) -> CoreConnection {
    connection_with(core, "wrong".to_owned(), &CoreTrust::NativeRoots, CoreTimeouts::default())
}

pub(crate) fn connection_with(
    core: &StandInCore,
    token: String,
    trust: &CoreTrust,
    timeouts: CoreTimeouts,
) -> CoreConnection {
    let address = CoreAddress::new(&Url::parse(&core.url()).unwrap()).unwrap();
    let tls = Arc::new(client_config(trust).unwrap());
    CoreConnection::new(address, token.into(), tls, timeouts)
}

pub(crate) fn rest(core: &StandInCore) -> RestClient {
    RestClient::new(connection(core, &CoreTrust::NativeRoots), RestLimits::default())
}

/// A link under a supervisor, and the ends of what it tells others.
pub(crate) struct Linked {
    pub(crate) supervisor: Supervisor,
    pub(crate) refreshes: UnboundedReceiver<Refresh>,
    pub(crate) session_ends: UnboundedReceiver<CoreSessionEnded>,
    status: Published<LinkStatus>,
    _snapshot: Publisher<Snapshot>,
    _plane: ControlPlane,
}

impl Linked {
    pub(crate) fn start(core: &StandInCore, timing: LinkTiming) -> Self {
        Self::over(core, connection(core, &CoreTrust::NativeRoots), timing)
    }

    pub(crate) fn over(core: &StandInCore, connection: CoreConnection, timing: LinkTiming) -> Self {
        let (refresh, refreshes) = unbounded_channel();
        let (ends, session_ends) = unbounded_channel();
        let (publisher, status) = published(LinkStatus::idle(Timestamp(0)));
        let outpost =
            OutpostIdentity { uuid: core.outpost_uuid().to_string(), ..OutpostIdentity::default() };
        let (snapshot, snapshots) = published(Snapshot { outpost, ..Snapshot::default() });
        let parts = CoreLinkParts {
            connection,
            timing,
            instance: InstanceIdentity {
                uuid: INSTANCE.to_owned(),
                hostname: "test-host".to_owned(),
                build: "0.1.0".to_owned(),
            },
            snapshot: snapshots,
            refresh: Arc::new(Into(refresh)),
            session_ends: Arc::new(Into(ends)),
            status: Arc::new(publisher),
            random: || 1 << 31,
            message_bytes: 1 << 20,
            rest_limits: RestLimits::default(),
            limits: Metrics::new("", "").unwrap().limits().clone(),
        };
        let plane = ControlPlane::start().unwrap();
        let supervisor = Supervisor::new(RebuildPolicy::default());
        supervisor.supervise("core_link", &plane.handle(), move || CoreLink::new(parts.clone()));
        Self { supervisor, refreshes, session_ends, status, _snapshot: snapshot, _plane: plane }
    }

    pub(crate) async fn wait_for(
        &self,
        wanted: impl FnMut(&LinkStatus) -> bool,
    ) -> Arc<LinkStatus> {
        self.status.wait_for(wanted).await.unwrap()
    }

    pub(crate) async fn up(&self) -> Arc<LinkStatus> {
        self.wait_for(LinkStatus::is_up).await
    }

    pub(crate) async fn refresh(&mut self) -> RefreshCause {
        self.refreshes.recv().await.unwrap().cause
    }
}

#[derive(Debug)]
struct Into<M>(UnboundedSender<M>);

impl<M: std::fmt::Debug + Send> Tell<M> for Into<M> {
    fn tell(&self, message: M) -> Result<(), NotDelivered> {
        self.0.send(message).map_err(|_| NotDelivered)
    }
}
