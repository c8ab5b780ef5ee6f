//! A seed from beginning to end.

use crate::check::{self, Differences};
use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::panics;
use crate::scenario::{Scenario, Size};
use crate::world::{self, Ran};

/// What became of a seed.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub seed: u64,
    /// What differs from what it should be; nothing where all is well.
    pub differences: Vec<String>,
    /// A hash of all that happened, the same in every run.
    pub digest: u64,
    pub coverage: Coverage,
}

/// Runs a seed twice, with the faults that it brings, or with others.
pub fn run(seed: u64, size: Size, faults: Option<&Faults>) -> Verdict {
    panics::caught(|| run_twice(seed, size, faults)).unwrap_or_else(|why| Verdict {
        seed,
        differences: vec![why],
        ..Verdict::default()
    })
}

fn run_twice(seed: u64, size: Size, faults: Option<&Faults>) -> Verdict {
    let mut verdict = Verdict {
        seed,
        ..Verdict::default()
    };
    let (scenario, ran) = once(seed, size, faults);
    let (_, again) = once(seed, size, faults);
    verdict.digest = ran.digest;
    verdict.differences.clone_from(&ran.violations);
    if ran.digest != again.digest {
        let told = format!("two runs differ: {:016x} and {:016x}", ran.digest, again.digest);
        verdict.differences.push(told);
    }
    drop(again);
    if !verdict.differences.is_empty() {
        return verdict;
    }
    let mut quiets = Vec::new();
    verdict.differences = check::check(&scenario, &ran, seed, &mut quiets);
    if scenario.shape.played {
        verdict.differences.extend(undisturbed(&scenario, seed, &quiets));
    }
    verdict.coverage.run(&scenario, &ran, &quiets);
    verdict
}

fn once(seed: u64, size: Size, faults: Option<&Faults>) -> (Scenario, Ran) {
    let scenario = Scenario::new(seed, size);
    let own = Faults::of(&scenario.shape);
    let ran = world::run(&scenario, faults.unwrap_or(&own), seed);
    (scenario, ran)
}

/// A played feed means the same whatever happens while it is played: a run without faults, in other batches, says so.
fn undisturbed(scenario: &Scenario, seed: u64, quiets: &[check::Quiet]) -> Vec<String> {
    let ran = world::run(scenario, &Faults::default(), !seed);
    if !ran.violations.is_empty() {
        return ran.violations;
    }
    let mut differences = Differences::default();
    for quiet in quiets {
        if let Some(found) = check::read(scenario, &ran, quiet.partition, &mut differences) {
            check::same("undisturbed", quiet, found, &mut differences);
        }
    }
    differences.0
}
