//! What core says, asked once, by commands that run without an outpost or beside one: by the same
//! client as the outpost's, and read with the same settings.

use outpost_decision::compile::CompileContext;
use outpost_decision::wire::OutpostRecord;
use thiserror::Error;

use super::BootError;
use super::control::{core_connection, registry_settings, rest_limits};
use crate::authentik::rest::RestClient;
use crate::authentik::saved::Said;
use crate::authentik::{ApiError, CoreApi};
use crate::primary_url::PrimaryUrl;
use crate::settings::Settings;

/// Why core did not say anything.
#[derive(Debug, Error)]
pub enum AskError {
    /// The way to it cannot be set up.
    #[error(transparent)]
    Setup(#[from] BootError),
    /// It does not answer, or not so.
    #[error(transparent)]
    Core(#[from] ApiError),
}

/// Asks core for the outpost and its providers. To be called within an actix system.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_core(settings: &Settings) -> Result<Said, AskError> {
    let client = RestClient::new(core_connection(&settings.core)?, rest_limits(settings));
    let outpost = client.outpost().await?;
    let providers = client.providers().await?;
    Ok(Said { outpost, providers })
}

/// What the running outpost would compile providers with. Of an embedded outpost it does not know
/// the address that such a one learns.
#[must_use]
pub fn compile_context(settings: &Settings, outpost: &OutpostRecord) -> CompileContext {
    registry_settings(settings, &PrimaryUrl::default()).compile_context(outpost)
}
