//! Signing in on a connection for reads, and hearing that it leads to a master.

use ::redis::{Cmd, Value};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::dial::Stream;
use super::failure::Failure;
use super::options::RedisLogin;

/// Longest answer: a server tells of the modules that it has loaded.
const LONGEST: usize = 64 * 1024;

/// Signs in and chooses the database.
pub(super) async fn say(
    stream: &mut dyn Stream,
    login: &RedisLogin,
    database: i64,
) -> Result<(), Failure> {
    // A replica may have an older version of a session than the master.
    if !is_masters(&ask(stream, &greeting(login)).await?) {
        return Err(Failure::Refused("it does not call itself a master".to_owned()));
    }
    if database != 0 {
        let mut select = ::redis::cmd("SELECT");
        ask(stream, select.arg(database)).await?;
    }
    Ok(())
}

fn greeting(login: &RedisLogin) -> Cmd {
    let mut hello = ::redis::cmd("HELLO");
    hello.arg(2);
    if let Some(password) = &login.password {
        let username = login.username.as_deref().unwrap_or("default");
        hello.arg("AUTH").arg(username).arg(password.expose_secret());
    }
    hello
}

/// Whether names and values, in turn, say that the server is a master.
fn is_masters(answer: &Value) -> bool {
    let Value::Array(told) = answer else { return false };
    let is = |value: &Value, text: &[u8]| matches!(value, Value::BulkString(told) if told == text);
    told.chunks(2)
        .any(|pair| matches!(pair, [name, role] if is(name, b"role") && is(role, b"master")))
}

/// Asks on a connection on which nothing else was asked.
async fn ask(stream: &mut dyn Stream, command: &Cmd) -> Result<Value, Failure> {
    stream.write_all(&command.get_packed_command()).await?;
    stream.flush().await?;
    let mut told = Vec::new();
    while told.len() < LONGEST {
        if stream.read_buf(&mut told).await? == 0 {
            return Err(Failure::Link("the server closed the connection".to_owned()));
        }
        // What is not whole is not read.
        if told.ends_with(b"\r\n")
            && let Ok(answer) = ::redis::parse_redis_value(&told)
        {
            return answer.extract_error().map_err(Failure::from);
        }
    }
    Err(Failure::Link("it does not speak the protocol of Redis".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::redis::reply::texts;

    #[test]
    fn a_master_is_who_says_so() {
        assert!(is_masters(&texts(&["server", "redis", "role", "master", "modules"])));
        assert!(!is_masters(&texts(&["server", "redis", "role", "replica"])));
        assert!(!is_masters(&texts(&["server", "role", "master", "x"])));
        assert!(!is_masters(&Value::Okay));
    }
}
