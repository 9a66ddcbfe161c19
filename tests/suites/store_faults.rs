//! A real Redis that fails while people are served: what they get from real outposts.
//!
//! Every answer under load is judged, see `crowd`: nobody without a session is ever served, and
//! nobody who has one is ever sent to sign in.

mod crash;
mod groups;
mod partition;
mod refusing;
mod start;
