//! Losant, Foreman, Cloudsmith and Mindbody as local servers for tests.
