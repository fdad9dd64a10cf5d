//! The checks of one account, which send at most one request with its credential, and its retries.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::adapter::PageRequest;
use tokenfleet::transport::{Bytes, Transport, http};
use tokenfleet::{
    AccountConfiguration, Error, ErrorKind, Fate, Operation, Registry, Result, TokenProvider,
};
use tokio::time::timeout;

use super::finding::{Check, Finding, Status};
use super::observing_transport::{Observed, ObservingTransport};

/// The longest time that an account may take.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The difference of two clocks that does no harm, in seconds. `Date` has no fractions, and a
/// response takes its time.
const MAX_CLOCK_DIFFERENCE: u64 = 30;

/// Checks an account. Without a transport nothing is sent.
pub(super) async fn check(
    account: AccountConfiguration,
    registry: Registry,
    transport: Option<Arc<dyn Transport>>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let permissions = account.warnings().into_iter();
    findings
        .extend(permissions.map(|text| Finding::new(Check::Permissions, Status::Warning, text)));
    let readable = credentials(&account, &mut findings).await;
    let inner = transport.clone();
    let inner = inner.unwrap_or_else(|| Arc::new(crate::configuration::NothingSent));
    let observing = Arc::new(ObservingTransport::new(inner));
    match registry.open(&account, Arc::clone(&observing) as Arc<dyn Transport>) {
        Err(error) => findings.push(Finding::failed(Check::Settings, &error)),
        Ok(provider) => {
            findings.push(Finding::new(Check::Settings, Status::Ok, "complete"));
            if transport.is_some() {
                platform(&*provider, readable, &observing, &mut findings).await;
            }
        }
    }
    let about = |finding: Finding| finding.about(account.account());
    findings.into_iter().map(about).collect()
}

/// Reads each credential, and returns `true` if all can be read.
async fn credentials(account: &AccountConfiguration, findings: &mut Vec<Finding>) -> bool {
    let mut readable = true;
    for credential in account.settings().credentials() {
        if let Err(error) = credential.secret().await {
            readable = false;
            findings.push(Finding::failed(Check::Credential, &error));
        }
    }
    if readable {
        findings.push(Finding::new(Check::Credential, Status::Ok, "readable"));
    }
    readable
}

/// Asks the platform, once.
async fn platform(
    provider: &dyn TokenProvider,
    readable: bool,
    observing: &Arc<ObservingTransport>,
    findings: &mut Vec<Finding>,
) {
    let read = if readable {
        cheapest_read(provider)
    } else {
        None
    };
    let answer = match read {
        Some(operation) => Some(bounded(ask(provider, operation)).await),
        None => None,
    };
    // Nothing was sent yet: does anybody answer there, whoever asks?
    let probe = match answer {
        None => bounded(probe(provider, observing)).await,
        Some(_) => Ok(()),
    };
    let observed = observing.observed();
    if observed.has_responded {
        findings.push(Finding::new(Check::Reachable, Status::Ok, "it answers"));
    } else if let Some(error) = answer.clone().and_then(Result::err).or(probe.err()) {
        findings.push(Finding::failed(Check::Reachable, &error));
        return;
    }
    findings.push(match answer {
        Some(Ok(())) => Finding::new(Check::Accepted, Status::Ok, "the credential is accepted"),
        Some(Err(error)) => Finding::failed(Check::Accepted, &error),
        None if readable => Finding::new(
            Check::Accepted,
            Status::Skipped,
            "this platform shows it only when a token is created",
        ),
        None => Finding::new(
            Check::Accepted,
            Status::Skipped,
            "a credential cannot be read",
        ),
    });
    findings.extend(clock(&observed));
    findings.extend(limits(&observed));
}

/// Returns the operation that needs the credential and costs least.
fn cheapest_read(provider: &dyn TokenProvider) -> Option<Operation> {
    let capabilities = provider.capabilities();
    [Operation::List, Operation::Whoami]
        .into_iter()
        .find(|operation| capabilities.supports(*operation))
}

async fn ask(provider: &dyn TokenProvider, operation: Operation) -> Result<()> {
    if operation == Operation::List {
        let page = provider.list_page(PageRequest::first().size(1)).await;
        page.map(drop)
    } else {
        provider.whoami().await.map(drop)
    }
}

/// Requests the root of the platform's address, without a credential.
async fn probe(provider: &dyn TokenProvider, transport: &Arc<ObservingTransport>) -> Result<()> {
    let uri = provider.account().place().and_then(root);
    let request = uri.and_then(|uri| http::Request::get(uri).body(Bytes::new()).ok());
    let Some(request) = request else {
        return Ok(());
    };
    match transport.send(request).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let kind = if error.is_timeout() {
                ErrorKind::Timeout
            } else {
                ErrorKind::Connection
            };
            let failed = Error::new(kind, Fate::NotSent, error.to_string());
            Err(match error.advice() {
                Some(advice) => failed.with_advice(advice),
                None => failed,
            })
        }
    }
}

/// Returns the root of the server that a place is on.
fn root(place: &str) -> Option<http::Uri> {
    // An owner may stand after the address.
    let address: http::Uri = place.split(' ').next()?.parse().ok()?;
    let (scheme, authority) = (address.scheme_str()?, address.authority()?);
    format!("{scheme}://{authority}/").parse().ok()
}

/// Gives up waiting after the longest time that an account may take.
pub(super) async fn bounded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(MAX_TIME, work).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", MAX_TIME.as_secs());
        Err(Error::new(ErrorKind::Timeout, Fate::Rejected, message)
            .with_advice("check the address, the network and [transport]"))
    })
}

fn clock(observed: &Observed) -> Option<Finding> {
    let ahead = observed.clock_ahead?;
    let difference = ahead.unsigned_abs();
    if difference <= MAX_CLOCK_DIFFERENCE {
        return Some(Finding::new(Check::Clock, Status::Ok, "it agrees"));
    }
    let direction = if ahead > 0 { "behind" } else { "ahead of" };
    let message = format!(
        "the clock of this machine is {difference} s {direction} that of the platform: expiries \
         are wrong by as much"
    );
    let finding = Finding::new(Check::Clock, Status::Warning, message);
    Some(finding.with_advice("synchronize it, for example with NTP"))
}

fn limits(observed: &Observed) -> Option<Finding> {
    let remaining = observed.remaining?;
    let of_all = match observed.limit {
        Some(limit) => format!(" of {limit}"),
        None => String::new(),
    };
    let message = format!("{remaining}{of_all} requests left");
    Some(if remaining == 0 {
        Finding::new(Check::Limits, Status::Warning, message)
            .with_advice("wait until the platform accepts requests again")
    } else {
        Finding::new(Check::Limits, Status::Ok, message)
    })
}
