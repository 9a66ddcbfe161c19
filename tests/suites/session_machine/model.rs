//! Who must be signed in, who must not be, and about whom nobody can know.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest_state_machine::ReferenceStateMachine;

/// Browsers at hand.
pub(crate) const BROWSERS: usize = 4;
/// Outposts.
pub(crate) const REPLICAS: usize = 2;
/// People.
pub(crate) const PEOPLE: [&str; 2] = ["alice", "bob"];

/// What a browser's session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// There never was one.
    None,
    /// It goes on, whatever happens to stores and replicas.
    Live { person: usize },
    /// It may go on or be over: its end was not confirmed, or it is so short that it may end at any
    /// moment by itself.
    Doubtful { person: usize, short: bool },
    /// It is over. `told`: also at a replica that cannot reach the store, since core has told it, or
    /// the time is over.
    Over { person: usize, told: bool },
}

impl Session {
    /// Whose it is, or was.
    pub(crate) const fn person(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Live { person } | Self::Doubtful { person, .. } | Self::Over { person, .. } => {
                Some(person)
            }
        }
    }

    const fn is_over(self) -> bool {
        matches!(self, Self::None | Self::Over { .. })
    }
}

/// How a replica sees the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// As it is.
    Up,
    /// Connections are refused.
    Refused,
    /// Connections hang.
    Stalled,
}

/// What is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) sessions: [Session; BROWSERS],
    pub(crate) links: [Link; REPLICAS],
    /// People whose end of all sessions hangs on the way to the store: it may arrive late, and end
    /// what has begun meanwhile.
    pub(crate) ending: [bool; PEOPLE.len()],
}

impl Model {
    /// Every replica reaches the store.
    pub(crate) fn heal(&mut self) {
        self.links = [Link::Up; REPLICAS];
        self.ending = [false; PEOPLE.len()];
    }

    fn is_up(&self, replica: usize) -> bool {
        self.links[replica] == Link::Up
    }

    fn all_up(&self) -> bool {
        (0..REPLICAS).all(|replica| self.is_up(replica))
    }
}

/// What may happen.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Somebody signs in with a browser that has forgotten all; begun at one replica, finished at
    /// another. Short ones end by themselves within seconds.
    SignIn { browser: usize, person: usize, begin: usize, finish: usize, short: bool },
    /// Somebody signs out everywhere.
    SignOut { browser: usize, at: usize },
    /// Core ends its own session of this browser, and says so over the websocket.
    CoreEnds { browser: usize },
    /// Core posts a logout token for all sessions of a person.
    LogoutToken { person: usize, at: usize },
    /// A replica loses the store.
    Cut { at: usize, how: Link },
    /// And finds it again.
    Heal { at: usize },
    /// A replica is killed and starts again.
    Crash { at: usize },
    /// A replica fetches its configuration anew.
    Refresh { at: usize },
    /// So much time passes that every short session is over.
    TimePasses,
}

/// The machine.
pub(crate) struct Sessions;

impl ReferenceStateMachine for Sessions {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let sessions = [Session::None; BROWSERS];
        let ending = [false; PEOPLE.len()];
        Just(Model { sessions, links: [Link::Up; REPLICAS], ending }).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Step> {
        let browser = 0..BROWSERS;
        let person = 0..PEOPLE.len();
        let at = 0..REPLICAS;
        let how = prop_oneof![Just(Link::Refused), Just(Link::Stalled)];
        let sign_in = (browser.clone(), person.clone(), at.clone(), at.clone(), 0..8_u8);
        let sign_in = sign_in.prop_map(|(browser, person, begin, finish, short)| Step::SignIn {
            browser,
            person,
            begin,
            finish,
            short: short == 0,
        });
        prop_oneof![
            8 => sign_in,
            4 => (browser.clone(), at.clone()).prop_map(|(browser, at)| Step::SignOut { browser, at }),
            3 => browser.prop_map(|browser| Step::CoreEnds { browser }),
            2 => (person, at.clone()).prop_map(|(person, at)| Step::LogoutToken { person, at }),
            3 => (at.clone(), how).prop_map(|(at, how)| Step::Cut { at, how }),
            3 => at.clone().prop_map(|at| Step::Heal { at }),
            2 => at.clone().prop_map(|at| Step::Crash { at }),
            1 => at.prop_map(|at| Step::Refresh { at }),
            1 => Just(Step::TimePasses),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, step: &Step) -> bool {
        match *step {
            Step::SignIn { .. } | Step::LogoutToken { .. } | Step::Refresh { .. } => true,
            // What a sign-out does with a session that may be over nobody can know; one that is over
            // is known to be at replicas that reach the store.
            Step::SignOut { browser, at } => match model.sessions[browser] {
                Session::Live { .. } => true,
                Session::Over { .. } => model.is_up(at),
                Session::None | Session::Doubtful { .. } => false,
            },
            Step::CoreEnds { browser } => !model.sessions[browser].is_over(),
            Step::Cut { at, .. } => model.is_up(at),
            Step::Heal { at } => !model.is_up(at),
            // One that starts without its store is not ready before that is back.
            Step::Crash { .. } => model.all_up(),
            Step::TimePasses => {
                let is_short = |it: &Session| matches!(it, Session::Doubtful { short: true, .. });
                model.sessions.iter().any(is_short)
            }
        }
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match *step {
            Step::SignIn { browser, person, finish, short, .. } => {
                model.sessions[browser] = match (model.is_up(finish), short) {
                    (false, _) => Session::None,
                    (true, false) if !model.ending[person] => Session::Live { person },
                    (true, short) => Session::Doubtful { person, short },
                };
            }
            Step::SignOut { browser, at } => {
                if let Session::Live { person } = model.sessions[browser] {
                    let is_up = model.is_up(at);
                    ends_all(&mut model, person, is_up);
                }
            }
            Step::LogoutToken { person, at } => {
                let is_up = model.is_up(at);
                ends_all(&mut model, person, is_up);
            }
            Step::CoreEnds { browser } => {
                if let Some(person) = model.sessions[browser].person() {
                    model.sessions[browser] = Session::Over { person, told: true };
                }
            }
            Step::Cut { at, how } => model.links[at] = how,
            Step::Heal { at } => {
                model.links[at] = Link::Up;
                if model.all_up() {
                    model.heal();
                }
            }
            Step::Crash { .. } | Step::Refresh { .. } => {}
            Step::TimePasses => {
                for session in &mut model.sessions {
                    if let Session::Doubtful { person, short: true } = *session {
                        *session = Session::Over { person, told: true };
                    }
                }
            }
        }
        model
    }
}

/// All sessions of a person are ended: for good where the store was told, else nobody knows.
fn ends_all(model: &mut Model, person: usize, told_store: bool) {
    model.ending[person] |= !told_store;
    for session in &mut model.sessions {
        *session = match *session {
            Session::Live { person: own } if own == person && told_store => {
                Session::Over { person, told: false }
            }
            Session::Doubtful { person: own, .. } if own == person && told_store => {
                Session::Over { person, told: false }
            }
            Session::Live { person: own } if own == person => {
                Session::Doubtful { person, short: false }
            }
            other => other,
        };
    }
}
