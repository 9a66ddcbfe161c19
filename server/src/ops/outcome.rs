//! What became of a request, in one word.

use outpost_dashboard::model::Outcome;

use super::event::RequestEvent;

/// The family of an action, by its place in `Action::CODES`.
#[must_use]
pub fn of_action(action: &str) -> Outcome {
    match action {
        "allow" | "skip" | "pass_own_path" => Outcome::Allowed,
        "redirect_to_start" | "begin_sign_in" | "challenge" | "finish_sign_in" | "sign_out"
        | "keep_form" | "take_logout_token" => Outcome::SignIn,
        "deny" => Outcome::Denied,
        // `unavailable`, and what nobody has heard of.
        _ => Outcome::Failed,
    }
}

/// What became of a request: the family of its action, unless it went wrong afterwards. A sign-in
/// that core refuses is a refusal, and so is one too many at a limit; answers of an application are
/// its own affair. Of what was not decided, the status tells whose fault it is.
#[must_use]
pub fn outcome(event: &RequestEvent) -> Outcome {
    match (&event.decided, event.failure, event.status) {
        (_, Some(_), 500..) => Outcome::Failed,
        (_, Some(_), 403 | 429) | (None, Some(_), 400..) => Outcome::Denied,
        (Some(decided), _, _) => of_action(decided.action()),
        (None, _, _) => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use outpost_decision::decision::Action;

    use super::*;
    use crate::ops::finish::tests::event;

    #[test]
    fn every_action_has_a_family() {
        let families: Vec<_> =
            Action::CODES.into_iter().map(|code| (code, of_action(code).code())).collect();
        assert_eq!(
            families,
            [
                ("allow", "allowed"),
                ("skip", "allowed"),
                ("pass_own_path", "allowed"),
                ("redirect_to_start", "sign_in"),
                ("begin_sign_in", "sign_in"),
                ("challenge", "sign_in"),
                ("finish_sign_in", "sign_in"),
                ("sign_out", "sign_in"),
                ("keep_form", "sign_in"),
                ("take_logout_token", "sign_in"),
                ("deny", "denied"),
                ("unavailable", "failed"),
            ]
        );
    }

    #[test]
    fn what_goes_wrong_afterwards_counts_for_more_than_what_was_decided() {
        for (failure, status, expected) in [
            (None, 401, Outcome::SignIn),
            (None, 502, Outcome::SignIn),
            (Some("upstream_unreachable"), 502, Outcome::Failed),
            (Some("refused_by_core"), 403, Outcome::Denied),
            (Some("too_many_sign_ins"), 429, Outcome::Denied),
            (Some("form_not_kept"), 401, Outcome::SignIn),
        ] {
            let event = RequestEvent { failure, status, ..event() };
            assert_eq!(outcome(&event), expected, "{failure:?} {status}");
        }
        for (failure, status, expected) in
            [("panic", 500, Outcome::Failed), ("headers_too_large", 431, Outcome::Denied)]
        {
            let failure = Some(failure);
            let undecided = RequestEvent { decided: None, failure, status, ..event() };
            assert_eq!(outcome(&undecided), expected);
        }
    }
}
