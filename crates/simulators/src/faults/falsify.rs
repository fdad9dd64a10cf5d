//! Falsified responses: repeated items, wrong totals, oversized bodies.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, uri::PathAndQuery};
use serde_json::Value;

use super::Action;
use crate::{
    ListingShape, Simulator,
    gzip::{gzip, set_packed},
    response,
    target::Target,
};

/// Returns the requested page, on platforms with pages.
pub(super) fn requested_page(simulator: &dyn Simulator, request: &Request<Bytes>) -> Option<u64> {
    let shape = simulator.listing_shape()?;
    let target = Target::parse(request.uri());
    let page = target.parameter(shape.page_parameter);
    Some(
        page.and_then(|page| page.parse().ok())
            .unwrap_or(shape.first_page),
    )
}

/// Drops the page number from a request, so that the platform returns the first page.
pub(super) fn request_first_page(simulator: &dyn Simulator, request: &mut Request<Bytes>) {
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

/// Returns the credential of a request: the password where it has one beside a name.
pub(super) fn sent_credential(request: &Request<Bytes>) -> Option<String> {
    let names = ["authorization", "x-api-key", "api-key"];
    let mut values = names.iter().filter_map(|name| request.headers().get(*name));
    let value = values.next()?.to_str().ok()?;
    let Some(encoded) = value.strip_prefix("Basic ") else {
        return value.rsplit(' ').next().map(str::to_owned);
    };
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    pair.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// Adds a character to each credential, in the headers where the platforms expect one.
pub(super) fn spoil_credentials(request: &mut Request<Bytes>) {
    for name in ["authorization", "x-api-key", "api-key"] {
        let Some(value) = request.headers_mut().get_mut(name) else {
            continue;
        };
        let scheme = value.as_bytes().iter().rposition(|byte| *byte == b' ');
        let (scheme, credential) = value
            .as_bytes()
            .split_at(scheme.map_or(0, |space| space + 1));
        if let Ok(spoiled) = HeaderValue::from_bytes(&[scheme, b"x", credential].concat()) {
            *value = spoiled;
        }
    }
}

/// Applies one falsification; an action that does not fit the response has no effect.
pub(super) fn falsify(
    action: &Action,
    simulator: &dyn Simulator,
    requested_page: Option<u64>,
    response: &mut Response<Bytes>,
) {
    match action {
        Action::ContentType(content_type) => {
            response::set_header(response, "content-type", content_type);
        }
        Action::Header(name, value) => response::set_header(response, name, value),
        Action::Status(status) => {
            if let Ok(status) = StatusCode::from_u16(*status) {
                *response.status_mut() = status;
            }
        }
        Action::VaryWords if !response.status().is_success() => {
            if let Ok(mut body) = serde_json::from_slice(response.body()) {
                add_reference(&mut body, simulator.log().total());
                *response.body_mut() = Bytes::from(body.to_string());
            }
        }
        Action::ByteOrderMark => {
            let marked = ["\u{feff}".as_bytes(), response.body()].concat();
            *response.body_mut() = Bytes::from(marked);
        }
        Action::Gzip => {
            let packed = gzip(response.body());
            set_packed(response, packed);
        }
        Action::GzipMembers => {
            let (head, tail) = response.body().split_at(response.body().len() / 2);
            let packed = [gzip(head), gzip(tail)].concat();
            set_packed(response, packed);
        }
        Action::Member(name, json) => {
            append_member(response, &format!("{}:{json}", Value::from(name.as_str())));
        }
        Action::ManyValues(count) => {
            let values = vec!["{}"; *count].join(",");
            append_member(response, &format!("\"values\":[{values}]"));
        }
        Action::HugeBody(bytes) => {
            let padding = "x".repeat(*bytes);
            append_member(response, &format!("\"padding\":\"{padding}\""));
        }
        Action::DeepBody(levels) => {
            let nested = format!("{}{}", "[".repeat(*levels), "]".repeat(*levels));
            append_member(response, &format!("\"nested\":{nested}"));
        }
        page_action => {
            if let Some(shape) = simulator.listing_shape() {
                falsify_page(page_action, shape, requested_page, response);
            }
        }
    }
}

/// Adds a reference number to each message of an error.
fn add_reference(error: &mut Value, number: u64) {
    let Some(members) = error.as_object_mut() else {
        return;
    };
    for (name, value) in members {
        let is_message = ["message", "detail", "error"].contains(&&*name.to_lowercase());
        match value {
            Value::String(text) if is_message => text.push_str(&format!(" (reference {number})")),
            other => add_reference(other, number),
        }
    }
}

/// Falsifies a page of a listing.
fn falsify_page(
    action: &Action,
    shape: ListingShape,
    requested_page: Option<u64>,
    response: &mut Response<Bytes>,
) {
    let Ok(mut page) = serde_json::from_slice::<Value>(response.body()) else {
        return;
    };
    let items = match shape.items {
        Some(member) => page.get_mut(member),
        None => Some(&mut page),
    };
    let Some(Value::Array(items)) = items else {
        return;
    };
    match action {
        Action::RepeatItems(count) => {
            let repeated: Vec<Value> = items.iter().take(*count).cloned().collect();
            items.extend(repeated);
        }
        Action::ReorderItems => items.reverse(),
        Action::LieAboutTotals(by) => shift_totals(shape, *by, &mut page, response),
        Action::EndlessPages => {
            let page_number = requested_page.unwrap_or(shape.first_page);
            // However far a client has come, a million more pages follow.
            let ahead = i64::try_from(page_number.saturating_add(1_000_000)).unwrap_or(i64::MAX);
            shift_totals(shape, ahead, &mut page, response);
            if let (Some(member), Value::Object(page)) = (shape.page, &mut page) {
                page.insert(member.to_owned(), page_number.into());
            }
            if let Some(header) = shape.page_header {
                response::set_header(response, header, &page_number.to_string());
            }
            if let Some(header) = shape.page_count_header {
                response::set_header(response, header, &ahead.to_string());
            }
        }
        _ => return,
    }
    if let Ok(body) = serde_json::to_vec(&page) {
        *response.body_mut() = Bytes::from(body);
    }
}

/// Adds `by` to every total in the body and the headers.
fn shift_totals(shape: ListingShape, by: i64, page: &mut Value, response: &mut Response<Bytes>) {
    for member in shape.totals {
        if let Some(total) = page.get_mut(*member)
            && let Some(count) = total.as_i64()
        {
            *total = count.saturating_add(by).max(0).into();
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
            response::set_header(response, header, &shifted.to_string());
        }
    }
}

/// Appends a member to a JSON object, or to the last one of a list, without parsing it.
fn append_member(response: &mut Response<Bytes>, member: &str) {
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let mut ends = ["}", "}]"].into_iter();
    let open_and_end = ends.find_map(|end| Some((body.trim_end().strip_suffix(end)?, end)));
    let Some((open, end)) = open_and_end else {
        return;
    };
    let comma = if open.trim_end().ends_with('{') {
        ""
    } else {
        ","
    };
    *response.body_mut() = Bytes::from(format!("{open}{comma}{member}{end}"));
}
