//! Lines on their way to standard output: a thread of its own writes them, many at a time, so that no
//! request waits for whoever reads them. What may wait is bounded: a reader that is slower than we are
//! for longer than that costs lines, which are counted, and nothing else. A part of the room is not for
//! the access log: what operators have done and what went wrong is told when requests no longer are.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::ops::finish::TARGET as ACCESS;

/// How long lines are collected before they are written together.
const COLLECT: Duration = Duration::from_millis(2);

/// How long the end of the program waits for a reader of its last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lines that wait to be written.
#[derive(Clone, Debug)]
pub struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits that is to be written, or nothing more will come.
    arrived: Condvar,
    /// Everything is written.
    written: Condvar,
    /// Most bytes that wait.
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines for which there was no room.
    lost: u64,
    /// The writer sleeps until it is told of a line.
    asleep: bool,
    /// No line comes any more.
    closed: bool,
    /// The writer has ended.
    over: bool,
}

impl Lines {
    /// Starts a thread that writes to `output`; at most `capacity` bytes wait for it.
    ///
    /// # Errors
    /// When there can be no such thread.
    pub fn start(output: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
            capacity,
        });
        let writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || writer.write_to(output))?;
        Ok(Self(shared))
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    /// Adds a line of the access log.
    pub(super) fn access(&self, line: &[u8]) {
        self.0.push(line, self.room_of_access());
    }

    /// Most bytes that wait when a line of the access log is added.
    fn room_of_access(&self) -> usize {
        self.0.capacity / 4 * 3
    }

    /// Writes what waits and ends. A reader that does not read is not awaited for long.
    pub fn close(&self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        self.0.arrived.notify_one();
        // Either way the program ends.
        drop(self.0.written.wait_timeout_while(waiting, PATIENCE, |waiting| !waiting.over));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, unless more than `room` bytes would wait.
    fn push(&self, line: &[u8], room: usize) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > room {
            waiting.lost += 1;
            return;
        }
        waiting.bytes.extend_from_slice(line);
        if waiting.asleep {
            waiting.asleep = false;
            self.arrived.notify_one();
        }
    }

    fn write_to(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        loop {
            let mut waiting = self.lock();
            while waiting.bytes.is_empty() && !waiting.closed {
                waiting.asleep = true;
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.asleep = false;
            let closed = waiting.closed;
            if waiting.bytes.is_empty() {
                waiting.over = true;
                self.written.notify_all();
                return;
            }
            std::mem::swap(&mut batch, &mut waiting.bytes);
            drop(waiting);
            // Nobody can be told of an output that is closed.
            let _ = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
            if !closed {
                std::thread::sleep(COLLECT);
            }
        }
    }
}

/// Takes one line at each call, as the formatter writes them.
#[derive(Debug)]
pub struct Line<'l> {
    lines: &'l Shared,
    room: usize,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.push(line, self.room);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Line<'w>;

    fn make_writer(&'w self) -> Line<'w> {
        Line { lines: &self.0, room: self.0.capacity }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Line<'w> {
        let is_access = metadata.target() == ACCESS;
        let room = if is_access { self.room_of_access() } else { self.0.capacity };
        Line { lines: &self.0, room }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Hands over what is written, and waits until it is taken.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow(capacity: usize) -> (Lines, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(0);
        (Lines::start(Slow(sender), capacity).unwrap(), receiver)
    }

    #[test]
    fn lines_arrive_whole_in_their_order() {
        let (lines, written) = slow(1 << 20);
        let reader = std::thread::spawn(move || written.into_iter().flatten().collect::<Vec<u8>>());
        for number in 0..10_000 {
            lines.make_writer().write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        lines.close();
        let text = String::from_utf8(reader.join().unwrap()).unwrap();
        assert_eq!(lines.lost(), 0);
        assert_eq!(text.lines().count(), 10_000);
        assert!(text.lines().enumerate().all(|(number, line)| line == format!("line {number}")));
    }

    #[test]
    fn a_reader_who_does_not_read_costs_lines_and_holds_nobody_up() {
        let (lines, written) = slow(1000);
        for _ in 0..10_000 {
            lines.make_writer().write_all(&[b'x'; 100]).unwrap();
        }
        // One batch may be in the writer's hands beside what waits.
        assert!(lines.lost() >= 10_000 - 2 * 10, "{}", lines.lost());
        let lost = lines.lost();
        let reader = std::thread::spawn(move || written.into_iter().map(|bytes| bytes.len()).sum());
        lines.close();
        let read: usize = reader.join().unwrap();
        assert_eq!(
            read / 100,
            usize::try_from(10_000 - lost).unwrap(),
            "each is written or counted"
        );
    }

    #[test]
    fn what_is_not_of_requests_still_has_room_when_they_have_none() {
        let (lines, written) = slow(64 * 1024);
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone());
        tracing::subscriber::with_default(subscriber.finish(), || {
            while lines.lost() == 0 {
                tracing::info!(target: ACCESS, "a request");
            }
            tracing::info!(target: "outpost::audit", "an operator");
        });
        assert_eq!(lines.lost(), 1);
        let reader = std::thread::spawn(move || written.into_iter().flatten().collect::<Vec<u8>>());
        lines.close();
        let text = String::from_utf8(reader.join().unwrap()).unwrap();
        assert!(text.lines().last().unwrap().contains("an operator"), "{text:.300}");
    }
}
