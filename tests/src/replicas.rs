//! Several outposts of one core that share a store.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use outpost_demo::core::StandInCore;
use reqwest::Client;

use crate::program::{Program, environment};
use crate::{ports, wait};

/// Outposts as processes, each with ports that it keeps. They are killed when this is dropped.
pub struct Replicas(Vec<Replica>);

struct Replica {
    addresses: Addresses,
    environment: BTreeMap<String, String>,
    program: Option<Program>,
}

/// Where a replica listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// HTTP.
    pub http: SocketAddr,
    /// HTTPS.
    pub https: SocketAddr,
    /// Figures, health and readiness.
    pub metrics: SocketAddr,
    /// The dashboard.
    pub dashboard: SocketAddr,
}

impl Addresses {
    fn any() -> Self {
        let any = || {
            let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
            SocketAddr::new(own, ports::free(own))
        };
        Self { http: any(), https: any(), metrics: any(), dashboard: any() }
    }
}

impl Replicas {
    /// Starts `count` outposts of `core` with these variables, one of which names the store they
    /// share, and waits until all are ready.
    pub async fn start(core: &StandInCore, count: usize, variables: &[(&str, &str)]) -> Self {
        Self::each(core, count, |_| {
            variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
        .await
    }

    /// The same with variables for each: one may see the store by way of a relay, or have other
    /// settings.
    pub async fn each(
        core: &StandInCore,
        count: usize,
        variables: impl Fn(usize) -> Vec<(String, String)>,
    ) -> Self {
        let mut replicas =
            Self((0..count).map(|index| Replica::new(core, variables(index))).collect());
        for replica in &mut replicas.0 {
            replica.start();
        }
        for index in 0..count {
            replicas.ready(index).await;
        }
        replicas
    }

    /// How many there are, running or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where one listens, whether it runs or not.
    #[must_use]
    pub fn addresses(&self, index: usize) -> Addresses {
        self.0[index].addresses
    }

    /// The HTTP listeners of all.
    #[must_use]
    pub fn http(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|replica| replica.addresses.http).collect()
    }

    /// `http://<host>:<port of this replica><path>`.
    #[must_use]
    pub fn url(&self, index: usize, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.addresses(index).http.port())
    }

    /// The process of one: its lines, its signals.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn program(&self, index: usize) -> &Program {
        self.0[index].program.as_ref().unwrap_or_else(|| panic!("replica {index} does not run"))
    }

    /// Ends one as a crash would (`SIGKILL`).
    pub fn kill(&mut self, index: usize) {
        self.0[index].program = None;
    }

    /// Asks one to end (`SIGTERM`) and awaits it; gives its exit code.
    pub async fn terminate(&mut self, index: usize) -> Option<i32> {
        let code = {
            let program = self.program(index);
            program.signal("TERM");
            program.exit_code().await
        };
        self.0[index].program = None;
        code
    }

    /// Starts one again on its ports, after killing it if it runs, and waits until it is ready.
    pub async fn restart(&mut self, index: usize) {
        self.restart_unready(index);
        self.ready(index).await;
    }

    /// The same without waiting: for a replica that cannot become ready.
    pub fn restart_unready(&mut self, index: usize) {
        self.kill(index);
        self.0[index].start();
    }

    /// Gives one another variable from its next start on.
    pub fn set(&mut self, index: usize, name: &str, value: &str) {
        self.0[index].environment.insert(name.to_owned(), value.to_owned());
    }

    /// Freezes one (`SIGSTOP`).
    pub fn pause(&self, index: usize) {
        self.program(index).signal("STOP");
    }

    /// Ends [`Replicas::pause`].
    pub fn resume(&self, index: usize) {
        self.program(index).signal("CONT");
    }

    /// Waits until one is ready.
    pub async fn ready(&self, index: usize) {
        let client = Client::builder().no_proxy().build().expect("a client");
        let url = format!("http://{}/outpost.goauthentik.io/ready", self.addresses(index).metrics);
        let program = self.program(index);
        wait::until_async("a ready replica", async || {
            let answer = client.get(&url).timeout(wait::PATIENCE).send().await;
            match answer.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => Ok(()),
                other => Err(format!("{other:?}; it said:\n{}", program.lines().join("\n"))),
            }
        })
        .await;
    }
}

impl Replica {
    fn new(core: &StandInCore, variables: Vec<(String, String)>) -> Self {
        let addresses = Addresses::any();
        let mut environment = environment(core, &[]);
        let Addresses { http, https, metrics, dashboard } = addresses;
        let listeners = [
            ("AUTHENTIK_LISTEN__HTTP", http),
            ("AUTHENTIK_LISTEN__HTTPS", https),
            ("AUTHENTIK_LISTEN__METRICS", metrics),
            ("OUTPOST__DASHBOARD__LISTEN", dashboard),
        ];
        let listeners = listeners.map(|(name, address)| (name.to_owned(), address.to_string()));
        environment.extend(listeners);
        environment.extend(variables);
        Self { addresses, environment, program: None }
    }

    fn start(&mut self) {
        self.program = Some(Program::launch(&[], &self.environment));
    }
}
