//! Parsing of list requests, and matching of their filters.

use super::{
    error::Error,
    options::{AboveMax, BadPage, GlobCase, Options},
    store::{Filter, SortField},
};
use crate::target::Target;

/// The page size of a request that does not set one.
const DEFAULT_PER_PAGE: u64 = 100;

/// The parameters of a list request.
#[derive(Debug)]
pub(super) struct ListRequest {
    pub(super) page: u64,
    pub(super) per_page: u64,
    pub(super) sort: SortField,
    pub(super) sort_name: String,
    pub(super) descending: bool,
    /// The direction as requested, for the echo in the response.
    pub(super) direction: String,
    pub(super) filter: Option<Filter>,
}

impl ListRequest {
    /// Parses the query parameters of a list request.
    pub(super) fn parse(target: &Target, options: &Options) -> Result<Self, Error> {
        let parameter = |name| target.parameter(name).filter(|value| !value.is_empty());
        let sort_name = parameter("sortField").unwrap_or("name").to_owned();
        let sort = sort_field(&sort_name)
            .ok_or_else(|| Error::validation("sortField", "must be an enum value"))?;
        let direction = parameter("sortDirection").unwrap_or("asc").to_owned();
        let descending = match direction.as_str() {
            "asc" | "ASC" => false,
            "desc" | "DESC" => true,
            _ => {
                return Err(Error::validation("sortDirection", "must be an enum value"));
            }
        };
        let field = match parameter("filterField") {
            None => None,
            Some("name") => Some(SortField::Name),
            Some("status") => Some(SortField::Status),
            Some(_) => {
                return Err(Error::validation("filterField", "must be an enum value"));
            }
        };
        let filter = field
            .zip(parameter("filter"))
            .map(|(field, pattern)| Filter {
                field,
                pattern: pattern.to_owned(),
            });
        Ok(Self {
            page: number(target, "page", 0, 0, options)?,
            per_page: per_page(target, options)?,
            sort,
            sort_name,
            descending,
            direction,
            filter,
        })
    }
}

fn sort_field(name: &str) -> Option<SortField> {
    Some(match name {
        "name" => SortField::Name,
        "status" => SortField::Status,
        "id" => SortField::Id,
        "creationDate" => SortField::CreationDate,
        "lastUpdated" => SortField::LastUpdated,
        "expirationDate" => SortField::ExpirationDate,
        _ => return None,
    })
}

fn per_page(target: &Target, options: &Options) -> Result<u64, Error> {
    let max = options.max_per_page as u64;
    let requested = number(target, "perPage", DEFAULT_PER_PAGE, 1, options)?;
    match options.above_max {
        AboveMax::Refuse if requested > max => Err(Error::validation(
            "perPage",
            &format!("must be at most {max}"),
        )),
        _ => Ok(requested.min(max)),
    }
}

/// Reads a numeric parameter that must be at least `min`.
fn number(
    target: &Target,
    name: &str,
    default: u64,
    min: u64,
    options: &Options,
) -> Result<u64, Error> {
    let Some(text) = target.parameter(name).filter(|text| !text.is_empty()) else {
        return Ok(default);
    };
    let is_unsigned = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_unsigned && number >= min => Ok(number),
        _ => match options.bad_page {
            BadPage::Default => Ok(default),
            BadPage::Refuse => Err(Error::validation(name, "is the wrong type")),
        },
    }
}

/// Returns `true` if the whole value matches the pattern, in which only `*` is special.
pub(super) fn glob(pattern: &str, value: &str, case: GlobCase) -> bool {
    match case {
        GlobCase::Sensitive => matches(pattern, value),
        GlobCase::Insensitive => matches(&pattern.to_lowercase(), &value.to_lowercase()),
    }
}

fn matches(pattern: &str, value: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == value;
    };
    let Some(mut value) = value.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = value.find(part) else {
            return false;
        };
        value = &value[at + part.len()..];
    }
    value.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_text_and_the_pattern_is_anchored() {
        for (pattern, value, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("abc", "abc", true),
            ("ab", "abc", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*b", "ab", false),
            ("a**c", "abc", true),
            ("a?c", "abc", false),
            ("[a]*", "[a]b", true),
        ] {
            let matched = glob(pattern, value, GlobCase::Sensitive);
            assert_eq!(matched, expected, "{pattern} {value}");
        }
    }
}
