//! The conformance fixture of a simulator and the adapter in front of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokenfleet_conformance::{ExistingToken, Fault, Fixture, InsertedToken, TokenSpec};
use tokenfleet_core::capability::{ArgumentSupport, TokenField};
use tokenfleet_core::{
    Fact, RequestedExpiry, Secret, Timestamp, TokenId, TokenProvider, TokenState,
};
use tokenfleet_simulators::{Action, Canned, NewToken, RecordField, Simulator, State};

use crate::base_url;

/// A simulated platform behind its adapter.
#[derive(Debug)]
pub struct SimulatedFixture {
    pub(crate) simulator: Arc<dyn Simulator>,
    pub(crate) provider: Arc<dyn TokenProvider>,
    /// The adapter with a credential that the platform does not accept.
    pub(crate) intruder: Arc<dyn TokenProvider>,
    /// The credentials of both, as they are sent.
    pub(crate) credentials: Vec<String>,
    /// The scopes that a token may have.
    pub(crate) scopes: Vec<String>,
    /// Returns a name as the platform stores it.
    pub(crate) stored_name: fn(&str) -> String,
}

impl SimulatedFixture {
    /// Returns the platform itself.
    #[must_use]
    pub fn simulator(&self) -> &Arc<dyn Simulator> {
        &self.simulator
    }

    /// Reports whether the platform can hold such a token beside those that it already holds.
    fn admits(&self, spec: &TokenSpec) -> bool {
        let capabilities = self.provider.capabilities();
        let create = capabilities.create.clone().unwrap_or_default();
        let state_is_possible = match spec.state {
            TokenState::Active | TokenState::Expired => true,
            TokenState::Suspended => create.suspended,
            TokenState::Revoked => self.simulator.provider() == "foreman",
            TokenState::Unknown => self.simulator.provider() == "losant",
            _ => false,
        };
        let expiry_is_possible = create.expiry
            || (spec.expiry == RequestedExpiry::PlatformDefault
                && spec.state != TokenState::Expired)
            || (spec.state == TokenState::Expired
                && capabilities.reported_fields.contains(&TokenField::Expiry));
        let name_is_possible = spec.name.is_none() || create.name != ArgumentSupport::Unsupported;
        let name_is_free = !create.unique_names
            || self
                .simulator
                .tokens()
                .iter()
                .all(|token| token.name != spec.name);
        let has_space = create
            .max_tokens
            .is_none_or(|maximum| self.simulator.token_count() < maximum as usize);
        state_is_possible && expiry_is_possible && name_is_possible && name_is_free && has_space
    }
}

fn to_platform_time(at: Timestamp) -> Option<jiff::Timestamp> {
    at.to_string().parse().ok()
}

fn from_platform_time(at: jiff::Timestamp) -> Option<Timestamp> {
    at.to_string().parse().ok()
}

