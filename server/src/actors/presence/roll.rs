//! The roll: what all replicas of an outpost say of themselves, as it stands in the store.
//!
//! One value holds all of it, so that one question answers who is there. Replicas write it by
//! compare-and-set, each its own entry, and leave what others wrote as it is: also what a newer
//! version adds to its entry. Nobody's clock is believed about how old an entry is: an entry is
//! alive as long as it is seen to change.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use outpost_dashboard::model::Replica;
use outpost_decision::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version that is written. It changes when an older reader would get it wrong.
const VERSION: u8 = 1;

/// Replicas at most.
const MOST: usize = 256;

/// Bytes of a value that are read at most: more than that many replicas need.
const LONGEST: usize = 512 << 10;

/// Bytes of a text that another replica wrote: longer ones are cut.
const TEXT: usize = 255;

/// An entry that has not changed for so long is of a replica that died.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(30);

/// What a replica says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Beat {
    /// Changes with each beat.
    pub(super) beat: u64,
    /// The rest.
    #[serde(flatten)]
    pub(super) replica: Replica,
}

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Roll {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    beat: Beat,
    /// As it was written.
    written: Value,
}

/// Why a value is no roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Nobody's format.
    Garbage,
    /// A newer outpost keeps it in another form.
    Newer,
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u8,
    #[serde(default)]
    replicas: Vec<Value>,
}

impl Roll {
    /// Reads the value.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            v: u8,
        }
        if bytes.len() > LONGEST {
            return Err(Unreadable::Garbage);
        }
        match serde_json::from_slice(bytes) {
            Ok(Version { v: VERSION }) => {}
            Ok(Version { v }) if v > VERSION => return Err(Unreadable::Newer),
            _ => return Err(Unreadable::Garbage),
        }
        let written: Written = serde_json::from_slice(bytes).map_err(|_| Unreadable::Garbage)?;
        let mut seen = HashSet::new();
        let entries = written.replicas.into_iter().filter_map(|written| {
            let beat = readable(Beat::deserialize(&written).ok()?);
            let unfit =
                beat.replica.instance.is_empty() || !seen.insert(beat.replica.instance.clone());
            (!unfit).then_some(Entry { beat, written })
        });
        Ok(Self { entries: entries.take(MOST).collect() })
    }

    /// The same with our own entry as it is now, and without those of `gone`. Where it is full,
    /// who has been silent the longest by their own account gives way.
    pub(super) fn with(&self, own: &Beat, gone: &HashSet<String>) -> Option<Bytes> {
        let mut others: Vec<&Entry> = self.others(&own.replica.instance, gone).collect();
        if others.len() >= MOST {
            others.sort_by_key(|entry| std::cmp::Reverse(entry.beat.replica.seen));
            others.truncate(MOST - 1);
        }
        let replicas = others.into_iter().map(|entry| entry.written.clone());
        write(replicas.chain(serde_json::to_value(own).ok()))
    }

    /// The same without the entry of `instance`.
    pub(super) fn without(&self, instance: &str) -> Option<Bytes> {
        let gone = HashSet::new();
        write(self.others(instance, &gone).map(|entry| entry.written.clone()))
    }

    fn others<'a>(
        &'a self,
        instance: &'a str,
        gone: &'a HashSet<String>,
    ) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| {
            let other = &entry.beat.replica.instance;
            other != instance && !gone.contains(other)
        })
    }
}

fn write(replicas: impl Iterator<Item = Value>) -> Option<Bytes> {
    let written = Written { v: VERSION, replicas: replicas.collect() };
    serde_json::to_vec(&written).ok().map(Bytes::from)
}

/// What another replica wrote, fit to be shown: whoever can write to the store can write anything.
fn readable(mut beat: Beat) -> Beat {
    let replica = &mut beat.replica;
    for text in [
        &mut replica.instance,
        &mut replica.hostname,
        &mut replica.version,
        &mut replica.configuration,
    ] {
        text.retain(|letter| !letter.is_control());
        text.truncate(text.floor_char_boundary(TEXT));
    }
    if !replica.requests_per_second.is_finite() {
        replica.requests_per_second = 0.0;
    }
    replica.this = false;
    beat
}

/// When each of the others was last seen to change.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sightings: HashMap<String, Sighting>,
}

#[derive(Clone, Copy, Debug)]
struct Sighting {
    beat: u64,
    at: Instant,
    seen: Timestamp,
}

impl Watch {
    /// Looks at the roll: the others that are alive, as they were last seen, and those that died.
    pub(super) fn look(
        &mut self,
        roll: &Roll,
        own: &str,
        at: Instant,
        now: Timestamp,
    ) -> (Vec<Replica>, HashSet<String>) {
        let (mut alive, mut gone) = (Vec::new(), HashSet::new());
        let mut sightings = HashMap::new();
        for Entry { beat, .. } in &roll.entries {
            let name = &beat.replica.instance;
            if name == own {
                continue;
            }
            let sighting = match self.sightings.get(name) {
                Some(before) if before.beat == beat.beat => *before,
                Some(_) => Sighting { beat: beat.beat, at, seen: now },
                None => {
                    Sighting { beat: beat.beat, at, seen: now.min(Timestamp(beat.replica.seen)) }
                }
            };
            // Kept also of the dead: they stay dead until they are seen to change.
            sightings.insert(name.clone(), sighting);
            if at.saturating_duration_since(sighting.at) >= GONE_AFTER {
                gone.insert(name.clone());
            } else {
                alive.push(Replica { seen: sighting.seen.0, ..beat.replica.clone() });
            }
        }
        self.sightings = sightings;
        alive.sort_by(|left, right| {
            (&left.hostname, &left.instance).cmp(&(&right.hostname, &right.instance))
        });
        (alive, gone)
    }
}

#[cfg(test)]
mod tests;
