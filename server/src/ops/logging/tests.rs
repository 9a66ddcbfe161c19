use std::io::Write;
use std::sync::Mutex;

use super::*;

/// Collects what is written.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines that `act` logs.
pub(crate) fn capture(
    format: LogFormat,
    level: LogLevel,
    act: impl FnOnce(&LogControl),
) -> Vec<String> {
    capture_with(Some(level), format, act)
}

fn capture_with(
    level: Option<LogLevel>,
    format: LogFormat,
    act: impl FnOnce(&LogControl),
) -> Vec<String> {
    let written = Written::default();
    let settings = Log {
        level,
        format,
        http_headers: Vec::new(),
        error_reporting: true,
        buffer_bytes: 1 << 20,
    };
    let (subscriber, control) = subscriber(&settings, written.clone());
    tracing::subscriber::with_default(subscriber, || act(&control));
    written.lines()
}

/// The lines that `act` writes by the short way, at this level of the log.
pub(crate) fn capture_access(level: LogLevel, act: impl FnOnce(AccessLog)) -> Vec<String> {
    let written = Written::default();
    let lines = Lines::start(written.clone(), 1 << 20).unwrap();
    act(AccessLog::new(lines.clone(), &targets(level)));
    lines.close();
    written.lines()
}

#[test]
fn a_line_is_json_with_level_time_and_fields() {
    let lines = capture(LogFormat::Json, LogLevel::Info, |_| {
        tracing::warn!(count = 3, name = "a\nb", "happened");
        tracing::debug!("too quiet");
    });
    assert_eq!(lines.len(), 1);
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "happened");
    assert_eq!(line["count"], 3);
    assert_eq!(line["name"], "a\nb");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn other_crates_are_quiet_unless_everything_is_wanted() {
    let act = |_: &LogControl| {
        tracing::info!(target: "hyper::client", "connected");
        tracing::warn!(target: "hyper::client", "broke");
        tracing::error!(target: "actix_http::h1::dispatcher", "Response payload stream error");
    };
    assert_eq!(capture(LogFormat::Text, LogLevel::Debug, act).len(), 1);
    assert_eq!(capture(LogFormat::Text, LogLevel::Error, act).len(), 0);
    assert_eq!(capture(LogFormat::Text, LogLevel::Trace, act).len(), 3);
}

#[test]
fn core_sets_the_level_while_the_settings_do_not() {
    let act = |control: &LogControl| {
        tracing::debug!("one");
        control.follow_core(Some("debug"));
        tracing::debug!("two");
        control.follow_core(Some("nonsense"));
        tracing::debug!("three");
        control.follow_core(None);
        tracing::debug!("four");
    };
    let told = |lines: Vec<String>| -> Vec<String> {
        lines.iter().filter_map(|line| Some(line.split(": ").last()?.to_owned())).collect()
    };
    let lines = told(capture_with(None, LogFormat::Text, act));
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("two", "three"));
    assert!(lines[1].contains("nonsense"));
    assert!(capture_with(Some(LogLevel::Info), LogFormat::Text, act).is_empty());
}

#[test]
fn what_operators_do_is_written_at_every_level() {
    for level in [LogLevel::Error, LogLevel::Warning, LogLevel::Info, LogLevel::Trace] {
        assert!(targets(level).would_enable(AUDIT, &Level::INFO), "{level:?}");
    }
    assert!(!targets(LogLevel::Error).would_enable("outpost::http", &Level::WARN));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_of_lines_is_widened_and_anything_else_stays() {
    let (_reader, writer) = std::io::pipe().unwrap();
    let bytes = || rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
    assert!(bytes() < PIPE_BYTES, "{}", bytes());
    for _ in 0..2 {
        widen(&writer);
        assert_eq!(bytes(), PIPE_BYTES);
    }
    widen(&std::fs::File::open("/dev/null").unwrap());
}
