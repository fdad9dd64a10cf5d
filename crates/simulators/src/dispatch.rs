//! The way of a request: log, faults, platform, answer. Servers and in-process tests share it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    Simulator, answer,
    faults::{Delivery, Instead, Plan},
};

/// The connection was dropped before the answer was whole. A real client cannot tell which of these
/// it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Dropped {
    /// The request was not processed.
    #[error("connection closed before the request was processed")]
    BeforeProcessing,
    /// The request was processed, its answer lost.
    #[error("connection closed after the request was processed")]
    AfterProcessing,
    /// The head of the answer arrived, and so much of its body.
    #[error("connection closed after {received} bytes of the body")]
    DuringBody {
        /// Bytes of the body that were sent.
        received: usize,
    },
}

/// Sends a request to a simulator without a socket: faults, delays and log work as on a server.
///
/// Needs a tokio runtime only while a fault waits.
///
/// # Errors
/// When a fault drops the connection.
pub async fn dispatch(
    simulator: &dyn Simulator,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Dropped> {
    let is_head = request.method() == http::Method::HEAD;
    let (mut response, delivery) = exchange(simulator, request).await?;
    if is_head {
        // A server leaves it out by itself.
        response.body_mut().clear();
    }
    let length = response.body().len();
    match delivery {
        Delivery::Whole => Ok(response),
        Delivery::Cut(received) if received < length => Err(Dropped::DuringBody { received }),
        Delivery::Cut(_) => Ok(response),
        Delivery::Trickle { bytes, every } => {
            let pieces = u32::try_from(length.div_ceil(bytes)).unwrap_or(u32::MAX);
            tokio::time::sleep(every.saturating_mul(pieces)).await;
            Ok(response)
        }
    }
}

/// Everything but the delivery of the body.
pub(crate) async fn exchange(
    simulator: &dyn Simulator,
    request: Request<Bytes>,
) -> Result<(Response<Bytes>, Delivery), Dropped> {
    let number = simulator.log().receive(&request, simulator.clock().now());
    let plan = simulator.faults().take(&request);
    wait(plan.delay).await;
    let mut response = match (&plan.instead, plan.apply_late) {
        (None, None) => process(simulator, &plan, request, number),
        (None, Some(late)) => return apply_late(simulator, plan, request, number, late).await,
        (Some(instead), late) => {
            if let Some(late) = late {
                apply_unseen(simulator, plan.clone(), request, number, late);
            }
            match instead {
                Instead::Close => return Err(Dropped::BeforeProcessing),
                Instead::Answer(canned) => canned.response(),
            }
        }
    };
    finish(simulator, &plan, &mut response, number).await?;
    Ok((response, plan.delivery))
}

fn process(
    simulator: &dyn Simulator,
    plan: &Plan,
    request: Request<Bytes>,
    number: u64,
) -> Response<Bytes> {
    let response = plan.process(simulator, request);
    simulator.log().processed(number);
    response
}

/// Processes in a task of its own, which lives on when the client leaves and this future is dropped.
async fn apply_late(
    simulator: &dyn Simulator,
    plan: Plan,
    request: Request<Bytes>,
    number: u64,
    late: Duration,
) -> Result<(Response<Bytes>, Delivery), Dropped> {
    let simulator = simulator.to_arc();
    let task = tokio::spawn(async move {
        wait(late).await;
        let mut response = process(&*simulator, &plan, request, number);
        finish(&*simulator, &plan, &mut response, number).await?;
        Ok((response, plan.delivery))
    });
    task.await.unwrap_or(Err(Dropped::AfterProcessing))
}

/// Processes after the client was told something else.
fn apply_unseen(
    simulator: &dyn Simulator,
    plan: Plan,
    request: Request<Bytes>,
    number: u64,
    late: Duration,
) {
    let simulator = simulator.to_arc();
    tokio::spawn(async move {
        wait(late).await;
        process(&*simulator, &plan, request, number);
    });
}

async fn finish(
    simulator: &dyn Simulator,
    plan: &Plan,
    response: &mut Response<Bytes>,
    number: u64,
) -> Result<(), Dropped> {
    wait(plan.delay_answer).await;
    if plan.close_after {
        return Err(Dropped::AfterProcessing);
    }
    if !response.headers().contains_key("date") {
        let now = SystemTime::from(simulator.clock().now());
        answer::set(response, "date", &httpdate::fmt_http_date(now));
    }
    simulator.log().answered(number, response.status().as_u16());
    Ok(())
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
