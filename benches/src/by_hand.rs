//! Listings without a library: one page after another, and nothing else.

use std::error::Error;
use std::time::Instant;

use reqwest::{Certificate, Client, RequestBuilder};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio_rustls::rustls::crypto::ring;

use crate::{Cost, Job, Platform, TokensRead, Work};

/// Decodes each page into structures that own their texts, and reads each token.
///
/// # Errors
///
/// Returns an error if a request fails.
pub async fn decode(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client(job)?;
    let started = Instant::now();
    let read = match (&job.work, job.platform) {
        (Work::Nothing, _) => TokensRead::default(),
        (_, Platform::Losant) => pages::<losant::Page>(&client, job).await?,
        _ => pages::<foreman::Page>(&client, job).await?,
    };
    Ok(read.with_cost_since(started)?)
}

/// Receives each page and discards it: the least that a client can do that reads one page after
/// another.
///
/// # Errors
///
/// Returns an error if a request fails.
pub async fn discard(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client(job)?;
    let started = Instant::now();
    for number in 0..number_of_pages(job) {
        let mut page = (request(&client, job, number).send().await?).error_for_status()?;
        while page.chunk().await?.is_some() {}
    }
    Ok(TokensRead::default().with_cost_since(started)?)
}

/// Receives each page and skips over its JSON: the cost of serde_json without decoding.
///
/// # Errors
///
/// Returns an error if a request fails, or if a page is not JSON.
pub async fn skip(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client(job)?;
    let started = Instant::now();
    for number in 0..number_of_pages(job) {
        let page = (request(&client, job, number).send().await?).error_for_status()?;
        let page = page.bytes().await?;
        let _: IgnoredAny = serde_json::from_slice(&page)?;
    }
    Ok(TokensRead::default().with_cost_since(started)?)
}

fn number_of_pages(job: &Job) -> u64 {
    match job.work {
        Work::List { tokens, .. } => tokens.div_ceil(page_size(job)),
        _ => 0,
    }
}

fn client(job: &Job) -> Result<Client, Box<dyn Error>> {
    // tokenfleet's own feature makes reqwest leave the choice to its users.
    let _ = ring::default_provider().install_default();
    let mut builder = Client::builder().no_proxy();
    if let Some(authority) = &job.authority {
        let certificate = Certificate::from_pem(&std::fs::read(authority)?)?;
        builder = builder.tls_certs_only([certificate]);
    }
    Ok(builder.build()?)
}

fn request(client: &Client, job: &Job, number: u64) -> RequestBuilder {
    let text = |name: &str| {
        job.credentials
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    let (url, page_size) = (&job.url, page_size(job));
    match job.platform {
        Platform::Losant => {
            let query =
                "sortField=id&sortDirection=asc&_links=false&_actions=false&_embedded=false";
            let target = format!("{url}/me/tokens?page={number}&perPage={page_size}&{query}");
            client.get(target).bearer_auth(text("token"))
        }
        _ => {
            let (user, page) = (text("user_id"), number + 1);
            let query = format!("page={page}&per_page={page_size}&order=id%20ASC");
            let target = format!("{url}/api/users/{user}/personal_access_tokens?{query}");
            (client.get(target)).basic_auth(text("login"), Some(text("token")))
        }
    }
}

/// Returns the page size of the job, or the largest one.
fn page_size(job: &Job) -> u64 {
    match job.work {
        Work::List { page_size, .. } => page_size.unwrap_or(1000).into(),
        _ => 1000,
    }
}

trait Page: DeserializeOwned {
    /// Returns the number of tokens on all pages.
    fn total(&self) -> u64;
    /// Returns the tokens on this page.
    fn tokens_read(&self) -> TokensRead;
}

async fn pages<P: Page>(client: &Client, job: &Job) -> Result<TokensRead, Box<dyn Error>> {
    let mut all = TokensRead::default();
    for number in 0.. {
        let response = request(client, job, number).send().await?;
        let page: P = serde_json::from_slice(&response.error_for_status()?.bytes().await?)?;
        let read = page.tokens_read();
        all.tokens += read.tokens;
        all.letters += read.letters;
        if all.tokens >= page.total() || read.tokens == 0 {
            break;
        }
    }
    Ok(all)
}

fn letters(texts: [&Option<String>; 2], scopes: usize, expires: bool) -> u64 {
    let text = |text: &&Option<String>| text.as_deref().map_or(0, |text| text.chars().count());
    (texts.iter().map(text).sum::<usize>() + scopes + usize::from(expires)) as u64
}

// The unread fields are decoded because an application would need them.
#[allow(dead_code)]
pub(crate) mod losant {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Page {
        items: Vec<Token>,
        total_count: u64,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Token {
        id: String,
        owner_id: Option<String>,
        owner_type: Option<String>,
        creator_id: Option<String>,
        creator_type: Option<String>,
        creator_name: Option<String>,
        name: Option<String>,
        description: Option<String>,
        creation_date: Option<String>,
        last_updated: Option<String>,
        expiration_date: Option<String>,
        #[serde(default)]
        scope: Vec<String>,
        status: Option<String>,
    }

    impl super::Page for Page {
        fn total(&self) -> u64 {
            self.total_count
        }

        fn tokens_read(&self) -> TokensRead {
            let checksum = |token: &Token| {
                let texts = [&token.name, &token.description];
                letters(texts, token.scope.len(), token.expiration_date.is_some())
            };
            TokensRead {
                tokens: self.items.len() as u64,
                letters: self.items.iter().map(checksum).sum(),
                first_token: None,
            }
        }
    }
}

#[allow(dead_code)]
pub(crate) mod foreman {
    use super::*;

    #[derive(Deserialize)]
    pub(crate) struct Page {
        results: Vec<Token>,
        subtotal: u64,
    }

    #[derive(Deserialize)]
    struct Token {
        id: u64,
        name: Option<String>,
        user_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        expires_at: Option<String>,
        last_used_at: Option<String>,
        #[serde(rename = "active?")]
        active: Option<bool>,
        #[serde(rename = "revoked?")]
        revoked: Option<bool>,
    }

    impl super::Page for Page {
        fn total(&self) -> u64 {
            self.subtotal
        }

        fn tokens_read(&self) -> TokensRead {
            let checksum =
                |token: &Token| letters([&token.name, &None], 0, token.expires_at.is_some());
            TokensRead {
                tokens: self.results.len() as u64,
                letters: self.results.iter().map(checksum).sum(),
                first_token: None,
            }
        }
    }
}
