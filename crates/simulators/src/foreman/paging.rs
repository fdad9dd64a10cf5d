//! Parsing of the `page` and `per_page` parameters.

use super::{parameters::Parameter, ruby};

/// The rows that a page contains, and the page's numbers in the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: u64,
    /// The maximum number of rows, or `None` for all.
    pub(super) limit: Option<u64>,
    pub(super) shown_page: i128,
    /// The page size in the envelope, or `None` to show the total.
    pub(super) shown_per_page: Option<i128>,
    /// The message with which the database rejects the limit, if it does so when the query runs.
    pub(super) limit_error: Option<String>,
}

/// An error in the parameters, for which the status is 500.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PageError {
    Message(String),
    /// The error is one that Foreman does not explain.
    Unexplained,
}

/// Parses both parameters.
///
/// Releases for which `supports_all` is `true` accept `per_page=all`.
pub(super) fn parse(
    page: Option<&Parameter>,
    per_page: Option<&Parameter>,
    default_per_page: u64,
    supports_all: bool,
) -> Result<Page, PageError> {
    let (page, per_page) = (normalized(page), normalized(per_page));
    let (page, per_page) = (page.as_ref(), per_page.as_ref());
    let shown_page = shown(page, 1);
    if supports_all && matches!(per_page, Some(Parameter::Text(text)) if text == "all") {
        let everything = Page {
            offset: 0,
            limit: None,
            shown_page,
            shown_per_page: None,
            limit_error: None,
        };
        return Ok(everything);
    }
    let limit = match per_page {
        None => i128::from(default_per_page),
        Some(Parameter::Text(text)) => ruby::to_i(text),
        Some(_) => return Err(PageError::Unexplained),
    };
    let shown_per_page = shown(per_page, i128::from(default_per_page));
    let number = page_number(page)?;
    let offset = (number - 1).saturating_mul(limit);
    let offset = u64::try_from(offset)
        .ok()
        .filter(|offset| i64::try_from(*offset).is_ok())
        .ok_or_else(|| PageError::Message(format!("invalid offset: {offset}")))?;
    Ok(Page {
        offset,
        limit: Some(u64::try_from(limit).unwrap_or_default()),
        shown_page,
        shown_per_page: Some(shown_per_page),
        limit_error: limit_error(limit),
    })
}

/// Treats null as absent, and a number in a body as its text.
fn normalized(parameter: Option<&Parameter>) -> Option<Parameter> {
    match parameter? {
        Parameter::Null => None,
        number @ Parameter::Number(_) => Some(Parameter::Text(number.to_text())),
        other => Some(other.clone()),
    }
}

/// Returns the number in the envelope, which for a blank parameter is the default even if the page
/// itself is chosen differently.
fn shown(parameter: Option<&Parameter>, default: i128) -> i128 {
    match parameter {
        Some(Parameter::Text(text)) if !ruby::is_blank(text) => ruby::to_i(text),
        Some(parameter) if !parameter.is_blank() => 0,
        _ => default,
    }
}

fn page_number(page: Option<&Parameter>) -> Result<i128, PageError> {
    let number = match page {
        Some(Parameter::Text(text)) => ruby::integer(text)
            .ok_or_else(|| format!("invalid value for Integer(): {}", ruby::inspect(text))),
        Some(Parameter::List(_)) => Err("can't convert Array into Integer".to_owned()),
        Some(Parameter::Map(_)) => {
            Err("can't convert ActionController::Parameters into Integer".to_owned())
        }
        _ => Ok(1),
    };
    match number.map_err(PageError::Message)? {
        number if number < 1 => Err(PageError::Message(format!("invalid page: {number}"))),
        number => Ok(number),
    }
}

fn limit_error(limit: i128) -> Option<String> {
    if i64::try_from(limit).is_err() {
        return Some(format!(
            "PG::NumericValueOutOfRange: ERROR:  value \"{limit}\" is out of range for type \
             bigint\nCONTEXT:  unnamed portal parameter $2 = '...'\n"
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
    fn page_sizes_are_parsed_leniently_and_all_only_in_lower_case() {
        assert_eq!(page("1", "5.7").unwrap().limit, Some(5));
        assert_eq!(page("1", "ALL").unwrap().limit, Some(0));
        assert_eq!(page("7", "all").unwrap().limit, None);
        let empty = page("1", "").unwrap();
        assert_eq!((empty.limit, empty.shown_per_page), (Some(0), Some(20)));
    }

    #[test]
    fn numbers_in_a_body_count_as_text_and_null_as_absent() {
        let number = Parameter::Number(7.into());
        let page = parse(Some(&Parameter::Null), Some(&number), 20, true).unwrap();
        assert_eq!((page.offset, page.limit, page.shown_page), (0, Some(7), 1));
        let page = parse(None, Some(&Parameter::Null), 20, true).unwrap();
        assert_eq!((page.limit, page.shown_per_page), (Some(20), Some(20)));
    }

    #[test]
    fn the_database_rejects_negative_and_too_large_limits() {
        for (per_page, message) in [
            ("-1", "LIMIT must not be negative"),
            ("99999999999999999999", "out of range for type bigint"),
        ] {
            let error = page("1", per_page).unwrap().limit_error.unwrap();
            assert!(error.contains(message), "{error}");
        }
    }
}
