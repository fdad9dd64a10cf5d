//! Options of the simulators, from Rust and from `key=value` text.

use crate::Clock;

/// Why an option was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// Not of the form `key=value`.
    #[error("`{0}` is not of the form key=value")]
    Malformed(String),
    /// No option of that name.
    #[error("unknown option `{key}`; known are: {known}")]
    UnknownKey {
        /// The name given.
        key: String,
        /// The names that exist, separated by commas.
        known: String,
    },
    /// A value that the option does not take.
    #[error("option `{key}` does not take `{value}`; it takes {expected}")]
    BadValue {
        /// The option.
        key: String,
        /// The value given.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// No simulator of that name.
    #[error("unknown provider `{provider}`; known are: {known}")]
    UnknownProvider {
        /// The name given.
        provider: String,
        /// The names that exist, separated by commas.
        known: String,
    },
}

/// A value that an option can take.
pub trait OptionValue: Sized {
    /// Reads the value, or says nothing.
    fn from_text(text: &str) -> Option<Self>;

    /// What it takes, in a few words.
    fn expected() -> String;

    /// All values there are, where they can be counted: a switch's settings, its default first.
    fn alternatives() -> &'static [&'static str] {
        &[]
    }
}

macro_rules! number_value {
    ($($kind:ty),*) => {$(
        impl OptionValue for $kind {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn expected() -> String {
                "a number".to_owned()
            }
        }
    )*};
}
number_value!(u64, u32, u16, i64, i32);

/// The most that fits into memory of every size that such tests run with.
const MOST: usize = 10_000_000;

/// A number of things, of tokens above all.
impl OptionValue for usize {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|count| *count <= MOST)
    }
    fn expected() -> String {
        format!("a number up to {MOST}")
    }
}

impl OptionValue for bool {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }
    fn expected() -> String {
        "true or false".to_owned()
    }
}

impl OptionValue for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn expected() -> String {
        "text".to_owned()
    }
}

impl OptionValue for Clock {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "now" => Some(Self::moving()),
            time => time.parse().ok().map(Self::frozen),
        }
    }
    fn expected() -> String {
        "`now`, or a time like 2026-01-31T12:00:00Z at which it stands still".to_owned()
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "none" => Some(None),
            other => T::from_text(other).map(Some),
        }
    }
    fn expected() -> String {
        format!("`none` or {}", T::expected())
    }
}

/// Declares a switch: an enum whose variants have a spelling. The first variant is the default.
macro_rules! switch {
    (
        $(#[$meta:meta])*
        $name:ident { $(#[$first_meta:meta])* $first:ident = $first_text:literal $(, $(#[$variant_meta:meta])* $variant:ident = $text:literal)* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[$first_meta])*
            #[doc = concat!("\n\nWritten `", $first_text, "`; the default.")]
            #[default]
            $first,
            $(
                $(#[$variant_meta])*
                #[doc = concat!("\n\nWritten `", $text, "`.")]
                $variant,
            )*
        }

        impl $crate::OptionValue for $name {
            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $first_text => Some(Self::$first),
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
            fn expected() -> String {
                [concat!("`", $first_text, "`") $(, concat!("`", $text, "`"))*].join(" or ")
            }
            fn alternatives() -> &'static [&'static str] {
                &[$first_text $(, $text)*]
            }
        }
    };
}
pub(crate) use switch;

/// Declares the options of a platform: a struct with defaults that also reads `key=value`.
macro_rules! options {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$field_meta:meta])* $field:ident : $kind:ty = $default:expr ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $kind, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $name {
            /// The names that [`Self::set`] knows.
            pub const KEYS: &'static [&'static str] = &[$( stringify!($field) ),*];

            /// The switches, each with its settings: what tests under every setting go through.
            pub fn switches() -> Vec<(&'static str, &'static [&'static str])> {
                [$(
                    (stringify!($field), <$kind as $crate::OptionValue>::alternatives()),
                )*]
                .into_iter()
                .filter(|(_, settings)| !settings.is_empty())
                .collect()
            }

            /// Sets one option from `key=value`.
            ///
            /// # Errors
            /// An unknown key, with the known ones; a value that the option does not take.
            pub fn set(&mut self, assignment: &str) -> Result<(), $crate::OptionError> {
                let (key, value) = assignment
                    .split_once('=')
                    .ok_or_else(|| $crate::OptionError::Malformed(assignment.to_owned()))?;
                match key {
                    $(
                        stringify!($field) => {
                            self.$field = <$kind as $crate::OptionValue>::from_text(value).ok_or_else(|| {
                                $crate::OptionError::BadValue {
                                    key: key.to_owned(),
                                    value: value.to_owned(),
                                    expected: <$kind as $crate::OptionValue>::expected(),
                                }
                            })?;
                        }
                    )*
                    _ => {
                        return Err($crate::OptionError::UnknownKey {
                            key: key.to_owned(),
                            known: Self::KEYS.join(", "),
                        });
                    }
                }
                Ok(())
            }

            /// Default options changed by `key=value` assignments.
            ///
            /// # Errors
            /// As [`Self::set`].
            pub fn parse<'a>(
                assignments: impl IntoIterator<Item = &'a str>,
            ) -> Result<Self, $crate::OptionError> {
                let mut options = Self::default();
                for assignment in assignments {
                    options.set(assignment)?;
                }
                Ok(options)
            }
        }
    };
}
pub(crate) use options;
