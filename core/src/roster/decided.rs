//! The last decisions of a SIM's classes, in few bytes.

use serde::{Deserialize, Serialize};

use crate::decision::Action;

/// Whether a stricter decision waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hold {
    #[default]
    None,
    /// The breaker holds it.
    Held,
    /// An operator has dropped it.
    Dropped,
}

/// The last decision of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// 0 before the first.
    pub(crate) sequence: u32,
    /// Of a throttle.
    kbit_s: u32,
    kind: Kind,
    pub(crate) hold: Hold,
}

/// An action without its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Allow,
    Throttle,
    Block,
}

impl Decided {
    pub(crate) const NOTHING: Decided = Decided {
        sequence: 0,
        kbit_s: 0,
        kind: Kind::Allow,
        hold: Hold::None,
    };

    /// A decision that nothing holds.
    pub(crate) fn new(action: Action, sequence: u32) -> Decided {
        let (kind, kbit_s) = match action {
            Action::Allow => (Kind::Allow, 0),
            Action::Throttle { kbit_s } => (Kind::Throttle, kbit_s),
            Action::Block => (Kind::Block, 0),
        };
        Decided {
            sequence,
            kbit_s,
            kind,
            hold: Hold::None,
        }
    }

    /// What the carrier is to do.
    pub(crate) fn action(self) -> Action {
        match self.kind {
            Kind::Allow => Action::Allow,
            Kind::Throttle => Action::Throttle {
                kbit_s: self.kbit_s,
            },
            Kind::Block => Action::Block,
        }
    }
}

/// From when to when a class was last blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocked {
    from: Instant,
    until: Instant,
}

impl Blocked {
    pub(crate) const NEVER: Blocked = Blocked {
        from: Instant::NONE,
        until: Instant::NONE,
    };

    pub(crate) fn since(at_ms: i64) -> Blocked {
        Blocked {
            from: Instant::new(at_ms),
            until: Instant::NONE,
        }
    }

    /// Reads a part of it.
    pub(super) fn touch(self) -> u32 {
        u32::from(self.from.0[0])
    }

    /// Ends the block.
    pub(crate) fn end(&mut self, at_ms: i64) {
        self.until = Instant::new(at_ms);
    }

    /// Its first instant, and the end where it has one; none where the class was never blocked.
    pub(crate) fn times(self) -> Option<(i64, Option<i64>)> {
        let from = self.from.at_ms()?;
        Some((from, self.until.at_ms()))
    }
}

/// UTC milliseconds of the years that a shard admits, which are below 2⁴⁸; or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Instant([u16; 3]);

impl Instant {
    const NONE: Instant = Instant([u16::MAX; 3]);

    fn new(at_ms: i64) -> Instant {
        assert!(
            (0..(1 << 48) - 1).contains(&at_ms),
            "`check` admits no other"
        );
        let [a, b, c, d, e, f, ..] = at_ms.to_le_bytes();
        Instant([[a, b], [c, d], [e, f]].map(u16::from_le_bytes))
    }

    fn at_ms(self) -> Option<i64> {
        let [low, middle, high] = self.0.map(i64::from);
        (self != Instant::NONE).then_some(low | middle << 16 | high << 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_times_come_back_as_they_were() {
        for action in [
            Action::Allow,
            Action::Throttle { kbit_s: u32::MAX },
            Action::Block,
        ] {
            assert_eq!(Decided::new(action, 3).action(), action);
        }
        let mut blocked = Blocked::NEVER;
        assert_eq!(blocked.times(), None);
        blocked = Blocked::since(0);
        assert_eq!(blocked.times(), Some((0, None)));
        blocked.end(221_845_391_999_999);
        assert_eq!(blocked.times(), Some((0, Some(221_845_391_999_999))));
    }
}
