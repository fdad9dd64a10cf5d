//! The variables in the settings of a sink, which are filled in for each token.

use std::collections::BTreeMap;

use tokenfleet::config::did_you_mean;

/// The variables, as they are written between braces.
const VARIABLES: [&str; 3] = ["account", "id", "name"];

/// The values of variables, by their names.
pub(super) type Values = BTreeMap<String, String>;

/// Returns a variable as it is written.
pub(super) fn written(variable: &str) -> String {
    format!("{{{variable}}}")
}

/// Returns the variables that a text uses.
pub(super) fn used_in(text: &str) -> impl Iterator<Item = &'static str> {
    let is_used = move |variable: &&str| text.contains(&written(variable));
    VARIABLES.into_iter().filter(is_used)
}

/// Rejects a text with something between braces that is no variable: it would be taken literally,
/// and so name one place for all tokens.
pub(super) fn check(text: &str) -> Result<(), String> {
    let known = |rest: &str| {
        let end = rest.find('}');
        end.and_then(|end| rest.get(..end))
            .is_some_and(|name| VARIABLES.contains(&name))
    };
    if text.split('{').skip(1).all(known) {
        return Ok(());
    }
    let name = text.split('{').skip(1).find(|rest| !known(rest));
    let name = name.and_then(|rest| rest.split('}').next());
    Err(format!(
        "has an unknown variable; {}",
        did_you_mean(name.unwrap_or_default(), &VARIABLES)
    ))
}

/// Rejects a value after which a place would be another one. Names of tokens are texts of others.
///
/// `tokenfleet_rotation` refuses these values too. What is read from a ledger is checked again.
pub(super) fn check_value(variable: &str, value: &str) -> Result<(), String> {
    let is_special = |c: char| c.is_control() || "/\\#{}".contains(c);
    if value.is_empty() || value == "." || value.contains("..") || value.contains(is_special) {
        return Err(format!(
            "would be another place with this {}",
            written(variable)
        ));
    }
    Ok(())
}

/// Returns a text with the values of its variables.
pub(super) fn fill(text: &str, values: &Values) -> String {
    let mut filled = text.to_owned();
    for (variable, value) in values {
        filled = filled.replace(&written(variable), value);
    }
    filled
}

/// Returns `true` if two texts may be equal once their variables are filled in. No value has a
/// slash.
pub(crate) fn can_be_equal(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
    let mut parts = one.iter().zip(&other);
    one.len() == other.len() && parts.all(|(one, other)| can_part_be_equal(one, other))
}

fn can_part_be_equal(one: &str, other: &str) -> bool {
    let is_filled = |(start, end): (&str, &str), text: &str| {
        text.len() > start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
    };
    match (fixed_ends(one), fixed_ends(other)) {
        (None, None) => one == other,
        (Some(ends), None) => is_filled(ends, other),
        (None, Some(ends)) => is_filled(ends, one),
        (Some((start, end)), Some((other_start, other_end))) => {
            (start.starts_with(other_start) || other_start.starts_with(start))
                && (end.ends_with(other_end) || other_end.ends_with(end))
        }
    }
}

/// Returns the texts before the first variable and after the last one, if there is one.
fn fixed_ends(text: &str) -> Option<(&str, &str)> {
    let (start, _) = text.split_once('{')?;
    let (_, end) = text.rsplit_once('}')?;
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_can_be_equal_if_some_values_make_them_so() {
        for (one, other) in [
            ("/run/{name}", "/run/{name}"),
            ("/run/{name}", "/run/{id}"),
            ("/run/{name}", "/run/ci"),
            ("/run/{name}.txt", "/run/ci-{id}"),
            ("/run/{name}-{id}", "/run/a-b"),
            ("/run/ci", "/run/ci"),
        ] {
            assert!(can_be_equal(one, other), "{one} {other}");
            assert!(can_be_equal(other, one), "{other} {one}");
        }
        for (one, other) in [
            ("/run/{name}", "/run/{name}/x"),
            ("/run/a-{name}", "/run/b-{name}"),
            ("/run/{name}.txt", "/run/{name}.key"),
            ("/run/a{name}a", "/run/aa"),
            ("/run/iot/{name}", "/run/infra/{name}"),
            ("/run/ci", "/run/ci2"),
        ] {
            assert!(!can_be_equal(one, other), "{one} {other}");
            assert!(!can_be_equal(other, one), "{other} {one}");
        }
    }

    #[test]
    fn what_is_no_variable_between_braces_is_a_mistake() {
        for text in ["", "/run/{name}", "{account}-{id}-{name}", "a}b"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["{nmae}", "{name", "{}", "{name}{x}", "{{name}}"] {
            assert!(check(text).is_err(), "{text}");
        }
        assert!(check("{nmae}").unwrap_err().contains("`name`"));
    }
}
