//! The stored Secrets.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::status::Status;

/// A Secret as the API shows it.
type Secret = Map<String, Value>;

/// The maximum size of all values of a Secret, in bytes.
const MAX_SIZE: usize = 1 << 20;
const MODIFIED: &str = "the object has been modified; please apply your changes to the latest \
                        version and try again";

/// All Secrets of a cluster, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    stored: BTreeMap<(String, String), Secret>,
    /// The version of the whole store, which every change raises.
    version: u64,
}

impl Secrets {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Result<Secret, Status> {
        let found = self.stored.get(&key(namespace, name));
        found
            .cloned()
            .ok_or_else(|| Status::missing("secrets", name))
    }

    pub(super) fn create(
        &mut self,
        namespace: &str,
        mut secret: Secret,
        now: Timestamp,
    ) -> Result<Secret, Status> {
        let name = text(&secret, "name").unwrap_or_default().to_owned();
        if name.is_empty() {
            let why = "metadata.name: Required value: name or generateName is required";
            return Err(Status::invalid("", why));
        }
        if text(&secret, "resourceVersion").is_some_and(|version| !version.is_empty()) {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Status::new(400, "BadRequest", message));
        }
        check_namespace(&secret, namespace)?;
        check_values(&mut secret, &name)?;
        if self.stored.contains_key(&key(namespace, &name)) {
            return Err(Status::exists(&name));
        }
        let uid = format!("{:08x}-0000-4000-8000-000000000000", self.version + 1);
        Ok(self.store((namespace, &name), secret, (&uid, &now.to_string())))
    }

    pub(super) fn replace(
        &mut self,
        (namespace, name): (&str, &str),
        mut secret: Secret,
    ) -> Result<Secret, Status> {
        if let Some(other) = text(&secret, "name").filter(|other| *other != name) {
            let message = format!(
                "the name of the object ({other}) does not match the name on the URL ({name})"
            );
            return Err(Status::new(400, "BadRequest", &message));
        }
        check_namespace(&secret, namespace)?;
        let old = self.get(namespace, name)?;
        // Without a version the last one wins.
        let expected = text(&secret, "resourceVersion").filter(|version| !version.is_empty());
        if expected.is_some() && expected != text(&old, "resourceVersion") {
            return Err(Status::conflict(name, MODIFIED));
        }
        let uid = text(&secret, "uid").filter(|uid| !uid.is_empty());
        if let (Some(uid), Some(stored)) = (uid, text(&old, "uid"))
            && uid != stored
        {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}"
            );
            return Err(Status::conflict(name, &why));
        }
        check_values(&mut secret, name)?;
        if let Some(kind) = secret
            .get("type")
            .filter(|kind| Some(*kind) != old.get("type"))
        {
            let why = format!("type: Invalid value: {kind}: field is immutable");
            return Err(Status::invalid(name, &why));
        }
        if old.get("immutable") == Some(&Value::Bool(true)) && old.get("data") != secret.get("data")
        {
            let why = "data: Forbidden: field is immutable when `immutable` is set";
            return Err(Status::invalid(name, why));
        }
        let (uid, created) = (text(&old, "uid"), text(&old, "creationTimestamp"));
        let (uid, created) = (uid.unwrap_or_default(), created.unwrap_or_default());
        // A replacement by the same is no change.
        if complete(
            (namespace, name),
            secret.clone(),
            (uid, created),
            text(&old, "resourceVersion"),
        ) == old
        {
            return Ok(old);
        }
        Ok(self.store((namespace, name), secret, (uid, created)))
    }

    pub(super) fn delete(&mut self, namespace: &str, name: &str) -> Result<(), Status> {
        let removed = self.stored.remove(&key(namespace, name));
        self.version += 1;
        removed
            .map(|_| ())
            .ok_or_else(|| Status::missing("secrets", name))
    }

    pub(super) fn value(&self, namespace: &str, name: &str, key: &str) -> Option<String> {
        let secret = self.get(namespace, name).ok()?;
        let value = secret.get("data")?.get(key)?.as_str()?;
        String::from_utf8(STANDARD.decode(value).ok()?).ok()
    }

    pub(super) fn set_value(
        &mut self,
        (namespace, name): (&str, &str),
        key: &str,
        value: &str,
        now: Timestamp,
    ) {
        let changes = json!({"stringData": {key: value}});
        let Value::Object(changes) = changes else {
            return;
        };
        // The old version goes with it, but nobody can write in between.
        if let Ok(mut secret) = self.get(namespace, name) {
            secret.extend(changes);
            let _ = self.replace((namespace, name), secret);
        } else {
            let mut secret = changes;
            secret.insert("metadata".to_owned(), json!({"name": name}));
            let _ = self.create(namespace, secret, now);
        }
    }

    fn store(
        &mut self,
        (namespace, name): (&str, &str),
        secret: Secret,
        origin: (&str, &str),
    ) -> Secret {
        self.version += 1;
        let version = self.version.to_string();
        let secret = complete((namespace, name), secret, origin, Some(&version));
        self.stored.insert(key(namespace, name), secret.clone());
        secret
    }
}

