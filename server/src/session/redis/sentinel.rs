//! Asking Sentinels which server is the master.

use std::time::Duration;

use ::redis::Value;
use ::redis::aio::MultiplexedConnection;

use super::dial::{Dialer, Driver};
use super::failure::Failure;
use super::link::ask_driven;
use super::options::{RedisAddress, RedisLogin};
use super::reply;

/// The Sentinels of one master.
#[derive(Clone, Debug)]
pub(super) struct Sentinels {
    pub(super) addresses: Vec<RedisAddress>,
    pub(super) master: String,
    pub(super) login: RedisLogin,
    pub(super) timeout: Duration,
}

impl Sentinels {
    /// A connection to the master: each Sentinel is asked in turn until one names a server that
    /// says of itself that it is one. A Sentinel that was cut off names the former master.
    pub(super) async fn connect(
        &self,
        dialer: &Dialer,
        login: &RedisLogin,
        database: i64,
    ) -> Result<(MultiplexedConnection, Driver, RedisAddress), Failure> {
        let mut reasons = Vec::new();
        for sentinel in &self.addresses {
            let master = match self.ask(dialer, sentinel).await {
                Ok(master) => master,
                Err(failure) => {
                    reasons.push(format!("sentinel {sentinel}: {}", text(failure)));
                    continue;
                }
            };
            match self.reach(dialer, &master, login, database).await {
                Ok((connection, driver)) => return Ok((connection, driver, master)),
                Err(failure) => reasons.push(format!("master {master}: {}", text(failure))),
            }
        }
        reasons.dedup();
        Err(Failure::Link(reasons.join("; ")))
    }

    async fn ask(&self, dialer: &Dialer, sentinel: &RedisAddress) -> Result<RedisAddress, Failure> {
        let (mut connection, mut driver) = dialer.dial(sentinel, &self.login, 0).await?;
        let mut command = ::redis::cmd("SENTINEL");
        command.arg("get-master-addr-by-name").arg(&self.master);
        let answer = ask_driven(&mut connection, &mut driver, &command, self.timeout).await?;
        let read = || {
            let [host, port] = reply::exactly::<2>(answer).ok()?;
            Some(RedisAddress { host: reply::text(host).ok()?, port: reply::digits(port).ok()? })
        };
        read().ok_or_else(|| Failure::Link(format!("it knows no master {:?}", self.master)))
    }

    async fn reach(
        &self,
        dialer: &Dialer,
        master: &RedisAddress,
        login: &RedisLogin,
        database: i64,
    ) -> Result<(MultiplexedConnection, Driver), Failure> {
        let (mut connection, mut driver) = dialer.dial(master, login, database).await?;
        let role = ::redis::cmd("ROLE");
        let answer = ask_driven(&mut connection, &mut driver, &role, self.timeout).await?;
        let role = reply::list(answer).ok().and_then(|answer| answer.into_iter().next());
        match role {
            Some(Value::BulkString(role)) if role == b"master" => Ok((connection, driver)),
            _ => Err(Failure::Link("it is not a master, or not yet".to_owned())),
        }
    }
}

fn text(failure: Failure) -> String {
    match failure {
        Failure::Link(text) | Failure::Refused(text) => text,
        other => format!("{other:?}"),
    }
}
