//! What goes wrong.

use std::time::Duration;

use tokenfleet_simulators::{Action, Canned, Churn, Hook, NewToken};
use tokenfleet_tests::FOREIGN;

/// One thing that goes wrong.
pub(crate) struct Row {
    pub(crate) name: String,
    /// All to the same request.
    pub(crate) actions: Vec<Action>,
    /// Whether it changes the collection by itself.
    pub(crate) interferes: bool,
}

/// Within the time that one request is given.
const SHORT: Duration = Duration::from_secs(20);
/// Beyond it.
const LONG: Duration = Duration::from_secs(40);

/// What a gateway answers of its own accord. Nothing in it is in a platform's shape, and it names a secret.
fn page(status: u16) -> Canned {
    Canned::status(status)
        .header("content-type", "text/html")
        .header("x-request-id", FOREIGN[0])
        .body(format!(
            "<html><h1>Gateway</h1>{} {}</html>",
            FOREIGN[0], FOREIGN[1]
        ))
}

/// Everything that goes wrong, each action of the simulators at least once.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |name: &str, actions: Vec<Action>| {
        let interferes = actions
            .iter()
            .any(|action| matches!(action, Action::Churn(_) | Action::Run(_)));
        rows.push(Row {
            name: name.to_owned(),
            actions,
            interferes,
        });
    };
    let late = |by, told| vec![Action::ApplyLate(by), told];

    row("closed before", vec![Action::CloseBefore]);
    row("closed after", vec![Action::CloseAfter]);
    row("body cut", vec![Action::CutBody(10)]);
    row("20 s late", vec![Action::Delay(SHORT)]);
    row("40 s late", vec![Action::Delay(LONG)]);
    row("answer 20 s late", vec![Action::DelayAnswer(SHORT)]);
    row("answer 40 s late", vec![Action::DelayAnswer(LONG)]);
    row("applied 40 s late", vec![Action::ApplyLate(LONG)]);
    row("closed, applied late", late(SHORT, Action::CloseBefore));
    row("504, applied late", late(SHORT, Action::Answer(page(504))));
    for (name, bytes, millis) in [("trickle", 100, 1), ("slow trickle", 1, 10_000)] {
        row(name, vec![Action::Trickle { bytes, millis }]);
    }

    for status in [
        200, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504,
    ] {
        let name = format!("{status} page");
        row(&name, vec![Action::Answer(page(status))]);
    }
    let json = |body: &str| vec![Action::Answer(Canned::json(200, body))];
    row("200 empty", vec![Action::Answer(Canned::status(200))]);
    row("200 `{}`", json("{}"));
    row("200 `[]`", json("[]"));
    row("200 garbage", json("{\"id\":"));
    row("204", vec![Action::Answer(Canned::status(204))]);
    for status in [429, 503] {
        for (name, wait) in [
            ("3 s", "3"),
            ("date", "Thu, 01 Jan 2026 00:00:05 GMT"),
            ("absurd", "99999999999999999999"),
            ("garbage", "soon"),
        ] {
            let answer = page(status).header("retry-after", wait);
            let name = format!("{status}, wait: {name}");
            row(&name, vec![Action::Answer(answer)]);
        }
    }
    let elsewhere = format!("https://elsewhere.example.com/{}", FOREIGN[0]);
    row("307 elsewhere", vec![Action::Redirect(elsewhere)]);

    // A refusal after the request was carried out is not tried: it is a lie that nobody can see through.
    for status in [200, 302, 408, 500, 502, 503, 504] {
        let name = format!("applied, {status} page");
        row(&name, vec![Action::AnswerAfterwards(page(status))]);
    }
    let wait = page(503).header("retry-after", "3");
    row(
        "applied, 503, wait: 3 s",
        vec![Action::AnswerAfterwards(wait)],
    );
    row(
        "applied, 200 `{}`",
        vec![Action::AnswerAfterwards(Canned::json(200, "{}"))],
    );

    row(
        "other type",
        vec![Action::ContentType("text/html".to_owned())],
    );
    row("huge body", vec![Action::HugeBody(2 << 20)]);
    row("deep body", vec![Action::DeepBody(200)]);
    row("items repeated", vec![Action::RepeatItems(1)]);
    row("items reordered", vec![Action::ReorderItems]);
    row("total + 5", vec![Action::LieAboutTotals(5)]);
    row("total - 1", vec![Action::LieAboutTotals(-1)]);
    row("page ignored", vec![Action::IgnorePage]);
    row("endless pages", vec![Action::EndlessPages]);
    let create = Churn::Create("meanwhile".to_owned());
    row("another is made", vec![Action::Churn(create)]);
    row(
        "the oldest vanishes",
        vec![Action::Churn(Churn::RemoveOldest(1))],
    );
    let hook = Hook::new(|simulator| {
        simulator.insert(NewToken::named("first"));
        simulator.insert(NewToken::named("second"));
    });
    row("two others are made", vec![Action::Run(hook)]);
    rows
}
