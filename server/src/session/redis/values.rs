//! Small shared values: plain strings. The server's clock ends them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use outpost_decision::time::Timestamp;

use super::RedisStore;
use super::reply;
use crate::session::store::{SharedValues, StoreError};

#[async_trait]
impl SharedValues for RedisStore {
    async fn read(&self, name: &str, _now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let key = self.names.value(name);
        let mut command = ::redis::cmd("GET");
        command.arg(&key);
        Ok(reply::bytes_if_any(self.servers.ask(&key, &command).await?)?.map(Bytes::from))
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.names.value(name);
        let mut command = ::redis::cmd(if value.is_some() { "SET" } else { "DEL" });
        command.arg(&key);
        if let Some(value) = &value {
            command.arg(&value[..]);
            if let Some(lifetime) = lifetime {
                command.arg("PX").arg(milliseconds(lifetime));
            }
        }
        self.servers.ask(&key, &command).await?;
        Ok(())
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = self.names.value(name);
        let flag = |is_there: bool| if is_there { &b"1"[..] } else { b"0" };
        let lifetime = lifetime.map(milliseconds).map(|lifetime| lifetime.to_string());
        let arguments = [
            flag(expected.is_some()),
            expected.unwrap_or_default(),
            flag(value.is_some()),
            value.as_deref().unwrap_or_default(),
            lifetime.as_deref().unwrap_or_default().as_bytes(),
        ];
        let answer = self.servers.run(&self.scripts.swap, &key, &arguments).await?;
        Ok(reply::number(answer)? == 1)
    }
}

/// The server takes no lifetime of nothing, nor one beyond its range.
fn milliseconds(lifetime: Duration) -> u64 {
    const CENTURY: u64 = 100 * 366 * 24 * 3600 * 1000;
    u64::try_from(lifetime.as_millis()).unwrap_or(CENTURY).clamp(1, CENTURY)
}
