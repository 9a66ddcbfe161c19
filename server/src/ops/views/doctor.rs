//! The doctor's findings.

use outpost_dashboard::model::Doctor;

use super::Views;
use crate::clock;

impl Views {
    /// What the doctor has found.
    #[must_use]
    pub fn doctor(&self) -> Doctor {
        Doctor { now: clock::now().0, ..Doctor::default() }
    }
}
