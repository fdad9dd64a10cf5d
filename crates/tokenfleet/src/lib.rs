//! One interface over the API tokens of several platforms.
