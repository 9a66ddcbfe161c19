//! The seam to the pure compiler.

use std::fmt;

use outpost_decision::compile::{CompileContext, Compiled, compile_provider};
use outpost_decision::finding::Finding;
use outpost_decision::wire::ProviderRecord;

/// Turns a record into a provider. A trait so that tests can watch it, and let it fail.
pub trait Compiler: fmt::Debug + Send + Sync {
    /// See [`compile_provider`].
    ///
    /// # Errors
    /// What makes the record unusable.
    fn compile(
        &self,
        record: &ProviderRecord,
        context: &CompileContext,
    ) -> Result<Compiled, Vec<Finding>>;
}

/// The compiler of the pure crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct PureCompiler;

impl Compiler for PureCompiler {
    fn compile(
        &self,
        record: &ProviderRecord,
        context: &CompileContext,
    ) -> Result<Compiled, Vec<Finding>> {
        compile_provider(record, context)
    }
}
