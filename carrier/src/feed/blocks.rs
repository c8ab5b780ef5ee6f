//! Which traffic the carrier's gateways stop: a block takes effect some minutes after it was decided.

use std::collections::HashMap;

use crate::dice::{Dice, Purpose};
use crate::policy::{Action, Class};
use crate::population::Imsi;
use crate::truth::Decision;
use crate::zone::MINUTE_MS;

/// From when on a class of a SIM is stopped, and until when, if that is known.
#[derive(Clone, Copy, Debug)]
struct Block {
    from_ms: i64,
    until_ms: Option<i64>,
}

/// The last block of each SIM and class.
#[derive(Debug)]
pub struct Blocks {
    seed: u64,
    blocks: HashMap<(Imsi, Class), Block>,
}

impl Blocks {
    /// Nothing is stopped.
    pub fn new(seed: u64) -> Self {
        Blocks {
            seed,
            blocks: HashMap::new(),
        }
    }

    /// Obeys a decision: 2 to 20 minutes after it was made, a little differently for each.
    pub fn obey(&mut self, decision: &Decision) {
        let which = decision.imsi.number() * 4 + decision.class as u64;
        let mut dice = Dice::new(self.seed, Purpose::BlockDelay, which, decision.sequence);
        let effective_ms = decision.at_ms + 2 * MINUTE_MS + dice.span(18 * MINUTE_MS);
        let key = (decision.imsi, decision.class);
        match (decision.action, self.blocks.get_mut(&key)) {
            (Action::Allow, Some(block)) => block.until_ms = Some(effective_ms),
            (Action::Allow, None) => {}
            // What is throttled is not sent either: nobody waits for it.
            (Action::Block | Action::Throttle { .. }, _) => {
                self.blocks.insert(
                    key,
                    Block {
                        from_ms: effective_ms,
                        until_ms: None,
                    },
                );
            }
        }
    }

    /// Whether usage of a class that starts then is stopped.
    pub fn stops(&self, imsi: Imsi, class: Class, starts_ms: i64) -> bool {
        self.blocks.get(&(imsi, class)).is_some_and(|block| {
            starts_ms > block.from_ms && block.until_ms.is_none_or(|until| starts_ms < until)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Reason;

    #[test]
    fn a_block_stops_what_starts_20_minutes_later_until_it_is_lifted() {
        let imsi = Imsi::of_serial(1);
        let decision = |sequence, action, at_ms| Decision {
            imsi,
            class: Class::Education,
            sequence,
            action,
            reason: Reason::Exhausted,
            cycle: "2026-02-01".parse().unwrap(),
            standing: Default::default(),
            cause: None,
            at_ms,
            spread_ms: 0,
        };
        let mut blocks = Blocks::new(212);
        blocks.obey(&decision(1, Action::Allow, 0));
        blocks.obey(&decision(2, Action::Throttle { kbit_s: 512 }, 0));
        let stops = |blocks: &Blocks, minutes: i64| {
            blocks.stops(imsi, Class::Education, minutes * MINUTE_MS)
        };
        assert!(!stops(&blocks, 2));
        assert!(stops(&blocks, 20) && stops(&blocks, 10_000));
        assert!(!blocks.stops(imsi, Class::Other, 20 * MINUTE_MS));
        blocks.obey(&decision(3, Action::Allow, 600 * MINUTE_MS));
        assert!(stops(&blocks, 602) && !stops(&blocks, 620));
    }
}
