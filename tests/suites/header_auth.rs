//! Header authentication (contract 11): machines that sign in with each request.

mod accepted;
mod asking;
mod refused;
mod replicas;
mod support;
