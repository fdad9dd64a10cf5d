//! The path of a request through log, faults and platform, with or without a socket.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    Simulator,
    faults::{Delivery, Plan, Replacement},
    gzip, response,
};

/// A connection that was dropped before the response was complete.
///
/// A real client cannot tell the variants apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Dropped {
    /// The request was not processed.
    #[error("connection closed before the request was processed")]
    BeforeProcessing,
    /// The request was processed, and its response lost.
    #[error("connection closed after the request was processed")]
    AfterProcessing,
    /// The head of the response and a part of its body were sent.
    #[error("connection closed after {received} bytes of the body")]
    DuringBody {
        /// The number of body bytes sent.
        received: usize,
    },
}

/// Sends a request to a simulator without a socket, with faults, delays and log as on a server.
///
/// A tokio runtime is needed only for faults that wait.
///
/// # Errors
/// Fails when a fault drops the connection.
pub async fn dispatch(
    simulator: &dyn Simulator,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Dropped> {
    let is_head = request.method() == http::Method::HEAD;
    let (mut response, delivery) = exchange(simulator, request).await?;
    if is_head {
        // A server omits the body by itself.
        response.body_mut().clear();
    }
    let length = response.body().len();
    match delivery {
        // The second response is left on a connection, and here there is none.
        Delivery::Whole | Delivery::Twice => Ok(response),
        Delivery::Flood => std::future::pending().await,
        Delivery::Cut(received) if received < length => Err(Dropped::DuringBody { received }),
        Delivery::Cut(_) => Ok(response),
        Delivery::Trickle { bytes, every } => {
            let pieces = u32::try_from(length.div_ceil(bytes)).unwrap_or(u32::MAX);
            tokio::time::sleep(every.saturating_mul(pieces)).await;
            Ok(response)
        }
    }
}

/// Logs and processes a request, leaving the delivery of the body to the caller.
pub(crate) async fn exchange(
    simulator: &dyn Simulator,
    request: Request<Bytes>,
) -> Result<(Response<Bytes>, Delivery), Dropped> {
    let number = simulator.log().record(&request, simulator.clock().now());
    let plan = simulator.faults().take(&request);
    let is_compressed = simulator.instruments().gzip && gzip::is_accepted(&request);
    wait(plan.delay).await;
    let mut response = match (&plan.replacement, plan.apply_late) {
        (None, None) => process(simulator, &plan, request, number),
        (None, Some(delay)) => return apply_late(simulator, plan, request, number, delay).await,
        (Some(replacement), delay) => {
            if let Some(delay) = delay {
                apply_in_background(simulator, plan.clone(), request, number, delay);
            }
            match replacement {
                Replacement::Close => return Err(Dropped::BeforeProcessing),
                Replacement::Answer(canned) => canned.response(),
            }
        }
    };
    finish(simulator, &plan, &mut response, number).await?;
    if is_compressed {
        gzip::compress(&mut response);
    }
    Ok((response, plan.delivery))
}

/// Processes a request and marks it in the log.
fn process(
    simulator: &dyn Simulator,
    plan: &Plan,
    request: Request<Bytes>,
    number: u64,
) -> Response<Bytes> {
    let response = plan.process(simulator, request);
    simulator.log().mark_processed(number);
    response
}

/// Processes a request in its own task, which continues if the client disconnects.
async fn apply_late(
    simulator: &dyn Simulator,
    plan: Plan,
    request: Request<Bytes>,
    number: u64,
    delay: Duration,
) -> Result<(Response<Bytes>, Delivery), Dropped> {
    let simulator = simulator.to_arc();
    let task = tokio::spawn(async move {
        wait(delay).await;
        let mut response = process(&*simulator, &plan, request, number);
        finish(&*simulator, &plan, &mut response, number).await?;
        Ok((response, plan.delivery))
    });
    task.await.unwrap_or(Err(Dropped::AfterProcessing))
}

/// Processes a request in the background, after the client received another response.
fn apply_in_background(
    simulator: &dyn Simulator,
    plan: Plan,
    request: Request<Bytes>,
    number: u64,
    delay: Duration,
) {
    let simulator = simulator.to_arc();
    tokio::spawn(async move {
        wait(delay).await;
        process(&*simulator, &plan, request, number);
    });
}

/// Applies the faults that follow processing, and completes the log entry.
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
        response::set_header(response, "date", &httpdate::fmt_http_date(now));
    }
    simulator
        .log()
        .record_status(number, response.status().as_u16());
    Ok(())
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
