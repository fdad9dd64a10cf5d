//! Listings without a library: one page after the other, and nothing else.

use std::error::Error;
use std::time::Instant;

use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{Cost, Job, Platform, Seen, Work};

/// Decodes each page into structures that own their texts, and looks at each token.
///
/// # Errors
///
/// When a request fails.
pub async fn decode(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client()?;
    let begun = Instant::now();
    let seen = match (&job.work, job.platform) {
        (Work::Nothing, _) => Seen::default(),
        (_, Platform::Losant) => pages::<losant::Page>(&client, job).await?,
        _ => pages::<foreman::Page>(&client, job).await?,
    };
    Ok(seen.since(begun)?)
}

/// Receives each page and throws it away: what a client takes that reads page after page and looks at none.
///
/// # Errors
///
/// When a request fails.
pub async fn discard(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client()?;
    let begun = Instant::now();
    for number in 0..number_of_pages(job) {
        let mut page = (request(&client, job, number).send().await?).error_for_status()?;
        while page.chunk().await?.is_some() {}
    }
    Ok(Seen::default().since(begun)?)
}

/// Receives each page and reads over its JSON: what serde_json takes before anything is made of it.
///
/// # Errors
///
/// When a request fails, or a page is no JSON.
pub async fn skip(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client = client()?;
    let begun = Instant::now();
    for number in 0..number_of_pages(job) {
        let page = (request(&client, job, number).send().await?).error_for_status()?;
        let page = page.bytes().await?;
        let _: IgnoredAny = serde_json::from_slice(&page)?;
    }
    Ok(Seen::default().since(begun)?)
}

fn number_of_pages(job: &Job) -> u64 {
    match job.work {
        Work::List { tokens, .. } => tokens.div_ceil(page_size(job)),
        _ => 0,
    }
}

fn client() -> reqwest::Result<Client> {
    Client::builder().no_proxy().build()
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

/// The largest one unless told.
fn page_size(job: &Job) -> u64 {
    match job.work {
        Work::List { page_size, .. } => page_size.unwrap_or(1000).into(),
        _ => 1000,
    }
}

trait Page: DeserializeOwned {
    /// How many tokens there are on all pages.
    fn total(&self) -> u64;
    /// What there is to see on this one.
    fn seen(&self) -> Seen;
}

async fn pages<P: Page>(client: &Client, job: &Job) -> Result<Seen, Box<dyn Error>> {
    let mut all = Seen::default();
    for number in 0.. {
        let answer = request(client, job, number).send().await?;
        let page: P = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        let seen = page.seen();
        all.tokens += seen.tokens;
        all.letters += seen.letters;
        if all.tokens >= page.total() || seen.tokens == 0 {
            break;
        }
    }
    Ok(all)
}

fn letters(texts: [&Option<String>; 2], scopes: usize, expires: bool) -> u64 {
    let text = |text: &&Option<String>| text.as_deref().map_or(0, |text| text.chars().count());
    (texts.iter().map(text).sum::<usize>() + scopes + usize::from(expires)) as u64
}

// Nobody reads all of it: it is decoded because an application would have it.
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

        fn seen(&self) -> Seen {
            let of = |token: &Token| {
                let texts = [&token.name, &token.description];
                letters(texts, token.scope.len(), token.expiration_date.is_some())
            };
            Seen {
                tokens: self.items.len() as u64,
                letters: self.items.iter().map(of).sum(),
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

        fn seen(&self) -> Seen {
            let of = |token: &Token| letters([&token.name, &None], 0, token.expires_at.is_some());
            Seen {
                tokens: self.results.len() as u64,
                letters: self.results.iter().map(of).sum(),
                first_token: None,
            }
        }
    }
}
