//! The support for updating tokens: the changes that are accepted.

/// The support for updating tokens: the changes that are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateCapability {
    /// `true` if the name can be changed.
    pub name: bool,
    /// The maximum length of a name, in characters; `None` if no limit is known.
    pub max_name_length: Option<usize>,
    /// `true` if the description can be changed.
    pub description: bool,
    /// `true` if a token can be suspended and resumed.
    pub suspension: bool,
    /// `true` if a new name may give the token a new id, which is then in the result.
    pub id_follows_name: bool,
}

impl UpdateCapability {
    /// Creates a declaration that accepts no change, to build upon.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a new name, with its maximum length in characters if a limit is known.
    #[must_use]
    pub fn with_name(mut self, max_length: Option<usize>) -> Self {
        self.name = true;
        self.max_name_length = max_length;
        self
    }

    /// Accepts a new description.
    #[must_use]
    pub fn with_description(mut self) -> Self {
        self.description = true;
        self
    }

    /// Declares that a new name may give the token a new id.
    #[must_use]
    pub fn with_id_following_name(mut self) -> Self {
        self.id_follows_name = true;
        self
    }

    /// Accepts suspending and resuming.
    #[must_use]
    pub fn with_suspension(mut self) -> Self {
        self.suspension = true;
        self
    }
}
