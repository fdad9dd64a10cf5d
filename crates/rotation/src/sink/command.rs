//! A program as a sink.

mod process;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};

use super::{
    Readable, Refusal, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

/// The time that a command may take unless another one is set.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A program that stores the secret, for every store that has a program of its own.
///
/// The command is a program and its arguments; no shell is involved. It gets
///
/// * the secret on standard input, without a line break,
/// * `TOKENFLEET_OPERATION`, `TOKENFLEET_EPOCH` and `TOKENFLEET_TOKEN_ID` in its environment,
/// * `TOKENFLEET_STAMP`, which is all three on one line with the beginning of the SHA-256 of the
///   secret.
///
/// Of this process it inherits the environment without other variables of that prefix and without
/// those [withheld](Self::without_variables). Its output is discarded, because it may repeat the
/// secret. If it succeeds, the secret is stored; if it fails or takes too long, nobody knows. One
/// that takes too long is killed with all processes of its group.
///
/// A second command, [`with_check`](Self::with_check), prints the value that `TOKENFLEET_STAMP` had
/// when the secret was stored last, and nothing if there was none. On a second line it can print
/// the SHA-256 of the secret that is stored now, as `sha256sum` does: only then is it noticed that
/// somebody has replaced the secret and left the stamp. Without a check nothing is known of what
/// the store holds, and a rotation waits for the overlap alone. Two processes that write at once
/// are not kept apart, unless the command does that.
///
/// Whether the store holds a secret of somebody else is never known, so a rotation takes a command
/// only [with adoption](Self::with_adoption).
///
/// # Recipes
///
/// Each is one program of a few lines, made executable, and readable by its owner only. `$1` is the
/// name of the secret, which must exist in the store: a check that fails is not taken for an empty
/// place. They follow the documentation of these programs, and are not part of our tests.
///
/// ```sh
/// # AWS Secrets Manager: run
/// aws secretsmanager put-secret-value --secret-id "$1" --secret-string file:///dev/stdin &&
///   aws secretsmanager tag-resource --secret-id "$1" \
///     --tags "[{\"Key\":\"tokenfleet\",\"Value\":\"$(printf %s "$TOKENFLEET_STAMP" | base64 -w 0)\"}]"
/// # … and check, with the digest of what is stored
/// tag=$(aws secretsmanager describe-secret --secret-id "$1" --output text \
///   --query "Tags[?Key=='tokenfleet'].Value") &&
///   stamp=$(printf %s "$tag" | base64 -d) &&
///   value=$(aws secretsmanager get-secret-value --secret-id "$1" --output text \
///     --query SecretString) &&
///   printf '%s\n' "$stamp" && printf %s "$value" | sha256sum
///
/// # Google Secret Manager: run
/// gcloud secrets versions add "$1" --data-file=- &&
///   gcloud secrets update "$1" --update-annotations="^|^tokenfleet=$TOKENFLEET_STAMP"
/// # … and check
/// gcloud secrets describe "$1" --format='value(annotations.tokenfleet)'
///
/// # Azure Key Vault: run
/// az keyvault secret set --vault-name "$VAULT" --name "$1" --file /dev/stdin \
///   --tags "tokenfleet=$TOKENFLEET_STAMP" --output none
/// # … and check
/// az keyvault secret show --vault-name "$VAULT" --name "$1" --query tags.tokenfleet --output tsv
///
/// # GitHub Actions: run. Secrets cannot be read there; a variable holds the stamp.
/// gh secret set "$1" && gh variable set "$1_STAMP" --body "$TOKENFLEET_STAMP"
/// # … and check
/// gh variable list --json name,value --jq ".[] | select(.name == \"$1_STAMP\") | .value"
/// ```
#[derive(Clone)]
pub struct CommandSink {
    place: String,
    run: Vec<OsString>,
    check: Option<Vec<OsString>>,
    timeout: Duration,
    withheld: Vec<OsString>,
    adopt: bool,
}

impl CommandSink {
    /// Creates a sink of the command that stores a secret: a program and its arguments.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if there is no program.
    pub fn new<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Result<Self> {
        let run = words_of(words)?;
        Ok(Self {
            place: place(&run),
            run,
            check: None,
            timeout: TIMEOUT,
            withheld: Vec::new(),
            adopt: false,
        })
    }

    /// Sets the command that prints the stamp of what is stored.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if there is no program.
    pub fn with_check<W: Into<OsString>>(
        mut self,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self> {
        self.check = Some(words_of(words)?);
        Ok(self)
    }

    /// Lets rotations replace what the store holds, whoever wrote it.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.adopt = true;
        self
    }

    /// Sets the time that each of the commands may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Withholds variables of this process from the commands, such as those with credentials of
    /// accounts.
    #[must_use]
    pub fn without_variables<N: Into<OsString>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.withheld.extend(names.into_iter().map(Into::into));
        self
    }

    fn command(&self, words: &[OsString]) -> tokio::process::Command {
        let mut words = words.iter();
        let program = words.next().map(OsString::as_os_str);
        let mut command = tokio::process::Command::new(program.unwrap_or(OsStr::new("")));
        command.args(words);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"TOKENFLEET_") {
                command.env_remove(name);
            }
        }
        for name in &self.withheld {
            command.env_remove(name);
        }
        command
    }

    /// Returns what the check prints: the epoch of the last write, and the state that is proven.
    async fn checked(&self) -> Result<(Option<u64>, SinkState)> {
        let Some(check) = &self.check else {
            return Ok((None, SinkState::new(Version::new("unknown"))));
        };
        let printed = process::output(self.command(check), self.timeout).await;
        let printed = printed.map_err(|failure| failure.of_read(&self.place))?;
        let mut lines = std::str::from_utf8(&printed)
            .unwrap_or("?")
            .lines()
            .map(str::trim);
        let first = lines.next().unwrap_or_default();
        let digest = lines.next().and_then(|line| line.split_whitespace().next());
        let sealed = SealedStamp::parse(first);
        let is_digest =
            |digest: &str| digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
        let is_understood = (sealed.is_some() || first.is_empty()) && digest.is_none_or(is_digest);
        if !is_understood {
            let message = format!(
                "the check of {} prints something else than a stamp",
                self.place
            );
            return Err(Error::configuration(message)
                .with_advice("it must print the TOKENFLEET_STAMP of the last write or nothing, and on the next line \
                     nothing or the SHA-256 of what is stored"));
        }
        let epoch = sealed.as_ref().map(|sealed| sealed.stamp().epoch());
        // The stamp of another secret than the stored one proves nothing.
        let proven =
            sealed.filter(|sealed| digest.is_none_or(|digest| sealed.is_of_digest(digest)));
        let version = match (&proven, digest) {
            (None, Some(digest)) => digest,
            _ => first,
        };
        let stamp = proven.as_ref().map(|sealed| sealed.stamp().clone());
        let state = SinkState::new(Version::from_content(&[version.as_bytes()]));
        Ok((epoch, state.with_stamp(stamp)))
    }
}

