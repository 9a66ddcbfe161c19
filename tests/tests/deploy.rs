//! What lies below `deploy/`: each file read by the program it is for, and held against the outpost
//! itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "deploy/balancer.rs"]
mod balancer;
#[path = "deploy/compose.rs"]
mod compose;
#[path = "deploy/container.rs"]
mod container;
#[path = "deploy/examples.rs"]
mod examples;
#[path = "deploy/guide.rs"]
mod guide;
#[path = "deploy/kubernetes.rs"]
mod kubernetes;
#[path = "deploy/monitoring.rs"]
mod monitoring;
#[path = "deploy/promql.rs"]
mod promql;
#[path = "deploy/release.rs"]
mod release;
#[path = "deploy/support.rs"]
mod support;
#[path = "deploy/systemd.rs"]
mod systemd;
