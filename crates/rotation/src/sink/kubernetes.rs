//! A key of a Secret of Kubernetes as a sink.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokenfleet_core::{Account, Credential, Error, Operation, Result, Secret};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, BaseUrl, ErrorBody, RetryPolicy, Transport,
};
use zeroize::Zeroizing;

use super::rest::{Part, RawObject, kept, longest_call, refused, unwritten};
use super::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

/// The beginning of the annotation with the stamp of a key.
const ANNOTATION: &str = "tokenfleet/stamp.";
/// The longest name that an annotation may have after its prefix.
const MAX_ANNOTATION: usize = 63;
/// The version of a Secret that does not exist.
const ABSENT: &str = "absent";

/// The place of a [`KubernetesSink`]: a key of a Secret.
///
/// In a cluster the address is `https://kubernetes.default.svc`, the token is in
/// `/var/run/secrets/kubernetes.io/serviceaccount/token`, and the transport must trust the
/// certificate in `ca.crt` beside it.
///
/// ```
/// use tokenfleet_core::Credential;
/// use tokenfleet_http::BaseUrl;
/// use tokenfleet_rotation::sink::KubernetesConfig;
///
/// let address = BaseUrl::parse("https://kubernetes.default.svc")?;
/// let token = Credential::from_file("/var/run/secrets/kubernetes.io/serviceaccount/token");
/// let config = KubernetesConfig::new(address, token, "ci", "losant-ci", "token")?;
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct KubernetesConfig {
    address: BaseUrl,
    token: Credential,
    namespace: String,
    name: String,
    key: String,
    adopt: bool,
    retry: RetryPolicy,
}

impl KubernetesConfig {
    /// Creates a configuration from the address of the API server, a token that may get, create
    /// and update the Secret, the namespace and the name of the Secret, and the key in it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) for a namespace, a name or a
    /// key that cannot be.
    pub fn new(
        address: BaseUrl,
        token: Credential,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Result<Self> {
        let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = |text: &str, others: &[char], max| {
            (1..=max).contains(&text.len())
                && text
                    .chars()
                    .all(|c| is_alphanumeric(c) || others.contains(&c))
                && text.starts_with(is_alphanumeric)
                && text.ends_with(is_alphanumeric)
        };
        let max_key = MAX_ANNOTATION - "stamp.".len();
        let is_key = (1..=max_key).contains(&key.len())
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && key.ends_with(|c: char| c.is_ascii_alphanumeric());
        let problem = if !is_name(namespace, &['-'], 63) {
            "the namespace has lower-case letters, digits and hyphens".to_owned()
        } else if !is_name(name, &['-', '.'], 253) {
            "the name of a Secret has lower-case letters, digits, hyphens and dots".to_owned()
        } else if !is_key {
            format!(
                "the key in a Secret has at most {max_key} letters, digits, hyphens, underscores \
                 and dots here, and ends with a letter or a digit"
            )
        } else {
            return Ok(Self {
                address,
                token,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                key: key.to_owned(),
                adopt: false,
                retry: RetryPolicy::default(),
            });
        };
        Err(Error::configuration(problem))
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

    fn annotation(&self) -> String {
        format!("{ANNOTATION}{}", self.key)
    }
}

/// A key of a Secret of Kubernetes.
///
/// The Secret is created if there is none, and otherwise replaced on the condition of its
/// `resourceVersion`, with everything else in it kept. The stamp is an annotation,
/// `tokenfleet/stamp.` and the key.
///
/// A pod that has the Secret in its environment keeps the old value until it is restarted.
#[derive(Debug)]
pub struct KubernetesSink {
    place: String,
    config: KubernetesConfig,
    client: ApiClient,
}

impl KubernetesSink {
    /// Creates a sink. Nothing is sent before the first call.
    #[must_use]
    pub fn new(config: KubernetesConfig, transport: Arc<dyn Transport>) -> Self {
        let name = format!("{}/{}#{}", config.namespace, config.name, config.key);
        let place = format!("kubernetes:{}/{name}", config.address);
        let account = Account::new("kubernetes", &name).with_place(&place);
        let client = ApiClient::new(account, config.address.clone(), transport, error_body);
        Self {
            place,
            client: client.with_retry(config.retry.clone()),
            config,
        }
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = |request: ApiRequest, token: &Secret| request.bearer_auth(token);
        let client = &self.client;
        client
            .send_authenticated(&self.config.token, request, authorize)
            .await
    }

    /// Returns the path of all Secrets of the namespace.
    fn collection(&self) -> [&str; 5] {
        ["api", "v1", "namespaces", &self.config.namespace, "secrets"]
    }

    async fn fetch(&self) -> Result<ApiResponse> {
        let request = ApiRequest::get(Operation::Get, self.collection())
            .segment(&self.config.name)
            .accept_status(404);
        self.send(request).await
    }

    /// Returns the Secret, or `None` if it does not exist.
    fn object<'a>(&self, response: &'a ApiResponse) -> Result<Option<Object<'a>>> {
        if response.status() == 404 {
            let refused = response.refused();
            return if refused.is_in_own_form() {
                Ok(None)
            } else {
                Err(refused)
            };
        }
        let fields: RawObject<'a> = response.json()?;
        Object::new(fields)
            .map(Some)
            .ok_or_else(|| response.violation("the answer is not a Secret"))
    }

