//! The oracle and the core, on logs made by chance: they must agree on every row, balance, alert and decision.
//!
//! `HISSA_SEEDS=5000..9000 cargo test --release -p hissa-oracle --test against_core` tries other logs.

#[cfg(test)]
mod chance;
#[cfg(test)]
mod core_side;
#[cfg(test)]
mod log;
#[cfg(test)]
mod tried;
