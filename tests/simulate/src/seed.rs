//! A seed from beginning to end.

use crate::check::{self, Differences};
use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::panics;
use crate::scenario::{Cut, Scenario, Shape, Size};
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

/// A seed, and what of it is run.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub size: Size,
    /// Other faults than its own.
    pub faults: Option<Faults>,
    pub cut: Cut,
}

impl Case {
    /// All of a seed.
    pub fn whole(seed: u64, size: Size) -> Case {
        Case {
            seed,
            size,
            faults: None,
            cut: Cut::default(),
        }
    }

    /// The faults that it is run with.
    pub fn faults(&self) -> Faults {
        let own = || Faults::of(&Shape::new(self.seed, self.size));
        self.faults.clone().unwrap_or_else(own)
    }

    /// What happens in it, faults aside.
    pub fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::new(self.seed, self.size);
        scenario.cut(&self.cut);
        scenario
    }

    /// Runs it twice, and checks what came out.
    pub fn run(&self) -> Verdict {
        panics::caught(|| run_twice(self)).unwrap_or_else(|why| Verdict {
            seed: self.seed,
            differences: vec![why],
            ..Verdict::default()
        })
    }
}

fn run_twice(case: &Case) -> Verdict {
    let seed = case.seed;
    let mut verdict = Verdict {
        seed,
        ..Verdict::default()
    };
    let (scenario, ran) = once(case);
    let (_, again) = once(case);
    verdict.digest = ran.digest;
    verdict.differences.clone_from(&ran.violations);
    if ran.digest != again.digest {
        let told = format!(
            "two runs differ: {:016x} and {:016x}",
            ran.digest, again.digest
        );
        verdict.differences.push(told);
    }
    drop(again);
    if !verdict.differences.is_empty() {
        return verdict;
    }
    let mut quiets = Vec::new();
    verdict.differences = check::check(&scenario, &ran, seed, &mut quiets);
    if scenario.shape.played {
        verdict
            .differences
            .extend(undisturbed(&scenario, seed, &quiets));
    }
    verdict.coverage.run(&scenario, &ran, &quiets);
    verdict
}

fn once(case: &Case) -> (Scenario, Ran) {
    let scenario = case.scenario();
    let ran = world::run(&scenario, &case.faults(), case.seed);
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
