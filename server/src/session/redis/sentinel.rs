//! Asking Sentinels which server is the master.

use std::time::Duration;

use ::redis::Value;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::dial::{Dialed, Dialer};
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

/// What a Sentinel says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Opinion {
    /// Counts the fail-overs: whoever knows of more is right.
    epoch: u64,
    master: RedisAddress,
}

impl Sentinels {
    /// A connection to the master, which must say of itself that it is one.
    pub(super) async fn connect(
        &self,
        dialer: &Dialer,
        login: &RedisLogin,
        database: i64,
    ) -> Result<(Dialed, RedisAddress), Failure> {
        let master = self.master(dialer).await?;
        let failed = |failure| Failure::Link(format!("master {master}: {}", text(failure)));
        let mut dialed = dialer.dial(&master, login, database).await.map_err(failed)?;
        let role = ::redis::cmd("ROLE");
        let answer = ask_driven(&mut dialed, &role, self.timeout).await;
        let role = reply::list(answer.map_err(failed)?).ok();
        match role.and_then(|answer| answer.into_iter().next()) {
            Some(Value::BulkString(role)) if role == b"master" => Ok((dialed, master)),
            _ => Err(Failure::Link(format!("{master} is not a master, or not yet"))),
        }
    }

    /// The master, as more than half of the Sentinels know it, or all that answer: one that was
    /// cut off names the former master, and one that is away must not hold the others up.
    pub(super) async fn master(&self, dialer: &Dialer) -> Result<RedisAddress, Failure> {
        let mut asked: FuturesUnordered<_> = self
            .addresses
            .iter()
            .map(|sentinel| async move { (sentinel, self.ask(dialer, sentinel).await) })
            .collect();
        let mut opinions = Vec::new();
        let mut reasons = Vec::new();
        while let Some((sentinel, answer)) = asked.next().await {
            match answer {
                Ok(opinion) => opinions.push(opinion),
                Err(failure) => reasons.push(format!("sentinel {sentinel}: {}", text(failure))),
            }
            if opinions.len() * 2 > self.addresses.len() {
                break;
            }
        }
        let latest = opinions.into_iter().max();
        latest.map(|opinion| opinion.master).ok_or_else(|| Failure::Link(reasons.join("; ")))
    }

    async fn ask(&self, dialer: &Dialer, sentinel: &RedisAddress) -> Result<Opinion, Failure> {
        let mut dialed = dialer.dial(sentinel, &self.login, 0).await?;
        let mut command = ::redis::cmd("SENTINEL");
        command.arg("MASTER").arg(&self.master);
        let answer = ask_driven(&mut dialed, &command, self.timeout).await?;
        read_opinion(answer)
            .ok_or_else(|| Failure::Link(format!("it does not say who {:?} is", self.master)))
    }
}

/// Reads names and values in turn, of which there are many more.
fn read_opinion(answer: Value) -> Option<Opinion> {
    let mut fields = reply::list(answer).ok()?.into_iter();
    let (mut host, mut port, mut epoch) = (None, None, None);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match reply::text(name).ok()?.as_str() {
            "ip" => host = reply::text(value).ok(),
            "port" => port = reply::digits(value).ok(),
            "config-epoch" => epoch = reply::digits(value).ok(),
            _ => {}
        }
    }
    Some(Opinion { epoch: epoch?, master: RedisAddress { host: host?, port: port? } })
}

fn text(failure: Failure) -> String {
    match failure {
        Failure::Link(text) | Failure::Refused(text) => text,
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::redis::reply::texts;

    #[test]
    fn whoever_knows_of_more_failovers_is_right() {
        let read = |ip, epoch| {
            let words = ["name", "m", "ip", ip, "port", "6379", "config-epoch", epoch, "x", "y"];
            read_opinion(texts(&words)).unwrap()
        };
        let (former, now) = (read("192.0.2.9", "9"), read("192.0.2.1", "10"));
        assert!(former < now);
        assert_eq!(now.master, RedisAddress { host: "192.0.2.1".into(), port: 6379 });
        assert_eq!(read_opinion(texts(&["ip", "192.0.2.1", "port", "6379"])), None);
        assert_eq!(read_opinion(Value::Nil), None);
    }
}
