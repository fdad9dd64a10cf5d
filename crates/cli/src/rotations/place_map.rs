//! Values by the places that they are about, found by any place that is one of those.

use std::collections::BTreeMap;

use crate::sinks::whole_file;

/// Values by the [identities](super::identity) of their places.
#[derive(Debug)]
pub(super) struct PlaceMap<T> {
    places: BTreeMap<String, Vec<T>>,
    /// The variables in each file, by the identity of the file as a whole.
    variables: BTreeMap<String, Vec<String>>,
}

impl<T> PlaceMap<T> {
    pub(super) fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            variables: BTreeMap::new(),
        }
    }

    /// Adds a value about the place of this identity.
    pub(super) fn insert(&mut self, place: String, value: T) {
        if let Some(file) = whole_file(&place)
            && !self.places.contains_key(&place)
        {
            self.variables.entry(file).or_default().push(place.clone());
        }
        self.places.entry(place).or_default().push(value);
    }

    /// Returns the values about the place of this identity, and about places that [cannot have
    /// another secret](crate::sinks::are_one): the file that it is in, or the variables in it.
    pub(super) fn of(&self, place: &str) -> impl Iterator<Item = &T> {
        let variables = self.variables.get(place).into_iter().flatten();
        let names = [Some(place.to_owned()), whole_file(place)].into_iter();
        let names = names.flatten().chain(variables.cloned());
        names.flat_map(|name| self.places.get(&name).into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::are_one;

    #[test]
    fn a_place_finds_what_is_about_any_place_that_is_one_with_it() {
        let all = [
            "file:/a",
            "file:/b",
            "env-file:/a#X",
            "env-file:/a#Y",
            "env-file:/b#X",
            "kv2:/a#X",
        ];
        let mut map = PlaceMap::new();
        for place in all {
            map.insert(place.to_owned(), place);
            map.insert(place.to_owned(), place);
        }
        for place in all.iter().chain(&["env-file:/a#Z", "file:/c", ""]) {
            let mut found: Vec<_> = map.of(place).copied().collect();
            found.sort_unstable();
            let mut expected: Vec<_> = all.iter().chain(&all).copied().collect();
            expected.retain(|other| are_one(place, other));
            expected.sort_unstable();
            assert_eq!(found, expected, "{place}");
        }
    }
}
