//! Answers made wrong: pages that repeat, totals that lie, bodies that burst.

use bytes::Bytes;
use http::{Request, Response, Uri, uri::PathAndQuery};
use serde_json::{Map, Value};

use super::Action;
use crate::{ListingShape, Simulator, answer, target::Target};

/// The page that the request asks for, where the platform has pages.
pub(super) fn asked_page(simulator: &dyn Simulator, request: &Request<Bytes>) -> Option<u64> {
    let shape = simulator.listing_shape()?;
    let target = Target::of(request.uri());
    let asked = target.parameter(shape.page_parameter);
    Some(
        asked
            .and_then(|page| page.parse().ok())
            .unwrap_or(shape.first_page),
    )
}

/// Drops the page number from the request, so that the platform answers the first page.
pub(super) fn ask_for_first_page(simulator: &dyn Simulator, request: &mut Request<Bytes>) {
    let Some(shape) = simulator.listing_shape() else {
        return;
    };
    let query: Vec<&str> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| pair.split('=').next() != Some(shape.page_parameter))
        .collect();
    let target = format!("{}?{}", request.uri().path(), query.join("&"));
    let mut parts = request.uri().clone().into_parts();
    if let Ok(target) = PathAndQuery::try_from(target) {
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// Applies one falsification; what does not fit the answer leaves it alone.
pub(super) fn answer(
    action: &Action,
    simulator: &dyn Simulator,
    asked: Option<u64>,
    response: &mut Response<Bytes>,
) {
    match action {
        Action::ContentType(kind) => answer::set(response, "content-type", kind),
        Action::HugeBody(bytes) => {
            let padding = "x".repeat(*bytes);
            append_member(response, &format!("\"padding\":\"{padding}\""));
        }
        Action::DeepBody(levels) => {
            let nested = format!("{}{}", "[".repeat(*levels), "]".repeat(*levels));
            append_member(response, &format!("\"nested\":{nested}"));
        }
        page_fault => {
            if let Some(shape) = simulator.listing_shape() {
                falsify_page(page_fault, shape, asked, response);
            }
        }
    }
}

fn falsify_page(
    action: &Action,
    shape: ListingShape,
    asked: Option<u64>,
    response: &mut Response<Bytes>,
) {
    let Ok(Value::Object(mut page)) = serde_json::from_slice(response.body()) else {
        return;
    };
    let Some(Value::Array(items)) = page.get_mut(shape.items) else {
        return;
    };
    match action {
        Action::RepeatItems(count) => {
            let again: Vec<Value> = items.iter().take(*count).cloned().collect();
            items.extend(again);
        }
        Action::ReorderItems => items.reverse(),
        Action::LieAboutTotals(by) => shift_totals(shape, *by, &mut page, response),
        Action::EndlessPages => {
            let asked = asked.unwrap_or(shape.first_page);
            // However far the walk has come, a million more are promised.
            let ahead = i64::try_from(asked.saturating_add(1_000_000)).unwrap_or(i64::MAX);
            shift_totals(shape, ahead, &mut page, response);
            if let Some(member) = shape.page {
                page.insert(member.to_owned(), asked.into());
            }
            if let Some(header) = shape.page_header {
                answer::set(response, header, &asked.to_string());
            }
            if let Some(header) = shape.page_count_header {
                answer::set(response, header, &ahead.to_string());
            }
        }
        _ => return,
    }
    if let Ok(body) = serde_json::to_vec(&page) {
        *response.body_mut() = Bytes::from(body);
    }
}

fn shift_totals(
    shape: ListingShape,
    by: i64,
    page: &mut Map<String, Value>,
    response: &mut Response<Bytes>,
) {
    for member in shape.totals {
        if let Some(total) = page.get(*member).and_then(Value::as_i64) {
            let shifted = total.saturating_add(by).max(0);
            page.insert((*member).to_owned(), shifted.into());
        }
    }
    for header in shape.total_headers {
        let total = response
            .headers()
            .get(*header)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<i64>().ok());
        if let Some(total) = total {
            let shifted = total.saturating_add(by).max(0);
            answer::set(response, header, &shifted.to_string());
        }
    }
}

/// Adds a member to the object that is the body, without reading it.
fn append_member(response: &mut Response<Bytes>, member: &str) {
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let Some(open) = body.trim_end().strip_suffix('}') else {
        return;
    };
    let comma = if open.trim_end().ends_with('{') {
        ""
    } else {
        ","
    };
    *response.body_mut() = Bytes::from(format!("{open}{comma}{member}}}"));
}
