//! What would be decided about a request that was never sent.

use outpost_dashboard::model::{ExplainForm, ExplainPage};

use super::Views;
use crate::clock;

impl Views {
    /// The answer to `form`; without a URL nothing was asked yet.
    #[must_use]
    pub fn explain(&self, form: ExplainForm) -> ExplainPage {
        ExplainPage { now: clock::now().0, form, ..ExplainPage::default() }
    }
}
