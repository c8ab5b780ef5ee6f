//! The rules, each tried on a small log that can be computed by hand.

mod alerts;
mod breaker;
mod clock;
mod cycles;
mod decisions;
mod held;
mod outcomes;
mod rig;
