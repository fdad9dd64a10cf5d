//! Each step of a machine, carried out.

use std::time::Duration;

use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{
    Error, ErrorKind, Fact, Fate, Filter, IssuedToken, Liveness, Query, Result, RevokeOptions,
    Timestamp, Token, TokenId, TokenProviderExt, TokenState, UpdateToken,
};

use super::Worker;
use super::fence::{CLAIM, Fence, MARGIN};
use crate::machine::{
    Answer, Attempt, Change, Failure, FailureEffect, Inspection, LastFailure, SecretNumber,
    SinkReading, Step, Strategy,
};
use crate::sink::{LONGEST_CALL, Refusal, Stamp};
use crate::waits::scaled;

impl<'a> Worker<'a> {
    /// Carries a step out, or returns `None` if another worker has taken over.
    pub(super) async fn carry_out(
        &mut self,
        step: &Step,
        now: Timestamp,
    ) -> Result<Option<Answer>> {
        let (runner, id) = (self.runner, self.job.id);
        let change = match step {
            Step::Record(change) => Some(change.clone()),
            Step::Attempt {
                number,
                dead_by,
                replaced,
            } => Some(Change::Attempting {
                attempt: Attempt::new(*number, Marker::random_in(runner.store.ledger()), now)
                    .with_dead_by(*dead_by),
                replaced: *replaced,
            }),
            _ => None,
        };
        if let Some(change) = change {
            let is_recorded = runner.store.record(id, self.epoch, &change).await?;
            if !is_recorded {
                return Ok(None);
            }
            return Ok(Some(match change {
                Change::Attempting { .. } => Answer::Attempting(change),
                _ => Answer::Recorded,
            }));
        }
        let answer = match step {
            Step::ReadSink(sink) => self.read_sink(*sink).await?,
            Step::WriteSink {
                sink,
                secret,
                stamp,
            } => {
                // A sink that returns nothing has a version all the same, and the machine does not
                // read it.
                let is_read = self.versions.get(*sink).is_some_and(Option::is_some);
                let read = if is_read {
                    Some(Ok(()))
                } else {
                    let read = self.read_sink(*sink).await?;
                    read.map(|read| read.map(|_| ()))
                };
                match read {
                    Some(Ok(())) => self.write_sink(*sink, *secret, stamp).await?,
                    Some(Err(error)) => {
                        let mut failure = Failure::from(&error);
                        if failure.effect == FailureEffect::Unknown {
                            // Only a write could have an effect.
                            failure.effect = FailureEffect::None;
                        }
                        return Ok(Some(Answer::Failed(failure)));
                    }
                    None => None,
                }
            }
            step => {
                // A listing may be of any length, and changes nothing.
                let longest = match step {
                    Step::Inspect(_) | Step::Search(_) => Duration::MAX,
                    _ => runner.longest_call,
                };
                let fence = self.fence();
                (fence.call(scaled(CLAIM), longest, self.call(step))).await?
            }
        };
        Ok(answer
            .map(|answer| answer.unwrap_or_else(|error| Answer::Failed(Failure::from(&error)))))
    }

