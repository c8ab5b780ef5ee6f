//! Many cases on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::seed::{Case, Verdict};

/// Runs cases in their order, each on the thread that is free; hands over what became of each.
pub fn run(cases: &[Case], threads: usize, take: impl Fn(&Case, Verdict) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    take(case, case.run());
                }
            });
        }
    });
}
