//! Controls of refresh tokens and of introspection.

use crate::core::StandInCore;

/// Refresh tokens, for providers with `offline_access`. To make the grant alone fail, set a fault of
/// [`Endpoint::Refresh`](crate::core::Endpoint::Refresh); `Fault::Lost` is the answer that gets lost after the
/// token has been redeemed.
impl StandInCore {
    /// Whether redeeming a refresh token revokes it and gives a new one (the default). Otherwise it stays good,
    /// and the answer holds none.
    pub fn set_refresh_rotation(&self, on: bool) {
        self.shared.with(|state| state.refresh_rules.rotate = on);
    }

    /// Whether refresh tokens stay good when their session with core ends; by default they do not.
    ///
    /// **The real core keeps them**: it only cuts the refresh token from the ended session, so that redeeming gives
    /// tokens without `sid` and `amr`. Who takes those for proof of a living session lets people stay after their
    /// session was ended: test against both.
    pub fn set_refresh_outlives_sessions(&self, on: bool) {
        self.shared.with(|state| state.refresh_rules.outlive_sessions = on);
    }

    /// Revokes every refresh token of a user; returns how many were not revoked before. Access tokens stay
    /// active.
    pub fn revoke_refresh_tokens(&self, username: &str) -> usize {
        self.shared.with(|state| {
            let mut revoked = 0;
            for token in state.refresh_tokens.values_mut() {
                if token.session.username == username && !token.revoked {
                    token.revoked = true;
                    revoked += 1;
                }
            }
            revoked
        })
    }
}

/// Introspection. It is made slow by `Fault::Delay` or `Fault::Hang` of
/// [`Endpoint::Introspect`](crate::core::Endpoint::Introspect).
impl StandInCore {
    /// Whether introspection calls every token of a user inactive, though nothing has ended.
    pub fn set_inactive_user(&self, username: &str, on: bool) {
        self.shared.with(|state| set(&mut state.inactive_users, username, on));
    }

    /// Whether introspection calls every token with this `sid` inactive, though the session goes on.
    pub fn set_inactive_session(&self, sid: &str, on: bool) {
        self.shared.with(|state| set(&mut state.inactive_sids, sid, on));
    }

    /// Whether introspection calls tokens of other providers active, as core does with federated providers.
    pub fn set_federated_introspection(&self, on: bool) {
        self.shared.with(|state| state.federated_introspection = on);
    }
}

fn set(members: &mut std::collections::BTreeSet<String>, member: &str, on: bool) {
    if on {
        members.insert(member.to_owned());
    } else {
        members.remove(member);
    }
}
