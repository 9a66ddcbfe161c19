//! Who is asked: one server, whoever is the master, or the node of a cluster that has the key.

use std::sync::Arc;

use ::redis::{Cmd, Value};
use bytes::Bytes;

use super::cluster::Cluster;
use super::failure::Failure;
use super::lane::FIELDS;
use super::link::{Link, Reach};
use super::reply;
use super::scripts::Script;
use super::wire::Values;
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

    /// The fields of a hash.
    pub(super) async fn read(
        &self,
        key: &str,
        fields: &[&str; FIELDS],
    ) -> Result<Values<FIELDS>, StoreError> {
        let at_once = match self {
            Self::One(link) => link.read(key, fields).await?,
            Self::Cluster(cluster) => cluster.read(key, fields).await?,
        };
        if let Some(values) = at_once {
            return Ok(values);
        }
        let mut command = ::redis::cmd("HMGET");
        command.arg(key).arg(fields);
        let mut values = [const { None }; FIELDS];
        for (place, value) in
            values.iter_mut().zip(reply::exactly::<FIELDS>(self.ask(key, &command).await?)?)
        {
            *place = reply::bytes_if_any(value)?.map(Bytes::from);
        }
        Ok(values)
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