fn words_of<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Result<Vec<OsString>> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    if words.first().is_none_or(|program| program.is_empty()) {
        return Err(Error::configuration(
            "a command is a program and its arguments",
        ));
    }
    Ok(words)
}

/// Returns the place of a command: its program, and what tells its arguments from others. They may
/// hold a secret.
fn place(words: &[OsString]) -> String {
    let program = words.first().map(|program| program.to_string_lossy());
    let program = program.unwrap_or_default();
    let arguments: Vec<&[u8]> = words.iter().skip(1).map(|w| w.as_encoded_bytes()).collect();
    let digest = Version::from_content(&arguments);
    let digest = digest.as_str().get(..8).unwrap_or_default();
    format!("command:{program}#{digest}")
}

/// Shows neither the arguments nor the environment: either may hold a secret.
impl fmt::Debug for CommandSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSink")
            .field("place", &self.place)
            .field("is_checked", &self.check.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretSink for CommandSink {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(match self.check {
            Some(_) => Readable::Stamp,
            None => Readable::Nothing,
        })
        .with_adoption(self.adopt)
    }

    fn longest_call(&self) -> Duration {
        self.timeout.saturating_mul(2)
    }

    async fn read(&self) -> Result<SinkState> {
        self.checked().await.map(|(_, state)| state)
    }

    /// Checks that the programs can be started, which it does not do.
    async fn check(&self) -> Result<()> {
        let check = self.check.iter().map(|words| (words, "its check"));
        for (words, what) in [(&self.run, "the command")].into_iter().chain(check) {
            if !process::can_be_started(&self.command(words)) {
                let message = format!("{}: the program of {what} cannot be started", self.place);
                let error = Error::new(ErrorKind::Other, Fate::NotSent, message);
                return Err(error.with_advice("check its path and its permissions"));
            }
        }
        Ok(())
    }

    /// Runs the command. With a check, a write that is stale by then is refused.
    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let (epoch, found) = self.checked().await?;
        if epoch.is_some_and(|epoch| epoch > stamp.epoch()) {
            return Err(Refusal::Superseded.error(&self.place));
        }
        if found.version != *expected {
            return Err(Refusal::Conflict.error(&self.place));
        }
        let sealed = SealedStamp::new(stamp, secret).to_string();
        let mut command = self.command(&self.run);
        command
            .env("TOKENFLEET_OPERATION", stamp.operation())
            .env("TOKENFLEET_EPOCH", stamp.epoch().to_string())
            .env("TOKENFLEET_TOKEN_ID", stamp.token().as_str())
            .env("TOKENFLEET_STAMP", &sealed);
        let ran = process::deliver(command, secret, self.timeout).await;
        ran.map_err(|failure| failure.of_write(&self.place))?;
        Ok(match self.check {
            Some(_) => Version::from_content(&[sealed.as_bytes()]),
            None => found.version,
        })
    }
}
