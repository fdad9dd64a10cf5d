//! The combined effect of all faults on one request.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::{Action, Canned, RecordField, falsify, record};
use crate::Simulator;

/// The combined effect of all faults on one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) apply_late: Option<Duration>,
    pub(crate) replacement: Option<Replacement>,
    pub(crate) delay_answer: Duration,
    pub(crate) close_after: bool,
    pub(crate) delivery: Delivery,
    /// The actions on the request, the response or the collection, in order.
    steps: Vec<Action>,
    answer_afterwards: Option<Canned>,
}

/// The outcome of a request that is not processed.
#[derive(Clone, Debug)]
pub(crate) enum Replacement {
    Close,
    Answer(Canned),
}

/// The delivery of the response to the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    Cut(usize),
    Twice,
    Flood,
    Trickle {
        bytes: usize,
        every: Duration,
    },
}

impl Plan {
    /// Adds an action.
    pub(crate) fn add(&mut self, action: &Action) {
        match action {
            Action::Answer(canned) => self.replace(Replacement::Answer(canned.clone())),
            Action::Redirect(location) => self.replace(Replacement::Answer(
                Canned::status(307).header("location", location),
            )),
            Action::CloseBefore => self.replace(Replacement::Close),
            Action::AnswerAfterwards(canned) => {
                self.answer_afterwards.get_or_insert_with(|| canned.clone());
            }
            Action::Delay(by) => self.delay = self.delay.saturating_add(*by),
            Action::DelayAnswer(by) => self.delay_answer = self.delay_answer.saturating_add(*by),
            Action::ApplyLate(by) => {
                self.apply_late.get_or_insert(*by);
            }
            Action::CloseAfter => self.close_after = true,
            Action::CutBody(bytes) => self.deliver(Delivery::Cut(*bytes)),
            Action::Trickle { bytes, millis } => self.deliver(Delivery::Trickle {
                bytes: (*bytes).max(1),
                every: Duration::from_millis(*millis),
            }),
            Action::AnswerTwice => self.deliver(Delivery::Twice),
            Action::InformationalFlood => self.deliver(Delivery::Flood),
            Action::SpoilCredentials
            | Action::Status(_)
            | Action::VaryWords
            | Action::ContentType(_)
            | Action::Header(..)
            | Action::ByteOrderMark
            | Action::Gzip
            | Action::GzipMembers
            | Action::Member(..)
            | Action::ManyValues(_)
            | Action::RepeatItems(_)
            | Action::ReorderItems
            | Action::LieAboutTotals(_)
            | Action::IgnorePage
            | Action::EndlessPages
            | Action::HugeBody(_)
            | Action::DeepBody(_)
            | Action::Falsify { .. }
            | Action::RepeatSecret
            | Action::EchoCredential
            | Action::Churn(_)
            | Action::Run(_) => self.steps.push(action.clone()),
        }
    }

    fn replace(&mut self, replacement: Replacement) {
        self.replacement.get_or_insert(replacement);
    }

    fn deliver(&mut self, delivery: Delivery) {
        if matches!(self.delivery, Delivery::Whole) {
            self.delivery = delivery;
        }
    }

    /// Processes a request, changes the collection, and falsifies the response.
    pub(crate) fn process(
        &self,
        simulator: &dyn Simulator,
        mut request: http::Request<Bytes>,
    ) -> Response<Bytes> {
        let requested_page = falsify::requested_page(simulator, &request);
        if self
            .steps
            .iter()
            .any(|step| matches!(step, Action::IgnorePage | Action::EndlessPages))
        {
            falsify::request_first_page(simulator, &mut request);
        }
        let spoils_credentials = |step: &Action| matches!(step, Action::SpoilCredentials);
        if self.steps.iter().any(spoils_credentials) {
            falsify::spoil_credentials(&mut request);
        }
        let repeats_secret = |step: &Action| matches!(step, Action::RepeatSecret);
        let before = if self.steps.iter().any(repeats_secret) {
            simulator.tokens()
        } else {
            Vec::new()
        };
        let credential = falsify::sent_credential(&request);
        let mut response = simulator.answer(request);
        for step in &self.steps {
            match step {
                Action::Churn(churn) => churn.apply(simulator),
                Action::Run(hook) => hook.run(simulator),
                Action::Falsify { field, json } => {
                    record::falsify(simulator, *field, json, &mut response);
                }
                Action::RepeatSecret => {
                    if let Some(oldest) = before.first() {
                        let json = format!("\"{}\"", oldest.secret);
                        record::falsify(simulator, RecordField::Secret, &json, &mut response);
                    }
                }
                Action::EchoCredential => {
                    if let Some(credential) = &credential {
                        let json = serde_json::Value::from(credential.as_str()).to_string();
                        record::falsify(simulator, RecordField::Secret, &json, &mut response);
                    }
                }
                other => falsify::falsify(other, simulator, requested_page, &mut response),
            }
        }
        match &self.answer_afterwards {
            Some(canned) => canned.response(),
            None => response,
        }
    }
}
