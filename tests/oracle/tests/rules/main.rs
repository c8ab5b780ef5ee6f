//! The rules, each tried on a small log that can be computed by hand.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod chance;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod cycles;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod held;
#[cfg(test)]
#[path = "../against_core/chance/numbers.rs"]
mod numbers;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod rig;
