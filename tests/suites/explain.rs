//! What `outpost explain` says of a request is what the outpost decides when it is really sent:
//! the same action, the same reason, the same steps, in every way of asking.

mod asked;
mod command;
