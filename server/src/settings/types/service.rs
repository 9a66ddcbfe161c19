//! What a service manager puts into the environment of what it starts (sd_notify(3),
//! sd_watchdog_enabled(3)). None of it is a setting of ours; all of it is optional.

use std::time::Duration;

use crate::settings::Environment;

/// The service manager that started the program, if one did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// `NOTIFY_SOCKET`: a path, or the name of an abstract socket after `@`.
    pub notify_socket: Option<String>,
    /// `WATCHDOG_USEC`: how often the manager wants to hear that the program is alive.
    pub watchdog: Option<Duration>,
}

impl Service {
    /// Reads the variables; `process` is the own process id. A watchdog that is meant for another
    /// process (`WATCHDOG_PID`) or cannot be read is none.
    pub(in crate::settings) fn of(environment: &Environment, process: u32) -> Self {
        let value = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let ours = value("WATCHDOG_PID").is_none_or(|pid| pid.parse() == Ok(process));
        let watchdog = value("WATCHDOG_USEC")
            .and_then(|text| text.parse::<u64>().ok())
            .filter(|interval| ours && *interval > 1)
            .map(Duration::from_micros);
        Self { notify_socket: value("NOTIFY_SOCKET").cloned(), watchdog }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_for_this_process_counts() {
        let of = |variables: &[(&str, &str)]| {
            let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            Service::of(&owned.collect(), 42)
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!(of(&[]), Service::default());
        assert_eq!(of(&[("NOTIFY_SOCKET", "")]), Service::default());
        assert_eq!(of(&[("NOTIFY_SOCKET", "@a")]).notify_socket.as_deref(), Some("@a"));
        for (variables, expected) in [
            (&[("WATCHDOG_USEC", "1000000")][..], second),
            (&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "42")], second),
            (&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "43")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
        ] {
            assert_eq!(of(variables).watchdog, expected, "{variables:?}");
        }
    }
}
