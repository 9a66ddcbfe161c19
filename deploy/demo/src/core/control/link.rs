//! Controls of the websocket, and of the sessions whose ends it tells.

use crate::core::{StandInCore, WaitError, websocket::Command};

/// The websocket.
impl StandInCore {
    /// Tells every connected outpost to refresh. The real core says it twice for one edit of a provider.
    pub fn trigger(&self) {
        self.broadcast(&Command::trigger());
    }

    /// Closes every websocket with a close code: 1012 is a replaced worker, 1000 a malformed frame.
    pub fn close_websockets(&self, code: u16) {
        self.broadcast(&Command::Close(code));
    }

    /// Ends every websocket without a close frame. They count as gone at once: nothing sent from now on reaches
    /// them. An outpost connects again when it likes, unless it is refused ([`Self::cut_link`]).
    pub fn drop_websockets(&self) {
        self.shared.with(|state| state.drop_sockets());
    }

    /// Sends any text to every websocket.
    pub fn send_frame(&self, text: &str) {
        self.broadcast(&Command::Text(text.to_owned()));
    }

    /// Whether hellos are answered.
    pub fn set_acking(&self, on: bool) {
        self.shared.with(|state| state.acking = on);
    }

    /// Whether new websockets are refused.
    pub fn set_refusing_websockets(&self, on: bool) {
        self.shared.with(|state| state.refuse_websockets = on);
    }

    /// Begins a gap of the link: every websocket drops, new ones are refused, the rest of core goes on. What
    /// happens meanwhile is told to nobody, later neither: core keeps no queue.
    pub fn cut_link(&self) {
        self.shared.with(|state| {
            state.refuse_websockets = true;
            state.drop_sockets();
        });
    }

    /// Ends the gap: websockets are accepted again.
    pub fn mend_link(&self) {
        self.set_refusing_websockets(false);
    }

    /// Waits until exactly `count` websockets are open and each has said hello.
    ///
    /// # Errors
    /// It did not come true within ten seconds.
    pub async fn wait_connected(&self, count: usize) -> Result<(), WaitError> {
        self.wait_for(&format!("{count} connected outposts"), |seen| {
            let greeted = |id| seen.hellos.iter().any(|hello| hello.connection == id);
            seen.connections.len() == count && seen.connections.iter().all(|one| greeted(one.id))
        })
        .await
    }

    fn broadcast(&self, command: &Command) {
        self.shared.read(|state| state.broadcast(command));
    }
}

/// Sessions with core.
impl StandInCore {
    /// Ends the session with this `sid`: its tokens become inactive and every connected outpost is told, even if
    /// core does not know the session. Told once: an outpost without a websocket never hears of it.
    pub fn end_session(&self, sid: &str) {
        let known = self.shared.with(|state| state.end_sessions(|session| session.sid == sid));
        if known.is_empty() {
            for command in Command::session_end(sid) {
                self.broadcast(&command);
            }
        }
    }

    /// Ends the session with this `sid` and tells no outpost, as when the message is lost between core's workers;
    /// `false` if core does not know it.
    pub fn end_session_untold(&self, sid: &str) -> bool {
        !self.shared.with(|state| state.forget_sessions(|session| session.sid == sid)).is_empty()
    }

    /// Ends every session of a user; returns their `sid`s.
    pub fn end_sessions_of(&self, username: &str) -> Vec<String> {
        self.shared.with(|state| state.end_sessions(|session| session.username == username))
    }

    /// The `sid`s of a user's sessions with core.
    pub fn sessions_of(&self, username: &str) -> Vec<String> {
        self.shared.read(|state| {
            let of_user = state.sessions.values().filter(|session| session.username == username);
            of_user.map(|session| session.sid.clone()).collect()
        })
    }
}
