use std::fmt;

/// Which functions and syntax expressions may use.
///
/// Kubernetes lets a *new* expression use only what the previous minor version has too, so that an
/// upgrade can be taken back; one that is *stored* already may use all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Environment {
    minor: u16,
    extended: bool,
}

/// When something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Kubernetes 1.x.
    V(u16),
    /// Not in Kubernetes.
    Extended,
}

impl Environment {
    /// Of the Kubernetes version 1.`minor`.
    #[must_use]
    pub const fn kubernetes(minor: u16) -> Self {
        Self { minor, extended: false }
    }

    /// For expressions that are written now, by Kubernetes 1.36.
    #[must_use]
    pub const fn new_expressions() -> Self {
        Self::kubernetes(35)
    }

    /// For expressions that are in the store already: everything that any version has.
    #[must_use]
    pub const fn stored_expressions() -> Self {
        Self::kubernetes(u16::MAX)
    }

    /// Everything, with what the language offers and Kubernetes leaves out: `cel.bind` and names in
    /// backquotes, `math` and `base64`.
    #[must_use]
    pub const fn extended() -> Self {
        Self { minor: u16::MAX, extended: true }
    }

    pub(crate) const fn has(self, since: Since) -> bool {
        match since {
            Since::V(minor) => self.minor >= minor,
            Since::Extended => self.extended,
        }
    }

    pub(crate) const fn optionals(self) -> bool {
        self.has(Since::V(28))
    }

    pub(crate) const fn two_variables(self) -> bool {
        self.has(Since::V(32))
    }

    pub(crate) const fn sorts(self) -> bool {
        self.has(Since::V(34))
    }

    /// Whether elements of one literal may have several types.
    pub(crate) const fn mixes_types(self) -> bool {
        self.extended || !self.checks_literals()
    }

    pub(crate) const fn binds(self) -> bool {
        self.extended
    }

    pub(crate) const fn escaped_names(self) -> bool {
        self.extended
    }

    /// Whether literals of durations, points in time and regular expressions are read at once.
    pub(crate) const fn checks_literals(self) -> bool {
        self.has(Since::V(29))
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.extended, self.minor) {
            (true, _) => f.write_str("extended"),
            (false, u16::MAX) => f.write_str("stored"),
            (false, minor) => write!(f, "1.{minor}"),
        }
    }
}
