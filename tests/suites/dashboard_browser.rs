//! The operators' pages in a real browser: what a person sees, with the keyboard, live and with a
//! checker of accessibility, and with a client that runs no script at all.

mod accessible;
mod keyboard;
mod live;
mod scriptless;
mod site;
mod story;
mod tail;
