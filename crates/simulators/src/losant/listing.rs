//! What a list request asks for.

use super::{
    error::Error,
    options::{AboveMax, BadPage, GlobCase, Options},
    store::{Filter, SortField},
};
use crate::target::Target;

/// Unless the request says otherwise.
const PER_PAGE: u64 = 100;

#[derive(Debug)]
pub(super) struct ListRequest {
    pub(super) page: u64,
    pub(super) per_page: u64,
    pub(super) sort: SortField,
    pub(super) sort_name: String,
    pub(super) descending: bool,
    /// The direction as it was asked for, to be echoed.
    pub(super) direction: String,
    pub(super) filter: Option<Filter>,
}

impl ListRequest {
    pub(super) fn read(target: &Target, options: &Options) -> Result<Self, Error> {
        let given = |name| target.parameter(name).filter(|value| !value.is_empty());
        let sort_name = given("sortField").unwrap_or("name").to_owned();
        let sort = sort_field(&sort_name)
            .ok_or_else(|| Error::validation("sortField", "must be an enum value"))?;
        let direction = given("sortDirection").unwrap_or("asc").to_owned();
        let descending = match direction.as_str() {
            "asc" | "ASC" => false,
            "desc" | "DESC" => true,
            _ => {
                return Err(Error::validation("sortDirection", "must be an enum value"));
            }
        };
        let field = match given("filterField") {
            None => None,
            Some("name") => Some(SortField::Name),
            Some("status") => Some(SortField::Status),
            Some(_) => {
                return Err(Error::validation("filterField", "must be an enum value"));
            }
        };
        let filter = field.zip(given("filter")).map(|(field, pattern)| Filter {
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
    let most = options.max_per_page as u64;
    let asked = number(target, "perPage", PER_PAGE, 1, options)?;
    match options.above_max {
        AboveMax::Refuse if asked > most => Err(Error::validation(
            "perPage",
            &format!("must be at most {most}"),
        )),
        _ => Ok(asked.min(most)),
    }
}

fn number(
    target: &Target,
    name: &str,
    default: u64,
    least: u64,
    options: &Options,
) -> Result<u64, Error> {
    let Some(text) = target.parameter(name).filter(|text| !text.is_empty()) else {
        return Ok(default);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number >= least => Ok(number),
        _ => match options.bad_page {
            BadPage::Default => Ok(default),
            BadPage::Refuse => Err(Error::validation(name, "is the wrong type")),
        },
    }
}

/// Whether the whole value matches the pattern, in which only `*` is special.
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
    fn a_star_stands_for_anything_and_the_whole_value_must_match() {
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
            let found = glob(pattern, value, GlobCase::Sensitive);
            assert_eq!(found, expected, "{pattern} {value}");
        }
    }
}