    fn holding(&self, found: Option<&Object<'_>>) -> Holding {
        let Some(found) = found else {
            return Holding::new(Version::new(ABSENT), None, None);
        };
        let secret = found.data.get(&self.config.key).map(|value| decoded(value));
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        let stamp = found.annotations.get(&self.config.annotation());
        let stamp = stamp.and_then(|stamp| serde_json::from_str::<String>(stamp.get()).ok());
        let sealed = stamp.and_then(|stamp| SealedStamp::parse(&stamp));
        Holding::new(Version::new(found.version.as_str()), secret, sealed)
    }
}

/// A Secret: its fields, and those that the sink changes.
struct Object<'a> {
    fields: RawObject<'a>,
    metadata: RawObject<'a>,
    annotations: RawObject<'a>,
    data: RawObject<'a>,
    version: String,
}

impl<'a> Object<'a> {
    fn new(fields: RawObject<'a>) -> Option<Self> {
        let metadata = object(fields.get("metadata"))?;
        let version = serde_json::from_str(metadata.get("resourceVersion")?.get()).ok()?;
        Some(Self {
            annotations: object(metadata.get("annotations"))?,
            data: object(fields.get("data"))?,
            metadata,
            version,
            fields,
        })
    }
}

/// Parses a part that should be an object. Without it, or if it is `null`, it is empty.
fn object<'a>(part: Option<&&'a RawValue>) -> Option<RawObject<'a>> {
    let Some(part) = part else {
        return Some(RawObject::new());
    };
    let object: Option<RawObject<'a>> = serde_json::from_str(part.get()).ok()?;
    Some(object.unwrap_or_default())
}

/// Returns a value, which is in base64. What is no text is a value of somebody else.
fn decoded(value: &RawValue) -> Secret {
    let encoded: Option<Secret> = serde_json::from_str(value.get()).ok();
    let bytes = encoded.and_then(|encoded| {
        let bytes = STANDARD.decode(encoded.expose()).ok()?;
        Some(Zeroizing::new(bytes))
    });
    let text = bytes
        .as_ref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    Secret::new(text.unwrap_or_else(|| value.get()))
}

#[async_trait]
impl SecretSink for KubernetesSink {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(Readable::Secret)
            .with_compare_and_swap()
            .with_adoption(self.config.adopt)
    }

    fn longest_call(&self) -> Duration {
        longest_call(&self.config.retry, 2)
    }

    async fn read(&self) -> Result<SinkState> {
        let response = self.fetch().await?;
        let found = self.object(&response)?;
        Ok(self.holding(found.as_ref()).into_state())
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let response = self.fetch().await.map_err(unwritten)?;
        let found = self.object(&response).map_err(unwritten)?;
        let holding = self.holding(found.as_ref());
        holding.check(&self.place, expected, stamp, self.config.adopt)?;

        let encoded = Secret::new(STANDARD.encode(secret.expose()));
        let sealed = SealedStamp::new(stamp, secret).to_string();
        let annotation = self.config.annotation();
        let (request, body) = match &found {
            Some(found) => {
                let mut data = kept(&found.data);
                data.insert(&self.config.key, Part::Text(encoded.expose()));
                let mut annotations = kept(&found.annotations);
                annotations.insert(&annotation, Part::Text(&sealed));
                let mut metadata = kept(&found.metadata);
                metadata.insert("annotations", Part::Object(annotations));
                let mut body = kept(&found.fields);
                body.insert("data", Part::Object(data));
                body.insert("metadata", Part::Object(metadata));
                let request = ApiRequest::put(Operation::Update, self.collection());
                (request.segment(&self.config.name), body)
            }
            None => {
                let annotations = [(annotation.as_str(), Part::Text(&sealed))];
                let metadata = [
                    ("name", Part::Text(&self.config.name)),
                    ("annotations", Part::Object(annotations.into())),
                ];
                let data = [(self.config.key.as_str(), Part::Text(encoded.expose()))];
                let body = [
                    ("apiVersion", Part::Text("v1")),
                    ("kind", Part::Text("Secret")),
                    ("type", Part::Text("Opaque")),
                    ("metadata", Part::Object(metadata.into())),
                    ("data", Part::Object(data.into())),
                ];
                (
                    ApiRequest::post(Operation::Update, self.collection()),
                    body.into(),
                )
            }
        };
        let request = request.json(&body).redact(secret).redact(&encoded);
        let response = self
            .send(request)
            .await
            .map_err(|error| refused(error, &self.place))?;
        match self.object(&response)? {
            Some(written) => Ok(Version::new(written.version)),
            None => Err(response.violation("the answer is not a Secret")),
        }
    }
}

/// Parses a `Status`.
fn error_body(_: Operation, _: u16, body: &[u8]) -> ErrorBody {
    #[derive(Deserialize)]
    struct Status {
        kind: String,
        status: String,
        message: Option<String>,
        reason: Option<String>,
    }
    match serde_json::from_slice::<Status>(body) {
        Ok(error) if error.kind == "Status" => ErrorBody::from_message(error.message)
            .with_code(error.reason)
            .with_own_form(error.status == "Failure"),
        _ => ErrorBody::default(),
    }
}
