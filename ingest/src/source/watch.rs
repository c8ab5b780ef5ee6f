//! What is known of a feed's partitions while nothing comes: which are read to their end, and which stand still though
//! there is more. (A wakeup that the client missed can stop one partition without a word.)

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A source is quiet after this long without a message.
const QUIET: Duration = Duration::from_secs(1);
/// More was written, and nothing came for this long: the partition stands still.
const STANDSTILL: Duration = Duration::from_secs(30);

/// The partitions of a feed.
pub(super) struct Watch {
    partitions: BTreeMap<u32, State>,
}

struct State {
    /// When the last message came, or the end.
    last: Instant,
    at_end: bool,
    /// The offset behind the last one that the broker had when it was asked first since then.
    high: Option<i64>,
    /// When the broker was first seen to have more than that.
    grown: Option<Instant>,
}

/// What the broker's answer means for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Everything is read.
    AtEnd,
    /// More is on its way.
    Reading,
    /// More is there, and does not come.
    Standstill,
}

impl Watch {
    pub(super) fn new(partitions: impl IntoIterator<Item = u32>, now: Instant) -> Watch {
        let fresh = |partition| (partition, State::since(now, false));
        Watch {
            partitions: partitions.into_iter().map(fresh).collect(),
        }
    }

    /// How many partitions there are.
    pub(super) fn count(&self) -> usize {
        self.partitions.len()
    }

    /// Notes a message.
    pub(super) fn message(&mut self, partition: u32, at: Instant) {
        if let Some(state) = self.partitions.get_mut(&partition) {
            *state = State::since(at, false);
        }
    }

    /// Notes that a partition is read to its end.
    pub(super) fn at_end(&mut self, partition: u32, at: Instant) {
        if let Some(state) = self.partitions.get_mut(&partition) {
            *state = State::since(at, true);
        }
    }

    /// The partitions from which nothing has come for a second: the broker is to be asked how far they go.
    pub(super) fn quiet(&self, now: Instant) -> Vec<u32> {
        let is_quiet = |state: &State| now.duration_since(state.last) >= QUIET;
        let quiet = self.partitions.iter().filter(|(_, state)| is_quiet(state));
        quiet.map(|(partition, _)| *partition).collect()
    }

    /// Takes the broker's answer: the offset behind a quiet partition's last message.
    pub(super) fn answered(&mut self, partition: u32, high: i64, now: Instant) -> Finding {
        let Some(state) = self.partitions.get_mut(&partition) else {
            return Finding::Reading;
        };
        if *state.high.get_or_insert(high) < high {
            let grown = *state.grown.get_or_insert(now);
            return match now.duration_since(grown) >= STANDSTILL {
                true => Finding::Standstill,
                false => Finding::Reading,
            };
        }
        match state.at_end {
            true => Finding::AtEnd,
            false => Finding::Reading,
        }
    }
}

impl State {
    fn since(at: Instant, at_end: bool) -> State {
        State {
            last: at,
            at_end,
            high: None,
            grown: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_at_its_end_while_the_broker_has_no_more() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut watch = Watch::new([0, 1], begun);
        assert!(watch.quiet(begun).is_empty());
        watch.at_end(0, after(1));
        watch.message(1, after(1));
        assert_eq!(watch.quiet(after(2)), [0, 1]);
        assert_eq!(watch.answered(0, 10, after(2)), Finding::AtEnd);
        assert_eq!(watch.answered(1, 10, after(2)), Finding::Reading);
        assert_eq!(watch.answered(0, 10, after(900)), Finding::AtEnd);
        // Something was written just now.
        assert_eq!(watch.answered(0, 11, after(901)), Finding::Reading);
        watch.message(0, after(901));
        assert_eq!(watch.answered(0, 11, after(903)), Finding::Reading);
        watch.at_end(0, after(904));
        assert_eq!(watch.answered(0, 11, after(905)), Finding::AtEnd);
    }

    #[test]
    fn a_partition_that_stands_still_is_noticed() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut watch = Watch::new([0], begun);
        watch.at_end(0, begun);
        assert_eq!(watch.answered(0, 10, after(1)), Finding::AtEnd);
        assert_eq!(watch.answered(0, 12, after(100)), Finding::Reading);
        assert_eq!(watch.answered(0, 13, after(129)), Finding::Reading);
        assert_eq!(watch.answered(0, 13, after(130)), Finding::Standstill);
        // Markers that no reader is shown end with the end told anew.
        watch.at_end(0, after(131));
        assert_eq!(watch.answered(0, 13, after(200)), Finding::AtEnd);
    }
}
