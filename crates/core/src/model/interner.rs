//! Sharing of the values that many tokens of a page have in common.

use crate::model::{Principal, Scopes};

/// The number of values of a kind that are remembered: neighbouring tokens rarely differ.
const CAPACITY: usize = 8;

/// A cache that lets tokens of one page share equal principals and scopes.
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
    /// Returns a principal with this id, kind and name, shared if it was returned recently.
    pub fn principal(&mut self, id: &str, kind: Option<&str>, name: Option<&str>) -> Principal {
        self.principals.get(
            // The owner and the creator often differ in their names only.
            |known| known.name() == name && known.kind() == kind && known.id() == id,
            || {
                Principal::new(id)
                    .with_kind(kind.map(str::to_owned))
                    .with_name(name.map(str::to_owned))
            },
        )
    }

    /// Returns these scopes, shared if they were returned recently.
    pub fn scopes(&mut self, scopes: &[impl AsRef<str>]) -> Scopes {
        let texts = || scopes.iter().map(AsRef::as_ref);
        self.scopes.get(
            |known| known.len() == scopes.len() && known.iter().zip(texts()).all(|(a, b)| a == b),
            || texts().map(str::to_owned).collect::<Vec<_>>().into(),
        )
    }
}

/// The values that were created last.
#[derive(Debug)]
struct Recent<T> {
    values: [Option<T>; CAPACITY],
    /// The index of the value that the next one replaces.
    oldest: usize,
}

impl<T: Clone> Recent<T> {
    fn get(&mut self, is_equal: impl Fn(&T) -> bool, create: impl FnOnce() -> T) -> T {
        if let Some(known) = self.values.iter().flatten().find(|known| is_equal(known)) {
            return known.clone();
        }
        let created = create();
        if let Some(slot) = self.values.get_mut(self.oldest) {
            *slot = Some(created.clone());
        }
        self.oldest = (self.oldest + 1) % CAPACITY;
        created
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
        fn a_returned_value_always_equals_the_requested_one(
            requests in prop::collection::vec(
                ("[ab]{0,2}", prop::option::of("[ab]{0,1}"), prop::option::of("[ab]{0,1}")),
                0..40,
            ),
        ) {
            let mut interner = Interner::default();
            for (id, kind, name) in requests {
                let principal = interner.principal(&id, kind.as_deref(), name.as_deref());
                let expected = Principal::new(id.clone()).with_kind(kind).with_name(name);
                prop_assert_eq!(principal, expected);
                let scopes: Vec<_> = id.chars().map(String::from).collect();
                prop_assert_eq!(interner.scopes(&scopes), Scopes::from(scopes));
            }
        }
    }
}
