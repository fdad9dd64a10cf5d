//! What befalls one request, gathered from all the faults that it meets.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::{Action, Canned, falsify};
use crate::Simulator;

/// What befalls one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) apply_late: Option<Duration>,
    pub(crate) instead: Option<Instead>,
    pub(crate) delay_answer: Duration,
    pub(crate) close_after: bool,
    pub(crate) delivery: Delivery,
    /// What is done to the request or the answer, or after the processing, in order.
    steps: Vec<Action>,
    answer_afterwards: Option<Canned>,
}

/// What happens in place of processing.
#[derive(Clone, Debug)]
pub(crate) enum Instead {
    Close,
    Answer(Canned),
}

/// How the body of the answer gets to the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    Cut(usize),
    Trickle {
        bytes: usize,
        every: Duration,
    },
}

impl Plan {
    pub(crate) fn include(&mut self, action: &Action) {
        match action {
            Action::Answer(canned) => self.replace(Instead::Answer(canned.clone())),
            Action::Redirect(location) => self.replace(Instead::Answer(
                Canned::status(307).header("location", location),
            )),
            Action::CloseBefore => self.replace(Instead::Close),
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
            Action::ContentType(_)
            | Action::RepeatItems(_)
            | Action::ReorderItems
            | Action::LieAboutTotals(_)
            | Action::IgnorePage
            | Action::EndlessPages
            | Action::HugeBody(_)
            | Action::DeepBody(_)
            | Action::Churn(_)
            | Action::Run(_) => self.steps.push(action.clone()),
        }
    }

    fn replace(&mut self, instead: Instead) {
        self.instead.get_or_insert(instead);
    }

    fn deliver(&mut self, delivery: Delivery) {
        if matches!(self.delivery, Delivery::Whole) {
            self.delivery = delivery;
        }
    }

    /// Has the platform answer, changes the collection, and falsifies the answer.
    pub(crate) fn process(
        &self,
        simulator: &dyn Simulator,
        mut request: http::Request<Bytes>,
    ) -> Response<Bytes> {
        let asked = falsify::asked_page(simulator, &request);
        if self
            .steps
            .iter()
            .any(|step| matches!(step, Action::IgnorePage | Action::EndlessPages))
        {
            falsify::ask_for_first_page(simulator, &mut request);
        }
        let mut response = simulator.answer(request);
        for step in &self.steps {
            match step {
                Action::Churn(churn) => churn.apply(simulator),
                Action::Run(hook) => hook.run(simulator),
                other => falsify::answer(other, simulator, asked, &mut response),
            }
        }
        match &self.answer_afterwards {
            Some(canned) => canned.response(),
            None => response,
        }
    }
}
