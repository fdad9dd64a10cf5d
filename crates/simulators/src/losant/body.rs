//! Request bodies, validated like Losant's schemas.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    error::Error,
    options::{Api, PastExpiry},
    record::{Roles, Status},
    scope,
};

/// The validated body of a create request.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) expires: Option<i64>,
    pub(super) scope: Option<Vec<String>>,
    pub(super) status: Status,
    pub(super) roles: Roles,
}

/// The validated body of an update request.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) roles: Roles,
}

/// Parses a body as an object. Clients send an empty body where they mean an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::validation("data", "is the wrong type")),
        Err(_) => Err(Error::new(400, "Validation", "Invalid JSON")),
    }
}

impl Post {
    /// Parses and validates the body of a create request.
    pub(super) fn parse(
        body: &[u8],
        api: Api,
        past: PastExpiry,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let body = object(body)?;
        let name =
            text(&body, "name", 1, 255)?.ok_or_else(|| Error::validation("name", "is required"))?;
        let mut known = vec!["name", "description", "expirationDate", "scope", "status"];
        known.extend(role_fields(api));
        reject_unknown_fields(&body, &known)?;
        let expires = expiration(&body)?;
        if past == PastExpiry::Refuse
            && expires.is_some_and(|expires| expires <= now.as_millisecond())
        {
            return Err(Error::validation("expirationDate", "must be in the future"));
        }
        Ok(Self {
            name,
            description: text(&body, "description", 0, 32767)?,
            expires,
            scope: scopes(&body, api)?,
            status: status(&body)?.unwrap_or_default(),
            roles: roles(&body, api)?,
        })
    }
}

impl Patch {
    /// Parses and validates the body of an update request.
    pub(super) fn parse(body: &[u8], api: Api) -> Result<Self, Error> {
        let body = object(body)?;
        let mut known = vec!["name", "description", "status"];
        known.extend(role_fields(api));
        reject_unknown_fields(&body, &known)?;
        Ok(Self {
            name: text(&body, "name", 1, 255)?,
            description: text(&body, "description", 0, 32767)?,
            status: status(&body)?,
            roles: roles(&body, api)?,
        })
    }
}

/// Returns the fields about roles, which older versions lack.
fn role_fields(api: Api) -> &'static [&'static str] {
    match api {
        Api::V1_20 => &[],
        Api::V1_31 => &["defaultRole", "orgRoles"],
    }
}

/// Rejects a body with unknown fields.
fn reject_unknown_fields(body: &Map<String, Value>, known: &[&str]) -> Result<(), Error> {
    if body.keys().all(|key| known.contains(&key.as_str())) {
        Ok(())
    } else {
        Err(Error::validation("data", "has additional properties"))
    }
}

/// Reads a string field with `shortest` to `longest` characters.
pub(super) fn text(
    body: &Map<String, Value>,
    field: &str,
    shortest: usize,
    longest: usize,
) -> Result<Option<String>, Error> {
    let Some(value) = body.get(field) else {
        return Ok(None);
    };
    let Value::String(text) = value else {
        return Err(Error::validation(field, "is the wrong type"));
    };
    let length = text.chars().count();
    if length < shortest {
        return Err(Error::validation(field, "has less length than allowed"));
    }
    if length > longest {
        return Err(Error::validation(field, "has longer length than allowed"));
    }
    Ok(Some(text.clone()))
}

/// Reads the expiration date.
fn expiration(body: &Map<String, Value>) -> Result<Option<i64>, Error> {
    let Some(date) = text(body, "expirationDate", 0, usize::MAX)? else {
        return Ok(None);
    };
    // The format requires a full date and time; the parser alone would accept less.
    let is_full = date.len() >= 20
        && matches!(date.as_bytes().get(10), Some(b'T' | b't' | b' '))
        && date.as_bytes().get(16) == Some(&b':');
    let time: Option<Timestamp> = date.parse().ok();
    match time {
        Some(time) if is_full => Ok(Some(time.as_millisecond())),
        _ => Err(Error::validation(
            "expirationDate",
            "must be date-time format",
        )),
    }
}

