//! The serialised form of an error: the object that the program prints (decision 0026).

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Account, Error, ErrorKind, Fate, Operation, single_line};

/// An error as it is written. `message` is the whole line; the other fields are its parts.
#[derive(Serialize, Deserialize)]
struct Record {
    kind: String,
    message: String,
    account: Option<String>,
    fate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// The failure itself, without the other parts of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform_message: Option<String>,
    /// The delay that the platform asks for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
    #[serde(default)]
    attempts: u32,
    /// The duration of the call, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elapsed: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Serialises what the error says. The [source](std::error::Error::source) is left out.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = &self.0;
        let account = details.account.as_ref();
        Record {
            kind: details.kind.as_str().to_owned(),
            message: self.to_string(),
            account: account.map(|account| account.name().to_owned()),
            fate: details.fate.as_str().to_owned(),
            provider: account.map(|account| account.provider().to_owned()),
            place: account.and_then(|account| account.place().map(str::to_owned)),
            operation: details
                .operation
                .map(|operation| operation.as_str().to_owned()),
            summary: Some(details.message.clone()),
            status: details.status,
            code: details.code.clone(),
            platform_message: details.platform_message.clone(),
            retry_after: details.retry_after.map(|delay| delay.as_secs_f64()),
            attempts: details.attempts,
            elapsed: details.elapsed.map(|elapsed| elapsed.as_secs_f64()),
            advice: details.advice.clone(),
        }
        .serialize(serializer)
    }
}

/// Deserialises an error that says the same. An unknown kind is [`ErrorKind::Other`], and an
/// unknown fate [`Fate::MaybeApplied`].
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let kind = ErrorKind::ALL.into_iter();
        let kind = kind.into_iter().find(|kind| kind.as_str() == record.kind);
        let fate = Fate::ALL
            .into_iter()
            .find(|fate| fate.as_str() == record.fate);
        let kind = kind.unwrap_or(ErrorKind::Other);
        let fate = fate.unwrap_or(Fate::MaybeApplied);
        let Some(summary) = record.summary else {
            // Only the line is known, which names everything else.
            return Ok(Self::new(kind, fate, record.message));
        };
        let mut error = Self::new(kind, fate, summary);
        let details = &mut error.0;
        details.account = record.account.map(|name| {
            let account = Account::new(&record.provider.unwrap_or_default(), &name);
            match record.place {
                Some(place) => account.with_place(&place),
                None => account,
            }
        });
        let operation = Operation::ALL.into_iter();
        details.operation = record
            .operation
            .and_then(|word| operation.into_iter().find(|known| known.as_str() == word));
        details.status = record.status;
        details.code = record.code.map(single_line);
        details.platform_message = record.platform_message.map(single_line);
        details.retry_after = record.retry_after.and_then(duration);
        details.attempts = record.attempts;
        details.elapsed = record.elapsed.and_then(duration);
        details.advice = record.advice.map(single_line);
        Ok(error)
    }
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn errors() -> impl Strategy<Value = Error> {
        let optional = || proptest::option::of("\\PC{0,12}");
        // A call lasts less than twenty days.
        let duration = || proptest::option::of((0..1_728_000_u64, 0..1_000_000_000_u32));
        let parts = (
            proptest::sample::select(ErrorKind::ALL.to_vec()),
            proptest::sample::select(Fate::ALL.to_vec()),
            proptest::option::of(proptest::sample::select(Operation::ALL.to_vec())),
            ".{0,20}",
        );
        let account = proptest::option::of((".{0,6}", ".{0,6}", proptest::option::of(".{0,6}")));
        let response = (
            proptest::option::of(any::<u16>()),
            optional(),
            optional(),
            optional(),
        );
        let times = (any::<u32>(), duration(), duration());
        (parts, account, response, times).prop_map(|(parts, account, response, times)| {
            let mut error = Error::new(parts.0, parts.1, parts.3).with_attempts(times.0);
            error.0.operation = parts.2;
            if let Some((provider, name, place)) = account {
                let account = Account::new(&provider, &name);
                error = error.with_account(&match place {
                    Some(place) => account.with_place(&place),
                    None => account,
                });
            }
            error.0.status = response.0;
            error.0.code = response.1;
            error.0.platform_message = response.2;
            error.0.advice = response.3;
            let duration = |parts: Option<(u64, u32)>| parts.map(|(s, n)| Duration::new(s, n));
            error.0.retry_after = duration(times.1);
            error.0.elapsed = duration(times.2);
            error
        })
    }

    proptest! {
        #[test]
        fn any_error_that_was_written_is_read_back_and_says_the_same(error in errors()) {
            let text = serde_json::to_string(&error).unwrap();
            let read: Error = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &error);
            prop_assert_eq!(read.to_string(), error.to_string());
        }
    }

    #[test]
    fn the_line_alone_is_an_error_and_an_unknown_fate_is_the_worst() {
        let text = r#"{"kind": "novel", "message": "a (b): x", "account": "a", "fate": "novel"}"#;
        let error: Error = serde_json::from_str(text).unwrap();
        assert_eq!(
            error.to_string(),
            Error::new(ErrorKind::Other, Fate::MaybeApplied, "a (b): x").to_string()
        );
    }
}
