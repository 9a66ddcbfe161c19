//! Who is asked: one server, whoever is the master, or the node of a cluster that has the key.

use std::sync::Arc;

use ::redis::{Cmd, Value};

use super::cluster::Cluster;
use super::failure::Failure;
use super::link::{Link, Reach};
use super::scripts::Script;
use crate::session::store::StoreError;

/// The servers of a store.
#[derive(Debug)]
pub(super) enum Servers {
    /// One at a time.
    One(Arc<Link>),
    /// Many.
    Cluster(Cluster),
}

impl Servers {
    /// Has a command done where `key` is.
    pub(super) async fn ask(&self, key: &str, command: &Cmd) -> Result<Value, StoreError> {
        Ok(self.try_ask(key, command).await?)
    }

    /// Has a script run on a key.
    pub(super) async fn run(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let answer = match self.try_ask(key, &script.by_name(key, arguments)).await {
            Err(Failure::NoScript) => self.try_ask(key, &script.by_text(key, arguments)).await,
            answer => answer,
        };
        Ok(answer?)
    }

    async fn try_ask(&self, key: &str, command: &Cmd) -> Result<Value, Failure> {
        match self {
            Self::One(link) => link.ask(command).await,
            Self::Cluster(cluster) => cluster.ask(key, command).await,
        }
    }

    /// The link to the server that has `key`.
    pub(super) async fn link(&self, key: &str) -> Result<Arc<Link>, StoreError> {
        match self {
            Self::One(link) => Ok(Arc::clone(link)),
            Self::Cluster(cluster) => Ok(cluster.link(key).await?),
        }
    }

    /// Says that the server that has `key` does not have it any more, as it seems.
    pub(super) fn doubt(&self) {
        if let Self::Cluster(cluster) = self {
            cluster.look_again();
        }
    }

    /// How the servers are; of many, the worst.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::One(link) => link.reach(),
            Self::Cluster(cluster) => cluster.reach(),
        }
    }
}
