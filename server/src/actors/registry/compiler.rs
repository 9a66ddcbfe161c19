//! The seam to the pure compiler.

use std::fmt;
use std::sync::Arc;

use outpost_decision::finding::Finding;
use outpost_decision::provider::Provider;
use outpost_decision::wire::ProviderRecord;
use url::Url;

/// What the compiler needs to know beside the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileContext {
    /// Where browsers see core, when that differs from where we do.
    pub browser_host: Option<Url>,
    /// Whether this is the embedded outpost.
    pub embedded: bool,
}

/// A record that compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The provider.
    pub provider: Arc<Provider>,
    /// What an operator should know all the same.
    pub findings: Vec<Finding>,
}

/// Turns a record into a provider. A trait so that tests can watch it, and let it fail.
pub trait Compiler: fmt::Debug + Send + Sync {
    /// Compiles one record.
    ///
    /// # Errors
    /// What makes the record unusable.
    fn compile(
        &self,
        record: &ProviderRecord,
        context: &CompileContext,
    ) -> Result<Compiled, Vec<Finding>>;
}
