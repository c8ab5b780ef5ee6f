//! Every decision that the core makes on logs by chance is proved by `explain`: replayed for its SIM alone, with the
//! bytes added up by hand. The logs are those on which oracle and core are compared.
//!
//! `HISSA_SEEDS=300..2000 cargo test --release -p hissa --test explain_by_chance` tries other logs.

#[cfg(test)]
#[path = "../../../tests/oracle/tests/against_core/chance/mod.rs"]
mod chance;
#[cfg(test)]
#[path = "../../../tests/oracle/tests/against_core/log.rs"]
mod log;
#[cfg(test)]
mod proof;
