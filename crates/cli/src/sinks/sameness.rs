//! Places that are one, whatever the kinds of their sinks.

use super::variables::can_be_equal;

/// Returns `true` if two places, by their [identities](super::Sinks::identity), cannot have
/// different secrets: a file that is written as a whole leaves none of its variables.
pub(crate) fn are_one(one: &str, other: &str) -> bool {
    one == other || is_any_in_one_file(one, other, |one, other| one == other)
}

/// Returns `true` if some values of their variables make two places one.
pub(crate) fn can_be_one(one: &str, other: &str) -> bool {
    can_be_equal(one, other) || is_any_in_one_file(one, other, can_be_equal)
}

/// Returns the identity of the file that a variable is in, if this is the identity of a variable.
pub(crate) fn whole_file(place: &str) -> Option<String> {
    let (file, _) = place.strip_prefix("env-file:")?.rsplit_once('#')?;
    Some(format!("file:{file}"))
}

fn is_any_in_one_file(one: &str, other: &str, is_one_path: fn(&str, &str) -> bool) -> bool {
    let is_within = |file: &str, variable: &str| {
        let file = file.strip_prefix("file:");
        let variable = variable.strip_prefix("env-file:");
        let within = variable.and_then(|variable| variable.rsplit_once('#'));
        (file.zip(within)).is_some_and(|(file, (within, _))| is_one_path(file, within))
    };
    is_within(one, other) || is_within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_variable_in_it_are_one_place_and_two_variables_are_not() {
        for (one, other, are, can_be) in [
            ("file:/a", "file:/a", true, true),
            ("file:/a", "env-file:/a#X", true, true),
            ("env-file:/a#X", "env-file:/a#Y", false, false),
            ("file:/a", "env-file:/b#X", false, false),
            ("file:/s/{name}", "env-file:/s/ci#X", false, true),
            ("kv2:/a", "env-file:/a#X", false, false),
        ] {
            assert_eq!(are_one(one, other), are, "{one} {other}");
            assert_eq!(are_one(other, one), are, "{one} {other}");
            assert_eq!(can_be_one(one, other), can_be, "{one} {other}");
        }
    }
}
