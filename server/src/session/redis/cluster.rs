//! A cluster: which node has which slot, and a link to each node.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, Value};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::failure::Failure;
use super::lane::FIELDS;
use super::link::{Link, LinkParts, Reach, Target};
use super::options::RedisAddress;
use super::reply;
use super::slots::{SLOTS, slot};
use super::wire::Values;
use crate::session::store::StoreError;

/// Longest chain of nodes that say "elsewhere".
const HOPS: usize = 5;

/// Between two looks at who has what, while something is amiss.
const LOOK: Duration = Duration::from_millis(100);

/// Between two looks while all is well: nodes that nobody asks may have gone.
const IDLE_LOOK: Duration = Duration::from_secs(30);

type Links = HashMap<RedisAddress, Arc<Link>>;

/// The master of each slot.
#[derive(Clone, Debug, Default)]
struct SlotMap(Vec<Option<RedisAddress>>);

/// What is known of the cluster.
#[derive(Clone, Debug)]
enum Known {
    /// Nobody has been asked yet.
    Nothing,
    /// Nobody could say.
    Nobody(String),
    /// This.
    Slots(Arc<SlotMap>),
}

struct Shared {
    parts: LinkParts,
    seeds: Vec<RedisAddress>,
    links: Mutex<Links>,
    known: watch::Sender<Known>,
    look: Notify,
}

/// The cluster. Its links close when it is dropped.
pub(super) struct Cluster {
    shared: Arc<Shared>,
    watcher: AbortHandle,
}

impl Cluster {
    /// A cluster with these among its nodes.
    pub(super) fn new(parts: LinkParts, seeds: Vec<RedisAddress>) -> Self {
        let runtime = parts.runtime.clone();
        let shared = Arc::new(Shared {
            parts,
            seeds,
            links: Mutex::default(),
            known: watch::Sender::new(Known::Nothing),
            look: Notify::new(),
        });
        let watcher = runtime.spawn(watch_over(Arc::clone(&shared))).abort_handle();
        Self { shared, watcher }
    }

    /// Has a command done by the node that has `key`.
    pub(super) async fn ask(&self, key: &str, command: &Cmd) -> Result<Value, Failure> {
        let patience = self.shared.parts.timeout.saturating_mul(2);
        let asked = self.follow(key, command);
        match tokio::time::timeout(patience, asked).await {
            Ok(Err(failure @ (Failure::Link(_) | Failure::ClusterDown(_)))) => {
                self.look_again();
                Err(failure)
            }
            Ok(answer) => answer,
            Err(_) => Err(Failure::Refused(format!("no node did it in {patience:?}"))),
        }
    }

    /// The fields of a hash; see [`Link::read`].
    pub(super) async fn read(
        &self,
        key: &str,
        fields: &[&str; FIELDS],
    ) -> Result<Option<Values<FIELDS>>, Failure> {
        // Whatever is the matter, who asks in the ordinary way is told.
        let Ok(link) = self.link(key).await else { return Ok(None) };
        link.read(key, fields).await.inspect_err(|_| self.look_again())
    }

    async fn follow(&self, key: &str, command: &Cmd) -> Result<Value, Failure> {
        let mut link = self.link(key).await?;
        let mut answer = link.ask(command).await;
        for _ in 0..HOPS {
            match answer {
                Err(Failure::Moved(to)) => {
                    let to = self.shared.named_by(&link, to);
                    self.shared.note(slot(key), to.clone());
                    self.look_again();
                    link = self.shared.link_to(&to);
                    answer = link.ask(command).await;
                }
                Err(Failure::Ask(to)) => {
                    let asked = self.shared.link_to(&self.shared.named_by(&link, to));
                    answer = asked.ask_while_moving(command).await;
                }
                answer => return answer,
            }
        }
        answer
    }

    /// The link to the node that has `key`.
    pub(super) async fn link(&self, key: &str) -> Result<Arc<Link>, Failure> {
        let mut watched = self.shared.known.subscribe();
        let told = watched.wait_for(|known| !matches!(known, Known::Nothing));
        let known = match tokio::time::timeout(self.shared.parts.timeout, told).await {
            Ok(Ok(known)) => known.clone(),
            _ => Known::Nobody("no node of the cluster answers yet".to_owned()),
        };
        match known {
            Known::Slots(slots) => match slots.0.get(usize::from(slot(key))) {
                Some(Some(node)) => Ok(self.shared.link_to(node)),
                _ => Err(Failure::ClusterDown("a part of the keys has no node".to_owned())),
            },
            Known::Nobody(reason) => Err(Failure::Link(reason)),
            Known::Nothing => Err(Failure::Link("no node of the cluster is known".to_owned())),
        }
    }

    /// Has the nodes asked soon who has what.
    pub(super) fn look_again(&self) {
        self.shared.look.notify_one();
    }

    /// How the nodes are: the worst that is in use.
    pub(super) fn reach(&self) -> Reach {
        if let Known::Nobody(reason) = &*self.shared.known.borrow() {
            return Reach::Down { since: crate::clock::now(), reason: reason.clone() };
        }
        let links = self.shared.links();
        let reaches: Vec<_> = links.values().map(|link| link.reach()).collect();
        let down = reaches.iter().find(|reach| matches!(reach, Reach::Down { .. }));
        let up = reaches.iter().find(|reach| matches!(reach, Reach::Up { .. }));
        down.or(up).cloned().unwrap_or(Reach::Connecting)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("seeds", &self.shared.seeds).finish_non_exhaustive()
    }
}

