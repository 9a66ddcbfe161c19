//! Traces and request ids, from the proxy in front to core and the application behind, and to a
//! collector that reads them with OpenTelemetry's own types.

mod collector;
mod ids;
mod spans;
mod trust;

/// A caller's place in a trace, and the trace.
pub(crate) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
