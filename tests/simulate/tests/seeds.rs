//! Three hundred seeds, each twice, and those that have differed once.

use std::sync::Mutex;

use simulate::coverage::Coverage;
use simulate::kept::kept;
use simulate::runs;
use simulate::scenario::Size;
use simulate::seed::Case;

const SEEDS: u64 = 320;

#[test]
#[allow(clippy::print_stdout, reason = "a seed that fails must be known")]
fn no_seed_differs_and_everything_is_reached() {
    let mut cases = kept().unwrap();
    let kept = cases.len();
    cases.extend((0..SEEDS).map(|seed| Case::whole(seed, Size::Small)));
    let sum = Mutex::new((Vec::new(), Coverage::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    runs::run(&cases, threads, |case, verdict| {
        let mut sum = sum.lock().unwrap();
        sum.1.join(&verdict.coverage);
        for difference in verdict.differences {
            println!("{:?} seed {}: {difference}", case.size, case.seed);
            sum.0.push(case.seed);
        }
    });
    let (differing, coverage) = sum.into_inner().unwrap();
    println!("{kept} kept seeds, and 0 to {}", SEEDS - 1);
    assert_eq!(
        differing, [0; 0],
        "seeds that differ; `simulate --small --shrink SEED` makes one small"
    );
    // Small runs reach rare things less often than the 10,000 full ones do.
    assert_eq!(coverage.below(5), [""; 0], "reached less than five times");
    let (_, large) = coverage
        .counts
        .iter()
        .find(|((_, name), _)| name.contains("200 SIMs"))
        .unwrap();
    assert!(*large >= SEEDS / 2, "{large} seeds have 200 SIMs or more");
}
