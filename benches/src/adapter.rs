//! Jobs done through tokenfleet, as applications do them.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokenfleet::cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet::foreman::{Foreman, ForemanConfig, Release};
use tokenfleet::losant::{Losant, LosantConfig};
use tokenfleet::transport::{BaseUrl, ReqwestTransport, Transport};
use tokenfleet::{
    CreateToken, Credential, Fleet, InventoryEvent, Query, Result, RevokeOptions, Secret, Token,
    TokenProvider, TokenProviderExt, TokenRef,
};
use tokio::task::JoinSet;

use crate::{Cost, Job, Platform, TokensRead, Work};

/// Does the job and returns its cost.
///
/// # Errors
///
/// Returns an error if an operation fails, or if a listing is not complete.
pub async fn run(job: &Job) -> Result<Cost, Box<dyn Error + Send + Sync>> {
    let mut builder = ReqwestTransport::builder();
    if let Some(authority) = &job.authority {
        let pem = std::fs::read(authority)?;
        builder = builder.with_authorities(pem).with_exclusive_authorities();
    }
    let transport: Arc<dyn Transport> = Arc::new(builder.build()?);
    let provider = provider(job, "bench", transport.clone())?;
    let started = Instant::now();
    let read = match &job.work {
        Work::Nothing => TokensRead::default(),
        Work::List {
            page_size,
            max_concurrency,
            ..
        } => {
            let mut query = Query::new();
            query.page_size = *page_size;
            if let Some(pages) = *max_concurrency {
                query = query.max_concurrency(pages);
            }
            list(&*provider, query).await?
        }
        Work::Live {
            tokens,
            at_a_time,
            names,
        } => live(&provider, *tokens, *at_a_time, names).await?,
        Work::Refresh { times } => refresh(&*provider, *times).await?,
        Work::Inventory { accounts } => inventory(job, *accounts, &transport).await?,
    };
    Ok(read.with_cost_since(started)?)
}

fn provider(
    job: &Job,
    account: &str,
    transport: Arc<dyn Transport>,
) -> Result<Arc<dyn TokenProvider>> {
    let url = BaseUrl::parse(&job.url)?;
    let text = |name: &str| job.credentials.get(name).cloned().unwrap_or_default();
    let credential = |name: &str| Credential::from_secret(Secret::new(text(name)));
    let foreman = |release, url, transport| {
        let user_id = text("user_id").parse().unwrap_or_default();
        let config = ForemanConfig::new(url, text("login"), credential("token"), user_id)
            .with_release(release);
        Arc::new(Foreman::new(account, config, transport))
    };
    Ok(match job.platform {
        Platform::Losant => {
            let config = LosantConfig::new(credential("token")).with_base_url(url);
            Arc::new(Losant::new(account, config, transport))
        }
        Platform::Foreman39 => foreman(Release::new(3, 9), url, transport),
        Platform::Foreman31 => foreman(Release::new(3, 1), url, transport),
        Platform::Cloudsmith => {
            let config = CloudsmithConfig::new(credential("api_key"))
                .with_base_url(url)
                .with_lockout_accepted();
            Arc::new(Cloudsmith::new(account, config, transport))
        }
    })
}

async fn list(provider: &dyn TokenProvider, query: Query) -> Result<TokensRead, Failure> {
    let started = Instant::now();
    let mut listing = provider.list(query)?;
    let mut read = TokensRead::default();
    while let Some(token) = listing.next().await {
        read.letters += letters_of(&token?);
        read.tokens += 1;
        (read.first_token).get_or_insert_with(|| started.elapsed().as_secs_f64());
    }
    match listing.completeness() {
        Some(completeness) if completeness.is_complete() => Ok(read),
        _ => Err("the listing was not complete".into()),
    }
}

type Failure = Box<dyn Error + Send + Sync>;

fn letters_of(token: &Token) -> u64 {
    let text = |text: Option<&String>| text.map_or(0, |text| text.chars().count());
    let letters = text(token.name.known())
        + text(token.description.known())
        + token.scopes.known().map_or(0, |scopes| scopes.len())
        + usize::from(token.expiry.known().is_some());
    letters as u64
}

/// Lets this number of tasks take one token after another until all are done.
async fn live(
    provider: &Arc<dyn TokenProvider>,
    tokens: u64,
    at_a_time: u64,
    names: &str,
) -> Result<TokensRead, Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..at_a_time {
        let (provider, next, names) = (provider.clone(), next.clone(), names.to_owned());
        tasks.spawn(async move {
            let mut letters = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tokens {
                    return Ok::<_, tokenfleet::Error>(letters);
                }
                letters += live_once(&*provider, format!("{names}-{number}")).await?;
            }
        });
    }
    let mut letters = 0;
    while let Some(done) = tasks.join_next().await {
        letters += done??;
    }
    Ok(TokensRead {
        tokens,
        letters,
        first_token: None,
    })
}

async fn live_once(provider: &dyn TokenProvider, name: String) -> Result<u64> {
    let issued = provider.create(CreateToken::new(name)).await?;
    let id = &issued.token.id;
    let token = provider.get(id).await?;
    provider
        .revoke(TokenRef::Id(id), RevokeOptions::default())
        .await?;
    Ok(token.name.known().map_or(0, String::len) as u64)
}

async fn refresh(provider: &dyn TokenProvider, times: u64) -> Result<TokensRead, Failure> {
    let mut letters = 0;
    for _ in 0..times {
        let mut listing = provider.list(Query::new())?;
        let key = listing.next().await.ok_or("the account has no key")??;
        let rotated = provider.rotate(&key.id).await?;
        letters += rotated.secret.expose().len() as u64;
    }
    Ok(TokensRead {
        tokens: times,
        letters,
        first_token: None,
    })
}

async fn inventory(
    job: &Job,
    accounts: u64,
    transport: &Arc<dyn Transport>,
) -> Result<TokensRead, Failure> {
    let providers =
        (0..accounts).map(|number| provider(job, &number.to_string(), transport.clone()));
    let fleet = Fleet::new(providers.collect::<Result<Vec<_>>>()?);
    let mut inventory = fleet.inventory(Query::new());
    let mut read = TokensRead::default();
    while let Some(event) = inventory.next().await {
        match event {
            InventoryEvent::Token(_, token) => {
                read.tokens += 1;
                read.letters += letters_of(&token);
            }
            InventoryEvent::Finished(report) if report.verdict.is_complete() => {}
            InventoryEvent::Finished(report) => return Err(report.to_string().into()),
            _ => {}
        }
    }
    Ok(read)
}