impl Shared {
    fn links(&self) -> std::sync::MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link_to(&self, node: &RedisAddress) -> Arc<Link> {
        let mut links = self.links();
        let link = links.entry(node.clone()).or_insert_with(|| {
            Arc::new(Link::new(self.parts.clone(), Target::Server(node.clone())))
        });
        Arc::clone(link)
    }

    /// A node that does not know its own name leaves it out: the one we know it by is meant.
    fn named_by(&self, link: &Arc<Link>, mut to: RedisAddress) -> RedisAddress {
        if to.host.is_empty() {
            let links = self.links();
            if let Some((by, _)) = links.iter().find(|(_, known)| Arc::ptr_eq(known, link)) {
                to.host.clone_from(&by.host);
            }
        }
        to
    }

    /// Notes who has a slot now.
    fn note(&self, slot: u16, node: RedisAddress) {
        self.known.send_if_modified(|known| {
            let Known::Slots(slots) = known else { return false };
            if let Some(entry) = Arc::make_mut(slots).0.get_mut(usize::from(slot)) {
                *entry = Some(node);
            }
            true
        });
    }

    /// Whether all slots have a node, and all of them answer.
    fn is_well(&self) -> bool {
        let Known::Slots(slots) = &*self.known.borrow() else { return false };
        let links = self.links();
        slots.0.iter().all(Option::is_some)
            && links.values().all(|link| !matches!(link.reach(), Reach::Down { .. }))
    }

    /// Asks the nodes, those that answer first, who has what.
    async fn ask_around(&self) -> Result<(SlotMap, Vec<RedisAddress>), String> {
        let mut nodes: Vec<RedisAddress> = self.links().keys().cloned().collect();
        nodes.extend(
            self.seeds.iter().filter(|seed| !nodes.contains(seed)).cloned().collect::<Vec<_>>(),
        );
        nodes.sort_by_key(|node| {
            let links = self.links();
            let reach = links.get(node).map(|link| link.reach());
            !matches!(reach, Some(Reach::Up { .. }))
        });
        let mut reason = "no node of the cluster is known".to_owned();
        let mut command = ::redis::cmd("CLUSTER");
        command.arg("SLOTS");
        for node in nodes {
            match self.link_to(&node).ask(&command).await {
                Ok(answer) => match read_slots(answer, &node) {
                    Ok(map) => return Ok(map),
                    Err(_) => reason = format!("{node}: it cannot say who has which slots"),
                },
                Err(failure) => reason = format!("{node}: {}", StoreError::from(failure)),
            }
        }
        Err(reason)
    }
}

/// Keeps the map true: looks when told to, and while something is amiss.
async fn watch_over(shared: Arc<Shared>) {
    loop {
        match shared.ask_around().await {
            Ok((slots, masters)) => {
                // Links to nodes that are no masters any more are not needed.
                shared.links().retain(|node, _| masters.contains(node));
                shared.known.send_replace(Known::Slots(Arc::new(slots)));
            }
            Err(reason) => {
                tracing::debug!(%reason, "no node of the cluster can be asked");
                shared.known.send_if_modified(|known| {
                    let first = matches!(known, Known::Nothing);
                    if first {
                        *known = Known::Nobody(reason.clone());
                    }
                    first
                });
            }
        }
        // Never more often than this, however often somebody asks for it.
        tokio::time::sleep(LOOK).await;
        if shared.is_well() {
            let _ = tokio::time::timeout(IDLE_LOOK, shared.look.notified()).await;
        }
    }
}

/// Reads an answer to `CLUSTER SLOTS` of `node`; replicas are not asked for anything.
fn read_slots(
    answer: Value,
    node: &RedisAddress,
) -> Result<(SlotMap, Vec<RedisAddress>), StoreError> {
    let mut slots = vec![None; usize::from(SLOTS)];
    let mut masters = Vec::new();
    for range in reply::list(answer)? {
        let mut parts = reply::list(range)?.into_iter();
        let (Some(from), Some(to), Some(master)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(super::failure::odd_answer());
        };
        let mut master = reply::list(master)?.into_iter();
        let (Some(host), Some(port)) = (master.next(), master.next()) else {
            return Err(super::failure::odd_answer());
        };
        // No name, or one that it does not know: the one that we reached it by.
        let host = match reply::bytes_if_any(host)? {
            Some(host) if !host.is_empty() && host != b"?" => {
                String::from_utf8(host).map_err(|_| super::failure::odd_answer())?
            }
            _ => node.host.clone(),
        };
        let port = u16::try_from(reply::number(port)?).map_err(|_| super::failure::odd_answer())?;
        let master = RedisAddress { host, port };
        let (from, to) = (reply::number(from)?, reply::number(to)?);
        for slot in from.max(0)..=to.min(i64::from(SLOTS) - 1) {
            if let Some(entry) = usize::try_from(slot).ok().and_then(|slot| slots.get_mut(slot)) {
                *entry = Some(master.clone());
            }
        }
        masters.push(master);
    }
    if masters.is_empty() {
        return Err(super::failure::odd_answer());
    }
    Ok((SlotMap(slots), masters))
}
