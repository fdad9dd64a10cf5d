//! The reasons why a platform rejected the fields of a request.

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