fn key(namespace: &str, name: &str) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}

/// Returns a field of the metadata.
fn text<'a>(secret: &'a Secret, field: &str) -> Option<&'a str> {
    secret.get("metadata")?.get(field)?.as_str()
}

fn check_namespace(secret: &Secret, namespace: &str) -> Result<(), Status> {
    match text(secret, "namespace") {
        Some(other) if !other.is_empty() && other != namespace => {
            let message = "the namespace of the provided object does not match the namespace sent \
                           on the request";
            Err(Status::new(400, "BadRequest", message))
        }
        _ => Ok(()),
    }
}

/// Moves `stringData` to the values, and checks these.
fn check_values(secret: &mut Secret, name: &str) -> Result<(), Status> {
    let mut data = match secret.remove("data") {
        Some(Value::Object(data)) => data,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(unreadable("data is no map")),
    };
    if let Some(Value::Object(texts)) = secret.remove("stringData") {
        for (key, value) in texts {
            let value = STANDARD.encode(value.as_str().unwrap_or_default());
            data.insert(key, value.into());
        }
    }
    let mut size = 0;
    for (key, value) in &data {
        let is_key = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if key.is_empty() || !key.chars().all(is_key) {
            let why = format!(
                "data[{key}]: Invalid value: {key:?}: a valid config key must \
                               consist of alphanumeric characters, '-', '_' or '.'"
            );
            return Err(Status::invalid(name, &why));
        }
        let bytes = value.as_str().and_then(|value| STANDARD.decode(value).ok());
        size += bytes
            .ok_or_else(|| unreadable("illegal base64 data at input byte 0"))?
            .len();
    }
    if size > MAX_SIZE {
        let why = format!("data: Too long: may not be more than {MAX_SIZE} bytes");
        return Err(Status::invalid(name, &why));
    }
    if !data.is_empty() {
        secret.insert("data".to_owned(), Value::Object(data));
    }
    Ok(())
}

fn unreadable(why: &str) -> Status {
    let message = format!("Secret in version \"v1\" cannot be handled as a Secret: {why}");
    Status::new(400, "BadRequest", &message)
}

/// Adds what the server sets itself.
fn complete(
    (namespace, name): (&str, &str),
    mut secret: Secret,
    (uid, created): (&str, &str),
    version: Option<&str>,
) -> Secret {
    let mut metadata = match secret.remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    for (field, value) in [
        ("name", name),
        ("namespace", namespace),
        ("uid", uid),
        ("creationTimestamp", created),
        ("resourceVersion", version.unwrap_or_default()),
    ] {
        metadata.insert(field.to_owned(), value.into());
    }
    secret.insert("metadata".to_owned(), Value::Object(metadata));
    secret.insert("kind".to_owned(), "Secret".into());
    secret.insert("apiVersion".to_owned(), "v1".into());
    secret.entry("type").or_insert("Opaque".into());
    secret
}
