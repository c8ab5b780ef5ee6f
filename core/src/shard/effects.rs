//! What one entry caused: values that the caller sends on. The buffer is reused from call to call.

use crate::alert::AlertChange;
use crate::decision::Decision;
use crate::facts::Flag;
use crate::outcome::Outcome;
use crate::registry::Class;
use crate::sim::FeedId;
use crate::sources::Discrepancy;

/// What one call of [`apply`](super::Shard::apply) caused, in order.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Decisions for `hissa.decisions`, by number.
    pub decisions: Vec<Decision>,
    /// Changes of alerts for `hissa.alerts`.
    pub alerts: Vec<AlertChange>,
    /// Differences between the outcomes and what Progress promised: each is a reason to page.
    pub discrepancies: Vec<Discrepancy>,
    /// Rows of this call with something to be said about them, and their bytes, for metrics.
    pub flags: Vec<(FeedId, Flag, u64)>,
    /// Outcomes of this call alone, for metrics. The books are [`outcome_totals`](super::Shard::outcome_totals).
    pub tallies: Tallies,
}

impl Effects {
    /// Makes the buffer empty and keeps its memory.
    pub fn clear(&mut self) {
        self.decisions.clear();
        self.alerts.clear();
        self.discrepancies.clear();
        self.flags.clear();
        self.tallies.feeds.clear();
    }
}

/// Rows and bytes per feed, outcome and class.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    feeds: Vec<FeedTallies>,
}

/// One cell of [`Tallies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub feed: FeedId,
    pub outcome: Outcome,
    /// Of rows that were booked (`counted`, `late`, `held`); none of the others, whose class nobody asked for.
    pub class: Option<Class>,
    pub records: u64,
    pub bytes: u64,
}

/// Class places: none, then the classes in their order.
const CLASSES: usize = 1 + Class::ALL.len();

#[derive(Clone, Debug)]
struct FeedTallies {
    feed: FeedId,
    cells: [[Sum; CLASSES]; Outcome::COUNT],
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    records: u64,
    bytes: u64,
}

impl Tallies {
    /// The cells that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = Tally> + '_ {
        let all = self.feeds.iter().flat_map(|of_feed| {
            Outcome::all().flat_map(move |outcome| {
                let sums = of_feed.cells[outcome.index()].iter().enumerate();
                sums.map(move |(place, sum)| Tally {
                    feed: of_feed.feed,
                    outcome,
                    class: place.checked_sub(1).map(|class| Class::ALL[class]),
                    records: sum.records,
                    bytes: sum.bytes,
                })
            })
        });
        all.filter(|tally| tally.records > 0)
    }

    pub(crate) fn add(
        &mut self,
        feed: FeedId,
        outcome: Outcome,
        class: Option<Class>,
        records: u64,
        bytes: u64,
    ) {
        // A shard reads few feeds, and runs of rows come from one.
        let place = match self.feeds.iter().position(|known| known.feed == feed) {
            Some(place) => place,
            None => {
                self.feeds.push(FeedTallies {
                    feed,
                    cells: Default::default(),
                });
                self.feeds.len() - 1
            }
        };
        let class = class.map_or(0, |class| 1 + class.index());
        let sum = &mut self.feeds[place].cells[outcome.index()][class];
        sum.records += records;
        sum.bytes += bytes;
    }
}
