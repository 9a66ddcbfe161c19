//! What lies below `deploy/`: each file read by the program it is for, and held against the outpost
//! itself.

mod balancer;
mod compose;
mod container;
mod examples;
mod guide;
mod kubernetes;
mod monitoring;
mod promql;
mod release;
mod support;
mod systemd;
