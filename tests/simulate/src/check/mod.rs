//! Whether what came out of a run is right: against one quiet reading of the same log, against the log without what was
//! published twice, against what the carrier delivered, and against the oracle.

mod books;
mod consumers;
mod marks;
mod oracle;
mod quiet;
mod reframed;
mod same;

pub use quiet::{Quiet, read};
pub use same::same;

use crate::scenario::Scenario;
use crate::world::Ran;

/// Checks a run that has come to rest. What its partitions say, read once, is added to `quiets`.
pub fn check(scenario: &Scenario, ran: &Ran, seed: u64, quiets: &mut Vec<Quiet>) -> Vec<String> {
    let mut differences = Differences::default();
    for partition in scenario.shape.partitions.numbers() {
        if let Some(mut quiet) = quiet::read(scenario, ran, partition, &mut differences) {
            consumers::check(&quiet, ran, &mut differences);
            reframed::check(scenario, ran, &mut quiet, seed, &mut differences);
            quiets.push(quiet);
        }
    }
    books::check(scenario, ran, quiets, &mut differences);
    oracle::check(scenario, ran, quiets, &mut differences);
    differences.0
}

/// What was found to differ, the first few.
#[derive(Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    pub fn add(&mut self, what: impl FnOnce() -> String) {
        if self.0.len() < 12 {
            self.0.push(what());
        }
    }
}
