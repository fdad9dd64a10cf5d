//! The words of a platform that rejected a request.

use std::collections::BTreeMap;

use tokenfleet_core::model::Attribute;

/// Returns what is wrong with each field, such as `name can't be blank`, from a map of fields to
/// one text or several.
#[must_use]
pub fn field_reasons(errors: &BTreeMap<String, Attribute>) -> Option<String> {
    let mut reasons = Vec::new();
    for (field, problems) in errors {
        let problems = match problems {
            Attribute::List(problems) => problems.as_slice(),
            problem => std::slice::from_ref(problem),
        };
        for problem in problems {
            if let Attribute::Text(problem) = problem {
                reasons.push(format!("{field} {problem}"));
            }
        }
    }
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Returns the words of a part of an error: a text, several, or a number.
#[must_use]
pub fn error_text(part: &Attribute) -> Option<String> {
    match part {
        Attribute::Text(text) => Some(text.clone()),
        Attribute::Integer(number) => Some(number.to_string()),
        Attribute::List(parts) => {
            let texts: Vec<_> = parts.iter().filter_map(error_text).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        _ => None,
    }
}