/// Reads the scopes.
fn scopes(body: &Map<String, Value>, api: Api) -> Result<Option<Vec<String>>, Error> {
    let Some(value) = body.get("scope") else {
        return Ok(None);
    };
    let Value::Array(items) = value else {
        return Err(Error::validation("scope", "is the wrong type"));
    };
    let mut scopes: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item.as_str() {
            Some(name) if scope::exists(api, name) => {
                if scopes.iter().any(|known| known == name) {
                    return Err(Error::validation("scope", "must be unique"));
                }
                scopes.push(name.to_owned());
            }
            _ => {
                let field = format!("scope.{index}");
                let problem = "no (or more than one) schemas match";
                return Err(Error::validation(&field, problem));
            }
        }
    }
    Ok(Some(scopes))
}

/// Reads the status.
fn status(body: &Map<String, Value>) -> Result<Option<Status>, Error> {
    match body.get("status") {
        None => Ok(None),
        Some(Value::String(status)) if status == "active" => Ok(Some(Status::Active)),
        Some(Value::String(status)) if status == "inactive" => Ok(Some(Status::Inactive)),
        Some(_) => Err(Error::validation("status", "must be an enum value")),
    }
}

const ROLES: [&str; 5] = ["admin", "edit", "collaborate", "view", "none"];
const RESOURCE_ROLES: [&str; 3] = ["collaborate", "view", "none"];

/// Reads and validates the roles.
fn roles(body: &Map<String, Value>, api: Api) -> Result<Roles, Error> {
    if api == Api::V1_20 {
        return Ok(Roles::default());
    }
    if let Some(role) = body.get("defaultRole") {
        check_enum(role, &ROLES, "defaultRole")?;
    }
    if let Some(list) = body.get("orgRoles") {
        for item in bounded_array(list, 25, "orgRoles")? {
            check_org_role(item)?;
        }
    }
    Ok(Roles {
        default_role: body.get("defaultRole").cloned(),
        org_roles: body.get("orgRoles").cloned(),
    })
}

/// Validates the role in one organization.
fn check_org_role(item: &Value) -> Result<(), Error> {
    let Value::Object(item) = item else {
        return Err(Error::validation("orgRoles", "is the wrong type"));
    };
    match item.get("orgId").and_then(Value::as_str) {
        Some(id) if id == "sandbox" || is_id(id) => {}
        _ => {
            return Err(Error::validation(
                "orgRoles.orgId",
                "no (or more than one) schemas match",
            ));
        }
    }
    check_enum(
        item.get("role").unwrap_or(&Value::Null),
        &ROLES,
        "orgRoles.role",
    )?;
    for field in ["applicationRoles", "dashboardRoles"] {
        let Some(list) = item.get(field) else {
            continue;
        };
        for resource in bounded_array(list, 100, field)? {
            if !resource["resourceId"].as_str().is_some_and(is_id) {
                return Err(Error::validation(field, "pattern mismatch"));
            }
            check_enum(&resource["role"], &RESOURCE_ROLES, field)?;
        }
    }
    Ok(())
}

/// Returns the items of an array of at most `max` items.
fn bounded_array<'a>(value: &'a Value, max: usize, field: &str) -> Result<&'a [Value], Error> {
    match value {
        Value::Array(items) if items.len() <= max => Ok(items),
        Value::Array(_) => Err(Error::validation(field, "has more items than allowed")),
        _ => Err(Error::validation(field, "is the wrong type")),
    }
}

/// Rejects a value that is not one of the allowed strings.
fn check_enum(value: &Value, allowed: &[&str], field: &str) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if allowed.contains(&text) => Ok(()),
        _ => Err(Error::validation(field, "must be an enum value")),
    }
}

/// Returns `true` if the text has the form of an id: 24 hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
