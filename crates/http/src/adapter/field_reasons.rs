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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Attribute {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_text_about_a_field_is_shown_with_its_field() {
        let reasons = |json| field_reasons(&serde_json::from_str(json).unwrap());
        for (json, expected) in [
            (
                r#"{"name":["is empty","is short"]}"#,
                Some("name is empty, name is short"),
            ),
            (r#"{"name":"is empty"}"#, Some("name is empty")),
            (r#"{"name":[],"scope":["is odd",7]}"#, Some("scope is odd")),
            (r#"{"name":null,"scope":{"a":"b"}}"#, None),
            ("{}", None),
        ] {
            assert_eq!(reasons(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn an_error_is_a_text_a_number_or_several() {
        for (json, expected) in [
            (r#""no""#, Some("no")),
            ("7", Some("7")),
            (r#"["no",[7,null]]"#, Some("no, 7")),
            ("[null]", None),
            ("{}", None),
        ] {
            assert_eq!(error_text(&parse(json)).as_deref(), expected, "{json}");
        }
    }
}
