//! Parsing of the `order` parameter.

use super::{parameters::Parameter, ruby};

/// A column that tokens can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortField {
    Id,
    Name,
    UserId,
}

/// A sort order for the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) field: SortField,
    pub(super) descending: bool,
}

/// The `order` parameter as the envelope repeats it in `sort.by` and `sort.order`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SortEcho {
    pub(super) by: Option<String>,
    pub(super) order: Option<String>,
}

/// Parses the parameter; the error is the message of a 400 response.
pub(super) fn parse(
    parameter: Option<&Parameter>,
    id_is_searchable: bool,
) -> Result<Option<Order>, String> {
    let Some(parameter) = parameter.filter(|parameter| !parameter.is_blank()) else {
        return Ok(None);
    };
    let text = parameter.to_text();
    let (field, direction) = ruby::split_at_space(&text);
    let field = match field {
        "name" => SortField::Name,
        "user_id" => SortField::UserId,
        "id" if id_is_searchable => SortField::Id,
        unknown => {
            return Err(format!(
                "the field '{unknown}' in the order statement is not valid field for search"
            ));
        }
    };
    // Foreman sorts in ascending order for any other text, and reports no error.
    let descending = direction.is_some_and(|direction| direction.to_lowercase() == "desc");
    Ok(Some(Order { field, descending }))
}

/// Returns the parameter as the envelope repeats it.
pub(super) fn echo(parameter: Option<&Parameter>) -> SortEcho {
    let Some(Parameter::Text(text)) = parameter else {
        return SortEcho::default();
    };
    let mut words = ruby::words(text);
    let Some(by) = words.next() else {
        return SortEcho::default();
    };
    SortEcho {
        by: Some(by.to_owned()),
        order: Some(words.next().unwrap_or("ASC").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(order: &str) -> Option<Parameter> {
        Some(Parameter::Text(order.to_owned()))
    }

    #[test]
    fn only_desc_on_its_own_sorts_in_descending_order() {
        for (order, descending) in [
            ("id DESC", true),
            ("id  dEsC", true),
            ("id", false),
            ("id DESC NULLS LAST", false),
            ("id foo", false),
        ] {
            let parsed = parse(text(order).as_ref(), true).unwrap().unwrap();
            assert_eq!(parsed.descending, descending, "{order}");
        }
    }

    #[test]
    fn ids_can_be_sorted_by_only_if_searchable_and_a_blank_order_is_ignored() {
        assert!(
            parse(text("id DESC").as_ref(), false)
                .unwrap_err()
                .contains("'id'")
        );
        assert!(
            parse(text(" name").as_ref(), true)
                .unwrap_err()
                .contains("the field ''")
        );
        assert_eq!(parse(text("  ").as_ref(), true), Ok(None));
    }

    #[test]
    fn the_echo_repeats_the_second_word_unchanged() {
        let shown = echo(text("name ASC, id DESC").as_ref());
        assert_eq!(shown.by.as_deref(), Some("name"));
        assert_eq!(shown.order.as_deref(), Some("ASC,"));
        assert_eq!(echo(text("").as_ref()), SortEcho::default());
    }
}
