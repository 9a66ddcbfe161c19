//! Stable names of actions and reasons, in words.

/// What was done about a request, as a headline: `Refused`.
pub(super) fn action(code: &str) -> String {
    match code {
        "allow" => "Let through with a session",
        "skip" => "Let through without a session",
        "pass_own_path" => "Answered by the outpost itself",
        "redirect_to_start" => "Sent to where a sign-in begins",
        "begin_sign_in" => "Sent to authentik to sign in",
        "challenge" => "Asked for credentials",
        "finish_sign_in" => "Came back from a sign-in",
        "sign_out" => "Signed out",
        "keep_form" => "Form kept until after the sign-in",
        "take_logout_token" => "Logout token taken",
        "deny" => "Refused",
        "unavailable" => "Could not be decided",
        "none" => "Not decided",
        other => return spaced(other),
    }
    .to_owned()
}

/// A stable name in words: `no_provider` is `no provider`.
pub(super) fn spaced(code: &str) -> String {
    code.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_nobody_named_is_shown_by_its_code() {
        assert_eq!(action("deny"), "Refused");
        assert_eq!(action("some_new_action"), "some new action");
    }
}
