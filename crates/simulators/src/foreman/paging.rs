//! The `page` and `per_page` parameters.

use super::{parameters::Parameter, ruby};

/// Which rows a page holds, and what the envelope says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: u64,
    /// `None` is everything.
    pub(super) limit: Option<u64>,
    pub(super) shown_page: i128,
    /// `None` shows the total.
    pub(super) shown_per_page: Option<i128>,
    /// The limit is one that the database refuses, with this message, once it comes that far.
    pub(super) refused: Option<String>,
}

/// Why there is no page: both are answers with status 500.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PageError {
    Message(String),
    /// An error whose text the platform keeps to itself.
    Hidden,
}

/// Reads both parameters.
pub(super) fn parse(
    page: Option<&Parameter>,
    per_page: Option<&Parameter>,
    default_per_page: u64,
    all_is_known: bool,
) -> Result<Page, PageError> {
    let (page, per_page) = (scalar(page), scalar(per_page));
    let (page, per_page) = (page.as_ref(), per_page.as_ref());
    let shown_page = shown(page, 1)?;
    if all_is_known && matches!(per_page, Some(Parameter::Text(text)) if text == "all") {
        let everything = Page {
            offset: 0,
            limit: None,
            shown_page,
            shown_per_page: None,
            refused: None,
        };
        return Ok(everything);
    }
    let limit = match per_page {
        None => i128::from(default_per_page),
        Some(Parameter::Text(text)) => ruby::to_i(text),
        Some(_) => return Err(PageError::Hidden),
    };
    let shown_per_page = shown(per_page, i128::from(default_per_page))?;
    let number = page_number(page)?;
    let offset = (number - 1).saturating_mul(limit);
    let offset = u64::try_from(offset)
        .ok()
        .filter(|offset| i64::try_from(*offset).is_ok())
        .ok_or_else(|| PageError::Message(format!("invalid offset: {offset}")))?;
    let refused = refused(limit);
    let limit = u64::try_from(limit).unwrap_or_default();
    Ok(Page {
        offset,
        limit: Some(limit),
        shown_page,
        shown_per_page: Some(shown_per_page),
        refused,
    })
}

/// Null is as good as absent, and a number in a body as good as its text.
fn scalar(parameter: Option<&Parameter>) -> Option<Parameter> {
    match parameter? {
        Parameter::Null => None,
        number @ Parameter::Number(_) => Some(Parameter::Text(number.to_text())),
        other => Some(other.clone()),
    }
}

/// What the envelope shows: blank is the default, also where it pages otherwise.
fn shown(parameter: Option<&Parameter>, default: i128) -> Result<i128, PageError> {
    match parameter {
        Some(parameter) if parameter.is_blank() => Ok(default),
        Some(Parameter::Text(text)) => Ok(ruby::to_i(text)),
        Some(_) => Ok(0),
        None => Ok(default),
    }
}

fn page_number(page: Option<&Parameter>) -> Result<i128, PageError> {
    let number = match page {
        None => 1,
        Some(Parameter::Text(text)) => ruby::integer(text).ok_or_else(|| {
            PageError::Message(format!(
                "invalid value for Integer(): {}",
                ruby::inspect(text)
            ))
        })?,
        Some(Parameter::List(_)) => {
            return Err(PageError::Message(
                "can't convert Array into Integer".into(),
            ));
        }
        Some(Parameter::Map(_)) => {
            return Err(PageError::Message(
                "can't convert ActionController::Parameters into Integer".into(),
            ));
        }
        Some(_) => 1,
    };
    if number < 1 {
        return Err(PageError::Message(format!("invalid page: {number}")));
    }
    Ok(number)
}

fn refused(limit: i128) -> Option<String> {
    if i64::try_from(limit).is_err() {
        return Some(format!(
            "PG::NumericValueOutOfRange: ERROR:  value \"{limit}\" is out of range for type bigint\n\
             CONTEXT:  unnamed portal parameter $2 = '...'\n"
        ));
    }
    (limit < 0)
        .then(|| "PG::InvalidRowCountInLimitClause: ERROR:  LIMIT must not be negative\n".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: &str, per_page: &str) -> Result<Page, PageError> {
        let text = |text: &str| Parameter::Text(text.to_owned());
        parse(Some(&text(page)), Some(&text(per_page)), 20, true)
    }

    #[test]
    fn pages_count_from_one_and_must_be_whole_numbers() {
        assert_eq!(page(" 2", "5").unwrap().offset, 5);
        for (text, message) in [
            ("0", "invalid page: 0"),
            ("abc", "invalid value for Integer(): \"abc\""),
            ("", "invalid value for Integer(): \"\""),
            (
                "99999999999999999999",
                "invalid offset: 1999999999999999999960",
            ),
        ] {
            assert_eq!(
                page(text, "20"),
                Err(PageError::Message(message.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn page_sizes_are_read_leniently_and_all_only_in_lower_case() {
        assert_eq!(page("1", "5.7").unwrap().limit, Some(5));
        assert_eq!(page("1", "ALL").unwrap().limit, Some(0));
        assert_eq!(page("7", "all").unwrap().limit, None);
        let empty = page("1", "").unwrap();
        assert_eq!((empty.limit, empty.shown_per_page), (Some(0), Some(20)));
    }

    #[test]
    fn numbers_in_a_body_count_as_text_and_null_as_nothing() {
        let number = Parameter::Number(7.into());
        let page = parse(Some(&Parameter::Null), Some(&number), 20, true).unwrap();
        assert_eq!((page.offset, page.limit, page.shown_page), (0, Some(7), 1));
        let page = parse(None, Some(&Parameter::Null), 20, true).unwrap();
        assert_eq!((page.limit, page.shown_per_page), (Some(20), Some(20)));
    }

    #[test]
    fn the_database_refuses_what_it_cannot_count() {
        assert!(
            page("1", "-1")
                .unwrap()
                .refused
                .unwrap()
                .contains("LIMIT must not be negative")
        );
        assert!(
            page("1", "99999999999999999999")
                .unwrap()
                .refused
                .unwrap()
                .contains("out of range for type bigint")
        );
    }
}
