//! Named queries of a configuration.

use crate::config::Settings;
use crate::query::SortBy;
use crate::{Error, ErrorKind, Filter, Query, Result, Timestamp};

/// One configured query, kept as it was written so that `now` in it means the time of use.
#[derive(Debug, Clone)]
pub(crate) struct NamedQuery {
    name: String,
    settings: Settings,
}

impl NamedQuery {
    /// Creates a named query, and rejects settings that do not form a query.
    pub(crate) fn new(name: &str, settings: Settings) -> Result<Self> {
        let query = Self {
            name: name.to_owned(),
            settings,
        };
        query.parse()?;
        Ok(query)
    }

    /// Returns the name under which the query is configured.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Parses the query. `now` in its filter is the present time.
    pub(crate) fn parse(&self) -> Result<Query> {
        let mut settings = self.settings.clone();
        let mut query = Query::new();
        if let Some(text) = settings.text("where")? {
            let filter = Filter::parse_at(&text, Timestamp::now());
            query = query.filter(filter.map_err(|error| with_place(error, &settings, "where"))?);
        }
        if let Some(text) = settings.text("sort")? {
            let keys = SortBy::parse_all(&text);
            query = query.sort_by_keys(keys.map_err(|error| with_place(error, &settings, "sort"))?);
        }
        query.limit = settings.number("limit")?.map(u64::from);
        query.offset = settings.number("offset")?.map_or(0, u64::from);
        settings.finish()?;
        Ok(query)
    }
}

/// Attaches the place of a setting to an error of its value.
fn with_place(error: Error, settings: &Settings, key: &str) -> Error {
    error
        .with_kind(ErrorKind::Configuration)
        .with_message_prefix(&settings.place(key))
}

#[cfg(all(test, feature = "toml"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Configuration;
    use crate::config::did_you_mean;
    use crate::query::TimePredicate;

    const QUERIES: &str = "[queries.stale]\nwhere = 'last_used < now-90d'\n\
        sort = 'state, last_used:desc:absent-last'\nlimit = 10\noffset = 2\n[queries.all]";

    #[test]
    fn a_named_query_has_the_settings_of_its_table() {
        let configuration = Configuration::parse(QUERIES).unwrap();
        let query = configuration.query("stale").unwrap();
        let sort = SortBy::parse_all("state,last_used:desc:absent-last").unwrap();
        let rest = Query::new().sort_by_keys(sort).offset(2).limit(10);
        let filter = query.filter.clone().unwrap();
        assert_eq!(query, rest.filter(filter));
        assert_eq!(configuration.query("all").unwrap(), Query::new());
        let error = configuration.query("stael").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "unknown query `stael`; {}",
                did_you_mean("stael", &["stale"])
            )
        );
    }

    #[test]
    fn now_is_the_time_of_use_not_of_parsing_the_configuration() {
        let configuration = Configuration::parse(QUERIES).unwrap();
        let parsed = Timestamp::now();
        std::thread::sleep(Duration::from_millis(2));
        match configuration.query("stale").unwrap().filter {
            Some(Filter::LastUsed(TimePredicate::Before(end))) => {
                assert!(
                    end > parsed
                        .checked_sub(Duration::from_secs(90 * 86_400))
                        .unwrap()
                );
            }
            other => panic!("{other:?}"),
        }
    }
}
