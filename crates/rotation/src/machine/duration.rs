//! The text of a duration: a number and a unit, such as `12h`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

const SECOND: u128 = 1_000_000_000;

/// The units in nanoseconds, the largest first.
const UNITS: [(&str, u128); 6] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", SECOND / 1_000),
    ("ns", 1),
];

/// Returns the text with the largest unit that needs no fraction.
pub(crate) fn to_text(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let is_exact = |(_, size): &&(&str, u128)| nanoseconds > 0 && nanoseconds.is_multiple_of(*size);
    let (unit, size) = UNITS.iter().find(is_exact).unwrap_or(&("s", SECOND));
    format!("{}{unit}", nanoseconds / size)
}

fn from_text(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let nanoseconds = number.parse::<u128>().ok()?.checked_mul(*size)?;
    let seconds = u64::try_from(nanoseconds / SECOND).ok()?;
    let rest = u32::try_from(nanoseconds % SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}

pub(super) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_text(*duration))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    read(&String::deserialize(deserializer)?)
}

fn read<E: serde::de::Error>(text: &str) -> Result<Duration, E> {
    from_text(text).ok_or_else(|| E::custom("expected a number and a unit, such as 90s or 12h"))
}

/// The same for a duration that there may be.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Duration, Serializer, read, to_text};

    pub(in crate::machine) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&to_text(*duration)),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::machine) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| read(&text)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_is_read_back_equal(duration: Duration, seconds: u64) {
            for duration in [duration, Duration::from_secs(seconds), Duration::MAX] {
                prop_assert_eq!(from_text(&to_text(duration)), Some(duration));
            }
        }
    }

    #[test]
    fn a_duration_is_written_as_people_do() {
        for (seconds, text) in [(0, "0s"), (90, "90s"), (43_200, "12h"), (172_800, "2d")] {
            assert_eq!(to_text(Duration::from_secs(seconds)), text);
        }
        assert_eq!(to_text(Duration::from_millis(1_500)), "1500ms");
        for other in [
            "",
            "12",
            "h",
            "-1s",
            "1.5s",
            "1 s",
            "1mo",
            "1d1h",
            "99999999999999999999d",
        ] {
            assert_eq!(from_text(other), None, "{other}");
        }
    }
}
