//! What many tokens of a page have in common.

use crate::model::{Principal, Scopes};

/// How many values of a kind are remembered: tokens that follow each other differ little.
const REMEMBERED: usize = 8;

/// Makes the principals and scopes of a page once, however many of its tokens have them.
///
/// ```
/// use tokenfleet_core::adapter::Interner;
///
/// let mut interner = Interner::default();
/// let owner = interner.principal("7", Some("user"), None);
/// assert_eq!(interner.principal("7", Some("user"), None), owner);
/// assert_ne!(interner.principal("8", Some("user"), None), owner);
/// ```
#[derive(Debug, Default)]
pub struct Interner {
    principals: Recent<Principal>,
    scopes: Recent<Scopes>,
}

impl Interner {
    /// The principal with that id, kind and name.
    pub fn principal(&mut self, id: &str, kind: Option<&str>, name: Option<&str>) -> Principal {
        self.principals.get(
            |known| known.id() == id && known.kind() == kind && known.name() == name,
            || {
                Principal::new(id)
                    .with_kind(kind.map(str::to_owned))
                    .with_name(name.map(str::to_owned))
            },
        )
    }

    /// These scopes.
    pub fn scopes(&mut self, scopes: &[impl AsRef<str>]) -> Scopes {
        let texts = || scopes.iter().map(AsRef::as_ref);
        self.scopes.get(
            |known| known.len() == scopes.len() && known.iter().zip(texts()).all(|(a, b)| a == b),
            || texts().map(str::to_owned).collect::<Vec<_>>().into(),
        )
    }
}

/// The values that were made last.
#[derive(Debug)]
struct Recent<T> {
    values: [Option<T>; REMEMBERED],
    /// Which of them makes room for the next.
    oldest: usize,
}

impl<T: Clone> Recent<T> {
    fn get(&mut self, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> T {
        if let Some(known) = self.values.iter().flatten().find(|known| is_it(known)) {
            return known.clone();
        }
        let made = make();
        if let Some(place) = self.values.get_mut(self.oldest) {
            *place = Some(made.clone());
        }
        self.oldest = (self.oldest + 1) % REMEMBERED;
        made
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        let values = std::array::from_fn(|_| None);
        Self { values, oldest: 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_was_made_before_what_is_asked_for_is_what_comes(
            asked in prop::collection::vec(("[ab]{0,2}", prop::option::of("[ab]{0,1}"), prop::option::of("[ab]{0,1}")), 0..40),
        ) {
            let mut interner = Interner::default();
            for (id, kind, name) in asked {
                let principal = interner.principal(&id, kind.as_deref(), name.as_deref());
                prop_assert_eq!(principal, Principal::new(id.clone()).with_kind(kind).with_name(name));
                let scopes: Vec<_> = id.chars().map(String::from).collect();
                prop_assert_eq!(interner.scopes(&scopes), Scopes::from(scopes));
            }
        }
    }
}
