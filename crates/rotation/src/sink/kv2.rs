//! A field of a secret in Vault or OpenBao as a sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokenfleet_core::{Account, Credential, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, BaseUrl, ErrorBody, RetryPolicy, Transport,
};
use tokio::sync::OnceCell;

use super::rest::{Part, RawObject, kept, longest_call, refused, unwritten};
use super::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

/// The place of a [`Kv2Sink`]: a field of a secret in a mount of the engine KV, version 2.
///
/// ```
/// use tokenfleet_core::Credential;
/// use tokenfleet_http::BaseUrl;
/// use tokenfleet_rotation::sink::Kv2Config;
///
/// let address = BaseUrl::parse("https://bao.example.com")?;
/// let token = Credential::from_file("/run/secrets/bao");
/// let config = Kv2Config::new(address, token, "secret", "iot/ci", "token")?;
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Kv2Config {
    address: BaseUrl,
    token: Credential,
    mount: Vec<String>,
    path: Vec<String>,
    field: String,
    namespace: Option<String>,
    adopt: bool,
    retry: RetryPolicy,
}

impl Kv2Config {
    /// Creates a configuration from the address of the server, the token that may read and write
    /// the secret, the mount and the path of the secret, and the field in it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) for a mount, a path or a field that cannot be.
    pub fn new(
        address: BaseUrl,
        token: Credential,
        mount: &str,
        path: &str,
        field: &str,
    ) -> Result<Self> {
        if field.is_empty() {
            return Err(Error::configuration("the field of a secret needs a name"));
        }
        Ok(Self {
            address,
            token,
            mount: segments("mount", mount)?,
            path: segments("path", path)?,
            field: field.to_owned(),
            namespace: None,
            adopt: false,
            retry: RetryPolicy::default(),
        })
    }

    /// Sets the namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Lets the sink replace a secret that somebody else wrote.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.adopt = true;
        self
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Returns the key that the stamp has beside the field, which may become a variable.
    fn stamp_key(&self) -> String {
        format!("tokenfleet_{}", self.field)
    }
}

fn segments(what: &str, text: &str) -> Result<Vec<String>> {
    let segments: Vec<String> = text
        .trim_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect();
    if segments
        .iter()
        .any(|segment| matches!(segment.as_str(), "" | "." | ".."))
    {
        let message = format!("the {what} of a secret has the form \"name\" or \"name/name\"");
        return Err(Error::configuration(message));
    }
    Ok(segments)
}

/// A field of a secret in Vault or OpenBao, in the engine KV, version 2.
///
/// A write is always conditional (`cas`), and other fields are kept. The stamp is another field of
/// the same secret, `tokenfleet_` and the name of the field. Earlier versions stay in the store, as
/// many as the mount keeps.
///
/// The first call finds out the version of the mount, because version 1 ignores the condition
/// silently: it is refused. The token needs `read`, `create` and `update` on `MOUNT/data/PATH`.
#[derive(Debug)]
pub struct Kv2Sink {
    place: String,
    config: Kv2Config,
    client: ApiClient,
    /// Set when the mount was found to be of version 2.
    mount_is_checked: OnceCell<()>,
}

impl Kv2Sink {
    /// Creates a sink. Nothing is sent before the first call.
    #[must_use]
    pub fn new(config: Kv2Config, transport: Arc<dyn Transport>) -> Self {
        let (mount, path) = (config.mount.join("/"), config.path.join("/"));
        let namespace = config.namespace.as_ref();
        let namespace = namespace.map(|name| format!("{}/", name.trim_matches('/')));
        let name = format!(
            "{}{mount}/{path}#{}",
            namespace.unwrap_or_default(),
            config.field
        );
        let place = format!("kv2:{}/{name}", config.address);
        let account = Account::new("kv2", &name).with_place(&place);
        let client = ApiClient::new(account, config.address.clone(), transport, error_body);
        Self {
            place,
            client: client.with_retry(config.retry.clone()),
            config,
            mount_is_checked: OnceCell::new(),
        }
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let namespace = self.config.namespace.as_deref();
        let authorize = |request: ApiRequest, token: &Secret| {
            request
                .credential("x-vault-token", "", token)
                .header("x-vault-request", "true")
                .header_if("x-vault-namespace", namespace)
        };
        let client = &self.client;
        client
            .send_authenticated(&self.config.token, request, authorize)
            .await
    }

    fn path(&self) -> impl Iterator<Item = String> {
        let Kv2Config { mount, path, .. } = &self.config;
        let prefix = std::iter::once("v1".to_owned()).chain(mount.iter().cloned());
        let path = std::iter::once("data".to_owned()).chain(path.iter().cloned());
        prefix.chain(path)
    }

    /// Rejects a mount that is not of the engine KV, version 2.
    async fn check_mount(&self) -> Result<()> {
        let check = async || {
            let path = ["v1", "sys", "internal", "ui", "mounts"].map(str::to_owned);
            let path = path.into_iter().chain(self.config.mount.iter().cloned());
            let response = self.send(ApiRequest::get(Operation::Get, path)).await?;
            let mount: Envelope<Mount> = response.json()?;
            let version = mount.data.options.and_then(|options| options.version);
            if mount.data.engine == "kv" && version.as_deref() == Some("2") {
                return Ok(());
            }
            let message = "the mount is not of the engine KV, version 2, and only that has writes \
                           with a condition";
            let error = Error::configuration(message)
                .with_advice("upgrade it (kv enable-versioning), or use another mount");
            Err(self.client.in_context(Operation::Get, error))
        };
        self.mount_is_checked.get_or_try_init(check).await.copied()
    }

