//! The counted path asks for no memory row by row: only tables that grow do, ever more seldom.

#![allow(clippy::unwrap_used, reason = "a test that cannot measure has failed")]

use hissa_bench::fleet::drain;
use hissa_bench::heap::{self, Counting};
use hissa_bench::measure::Warm;

#[global_allocator]
static HEAP: Counting = Counting;

const SIMS: usize = 2_000;
const FRAMES: usize = 50;

/// What a frame may ask for: the look-ahead's lists, and a table that grows.
const CALLS_PER_FRAME_MAX: f64 = 4.0;

// The only test of this binary: allocations of another thread would be counted, too.
#[test]
fn counted_rows_allocate_nothing() {
    let before = heap::calls();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(heap::calls() - before, 1, "the allocator counts");

    let mut warm = Warm::new(SIMS).unwrap();
    drain(&mut warm.shard);
    let frames = warm.traffic.frames(FRAMES);
    let rows: usize = frames.iter().map(Vec::len).sum();
    assert!(rows >= 100 * FRAMES, "{rows} rows");
    let before = heap::calls();
    warm.apply(&frames).unwrap();
    let calls = heap::calls() - before;
    println!("{calls} allocations for {rows} rows in {FRAMES} frames");
    assert!(
        calls as f64 <= CALLS_PER_FRAME_MAX * FRAMES as f64,
        "{calls} allocations for {rows} rows in {FRAMES} frames"
    );
}
