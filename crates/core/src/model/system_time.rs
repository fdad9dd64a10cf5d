//! Conversion between times of the model and of the standard library.

use std::fmt;
use std::time::SystemTime;

use crate::model::Timestamp;

/// The error for a time that the other type cannot represent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRangeError;

impl fmt::Display for OutOfRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is out of range")
    }
}

impl std::error::Error for OutOfRangeError {}

/// Converts a time between the years -9999 and 9999.
///
/// ```
/// use std::time::SystemTime;
/// use tokenfleet_core::Timestamp;
///
/// let at = Timestamp::try_from(SystemTime::UNIX_EPOCH)?;
/// assert_eq!(at.to_string(), "1970-01-01T00:00:00Z");
/// assert_eq!(SystemTime::try_from(at)?, SystemTime::UNIX_EPOCH);
/// # Ok::<(), tokenfleet_core::model::OutOfRangeError>(())
/// ```
impl TryFrom<SystemTime> for Timestamp {
    type Error = OutOfRangeError;

    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        let epoch = Self::from_unix_seconds(0).ok_or(OutOfRangeError)?;
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => epoch.checked_add(since),
            Err(error) => epoch.checked_sub(error.duration()),
        }
        .ok_or(OutOfRangeError)
    }
}

/// Converts a time that the operating system can represent.
impl TryFrom<Timestamp> for SystemTime {
    type Error = OutOfRangeError;

    fn try_from(at: Timestamp) -> Result<Self, Self::Error> {
        let epoch = Timestamp::from_unix_seconds(0).ok_or(OutOfRangeError)?;
        if at < epoch {
            Self::UNIX_EPOCH.checked_sub(at.duration_until(epoch))
        } else {
            Self::UNIX_EPOCH.checked_add(epoch.duration_until(at))
        }
        .ok_or(OutOfRangeError)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_converted_exactly_and_those_out_of_range_are_refused() {
        for text in [
            "-009999-01-01T00:00:00Z",
            "1969-12-31T23:59:59.000000001Z",
            "1970-01-01T00:00:00Z",
            "2030-01-31T12:00:00.123456789Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            let time = SystemTime::try_from(at).unwrap();
            assert_eq!(Timestamp::try_from(time), Ok(at), "{text}");
        }
        let last: Timestamp = "9999-12-31T23:59:59.999999999Z".parse().unwrap();
        let beyond = SystemTime::try_from(last).unwrap() + Duration::from_nanos(1);
        assert_eq!(Timestamp::try_from(beyond), Err(OutOfRangeError));
    }
}
