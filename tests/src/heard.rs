//! Everything that the library says to listeners, in the order in which it says it.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

/// A span, an event or a metric.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `span`, `event` or `metric`.
    pub kind: &'static str,
    /// Its documented name.
    pub name: String,
    /// What listeners filter by; of a metric nothing.
    pub target: String,
    /// How loud it is; of a metric nothing.
    pub level: String,
    /// Names and values of its fields or labels.
    pub fields: Vec<(String, String)>,
}

impl Said {
    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(own, _)| own == name)?;
        Some(value)
    }
}

/// Listens to spans, events and metrics at the most verbose level. Clones are the same listener.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Said>>>);

/// Ends the listening when dropped.
#[must_use]
pub struct Listening<'a> {
    _events: tracing::subscriber::DefaultGuard,
    _metrics: metrics::LocalRecorderGuard<'a>,
}

impl Debug for Listening<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listening")
    }
}

impl Heard {
    /// Listens to what this thread does from now on.
    pub fn listen(&self) -> Listening<'_> {
        Listening {
            _events: tracing::subscriber::set_default(self.clone()),
            _metrics: metrics::set_default_local_recorder(self),
        }
    }

    /// What was said so far.
    #[must_use]
    pub fn all(&self) -> Vec<Said> {
        self.said().clone()
    }

    /// What was said so far, as one text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:?}", self.said())
    }

    fn said(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metric(&self, key: &Key) {
        let fields = key.labels();
        let said = Said {
            kind: "metric",
            name: key.name().to_owned(),
            fields: fields
                .map(|label| (label.key().to_owned(), label.value().to_owned()))
                .collect(),
            ..Said::default()
        };
        self.said().push(said);
    }
}

impl tracing::Subscriber for Heard {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut said = begun("span", attributes.metadata());
        attributes.record(&mut Fields(&mut said.fields));
        let mut all = self.said();
        all.push(said);
        Id::from_u64(all.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = usize::try_from(span.into_u64()).unwrap_or_default() - 1;
        if let Some(said) = self.said().get_mut(place) {
            values.record(&mut Fields(&mut said.fields));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut said = begun("event", event.metadata());
        event.record(&mut Fields(&mut said.fields));
        self.said().push(said);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn begun(kind: &'static str, metadata: &tracing::Metadata<'_>) -> Said {
    Said {
        kind,
        name: metadata.name().to_owned(),
        target: metadata.target().to_owned(),
        level: metadata.level().to_string(),
        fields: Vec::new(),
    }
}

struct Fields<'a>(&'a mut Vec<(String, String)>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format!("{value} {value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl metrics::Recorder for Heard {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.metric(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.metric(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.metric(key);
        Histogram::noop()
    }
}