#[async_trait]
impl Fixture for SimulatedFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        self.credentials
            .iter()
            .map(|text| Secret::new(text.as_str()))
            .collect()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        if !self.admits(&spec) {
            return None;
        }
        let mut token = NewToken::named(spec.name.unwrap_or_default()).state(match spec.state {
            TokenState::Suspended => State::Suspended,
            TokenState::Revoked => State::Revoked,
            TokenState::Expired => State::Expired,
            TokenState::Unknown => State::Unrecognized,
            _ => State::Active,
        });
        if let RequestedExpiry::At(at) = spec.expiry {
            token = token.expires(to_platform_time(at)?);
        }
        let inserted = self.simulator.insert(token);
        let secret = Secret::new(inserted.secret);
        Some(InsertedToken::new(TokenId::new(inserted.id)).with_secret(secret))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let reports_expiry = self
            .provider
            .capabilities()
            .reported_fields
            .contains(&TokenField::Expiry);
        let existing = |token: tokenfleet_simulators::Token| {
            let state = match token.state {
                State::Active => TokenState::Active,
                State::Suspended => TokenState::Suspended,
                State::Revoked => TokenState::Revoked,
                State::Expired => TokenState::Expired,
                _ => TokenState::Unknown,
            };
            let expiry = if reports_expiry {
                Fact::from_nullable(token.expires.and_then(from_platform_time))
            } else {
                Fact::NotReported
            };
            ExistingToken::new(TokenId::new(token.id), state).with_expiry(expiry)
        };
        self.simulator.tokens().into_iter().map(existing).collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.simulator.accepts(secret.expose())
    }

    fn request_count(&self) -> u64 {
        self.simulator.log().entries().len() as u64
    }

    async fn remove(&self, id: &TokenId) -> bool {
        // Foreman keeps its records for ever, and nothing works without the acting token.
        let acting = self
            .simulator
            .token(id.as_str())
            .is_some_and(|token| self.credentials.contains(&token.secret));
        self.simulator.provider() != "foreman" && !acting && self.simulator.remove(id.as_str())
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(Arc::clone(&self.intruder))
    }

    fn now(&self) -> Timestamp {
        from_platform_time(self.simulator.clock().now()).unwrap_or_else(Timestamp::now)
    }

    async fn advance(&self, by: Duration) -> bool {
        self.simulator
            .clock()
            .advance(SignedDuration::try_from(by).unwrap_or_default());
        true
    }

    async fn inject(&self, fault: Fault) -> bool {
        let platform = self.simulator.provider();
        let reported = &self.provider.capabilities().reported_fields;
        let falsify = |field, json: &str| Action::Falsify {
            field,
            json: json.to_owned(),
        };
        let action = match fault {
            Fault::LoseRequest => Action::CloseBefore,
            Fault::LoseResponse => Action::CloseAfter,
            Fault::GatewayRefusal => {
                Action::Answer(Canned::json(401, r#"{"message":"Unauthorized"}"#))
            }
            Fault::AcceptOnly => Action::Answer(Canned::json(202, "{}")),
            Fault::GatewayNotFound => {
                let page = Canned::status(404).header("content-type", "text/html");
                Action::Answer(page.body("<h1>Not Found</h1>"))
            }
            Fault::MissingPage | Fault::GatewayJsonNotFound => {
                Action::Answer(Canned::json(404, r#"{"message":"Not Found"}"#))
            }
            Fault::Redirect => Action::Redirect("https://elsewhere.example.com/".to_owned()),
            Fault::OtherRecord if platform == "foreman" => {
                // One that is revoked, lest it passes for the requested one.
                let faults = self.simulator.faults();
                let fault = tokenfleet_simulators::Fault::new(falsify(RecordField::Id, "999999"));
                let fault = fault.and(falsify(RecordField::Status, "false"));
                faults.add(fault.and(falsify(RecordField::Revoked, "true")));
                return true;
            }
            Fault::OtherRecord => falsify(RecordField::Id, "\"another\""),
            Fault::IgnoreChange if platform == "losant" => {
                falsify(RecordField::Name, "\"unchanged\"")
            }
            Fault::ReportActive if platform == "losant" => {
                falsify(RecordField::Status, "\"active\"")
            }
            Fault::UnreadableState if platform == "losant" => {
                falsify(RecordField::Status, r#""\ud83d""#)
            }
            Fault::BroaderScopes if platform == "losant" => {
                falsify(RecordField::Scopes, r#"["all.Organization"]"#)
            }
            Fault::OtherExpiry if matches!(platform, "losant" | "foreman") => {
                falsify(RecordField::Expiry, "\"9999-12-31T23:59:59Z\"")
            }
            Fault::OtherName if reported.contains(&TokenField::Name) => {
                falsify(RecordField::Name, "\"another\"")
            }
            Fault::RepeatSecret => Action::RepeatSecret,
            Fault::EchoCredential => Action::EchoCredential,
            Fault::ByteOrderMark => Action::ByteOrderMark,
            Fault::Compress => Action::Gzip,
            Fault::WrongContentType => Action::ContentType("text/html".to_owned()),
            Fault::MaskSecret => falsify(RecordField::Secret, "\"************3456\""),
            Fault::OddValue
                if platform == "cloudsmith" && !reported.contains(&TokenField::Name) =>
            {
                falsify(RecordField::Created, "{}")
            }
            Fault::OddValue if platform == "mindbody" => falsify(RecordField::Expiry, "{}"),
            Fault::OddValue => falsify(RecordField::Name, r#""odd \ud83d""#),
            _ => return false,
        };
        self.simulator
            .faults()
            .add(tokenfleet_simulators::Fault::new(action));
        true
    }

    fn origin(&self) -> Option<String> {
        Some(base_url().to_string())
    }

    fn stored_name(&self, name: &str) -> String {
        (self.stored_name)(name)
    }

    fn scopes(&self) -> Vec<String> {
        self.scopes.clone()
    }
}