    /// Rejects a token whose policies let it neither create nor update the secret. One that may not
    /// ask for its policies may do so all the same.
    async fn check_policies(&self) -> Result<()> {
        let path: Vec<_> = self.path().skip(1).collect();
        let path = path.join("/");
        let paths = BTreeMap::from([("paths", [&path])]);
        let request = ApiRequest::post(Operation::Get, ["v1", "sys", "capabilities-self"]);
        let Ok(response) = self.send(request.json(&paths)).await else {
            return Ok(());
        };
        let Ok(allowed) = response.json::<Envelope<BTreeMap<String, Vec<String>>>>() else {
            return Ok(());
        };
        let writes = |capability: &String| matches!(&**capability, "create" | "update" | "root");
        match allowed.data.get(&path) {
            Some(capabilities) if !capabilities.iter().any(writes) => {
                let message = format!("the policies of the token do not let it write {path}");
                let error = Error::new(ErrorKind::PermissionDenied, Fate::NotSent, message);
                let error = error.with_advice(format!("allow read, create and update on {path}"));
                Err(self.client.in_context(Operation::Update, error))
            }
            _ => Ok(()),
        }
    }

    /// Fetches the secret with all its fields.
    async fn fetch(&self) -> Result<ApiResponse> {
        self.check_mount().await?;
        let request = ApiRequest::get(Operation::Get, self.path()).accept_status(404);
        self.send(request).await
    }

    /// Returns the fields of the secret and its version, which is 0 if there is no secret.
    fn fields<'a>(&self, response: &'a ApiResponse) -> Result<(RawObject<'a>, u64)> {
        if response.status() == 404 {
            // A deleted version still counts.
            return match response.json::<Envelope<Content<'_>>>() {
                Ok(content) => Ok((RawObject::new(), content.data.metadata.version)),
                Err(_) => {
                    let refused = response.refused();
                    let is_absent = refused.is_in_own_form();
                    is_absent.then(|| (RawObject::new(), 0)).ok_or(refused)
                }
            };
        }
        let content: Envelope<Content<'_>> = response.json()?;
        // Without them the next write would remove the fields of others.
        let fields = (content.data.data).ok_or_else(|| {
            response.violation("the answer does not hold the fields of the secret")
        })?;
        Ok((fields, content.data.metadata.version))
    }

    fn holding(&self, fields: &RawObject<'_>, version: u64) -> Holding {
        let secret = fields.get(&self.config.field).map(|field| {
            let text = serde_json::from_str(field.get());
            // What is no text is a value of somebody else.
            text.unwrap_or_else(|_| Secret::new(field.get()))
        });
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        let stamp = fields.get(&self.config.stamp_key());
        let stamp = stamp.and_then(|stamp| serde_json::from_str::<String>(stamp.get()).ok());
        let sealed = stamp.and_then(|stamp| SealedStamp::parse(&stamp));
        Holding::new(Version::new(version.to_string()), secret, sealed)
    }
}

#[async_trait]
impl SecretSink for Kv2Sink {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(Readable::Secret)
            .with_compare_and_swap()
            .with_previous_kept()
            .with_adoption(self.config.adopt)
    }

    fn longest_call(&self) -> Duration {
        longest_call(&self.config.retry, 3)
    }

    async fn read(&self) -> Result<SinkState> {
        let response = self.fetch().await?;
        let (fields, version) = self.fields(&response)?;
        Ok(self.holding(&fields, version).into_state())
    }

    async fn check(&self) -> Result<()> {
        // Whoever may use any path of the mount sees it.
        self.check_mount().await?;
        self.check_policies().await
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let response = self.fetch().await.map_err(unwritten)?;
        let (fields, version) = self.fields(&response).map_err(unwritten)?;
        let holding = self.holding(&fields, version);
        holding.check(&self.place, expected, stamp, self.config.adopt)?;
        let (stamp_key, sealed) = (self.config.stamp_key(), SealedStamp::new(stamp, secret));
        let sealed = sealed.to_string();
        let mut data = kept(&fields);
        data.insert(&self.config.field, Part::Text(secret.expose()));
        data.insert(&stamp_key, Part::Text(&sealed));
        let body = Write {
            options: Condition { cas: version },
            data: Part::Object(data),
        };
        let request = ApiRequest::post(Operation::Update, self.path())
            .json(&body)
            .redact(secret);
        let written = self
            .send(request)
            .await
            .map_err(|error| refused(error, &self.place))?;
        let written: Envelope<Written> = written.json()?;
        Ok(Version::new(written.data.version.to_string()))
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Mount {
    #[serde(rename = "type")]
    engine: String,
    options: Option<MountOptions>,
}

#[derive(Deserialize)]
struct MountOptions {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    data: Option<RawObject<'a>>,
    metadata: Written,
}

#[derive(Deserialize)]
struct Written {
    version: u64,
}

#[derive(Serialize)]
struct Write<'a> {
    options: Condition,
    data: Part<'a>,
}

#[derive(Serialize)]
struct Condition {
    cas: u64,
}

/// The advice for a token that is refused.
const REFUSED: &str = "the token has expired, or its policies lack read, create and update on \
                       MOUNT/data/PATH";

/// Parses a list of errors. They quote neither fields nor the token.
///
/// A token that has expired is refused like one that may not do this, so both count as the former:
/// then its source is asked for another one.
fn error_body(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<String>,
    }
    let Ok(Errors { errors }) = serde_json::from_slice(body) else {
        return ErrorBody::default();
    };
    let message = errors.join(", ");
    let is_conflict = message.contains("check-and-set parameter did not match");
    let error = ErrorBody::from_message(Some(message)).with_own_form(true);
    match status {
        400 if is_conflict => error.with_kind(ErrorKind::Conflict),
        403 => error
            .with_kind(ErrorKind::Unauthenticated)
            .with_advice(REFUSED),
        _ => error,
    }
}
