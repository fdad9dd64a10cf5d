//! A platform without behaviour, until the four exist: it shows what an implementation looks like.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, Token, answer,
    target::Target,
};

/// Answers `{"path":…}` to everything.
#[derive(Clone, Debug, Default)]
pub struct Placeholder {
    instruments: Instruments,
}

impl Placeholder {
    /// A placeholder.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Simulator for Placeholder {
    fn provider(&self) -> &'static str {
        "placeholder"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        Credentials::new()
    }

    fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let target = Target::of(request.uri());
        answer::json(200, &serde_json::json!({"path": target.path}))
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        None
    }

    fn tokens(&self) -> Vec<Token> {
        Vec::new()
    }

    fn token_count(&self) -> usize {
        0
    }

    fn accepts(&self, _secret: &str) -> bool {
        false
    }

    fn insert(&self, _token: NewToken) -> Inserted {
        Inserted::new("", "")
    }

    fn remove(&self, _id: &str) -> bool {
        false
    }
}
