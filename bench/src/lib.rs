//! How fast a shard applies rows, and how much memory it needs. Nothing here runs in `./run test` but the test that
//! counts allocations.
//!
//! # How to read it
//!
//! `cargo run --release -p hissa-bench` (with `--json` for machines) measures, on one core:
//!
//! - **apply**: [`Shard::apply`](hissa_core::shard::Shard::apply) of frames of education rows, in random order of SIMs,
//!   every row a new identity, none a duplicate. *Warm*: all SIMs are enrolled, each has its balances and its cell of
//!   the open booked day, tables are as large as they get. The facts that wait are taken before each sample, outside of
//!   the measured time, as the worker takes them between entries.
//! - **bare sum**: the least that a quota needs, over the same rows in the same run: a standard hash map from SIM to
//!   bytes, with the hasher that the core uses.
//! - **ratio**: the one by the other, the median of the samples. It says more than rows a second, which depend on the
//!   machine and on who else is at work there.
//! - **bytes**: what a counting allocator says lies on the heap, by SIM (enrolled, with the balances of a programme of
//!   three allowances), by cell of the open booked day, and by identity in `seen`: of days that still fill, at rest and
//!   at the worst moment (while the table grows), and of days that are past. What a frame or a command needs while it is
//!   applied is not among them.
//!
//! `cargo bench -p hissa-bench` measures both times with criterion, which compares them with its last run.

pub mod fleet;
pub mod heap;
pub mod measure;
pub mod traffic;
