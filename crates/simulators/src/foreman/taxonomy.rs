//! Organizations and locations, which Foreman calls taxonomies.

use super::{parameters::Parameter, reply::Reply, ruby, users::is_id_parameter};

/// An organization or a location.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taxonomy {
    kind: &'static str,
    id: i32,
    title: &'static str,
}

pub(super) const ORGANIZATION: Taxonomy = Taxonomy {
    kind: "Organization",
    id: 1,
    title: "ACME",
};
pub(super) const LOCATION: Taxonomy = Taxonomy {
    kind: "Location",
    id: 2,
    title: "Brno",
};

impl Taxonomy {
    /// Returns the taxonomy that a context parameter selects, or `None` if it is absent or blank.
    ///
    /// # Errors
    /// The 404 response if the parameter does not match this taxonomy.
    pub(super) fn select(self, parameter: Option<&Parameter>) -> Result<Option<Self>, Reply> {
        let Some(parameter) = parameter.filter(|parameter| !parameter.is_blank()) else {
            return Ok(None);
        };
        let text = parameter.to_text();
        if self.matches(&text) {
            Ok(Some(self))
        } else {
            Err(Reply::taxonomy_not_found(self.kind, &text))
        }
    }

    /// Returns whether a string is `1`, `1-ACME` or the title.
    fn matches(self, text: &str) -> bool {
        if is_id_parameter(text) {
            ruby::to_i(text) == i128::from(self.id)
        } else {
            text == self.title
        }
    }

    /// Formats the value of the header that names the current taxonomy.
    pub(super) fn header_value(taxonomy: Option<Self>) -> String {
        match taxonomy {
            Some(Self { id, title, .. }) => format!("{id}; {title}"),
            None => "; ANY".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_matches_by_id_by_id_and_name_or_by_title() {
        for text in ["1", "1-ACME", "1-x", "ACME"] {
            assert!(ORGANIZATION.matches(text), "{text}");
        }
        for text in ["99", "abc", "01", "1x", "acme", "2"] {
            assert!(!ORGANIZATION.matches(text), "{text}");
        }
    }
}
