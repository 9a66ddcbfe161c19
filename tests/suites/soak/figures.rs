//! What outposts hold, between two rounds.

use std::fmt;

use outpost_tests::{Figures, Replicas, wait};

/// The most of any replica that was weighed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Bytes of memory.
    pub(crate) resident: u64,
    /// Files and sockets.
    pub(crate) handles: usize,
    /// Threads.
    pub(crate) threads: usize,
}

impl Sample {
    /// Of the first `count` replicas, once nobody asks them anything.
    pub(crate) async fn of(replicas: &Replicas, count: usize) -> Self {
        let mut most = Self::default();
        for index in 0..count {
            let one = Self::of_one(replicas, index).await;
            most = Self {
                resident: most.resident.max(one.resident),
                handles: most.handles.max(one.handles),
                threads: most.threads.max(one.threads),
            };
        }
        most
    }

    async fn of_one(replicas: &Replicas, index: usize) -> Self {
        let metrics = replicas.addresses(index).metrics;
        wait::until_async("requests to end", async || {
            match Figures::at(metrics).await.count("outpost_requests_in_flight") {
                Some(0) => Ok(()),
                more => Err(format!("{more:?} requests under way")),
            }
        })
        .await;
        let program = replicas.program(index);
        let threads = std::fs::read_dir(format!("/proc/{}/task", program.pid()));
        Self {
            resident: program.resident(),
            handles: program.handles(),
            threads: threads.expect("a process").count(),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident, handles, threads } = self;
        let mebibytes = resident / (1024 * 1024);
        write!(f, "{mebibytes} MiB, {handles} handles, {threads} threads")
    }
}

/// One of them.
type Figure = fn(&Sample) -> u64;

/// The last third holds no more than the third before it, but for what comes and goes.
///
/// # Errors
/// What it holds more of.
pub(crate) fn flat(samples: &[Sample]) -> Result<(), String> {
    let third = samples.len() / 3;
    let (middle, last) = (&samples[third..2 * third], &samples[2 * third..]);
    // The least of a third is what there is without passers-by.
    let least = |of: &[Sample], what: Figure| of.iter().map(what).min().unwrap_or(0);
    let whats: [(&str, Figure, u64); 3] = [
        ("bytes of memory", |it| it.resident, 8 * 1024 * 1024),
        ("handles", |it| u64::try_from(it.handles).unwrap_or(u64::MAX), 4),
        ("threads", |it| u64::try_from(it.threads).unwrap_or(u64::MAX), 2),
    ];
    for (what, of, slack) in whats {
        let (before, after) = (least(middle, of), least(last, of));
        let most = before + before / 20 + slack;
        if after > most {
            return Err(format!("{what}: {before}, then {after}"));
        }
    }
    Ok(())
}
