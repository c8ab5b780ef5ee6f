//! What is written to `hissa.usage`, in which order, and when a position may be stored.
//!
//! [`Publisher`] is a state machine without Kafka and without a clock: `step(event) → commands`. Its promises, which
//! its tests hold it to:
//! - Within a partition: the registry's commands before the rows that follow them, Progress behind the rows that it
//!   speaks of; and before a batch in whose rows a source is heard in a new clock hour, Progress that names the hour, with
//!   everything else as it stood.
//! - Books are a function of the position: whatever the batches were, and whatever was published twice.
//! - A position is stored only after everything at or before it was acknowledged.

mod commands;
mod frames;
mod heard;
mod numbers;
mod share;
mod sources;
#[cfg(test)]
mod tests;
mod tickets;

use std::collections::BTreeMap;

use hissa_core::sim::{FeedId, Partitions};
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::{Kind, Progress};

use crate::node_sequence::Found;
use crate::position::Stored;
use crate::source::batch::Batch;
use commands::json;
pub use commands::{Command, Event, Payload};
use frames::Frames;
use heard::Heard;
use numbers::Numbers;
use share::Share;
use sources::Sources;
use tickets::Tickets;

/// A live feed is published only with a view of the registry that is younger than this.
pub const REGISTRY_VIEW_MS_MAX: i64 = 60_000;
/// Steps whose messages may be on their way at once.
const TICKETS_MAX: usize = 8;

/// The state of publishing.
pub struct Publisher {
    partitions: Partitions,
    /// Whether the (only) feed is played in its own time.
    played: bool,
    sources: Sources,
    heard: Heard,
    numbers: Numbers,
    share: Share,
    frames: Frames,
    tickets: Tickets,
    registry_whole_at_ms: Option<i64>,
}

impl Publisher {
    /// Goes on where `hissa.ingest` says that each source has got to (with zeros where it does not know the source).
    pub fn new(
        partitions: Partitions,
        played: bool,
        sources: impl IntoIterator<Item = (Source, Stored)>,
        registry_revision: u64,
    ) -> Publisher {
        let mut known: BTreeMap<Source, Stored> = sources.into_iter().collect();
        let numbers = Numbers::restore(&mut known);
        Publisher {
            partitions,
            played,
            sources: Sources::new(partitions, known),
            heard: Heard::default(),
            numbers,
            share: Share::new(partitions, registry_revision),
            frames: Frames::new(partitions),
            tickets: Tickets::default(),
            registry_whole_at_ms: None,
        }
    }

    /// Whether more batches may come: the registry is known, newly enough for a live feed, and not too much is on its
    /// way.
    pub fn takes_batches(&self, now_ms: i64) -> bool {
        let registry_known = self.registry_whole_at_ms.is_some() && !self.registry_is_old(now_ms);
        registry_known && self.tickets.count() < TICKETS_MAX
    }

    /// Whether the view of the registry is too old for a live feed.
    pub fn registry_is_old(&self, now_ms: i64) -> bool {
        let too_old = |at_ms: i64| now_ms.saturating_sub(at_ms) > REGISTRY_VIEW_MS_MAX;
        !self.played && self.registry_whole_at_ms.is_some_and(too_old)
    }

    /// Whether everything that was published is acknowledged.
    pub fn is_settled(&self) -> bool {
        self.tickets.count() == 0
    }

    /// Records published whose position is not stored yet.
    pub fn records_in_flight(&self) -> impl Iterator<Item = (Source, u64)> {
        self.sources.records_in_flight()
    }

    /// What was found in the numbers of a feed's nodes since the start, and how many holes are open in them.
    pub fn node_sequences(&self, feed: FeedId) -> (Found, usize) {
        self.numbers.of(feed)
    }

    /// Takes an event; appends what is to be done.
    pub fn step(&mut self, event: Event, commands: &mut Vec<Command>) {
        match event {
            Event::Batch(batch) => self.batch(batch, commands),
            Event::AtEnd { sources, at_ms } => self.at_end(&sources, at_ms, commands),
            Event::Registry {
                revisions,
                whole_at_ms,
            } => {
                self.share.read(revisions);
                self.registry_whole_at_ms = whole_at_ms.or(self.registry_whole_at_ms);
                // A played feed's commands come in its own time.
                if !self.played {
                    self.registry(commands);
                }
            }
            Event::Acked { ticket } => self.acked(ticket, commands),
        }
    }

