//! Requests over connections that are kept.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::alarm::Alarm;
use crate::histogram::Histogram;
use crate::outcome;

/// How to ask.
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) lasts: Duration,
    /// Requests a second over all connections.
    pub(crate) rate: Option<f64>,
    pub(crate) expect: u16,
    /// Each request is asked once, however long that takes.
    pub(crate) once: bool,
}

/// Asks these servers, each over its share of the connections, and prints the figures.
pub(crate) fn run(at: &[SocketAddr], requests: &Path, plan: &Plan) -> Result<(), Box<dyn Error>> {
    let requests: Vec<String> = serde_json::from_str(&std::fs::read_to_string(requests)?)?;
    if requests.is_empty() {
        return Err("there is nothing to ask".into());
    }
    let requests: Rc<[String]> = requests.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut open = Vec::with_capacity(plan.connections);
        for &server in at.iter().cycle().take(plan.connections) {
            open.push(outcome::connect(server).await?);
        }
        let began = Instant::now();
        let asking = open
            .into_iter()
            .enumerate()
            .map(|(number, stream)| {
                let asker = Asker {
                    stream,
                    buffer: vec![0; 64 * 1024],
                    requests: Rc::clone(&requests),
                    // Connections begin at different ones.
                    next: number * requests.len() / plan.connections,
                    last: plan.once.then(|| (number + 1) * requests.len() / plan.connections),
                    expect: plan.expect,
                };
                let pace = plan.rate.map(|rate| {
                    let pause = Duration::from_secs_f64(plan.connections as f64 / rate);
                    let due = began + pause.mul_f64(number as f64 / plan.connections as f64);
                    Ok::<_, std::io::Error>(Pace { alarm: Alarm::new()?, due, pause })
                });
                Ok(tokio::task::spawn_local(asker.ask(began + plan.lasts, pace.transpose()?)))
            })
            .collect::<Result<_, std::io::Error>>()?;
        outcome::print(began, asking).await
    })
}

/// When requests are due.
struct Pace {
    alarm: Alarm,
    /// The next one.
    due: Instant,
    /// Between two.
    pause: Duration,
}

struct Asker {
    stream: TcpStream,
    buffer: Vec<u8>,
    requests: Rc<[String]>,
    next: usize,
    /// The request that is not asked any more, where each is asked once.
    last: Option<usize>,
    expect: u16,
}

impl Asker {
    /// Until `end`, or until each of its requests was asked. With a pace, the first request is due at its moment and the next ones each a pause
    /// later, whenever answers come, and an answer's time counts from when its request was due: whoever
    /// is slow is not asked less.
    async fn ask(mut self, end: Instant, mut pace: Option<Pace>) -> Result<Histogram, String> {
        let mut histogram = Histogram::new();
        loop {
            let due = match &mut pace {
                Some(Pace { alarm, due, pause }) => {
                    alarm.wait(*due).await.map_err(|error| error.to_string())?;
                    std::mem::replace(due, *due + *pause)
                }
                None => Instant::now(),
            };
            if self.last.map_or(due >= end, |last| self.next >= last) {
                return Ok(histogram);
            }
            self.exchange().await?;
            histogram.add(due.elapsed());
        }
    }

    async fn exchange(&mut self) -> Result<(), String> {
        let requests = Rc::clone(&self.requests);
        let request = &requests[self.next % requests.len()];
        self.next = self.next.wrapping_add(1);
        let broken = |error: std::io::Error| error.to_string();
        self.stream.write_all(request.as_bytes()).await.map_err(broken)?;
        let mut filled = 0;
        let (head, length) = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.map_err(broken)?;
            if read == 0 {
                return Err(format!("closed after {filled} bytes of a head"));
            }
            filled += read;
            if let Some(head) = head(&self.buffer[..filled])? {
                if head.status != self.expect {
                    let answer = String::from_utf8_lossy(&self.buffer[..filled]);
                    return Err(format!("not {}: {answer}", self.expect));
                }
                break (head.bytes, head.length);
            }
        };
        // Bodies are counted and not kept.
        let mut left = (head + length).checked_sub(filled).ok_or("more than was announced")?;
        while left > 0 {
            let most = left.min(self.buffer.len());
            let read = self.stream.read(&mut self.buffer[..most]).await.map_err(broken)?;
            if read == 0 {
                return Err(format!("closed with {left} bytes to come"));
            }
            left -= read;
        }
        Ok(())
    }
}

struct Head {
    status: u16,
    bytes: usize,
    length: usize,
}

/// The head of an answer, once all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|error| error.to_string())?;
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    match (status, length) {
        (Some(status @ (204 | 304)), _) => Ok(Some(Head { status, bytes: end + 4, length: 0 })),
        (Some(status), Some(length)) => Ok(Some(Head { status, bytes: end + 4, length })),
        _ => Err(format!("an answer without a status or length: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_when_they_are_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for partial in 0..answer.len() - 5 {
            assert!(head(&answer[..partial]).unwrap().is_none(), "{partial}");
        }
        let head = head(answer).unwrap().unwrap();
        assert_eq!((head.status, head.bytes, head.length), (200, answer.len() - 5, 5));
    }

    #[test]
    fn an_answer_of_unknown_length_is_an_error() {
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().is_some());
    }
}
