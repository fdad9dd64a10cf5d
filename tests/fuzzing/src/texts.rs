//! Texts that people write: filters and sorts, times, revocation plans.

use std::collections::HashSet;

use tokenfleet::config::parse_duration;
use tokenfleet::query::SortBy;
use tokenfleet::{Fact, Filter, RevocationPlan, Timestamp, Token, TokenId, TokenState};

fn now() -> Timestamp {
    "2030-07-01T12:00:00.5Z".parse().expect("a time")
}

fn token() -> Token {
    let mut token = Token::new(TokenId::new("7"), TokenState::Active);
    token.name = Fact::Known("deploy-éa-deploy".to_owned());
    token.created_at = Fact::Known(now());
    token.expiry = Fact::Absent;
    token
}

/// Checks that a filter or a sort is the same after printing and parsing.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(filter) = Filter::parse_at(text, now()) {
        let printed = filter.to_string();
        let reparsed = Filter::parse_at(&printed, now());
        assert_eq!(
            reparsed.as_ref().ok(),
            Some(&filter),
            "{printed}: {reparsed:?}"
        );
        assert_ne!(filter.matches(&token()), (!filter).matches(&token()));
    }
    if let Ok(keys) = SortBy::parse_all(text) {
        let printed: Vec<_> = keys.iter().map(SortBy::to_string).collect();
        let reparsed = SortBy::parse_all(&printed.join(", "));
        assert_eq!(reparsed.ok(), Some(keys), "{printed:?}");
    }
}

/// Checks that a time is the same after printing and parsing, and that its arithmetic is
/// consistent.
pub fn times(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let duration = parse_duration(text);
    let plain = text.parse::<Timestamp>().ok();
    for at in [plain, Timestamp::parse_at(text, now()).ok()]
        .into_iter()
        .flatten()
    {
        assert_eq!(at.to_string().parse(), Ok(at));
        assert!(at.truncated_to_seconds() <= at && at.millisecond() < 1000);
        let truncated = Timestamp::from_unix_seconds(at.truncated_to_seconds().unix_seconds());
        assert_eq!(truncated, Some(at.truncated_to_seconds()));
        let _ = (at.duration_until(now()), now().duration_until(at));
    }
    if let Ok(duration) = duration {
        let later = Timestamp::parse_at(&format!("now+{text}"), now()).ok();
        assert_eq!(later, now().checked_add(duration));
        if let Some(later) = later {
            assert_eq!(later.checked_sub(duration), Some(now()));
            assert_eq!(now().duration_until(later), duration);
        }
        assert!(now().saturating_add(duration) >= now());
    }
}

/// Checks that a revocation plan is the same after printing and parsing, and names each token once.
pub fn revocation_plan(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(plan) = text.parse::<RevocationPlan>() {
        let printed = plan.to_string();
        let reparsed = printed.parse::<RevocationPlan>();
        assert_eq!(reparsed.as_ref().ok(), Some(&plan), "{printed}");
        let mut unique = HashSet::new();
        assert!(plan.tokens().all(|id| unique.insert(id)), "{printed}");
    }
}
