//! A real Redis that fails while people are served: what they get from real outposts.
//!
//! Every answer under load is judged, see `support`: nobody without a session is ever served, and
//! nobody who has one is ever sent to sign in.
#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "store_faults/crash.rs"]
mod crash;
#[path = "store_faults/groups.rs"]
mod groups;
#[path = "store_faults/partition.rs"]
mod partition;
#[path = "store_faults/refusing.rs"]
mod refusing;
#[path = "store_faults/start.rs"]
mod start;
#[path = "store_faults/support.rs"]
mod support;
