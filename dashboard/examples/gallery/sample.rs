//! What samples share.

use outpost_dashboard::model::{
    Notice, ProviderRef, Role, Severity, Shell, Standing, Traffic, TrafficColumn, Viewer,
};

/// The moment of all samples: 2026-11-22 12:00:07 UTC.
pub(crate) const NOW: i64 = 1_795_348_807;

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// What stands around every page, for somebody who may do this.
pub(crate) fn shell(role: Role) -> Shell {
    Shell {
        now: NOW,
        outpost: "Edge, Zürich".into(),
        version: "0.1.0".into(),
        instance: "5b0c4a34-6e0f-4a6e-9a51-2f1f0f4f9d5a".into(),
        standing: Standing::Serving,
        viewer: Viewer { name: "olivia".into(), role, csrf: "sample".into(), signed_in: true },
        done: None,
    }
}

pub(crate) fn provider_ref(pk: i64, name: &str) -> ProviderRef {
    ProviderRef { pk, name: name.into() }
}

pub(crate) fn notice(
    severity: Severity,
    code: &str,
    provider: Option<ProviderRef>,
    message: &str,
    remedy: &str,
) -> Notice {
    Notice { severity, code: code.into(), provider, message: message.into(), remedy: remedy.into() }
}

/// Fifteen minutes in columns of 15 seconds, with a burst of failures and one of refusals.
pub(crate) fn traffic(size: u64) -> Traffic {
    let step: u32 = 15;
    let first = NOW - NOW % i64::from(step) - 59 * i64::from(step);
    let columns = (0..60_u64).map(|index| {
        // A wave with something uneven about it, the same at each run.
        let wave =
            [60, 66, 74, 85, 96, 104, 110, 112, 108, 99, 88, 77, 68, 62][index as usize % 14];
        let jitter = (index * 7919) % 23;
        let full = size * (wave + jitter) / 10;
        let running = index == 59;
        TrafficColumn {
            at: first + i64::from(step) * index as i64,
            allowed: if running { full / 2 } else { full },
            sign_in: size * (3 + (index * 31) % 7) / 10,
            denied: if (20..26).contains(&index) { size * (index - 17) / 3 } else { index % 5 / 4 },
            failed: if (41..46).contains(&index) { size * (47 - index) / 2 } else { 0 },
        }
    });
    Traffic { step, columns: columns.collect() }
}
