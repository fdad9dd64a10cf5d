//! The names of tokens of which only the ids are known: a place may be named after its token.

use std::collections::HashMap;
use std::time::Duration;

use tokenfleet::{Fact, Query, Token, TokenId, TokenProvider, TokenProviderExt};
use tokio::time::{Instant, timeout_at};

/// The number of tokens that are fetched one by one rather than in a listing of their account.
const MAX_FETCHED: usize = 8;

/// The time for which names are read: what has leaked is revoked while a platform is slow, too.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Returns the tokens with the names that the platform reports. One that it does not have has no
/// name, and one that cannot be read keeps a name that is not reported.
pub(super) async fn named(provider: &dyn TokenProvider, tokens: &[Token]) -> Vec<Token> {
    let mut named = tokens.to_vec();
    let unnamed = named.iter_mut().filter(|token| !token.name.is_reported());
    let unnamed: Vec<_> = unnamed.collect();
    let deadline = Instant::now() + MAX_TIME;
    let capabilities = provider.capabilities();
    if capabilities.get && (unnamed.len() <= MAX_FETCHED || capabilities.list.is_none()) {
        for token in unnamed {
            match timeout_at(deadline, provider.get(&token.id)).await {
                Ok(Ok(found)) => token.name = found.name,
                Ok(Err(error)) if error.is_not_found() => token.name = Fact::Absent,
                Ok(Err(_)) => {}
                Err(_) => break,
            }
        }
    } else if capabilities.list.is_some() && !unnamed.is_empty() {
        let listing = timeout_at(deadline, provider.list_all(Query::new()));
        let Ok(Ok(list)) = listing.await else {
            return named;
        };
        let is_complete = list.completeness.is_complete_as_shown();
        let listed = list.tokens.into_iter().map(|token| (token.id, token.name));
        let mut names: HashMap<TokenId, _> = listed.collect();
        for token in unnamed {
            match names.remove(&token.id) {
                Some(name) => token.name = name,
                None if is_complete => token.name = Fact::Absent,
                None => {}
            }
        }
    }
    named
}
