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

#[cfg(test)]
mod tests {
    use super::*;

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
