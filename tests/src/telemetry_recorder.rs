//! A recorder of the spans, events and metrics that the library emits, in order.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;

/// A recorded span, event or metric.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// `span`, `event` or `metric`.
    pub kind: &'static str,
    /// The documented name.
    pub name: String,
    /// The target by which subscribers filter; empty for a metric.
    pub target: String,
    /// The level; empty for a metric.
    pub level: String,
    /// The names and values of the fields or labels.
    pub fields: Vec<(String, String)>,
}

impl Recorded {
    /// Returns the value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(known, _)| known == name)?;
        Some(value)
    }

    fn from_metadata(kind: &'static str, metadata: &tracing::Metadata<'_>) -> Self {
        Self {
            kind,
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: metadata.level().to_string(),
            fields: Vec::new(),
        }
    }
}

/// Records spans, events and metrics at the most verbose level; clones share their records.
#[derive(Debug, Clone, Default)]
pub struct TelemetryRecorder(Arc<Mutex<Vec<Recorded>>>);

/// A guard that stops the recording when dropped.
#[must_use]
pub struct RecordingGuard<'a> {
    _events: tracing::subscriber::DefaultGuard,
    _metrics: metrics::LocalRecorderGuard<'a>,
}

impl Debug for RecordingGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecordingGuard")
    }
}

impl TelemetryRecorder {
    /// Starts to record what this thread emits.
    pub fn start(&self) -> RecordingGuard<'_> {
        keep_places_undecided();
        RecordingGuard {
            _events: tracing::subscriber::set_default(self.clone()),
            _metrics: metrics::set_default_local_recorder(self),
        }
    }

    /// Returns all records so far.
    #[must_use]
    pub fn records(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    /// Returns all records so far as one text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:?}", self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_metric(&self, key: &Key) {
        let labels = key.labels();
        let recorded = Recorded {
            kind: "metric",
            name: key.name().to_owned(),
            fields: labels
                .map(|label| (label.key().to_owned(), label.value().to_owned()))
                .collect(),
            ..Recorded::default()
        };
        self.lock().push(recorded);
    }
}

impl tracing::Subscriber for TelemetryRecorder {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut span = Recorded::from_metadata("span", attributes.metadata());
        attributes.record(&mut FieldVisitor(&mut span.fields));
        let mut records = self.lock();
        records.push(span);
        Id::from_u64(records.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let index = usize::try_from(span.into_u64()).unwrap_or_default() - 1;
        if let Some(span) = self.lock().get_mut(index) {
            values.record(&mut FieldVisitor(&mut span.fields));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut recorded = Recorded::from_metadata("event", event.metadata());
        event.record(&mut FieldVisitor(&mut recorded.fields));
        self.lock().push(recorded);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Sets a subscriber for all threads that decides nothing and records nothing.
///
/// Without it, a thread without a recorder that comes first to a place that logs turns that place
/// off for the threads with one: `tracing` asks only the subscriber of the thread that came first.
fn keep_places_undecided() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let _ = tracing::subscriber::set_global_default(Undecided);
        tracing::callsite::rebuild_interest_cache();
    });
}

struct Undecided;

impl tracing::Subscriber for Undecided {
    fn register_callsite(&self, _: &'static tracing::Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct FieldVisitor<'a>(&'a mut Vec<(String, String)>);

impl Visit for FieldVisitor<'_> {
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

impl metrics::Recorder for TelemetryRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.record_metric(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.record_metric(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.record_metric(key);
        Histogram::noop()
    }
}