    fn batch(&mut self, batch: Batch, commands: &mut Vec<Command>) {
        if batch.is_empty() {
            return;
        }
        let ticket = self.tickets.open();
        self.hear(&batch.rows, ticket, commands);
        self.sources.count(&batch.rows);
        for row in &batch.rows {
            if self.played && self.share.has_due(row.delivered_at_ms.get()) {
                self.frames.flush(ticket, commands);
                self.share
                    .publish_due(row.delivered_at_ms.get(), ticket, commands);
            }
            let partition = sources::target(row, self.partitions);
            self.frames.push(partition, row, ticket, commands);
        }
        self.frames.flush(ticket, commands);
        commands.extend(
            batch
                .rejected
                .into_iter()
                .map(|rejected| Command::Rejected { ticket, rejected }),
        );
        let touched: Vec<Source> = batch.reached.iter().map(|reached| reached.source).collect();
        self.numbers.note(&batch.numbered);
        for reached in batch.reached {
            self.numbers.reach(&reached.source, reached.position);
            self.sources.reach(reached);
        }
        if let Some(quiet) = batch.quiet {
            if self.played && self.share.has_due(quiet.until_ms) {
                self.share.publish_due(quiet.until_ms, ticket, commands);
            }
            self.sources.quiet(quiet);
        }
        self.progress(&touched, ticket, commands);
        self.close(ticket, &touched, commands);
    }

    fn at_end(&mut self, sources: &[Source], at_ms: i64, commands: &mut Vec<Command>) {
        // The time of a played feed is its own.
        if self.played || sources.is_empty() {
            return;
        }
        let ticket = self.tickets.open();
        for source in sources {
            self.sources.at_end(*source, at_ms);
        }
        self.progress(sources, ticket, commands);
        self.close(ticket, sources, commands);
    }

    fn registry(&mut self, commands: &mut Vec<Command>) {
        if !self.share.has_due(i64::MAX) {
            return;
        }
        let ticket = self.tickets.open();
        self.share.publish_due(i64::MAX, ticket, commands);
        let all: Vec<Source> = self.sources.all().collect();
        self.close(ticket, &all, commands);
    }

    /// Before rows go: Progress that names the hours in which they were delivered, where it has not yet. The rest of it is
    /// as it stood, for no shard has these rows.
    fn hear(&mut self, rows: &[UsageRow], ticket: u64, commands: &mut Vec<Command>) {
        let hours = self.heard.new_hours(rows);
        let Some(source) = hours.keys().next() else {
            return;
        };
        let as_of_ms = self.sources.as_of_ms(source).unwrap_or_else(|| {
            // Nothing of the feed was ever told. A time that is not behind anything that follows moves no clock too far:
            // not behind the first command, if that comes before the rows, nor behind any row.
            let first = rows.iter().map(|row| row.delivered_at_ms.get()).min();
            let first = first.unwrap_or(0).min(self.share.next_entered_at_ms());
            // No shard takes a time before 1970; a command from there is refused as itself.
            first.max(0)
        });
        let of = hours.iter().map(|(source, hours)| (source, &hours[..]));
        self.tell(of, as_of_ms, ticket, commands);
    }

    /// Progress of these sources (of one feed) into every partition.
    fn progress(&self, touched: &[Source], ticket: u64, commands: &mut Vec<Command>) {
        // A source that was never heard of has no time yet; then nothing is known that could move a clock.
        let as_of_ms = touched
            .first()
            .and_then(|source| self.sources.as_of_ms(source));
        if let Some(as_of_ms) = as_of_ms {
            let no_hours: &[i64] = &[];
            let of = touched.iter().map(|source| (source, no_hours));
            self.tell(of, as_of_ms, ticket, commands);
        }
    }

    fn tell<'a>(
        &self,
        of: impl Iterator<Item = (&'a Source, &'a [i64])> + Clone,
        as_of_ms: i64,
        ticket: u64,
        commands: &mut Vec<Command>,
    ) {
        for partition in self.partitions.numbers() {
            let progress = Progress {
                sources: self.sources.progress(of.clone(), partition),
                as_of_ms,
            };
            let payload = Payload::Json(json(&progress));
            commands.push(Command::Entry {
                ticket,
                partition,
                kind: Kind::Progress,
                payload,
            });
        }
    }

    /// Ends a step: counts its messages, and notes what may be stored once they are acknowledged.
    fn close(&mut self, ticket: u64, touched: &[Source], commands: &mut Vec<Command>) {
        let revision = self.share.published();
        let positions = touched
            .iter()
            .map(|source| (*source, self.sources.stored(source, revision)));
        let mut positions: BTreeMap<Source, Stored> = positions.collect();
        self.numbers.enclose(&mut positions);
        let messages = commands
            .iter()
            .filter(|command| command.ticket() == Some(ticket))
            .count();
        self.tickets.close(ticket, messages, positions);
        self.store_settled(commands);
    }

    fn acked(&mut self, ticket: u64, commands: &mut Vec<Command>) {
        self.tickets.acked(ticket);
        self.store_settled(commands);
    }

    fn store_settled(&mut self, commands: &mut Vec<Command>) {
        for (source, stored) in self.tickets.settled() {
            self.sources.settle(&source, &stored);
            commands.push(Command::Store { source, stored });
        }
    }
}
