//! How every text that an expression matches begins, where that can be told from the expression.

use regex_syntax::hir::{Hir, HirKind, Literal, Look};

/// The literal that follows the beginning of the text; empty where another thing does, or several may.
pub(super) fn of(expression: &Hir) -> Box<[u8]> {
    let HirKind::Concat(parts) = expression.kind() else { return Box::default() };
    match [parts.first(), parts.get(1)].map(|part| part.map(Hir::kind)) {
        [Some(HirKind::Look(Look::Start)), Some(HirKind::Literal(Literal(text)))] => text.clone(),
        _ => Box::default(),
    }
}
