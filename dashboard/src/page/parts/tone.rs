//! Good, odd and bad: by shape and word first, by colour only on top.

use leptos::prelude::*;

use crate::model::{Outcome, Tone};

/// The class of a tone.
pub(crate) const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Plain => "plain",
        Tone::Odd => "odd",
        Tone::Bad => "bad",
    }
}

/// The shape of a tone: a disc with a tick, a ring, a triangle, an octagon with a cross. Says
/// nothing to a screen reader: a word stands beside it.
pub(crate) fn icon(tone: Tone) -> AnyView {
    let (shape, stroke) = match tone {
        Tone::Good => ("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1", "M4.8 8.3l2.2 2.2 4.2-4.6"),
        Tone::Plain => ("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1", "M8 7.4v3.9M8 4.6v.3"),
        Tone::Odd => ("M8 1.2L15.4 14.6H.6z", "M8 6v4M8 12.2v.3"),
        Tone::Bad => {
            ("M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z", "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2")
        }
    };
    view! {
        <svg class=format!("icon {}", class(tone)) viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path class="shape" d=shape />
            <path class="stroke" d=stroke />
        </svg>
    }
    .into_any()
}

/// A few words with a tone.
pub(crate) fn pill(tone: Tone, text: impl Into<String>) -> AnyView {
    let text = text.into();
    view! { <span class=format!("pill {}", class(tone))>{icon(tone)}{text}</span> }.into_any()
}

/// What became of a request.
pub(crate) fn outcome_pill(outcome: Outcome) -> AnyView {
    pill(outcome_tone(outcome), outcome_title(outcome))
}

/// An outcome's name for people.
pub(crate) const fn outcome_title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "Allowed",
        Outcome::SignIn => "Sign-in",
        Outcome::Denied => "Denied",
        Outcome::Failed => "Failed",
    }
}

/// An outcome's tone.
const fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Allowed => Tone::Good,
        Outcome::SignIn => Tone::Plain,
        Outcome::Denied => Tone::Odd,
        Outcome::Failed => Tone::Bad,
    }
}
