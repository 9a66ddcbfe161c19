//! The access log by the short way: every request has a line, and whom an event of `tracing` goes by on its
//! way to it costs more than the line.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tracing::Level;
use tracing_subscriber::filter::Targets;

use super::json::{Stamp, begin};
use super::lines::Lines;
use crate::ops::finish::TARGET;

thread_local! {
    /// The line that is written, and the time of the one before.
    static LINE: RefCell<(String, Stamp)> = const { RefCell::new((String::new(), Stamp::NEVER)) };
}

/// Writes lines of the access log as JSON, among all others and like them.
#[derive(Clone, Debug)]
pub struct AccessLog {
    lines: Lines,
    /// Rank of the least important level that is written.
    least: Arc<AtomicU8>,
}

impl AccessLog {
    /// To these lines, as far as `targets` let them through.
    pub(super) fn new(lines: Lines, targets: &Targets) -> Self {
        let log = Self { lines, least: Arc::default() };
        log.follow(targets);
        log
    }

    /// From now on, as far as these let them through.
    pub(super) fn follow(&self, targets: &Targets) {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        let enabled = levels.iter().filter(|level| targets.would_enable(TARGET, level));
        self.least.store(enabled.map(rank).max().unwrap_or_default(), Ordering::Relaxed);
    }

    /// Writes a line of this level with these members, each of which has a comma before it.
    pub fn write(&self, level: Level, members: impl FnOnce(&mut String)) {
        if rank(&level) > self.least.load(Ordering::Relaxed) {
            return;
        }
        LINE.with_borrow_mut(|(line, stamp)| {
            line.clear();
            // Memory takes everything.
            let _ = begin(line, stamp, level);
            members(line);
            line.push_str(",\"target\":\"");
            line.push_str(TARGET);
            line.push_str("\"}\n");
            self.lines.access(line.as_bytes());
        });
    }
}

/// Higher for what is less important.
fn rank(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::targets;
    use super::*;
    use crate::ops::logging::tests::Written;
    use crate::settings::LogLevel;

    #[test]
    fn what_the_level_of_the_log_lets_through_is_written_and_nothing_else() {
        let all = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        for (wanted, count) in [
            (LogLevel::Error, 1),
            (LogLevel::Warning, 2),
            (LogLevel::Info, 3),
            (LogLevel::Debug, 4),
            (LogLevel::Trace, 5),
        ] {
            let written = Written::default();
            let lines = Lines::start(written.clone(), 1 << 20).unwrap();
            let log = AccessLog::new(lines.clone(), &targets(LogLevel::Trace));
            log.follow(&targets(wanted));
            for level in all {
                log.write(level, |line| line.push_str(",\"message\":\"request\""));
            }
            lines.close();
            let told = written.lines();
            let told = told.iter().map(|line| serde_json::from_str(line).expect(line));
            let told: Vec<serde_json::Value> = told.collect();
            assert!(
                told.iter().all(|line| line["message"] == "request" && line["target"] == TARGET)
            );
            let levels: Vec<_> = told.iter().map(|line| line["level"].as_str().unwrap()).collect();
            assert_eq!(levels, all[..count].iter().map(Level::as_str).collect::<Vec<_>>());
        }
    }
}
