//! Reading of `[embedded]` and `[compat]`: other ways to stand than as an outpost of today.

use super::reader::Reader;
use super::types::{Compat, Embedded};
use crate::downstream::Address;

/// Both sections.
pub(super) struct Modes {
    pub(super) compat: Compat,
    pub(super) embedded: Option<Embedded>,
}

pub(super) fn modes(read: &mut Reader<'_>) -> Modes {
    let core = read.optional_core_url("embedded.core");
    let folder = Some(read.text("embedded.static_files")).filter(|text| !text.is_empty());
    let secret_key = read.optional_secret("embedded.secret_key");
    if core.as_ref().is_some_and(|core| core.path() != "/" && core.scheme() != "unix") {
        read.mistake("embedded.core", "must not have a path: requests keep the path they have");
    }
    let embedded =
        core.map(|core| Embedded { core, static_files: folder.map(Into::into), secret_key });
    let compat = Compat {
        akprox: read.switch("compat.akprox"),
        akprox_http: read.data_listeners("compat.akprox_http"),
        akprox_https: read.data_listeners("compat.akprox_https"),
    };
    Modes { compat, embedded }
}

impl Modes {
    /// The addresses of `key`, and with them those of the 2021.5 outpost where it is asked for.
    pub(super) fn listeners(
        &self,
        read: &mut Reader<'_>,
        key: &'static str,
        old: impl Fn(&Compat) -> &Vec<Address>,
    ) -> Vec<Address> {
        let mut all = read.data_listeners(key);
        if self.compat.akprox {
            // Whoever has named the old port already means the same one; 0 is another each time.
            let any = |at: &Address| matches!(at, Address::Tcp(at) if at.port() == 0);
            let more = old(&self.compat).iter().filter(|at| any(at) || !all.contains(at));
            let more: Vec<Address> = more.cloned().collect();
            all.extend(more);
        }
        all
    }
}
