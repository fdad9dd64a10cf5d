//! The options of the simulators, set from Rust or parsed from `key=value` text.

use crate::Clock;

/// The key of a switch and its settings, the default first.
pub type Switch = (&'static str, &'static [&'static str]);

/// The reason why an option was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// The assignment does not have the form `key=value`.
    #[error("`{0}` is not of the form key=value")]
    Malformed(String),
    /// The platform has no option with this key.
    #[error("unknown option `{key}`; known options: {known}")]
    UnknownKey {
        /// The unknown key.
        key: String,
        /// The known keys, separated by commas.
        known: String,
    },
    /// The value is not valid for the option.
    #[error("invalid value `{value}` for option `{key}`; expected {expected}")]
    BadValue {
        /// The key of the option.
        key: String,
        /// The rejected value.
        value: String,
        /// A description of the valid values.
        expected: String,
    },
    /// No simulator has this provider name.
    #[error("unknown provider `{provider}`; known providers: {known}")]
    UnknownProvider {
        /// The unknown name.
        provider: String,
        /// The known names, separated by commas.
        known: String,
    },
}

/// A type whose values an option can hold.
pub trait OptionValue: Sized {
    /// Parses a value; `None` if the text is not valid.
    fn from_text(text: &str) -> Option<Self>;

    /// Describes the valid values in a few words.
    fn expected() -> String;
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
number_value!(u64, u32, i32);

/// The largest count that fits into the memory of an ordinary test machine.
const MAX_COUNT: usize = 10_000_000;

/// A count, above all of tokens.
impl OptionValue for usize {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|count| *count <= MAX_COUNT)
    }
    fn expected() -> String {
        format!("a number up to {MAX_COUNT}")
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
        "`now`, or a time such as 2026-01-31T12:00:00Z to freeze the clock at".to_owned()
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

/// Splits an assignment into key and value.
pub(crate) fn split_assignment(assignment: &str) -> Result<(&str, &str), OptionError> {
    assignment
        .split_once('=')
        .ok_or_else(|| OptionError::Malformed(assignment.to_owned()))
}

/// Parses the value of an option.
pub(crate) fn parse_value<T: OptionValue>(key: &str, value: &str) -> Result<T, OptionError> {
    T::from_text(value).ok_or_else(|| OptionError::BadValue {
        key: key.to_owned(),
        value: value.to_owned(),
        expected: T::expected(),
    })
}

/// Lists the settings of a switch as `` `a` or `b` ``.
pub(crate) fn alternatives(settings: &[&str]) -> String {
    let quoted: Vec<String> = settings
        .iter()
        .map(|setting| format!("`{setting}`"))
        .collect();
    quoted.join(" or ")
}

/// Declares the `Options` of a platform: the struct, its defaults, its keys and its parser.
///
/// `values` are fields of any [`OptionValue`] type. `switches` are fields whose enum is declared in
/// place; the doc comment serves the field and the enum, and the first setting is the default.
/// Every platform also gets the options `tokens`, `seed`, `clock` and `gzip`.
macro_rules! options {
    (
        $(#[$meta:meta])*
        values { $( $(#[$value_meta:meta])* $value:ident: $kind:ty = $default:expr, )* }
        switches { $(
            $(#[$switch_meta:meta])*
            $switch:ident: $setting:ident {
                $(#[$first_meta:meta])* $first:ident = $first_text:literal,
                $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+
            }
        )* }
    ) => {
        $crate::options::options! {
            $(#[$meta])*
            @fields
            /// The number of tokens at the start.
            tokens: usize = 0,
            /// The seed of the tokens and secrets; equal seeds give equal tokens.
            seed: u64 = 0,
            /// The platform's clock.
            clock: $crate::Clock = $crate::Clock::moving(),
            /// `true` to compress responses with gzip where a request accepts that. No vendor
            /// documents whether it does.
            gzip: bool = false,
            $( $(#[$value_meta])* $value: $kind = $default, )*
            $( $(#[$switch_meta])* $switch: $setting = $setting::$first, )*
        }

        impl Options {
            /// Returns the switches with their settings, for tests that try every setting.
            pub fn switches() -> Vec<$crate::Switch> {
                vec![$( (stringify!($switch), $setting::SETTINGS), )*]
            }
        }

        $(
            $(#[$switch_meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub enum $setting {
                $(#[$first_meta])*
                #[doc = concat!("\n\nWritten `", $first_text, "`; the default.")]
                #[default]
                $first,
                $(
                    $(#[$variant_meta])*
                    #[doc = concat!("\n\nWritten `", $text, "`.")]
                    $variant,
                )+
            }

            impl $setting {
                const SETTINGS: &'static [&'static str] = &[$first_text $(, $text)+];
            }

            impl $crate::OptionValue for $setting {
                fn from_text(text: &str) -> Option<Self> {
                    match text {
                        $first_text => Some(Self::$first),
                        $( $text => Some(Self::$variant), )+
                        _ => None,
                    }
                }
                fn expected() -> String {
                    $crate::options::alternatives(Self::SETTINGS)
                }
            }
        )*
    };
    (
        $(#[$meta:meta])*
        @fields
        $( $(#[$field_meta:meta])* $field:ident: $kind:ty = $default:expr, )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct Options {
            $( $(#[$field_meta])* pub $field: $kind, )*
        }

        impl Default for Options {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl Options {
            /// The keys that [`Self::set`] accepts.
            pub const KEYS: &'static [&'static str] = &[$( stringify!($field) ),*];

            /// Sets one option from `key=value`.
            ///
            /// # Errors
            /// Fails on an unknown key and on a value that is not valid for the option.
            pub fn set(&mut self, assignment: &str) -> Result<(), $crate::OptionError> {
                let (key, value) = $crate::options::split_assignment(assignment)?;
                match key {
                    $( stringify!($field) => {
                        self.$field = $crate::options::parse_value(key, value)?;
                    } )*
                    _ => {
                        return Err($crate::OptionError::UnknownKey {
                            key: key.to_owned(),
                            known: Self::KEYS.join(", "),
                        });
                    }
                }
                Ok(())
            }

            /// Returns the default options, changed by `key=value` assignments.
            ///
            /// # Errors
            /// Fails when [`Self::set`] fails on an assignment.
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
