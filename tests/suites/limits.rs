//! What one client may have, at each limit and past it; and floods, through which everybody else is
//! served. Other limits are tested where they belong: the table in the README names each test, and
//! is held against the settings, the figures and the tests here.

mod connections;
mod core_answers;
mod floods;
mod forms;
mod link;
mod requests;
mod sign_ins;
mod skip_paths;
pub(crate) mod support;
mod table;