    pub(super) fn fence(&self) -> Fence<'a> {
        Fence {
            runner: self.runner,
            rotation: self.job.id,
            epoch: self.epoch,
        }
    }

    async fn read_sink(&mut self, sink: usize) -> Result<Option<Result<Answer>>> {
        let (fence, longest) = (self.fence(), self.longest_call(sink));
        (fence.call(scaled(CLAIM), longest, self.read(sink))).await
    }

    async fn write_sink(
        &mut self,
        sink: usize,
        secret: SecretNumber,
        stamp: &Stamp,
    ) -> Result<Option<Result<Answer>>> {
        let (fence, longest) = (self.fence(), self.longest_call(sink));
        let place = self.runner.sinks.get(sink);
        // A write that lands late changes nothing there. Elsewhere it may, even if this process is
        // killed, so nobody else is at work until it has ended.
        let is_fenced = place.is_some_and(|place| place.capabilities().compare_and_swap);
        let claim = if is_fenced {
            CLAIM
        } else {
            CLAIM.max(longest.saturating_add(MARGIN))
        };
        let write = self.write(sink, secret, stamp);
        fence.call(scaled(claim), longest, write).await
    }

    fn longest_call(&self, sink: usize) -> Duration {
        let sink = self.runner.sinks.get(sink);
        sink.map_or(LONGEST_CALL, |sink| sink.longest_call())
    }

    async fn read(&mut self, sink: usize) -> Result<Answer> {
        let Some(place) = self.runner.sinks.get(sink) else {
            return Err(missing("sink"));
        };
        let state = place.read().await?;
        if self.checks_sinks {
            place.check().await?;
        }
        if let Some(version) = self.versions.get_mut(sink) {
            *version = Some(state.version);
        }
        let is_contested = match &state.stamp {
            Some(stamp) => self.is_contested(stamp).await?,
            None => false,
        };
        let secret = state.secret.map(|secret| self.secrets.keep(secret));
        let reading = SinkReading::new(state.stamp, secret);
        Ok(Answer::Read(reading.with_contested(is_contested)))
    }

    /// Returns the note of a failed step, or `None` if it did not fail: what failed where, and why.
    pub(super) fn failure(
        &self,
        step: &Step,
        answer: &Answer,
        at: Timestamp,
    ) -> Option<LastFailure> {
        let error = match answer {
            Answer::Failed(failure) => failure.error.clone(),
            // A person is asked about that.
            Answer::WriteRefused(Refusal::Foreign) => return None,
            Answer::WriteRefused(refusal) => format!("it was not written: {refusal}"),
            Answer::DeadOnArrival { error, .. } => error.clone(),
            Answer::Verified(Liveness::Dead) => "the platform refuses the secret".to_owned(),
            _ => return None,
        };
        let (verb, sink) = match step {
            Step::ReadSink(sink) => ("read", sink),
            Step::WriteSink { sink, .. } => ("write", sink),
            Step::Create { .. } if matches!(answer, Answer::DeadOnArrival { .. }) => {
                return Some(LastFailure::new(at, format!("create: {error}")));
            }
            Step::Verify(_) if !matches!(answer, Answer::Failed(_)) => {
                return Some(LastFailure::new(at, format!("verify: {error}")));
            }
            _ => return Some(LastFailure::new(at, error)),
        };
        let place = self.runner.sinks.get(*sink)?.place();
        let error = if error.contains(place) {
            error
        } else {
            format!("{verb} {place}: {error}")
        };
        Some(LastFailure::new(at, error))
    }

    /// Returns `true` if a stamp is that of another rotation of this ledger that is open.
    async fn is_contested(&self, stamp: &Stamp) -> Result<bool> {
        let store = self.runner.store;
        let is_others =
            stamp.ledger() == store.ledger() && stamp.operation() != self.job.id.to_string();
        Ok(is_others && store.is_open(stamp.operation()).await?)
    }

    async fn write(&mut self, sink: usize, secret: SecretNumber, stamp: &Stamp) -> Result<Answer> {
        let Some(place) = self.runner.sinks.get(sink) else {
            return Err(missing("sink"));
        };
        let expected = self.versions.get_mut(sink).and_then(Option::take);
        let (Some(expected), Some(secret)) = (expected, self.secrets.get(secret)) else {
            return Err(missing("secret"));
        };
        match place.write(secret, &expected, stamp).await {
            Ok(_) => Ok(Answer::Written),
            Err(error) => match Refusal::of(&error) {
                Some(refusal) => Ok(Answer::WriteRefused(refusal)),
                None => Err(error),
            },
        }
    }

    async fn call(&mut self, step: &Step) -> Result<Answer> {
        let (provider, id) = (self.runner.provider, self.job.id);
        let options = RevokeOptions::default()
            .with_existed()
            .with_operation_id(id);
        match step {
            Step::Create { marker } => {
                let request = self.job.request.clone().with_operation_id(id);
                let create = provider.capabilities().create.as_ref();
                // Where nothing can be listed, nothing could be found by a marker either.
                let request = match create {
                    Some(create) if provider.capabilities().list.is_some() => {
                        marker.apply_to(request, create)?
                    }
                    _ => request,
                };
                let issued = provider.create(request).await?;
                let flaw = match self.job.plan.strategy {
                    Strategy::Overlap(_) => dead_on_arrival(&issued, self.runner.clock.now()),
                    _ => None,
                };
                Ok(match (self.issued(issued), flaw) {
                    (Answer::Issued { token, secret }, Some(error)) => Answer::DeadOnArrival {
                        token,
                        secret,
                        error,
                    },
                    (answer, _) => answer,
                })
            }
            Step::Rotate(token) => {
                let issued = provider.rotate(token).await?;
                Ok(self.issued(issued))
            }
            Step::Inspect(token) => Ok(Answer::Inspected(self.inspect(token).await?)),
            Step::Verify(secret) => {
                let secret = self.secrets.get(*secret).ok_or_else(|| missing("secret"))?;
                Ok(Answer::Verified(provider.verify(secret).await?))
            }
            Step::Suspend(token) => {
                let suspend = UpdateToken::suspend().with_operation_id(id);
                provider.update(token, suspend).await?;
                Ok(Answer::Applied)
            }
            Step::Revoke(token) => {
                provider.revoke(token.into(), options).await?;
                Ok(Answer::Applied)
            }
            Step::RevokeSecret(secret) => {
                let secret = self.secrets.get(*secret).ok_or_else(|| missing("secret"))?;
                provider.revoke(secret.into(), options).await?;
                Ok(Answer::Applied)
            }
            Step::Search(markers) => self.search(markers).await,
            _ => Err(missing("step")),
        }
    }

    fn issued(&mut self, issued: IssuedToken) -> Answer {
        Answer::Issued {
            token: issued.token.id,
            secret: self.secrets.keep(issued.secret),
        }
    }

    async fn inspect(&self, id: &TokenId) -> Result<Inspection> {
        let provider = self.runner.provider;
        let token = if provider.capabilities().get {
            match provider.get(id).await {
                Err(error) if error.is_not_found() => None,
                fetched => Some(fetched?),
            }
        } else {
            let list = provider
                .list_all(Query::new().filter(Filter::id(id.as_str())))
                .await?;
            if list.tokens.is_empty() && !list.completeness.is_complete_as_shown() {
                return Err(incomplete());
            }
            list.tokens.into_iter().next()
        };
        Ok(match token {
            Some(token) if is_alive(&token) && self.is_subject(&token)? => Inspection::Present {
                last_used: token.last_used.into_known(),
            },
            _ => Inspection::Dead,
        })
    }

    /// Returns `false` if a token has the id of the old one, and is another. A name proves nothing:
    /// whoever replaces a token gives it the same.
    fn is_subject(&self, token: &Token) -> Result<bool> {
        if !self.runner.provider.capabilities().reused_ids {
            return Ok(true);
        }
        match (self.subject_created_at, &token.created_at) {
            (Some(subject), Fact::Known(found)) => Ok(subject == *found),
            _ => Err(Error::new(
                ErrorKind::Unavailable,
                Fate::Rejected,
                "nothing tells the old token from another one of its id",
            )),
        }
    }

    /// Searches a whole listing: a platform may have stored a name otherwise than it was sent.
    async fn search(&self, markers: &[Marker]) -> Result<Answer> {
        let list = self.runner.provider.list_all(Query::new()).await?;
        if !list.completeness.is_complete_as_shown() {
            return Err(incomplete());
        }
        let is_marked = |token: &Token| markers.iter().any(|marker| marker.matches(token));
        let tokens = list.tokens.into_iter();
        let found = tokens.filter(|token| is_alive(token) && is_marked(token));
        Ok(Answer::Found(found.map(|token| token.id).collect()))
    }
}

/// Returns a sentence about a token that is not alive when it is created: its expiry may have been
/// in the past on the clock of the platform.
fn dead_on_arrival(issued: &IssuedToken, now: Timestamp) -> Option<String> {
    let token = &issued.token;
    let created_at = token.created_at.known().copied();
    let platform_now = created_at.into_iter().chain(issued.served_at).max();
    if let Some(expiry) = token.expiry.known()
        && *expiry <= platform_now.unwrap_or(now)
    {
        let there = platform_now.unwrap_or(now).truncated_to_seconds();
        return Some(format!(
            "the new token has expired already: it expires at {}, and was created at {there} on \
             the clock of the platform, when it was {} here: the clocks differ",
            expiry.truncated_to_seconds(),
            now.truncated_to_seconds()
        ));
    }
    let state = match token.state {
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
        TokenState::Suspended => "suspended",
        _ => return None,
    };
    Some(format!("the platform shows the new token as {state}"))
}

fn is_alive(token: &Token) -> bool {
    !matches!(token.state, TokenState::Revoked | TokenState::Expired)
}

fn incomplete() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        Fate::Rejected,
        "the listing may be incomplete",
    )
}

fn missing(what: &str) -> Error {
    Error::invalid_input(format!("the rotation has no such {what}"))
}
