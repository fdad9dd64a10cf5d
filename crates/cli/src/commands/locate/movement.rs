//! The last use of a token, which moves when its secret is used: the only trace on a platform that
//! does not say whose secret it is.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokenfleet::{
    Completeness, Liveness, Query, Result, Secret, Timestamp, Token, TokenId, TokenProvider,
    TokenProviderExt, TokenState,
};

/// The pause before each use: longer than the second to which a platform shows times, so that every
/// use is seen.
const PAUSE: Duration = Duration::from_millis(1100);

/// The credential that the account's own requests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActingCredential {
    /// A password, which moves no token.
    Password,
    /// A token, which moves whenever we list.
    Token,
    /// The very secret in question.
    SameSecret,
}

/// The conclusion from the last uses.
#[derive(Debug)]
pub(super) enum Movement {
    /// Exactly one token was used whenever the secret was, and at no other time.
    Of(Box<Token>),
    Unclear {
        reason: String,
        /// The tokens of which one may have the secret.
        suspects: Vec<Token>,
    },
}

/// Uses the secret twice, and lists the tokens before, between and after, and once more before the
/// first use: a token that moved without it is used by others.
///
/// The platform may show a use late, and others may use their tokens at the same moment. Therefore
/// both uses must have moved the same token and nothing else.
pub(super) async fn watch(
    provider: &dyn TokenProvider,
    secret: &Secret,
    acting: ActingCredential,
) -> Result<Movement> {
    let mut uses = Vec::new();
    let mut tokens = Vec::new();
    for round in 0..4 {
        if round > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if round > 1 && provider.verify(secret).await? != Liveness::Alive {
            return Ok(unclear("the platform accepts it no longer", Vec::new()));
        }
        let list = provider.list_all(Query::new()).await?;
        if list.completeness != Completeness::Complete {
            return Ok(unclear(
                "its tokens cannot be listed completely",
                Vec::new(),
            ));
        }
        tokens = list.tokens;
        uses.push(last_uses(&tokens));
    }
    let moved = |from: usize| moved(&uses[from], &uses[from + 1]);
    Ok(judge(&moved(0), &moved(1), &moved(2), acting, tokens))
}

type Uses = HashMap<TokenId, Option<Timestamp>>;

fn last_uses(tokens: &[Token]) -> Uses {
    let uses = tokens
        .iter()
        .map(|token| (token.id.clone(), token.last_used.known().copied()));
    uses.collect()
}

/// Returns the tokens that were used between two lists.
fn moved(before: &Uses, after: &Uses) -> HashSet<TokenId> {
    let moved = after.iter().filter(|(id, used)| {
        let earlier = before.get(*id).copied().flatten();
        used.is_some() && **used != earlier
    });
    moved.map(|(id, _)| id.clone()).collect()
}

