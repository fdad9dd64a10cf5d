//! The simulated Foreman against what the real one was seen to answer, and against what is known of it.

mod behaviour;
mod client;
mod observed;
mod recorded;
mod releases;
mod scale;
mod vectors;
