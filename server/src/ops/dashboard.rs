//! The operators' page.
