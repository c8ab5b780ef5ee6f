//! The nodes' numbers of every feed, and how they travel with the stored positions.

use std::collections::{BTreeMap, BTreeSet};

use hissa_core::sim::FeedId;
use hissa_core::usage::Source;

use crate::node_sequence::{Found, NodeSequences, Numbered};
use crate::position::Stored;

/// A feed and its epoch: the carrier partitions of both together see a node's numbers.
type Feed = (FeedId, u32);

fn feed(source: &Source) -> Feed {
    (source.feed, source.epoch)
}

/// By feed.
#[derive(Default)]
pub(super) struct Numbers {
    feeds: BTreeMap<Feed, (NodeSequences, Found)>,
}

impl Numbers {
    /// Takes out of what is stored what is known of the feeds' nodes.
    pub(super) fn restore(known: &mut BTreeMap<Source, Stored>) -> Numbers {
        let mut numbers = Numbers::default();
        let feeds: BTreeSet<Feed> = known.keys().map(feed).collect();
        for of in feeds {
            let sources = || known.iter().filter(|(source, _)| feed(source) == of);
            let states = sources().filter_map(|(_, stored)| stored.node_sequences.as_ref());
            let newest = states.max_by_key(|state| state.age());
            // The positions are stored one behind the other: a state that lacks records would see gaps that are none.
            let lacks = |state: &NodeSequences| {
                sources().any(|(source, stored)| {
                    stored.sha256.is_some() && state.through(source.partition) < stored.position
                })
            };
            let state = newest.filter(|state| !lacks(state)).cloned();
            let state = state.unwrap_or_else(|| {
                NodeSequences::begin(
                    sources().map(|(source, stored)| (source.partition, stored.position)),
                )
            });
            numbers.feeds.insert(of, (state, Found::default()));
        }
        for stored in known.values_mut() {
            stored.node_sequences = None;
        }
        numbers
    }

    /// Takes the numbers of a batch.
    pub(super) fn note(&mut self, numbered: &[Numbered]) {
        for record in numbered {
            let (state, found) = self.feeds.entry(feed(&record.source)).or_default();
            state.note(record, found);
        }
    }

    /// Moves a source on.
    pub(super) fn reach(&mut self, source: &Source, position: u64) {
        let (state, found) = self.feeds.entry(feed(source)).or_default();
        state.reach(source.partition, position, found);
    }

    /// Puts the state of each feed with the position that is written first: then it is never behind a position.
    pub(super) fn enclose(&self, positions: &mut BTreeMap<Source, Stored>) {
        let mut enclosed = BTreeSet::new();
        for (source, stored) in positions {
            let state = self.feeds.get(&feed(source));
            if let Some((state, _)) = state.filter(|(state, _)| !state.is_empty())
                && enclosed.insert(feed(source))
            {
                stored.node_sequences = Some(state.clone());
            }
        }
    }

    /// What was found in a feed since the start, and how many holes are open.
    pub(super) fn of(&self, feed: FeedId) -> (Found, usize) {
        let of_feed = self.feeds.iter().filter(|((id, _), _)| *id == feed);
        of_feed.fold(
            (Found::default(), 0),
            |(sum, holes), (_, (state, found))| {
                let sum = Found {
                    missing: sum.missing + found.missing,
                    repeated: sum.repeated + found.repeated,
                };
                (sum, holes + state.open_holes())
            },
        )
    }
}
