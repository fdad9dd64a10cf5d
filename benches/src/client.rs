//! Clients that run as processes of their own.

use std::error::Error;
use std::path::PathBuf;

use tokio::process::Command;

use crate::{Cost, Job, Packages, program};

/// A client of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The adapters of tokenfleet.
    Tokenfleet,
    /// The adapters of tokenfleet with their default page size.
    TokenfleetPages,
    /// A loop that decodes one page after another.
    ByHand,
    /// A loop that receives one page after another and skips over its JSON.
    Skip,
    /// A loop that receives one page after another.
    Discard,
    /// npm `losant-rest`.
    LosantNpm,
    /// PyPI `losant-rest`.
    LosantPypi,
    /// PyPI `apypie`.
    Apypie,
    /// PyPI `apypie` with its default, which is to list everything on one page.
    ApypieOnePage,
    /// PyPI `cloudsmith-api`.
    CloudsmithApi,
}

impl Client {
    /// Returns the name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokenfleet => "tokenfleet",
            Self::TokenfleetPages => "tokenfleet, pages as it asks for them itself",
            Self::ByHand => "by hand: reqwest and serde",
            Self::Skip => "by hand: received and skipped with serde_json",
            Self::Discard => "by hand: received and discarded",
            Self::LosantNpm => "npm `losant-rest`",
            Self::LosantPypi => "PyPI `losant-rest`",
            Self::Apypie => "PyPI `apypie`",
            Self::ApypieOnePage => "PyPI `apypie`, all on one page",
            Self::CloudsmithApi => "PyPI `cloudsmith-api`",
        }
    }

    /// Returns `true` if the vendor of the platform publishes the client.
    #[must_use]
    pub fn is_official(self) -> bool {
        match self {
            Self::Tokenfleet | Self::TokenfleetPages => false,
            Self::ByHand | Self::Skip | Self::Discard => false,
            Self::LosantNpm | Self::LosantPypi | Self::CloudsmithApi => true,
            Self::Apypie | Self::ApypieOnePage => true,
        }
    }

    /// Returns the client without regard to its page size.
    #[must_use]
    pub fn ignoring_page_size(self) -> Self {
        match self {
            Self::TokenfleetPages => Self::Tokenfleet,
            Self::ApypieOnePage => Self::Apypie,
            other => other,
        }
    }

    /// Returns `true` if the client decodes tokens, so that it can count them.
    #[must_use]
    pub fn decodes_tokens(self) -> bool {
        !matches!(self, Self::Skip | Self::Discard)
    }

    /// Does the job in a process of its own.
    ///
    /// # Errors
    ///
    /// Returns the messages of the process if it fails.
    pub async fn run(self, packages: &Packages, job: &Job) -> Result<Cost, Box<dyn Error>> {
        let cost = run(self.command(packages)?, job).await;
        cost.map_err(|error| format!("{} failed: {error}", self.name()).into())
    }

    fn command(self, packages: &Packages) -> std::io::Result<Command> {
        let script = |name| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("clients")
                .join(name)
        };
        let python = |name| {
            let mut command = Command::new(packages.python());
            command.arg(script(name));
            Ok(command)
        };
        match self {
            Self::Tokenfleet | Self::TokenfleetPages => sibling("client"),
            Self::ByHand => sibling("by_hand"),
            Self::Skip => sibling("skip"),
            Self::Discard => sibling("discard"),
            Self::LosantPypi => python("losant.py"),
            Self::Apypie | Self::ApypieOnePage => python("foreman.py"),
            Self::CloudsmithApi => python("cloudsmith.py"),
            Self::LosantNpm => {
                let mut command = Command::new("node");
                command
                    .arg(script("losant.mjs"))
                    .env("NODE_PACKAGES", packages.npm());
                Ok(command)
            }
        }
    }
}

/// Does the job through tokenfleet, in a process of its own.
///
/// # Errors
///
/// Returns the messages of the process if it fails.
pub async fn run_tokenfleet(job: &Job) -> Result<Cost, Box<dyn Error>> {
    run(sibling("client")?, job).await
}

/// Returns a command that runs another program of this crate.
fn sibling(name: &str) -> std::io::Result<Command> {
    Ok(Command::new(program(name)?))
}

async fn run(mut command: Command, job: &Job) -> Result<Cost, Box<dyn Error>> {
    command
        .arg(serde_json::to_string(job)?)
        // The registries may be behind a proxy; the simulators are not.
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        // Node, requests, and OpenSSL.
        .envs(
            ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
                .into_iter()
                .zip(job.authority.iter().cycle()),
        )
        .kill_on_drop(true);
    let output = command.output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
