//! What configuration can be written for.

/// A program, or a platform, that an outpost is put to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {}

impl Target {
    /// Every target, in the order of the documentation.
    pub const ALL: [Self; 0] = [];

    /// The name by which people ask for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {}
    }

    /// Whether it configures what stands in front of applications, and so makes no sense without
    /// any.
    #[must_use]
    pub const fn is_for_applications(self) -> bool {
        match self {}
    }
}