/// Decides which token has the secret: `idle` moved without it, `first` and `second` with it.
fn judge(
    idle: &HashSet<TokenId>,
    first: &HashSet<TokenId>,
    second: &HashSet<TokenId>,
    acting: ActingCredential,
    tokens: Vec<Token>,
) -> Movement {
    let only = |set: &HashSet<TokenId>, but: &HashSet<TokenId>| {
        let mut rest = set.difference(but);
        match (rest.next(), rest.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    };
    let none = HashSet::new();
    let (is_quiet, one, other) = match acting {
        // Our own lists use the token too.
        ActingCredential::SameSecret => (idle == first, only(first, &none), only(second, &none)),
        // If it is one of these tokens, it moves every time.
        ActingCredential::Token => (
            idle.len() <= 1 && idle.is_subset(first) && idle.is_subset(second),
            only(first, idle),
            only(second, idle),
        ),
        ActingCredential::Password => (idle.is_empty(), only(first, idle), only(second, idle)),
    };
    let active = |token: &Token| token.state == TokenState::Active;
    if is_quiet && one.is_some() && one == other {
        let found = tokens.iter().find(|token| Some(&token.id) == one.as_ref());
        if let Some(token) = found.filter(|token| active(token)) {
            return Movement::Of(Box::new(token.clone()));
        }
    }
    let used: HashSet<_> = first.union(second).collect();
    let suspects = |is_suspect: &dyn Fn(&Token) -> bool| {
        let tokens = tokens.iter().filter(|token| is_suspect(token));
        tokens.cloned().collect::<Vec<_>>()
    };
    if used.is_empty() {
        // Nothing is known: it may be any of them, or the password of their owner.
        return unclear(
            "using it moved the last use of no token: it may be the password of their owner, or \
             the platform shows uses late",
            suspects(&active),
        );
    }
    unclear(
        "several tokens were used while it was, and nothing tells which of them has it",
        suspects(&|token| active(token) && used.contains(&token.id)),
    )
}

fn unclear(reason: &str, suspects: Vec<Token>) -> Movement {
    Movement::Unclear {
        reason: reason.to_owned(),
        suspects,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> HashSet<TokenId> {
        ids.iter().map(TokenId::new).collect()
    }

    /// Returns the token that is found, or the suspects.
    fn judged(
        idle: &[&str],
        first: &[&str],
        second: &[&str],
        acting: ActingCredential,
    ) -> Result<String, Vec<String>> {
        let mut tokens: Vec<_> = ["1", "2", "3", "9"]
            .map(|id| Token::new(TokenId::new(id), TokenState::Active))
            .into();
        tokens[3].state = TokenState::Revoked;
        match judge(&ids(idle), &ids(first), &ids(second), acting, tokens) {
            Movement::Of(token) => Ok(token.id.to_string()),
            Movement::Unclear { suspects, .. } => {
                Err(suspects.iter().map(|token| token.id.to_string()).collect())
            }
        }
    }

    #[test]
    fn a_token_is_found_only_if_it_alone_moved_with_both_uses() {
        use ActingCredential::{Password, SameSecret, Token as ActingToken};
        let found = |id: &str| Ok(id.to_owned());
        let suspects = |ids: &[&str]| Err(ids.iter().map(|id| (*id).to_owned()).collect());
        for (idle, first, second, acting, expected) in [
            (&[][..], &["1"][..], &["1"][..], Password, found("1")),
            (&["2"], &["1", "2"], &["1", "2"], ActingToken, found("1")),
            // The acting token may belong to another user, who is not listed.
            (&[], &["1"], &["1"], ActingToken, found("1")),
            (&["1"], &["1"], &["1"], SameSecret, found("1")),
            // Somebody else used a token at the same moment, once or twice.
            (&[], &["1", "2"], &["1"], Password, suspects(&["1", "2"])),
            (
                &[],
                &["1", "2"],
                &["1", "2"],
                Password,
                suspects(&["1", "2"]),
            ),
            (&[], &["1"], &["2"], Password, suspects(&["1", "2"])),
            // A busy token may be the one, or hide it.
            (
                &["2"],
                &["1", "2"],
                &["1", "2"],
                Password,
                suspects(&["1", "2"]),
            ),
            (&["1"], &["1"], &["1"], Password, suspects(&["1"])),
            (&["2"], &["2"], &["2"], ActingToken, suspects(&["2"])),
            (
                &["2", "3"],
                &["1", "2"],
                &["1", "2"],
                ActingToken,
                suspects(&["1", "2"]),
            ),
            (
                &["1", "2"],
                &["1", "2"],
                &["1"],
                SameSecret,
                suspects(&["1", "2"]),
            ),
            (&["2"], &["1"], &["1"], ActingToken, suspects(&["1"])),
            // Uses that are shown late.
            (&[], &[], &[], Password, suspects(&["1", "2", "3"])),
            (&[], &[], &["1"], Password, suspects(&["1"])),
            (&["1"], &[], &["1"], Password, suspects(&["1"])),
            // A dead token has no secret that works.
            (&[], &["9"], &["9"], Password, suspects(&[])),
        ] {
            let judged = judged(idle, first, second, acting);
            assert_eq!(judged, expected, "{idle:?} {first:?} {second:?} {acting:?}");
        }
    }

    #[test]
    fn a_token_that_is_new_or_used_for_the_first_time_has_moved() {
        let at = Timestamp::from_unix_seconds;
        let uses = |uses: &[(&str, Option<Timestamp>)]| -> Uses {
            let uses = uses.iter().map(|(id, at)| (TokenId::new(id), *at));
            uses.collect()
        };
        let before = uses(&[("1", at(5)), ("2", None), ("3", at(5)), ("4", None)]);
        let after = uses(&[
            ("1", at(6)),
            ("2", at(6)),
            ("3", at(5)),
            ("4", None),
            ("5", at(6)),
            ("6", None),
        ]);
        assert_eq!(moved(&before, &after), ids(&["1", "2", "5"]));
    }
}
