//! `/user/self/`: who the caller is, which anybody may ask.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::{Platform, State, USERNAME, caller::Caller, error::Error, options::ServiceSelf};
use crate::response;

impl Platform {
    /// Serves `GET /user/self/`, also for anonymous callers.
    pub(super) fn current_user(&self, state: &State, caller: Caller) -> Response<Bytes> {
        let service = match (caller, self.options.service_self) {
            (Caller::Service(slot), ServiceSelf::Recognized) => Some(slot),
            (Caller::Service(_), ServiceSelf::Forbidden) => {
                let detail = "You do not have permission to perform this action.";
                return Error::new(403, detail).response();
            }
            _ => None,
        };
        if let Some(slot) = service {
            let service = state.services.get(slot);
            let body = json!({
                "authenticated": true,
                "email": null,
                "name": service.map(|service| service.name.as_str()),
                "profile_url": null,
                "self_url": "https://api.cloudsmith.io/user/self/",
                "slug": service.map(|service| service.slug.as_str()),
                "slug_perm": null,
            });
            return response::json(200, &body);
        }
        let authenticated = caller == Caller::User;
        let value = |text: &str| authenticated.then(|| text.to_owned());
        let body = json!({
            "authenticated": authenticated,
            "email": value(&self.options.email),
            "name": value("Example User"),
            "profile_url": value("https://api.cloudsmith.io/users/profile/example-user/"),
            "self_url": "https://api.cloudsmith.io/user/self/",
            "slug": value(USERNAME),
            "slug_perm": value("q1w2E3r4T5y6"),
        });
        response::json(200, &body)
    }
}
