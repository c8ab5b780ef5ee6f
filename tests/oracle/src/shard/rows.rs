//! Entries of rows: each row with the carrier's own record (A1, A3, A4).

use std::rc::Rc;

use super::{Shard, World, halt};
use crate::check;
use crate::input::Why;
use crate::names::{Outcome, Pseudonym};
use crate::pseudonym;
use crate::record::{self, Container, Reason, Record};
use crate::row::{self, Row};
use crate::said::{Cause, RecordName, SourcePosition};
use crate::seen::{Digest, Identity};

/// One container with all that is known of it before the rules are asked.
pub(super) struct Usage<'a> {
    pub(super) row: &'a Row,
    pub(super) sim: Pseudonym,
    /// The device and its type code, where the record names it.
    pub(super) device: Option<(Pseudonym, u32)>,
    pub(super) record: &'a Record,
    pub(super) container: &'a Container,
    pub(super) cause: Rc<Cause>,
}

impl Usage<'_> {
    /// D1.
    pub(super) fn instant(&self) -> i64 {
        let Container { start, end, .. } = *self.container;
        if end > start { end - 1 } else { start }
    }

    pub(super) fn raw_bytes(&self) -> u64 {
        self.container.up + self.container.down
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            node: self.record.node.clone(),
            charging_id: self.record.charging_id,
            record_sequence: self.record.record_sequence,
            opened_at: self.record.opened_at,
            rating_group: self.container.rating_group,
            service_id: self.container.service_id,
            container_sequence: self.container.sequence,
        }
    }

    pub(super) fn digest(&self) -> Digest {
        let Container {
            rating_group,
            service_id,
            start,
            end,
            up,
            down,
            ..
        } = *self.container;
        Digest {
            sim: self.sim,
            rating_group,
            service_id,
            up,
            down,
            start,
            end,
        }
    }
}

/// The carrier's record that was read last; its containers stand one behind the other.
type LastRead = Option<(Row, Result<Read, Reason>)>;

/// A record, its SIM, and its device with the type code.
type Read = (Record, Pseudonym, Option<(Pseudonym, u32)>);

impl Shard {
    /// An entry of rows.
    pub(super) fn rows(
        &mut self,
        world: &World<'_>,
        offset: u64,
        payload: &[u8],
    ) -> Result<(), Why> {
        let rows = row::rows(payload).ok_or_else(|| Why::Log("rows are torn".to_owned()))?;
        for row in &rows {
            check::time(row.delivered_at).map_err(halt("T4"))?;
        }
        let mut last: LastRead = None;
        for (index, row) in rows.iter().enumerate() {
            let same = last
                .as_ref()
                .is_some_and(|(last, _)| last.source == row.source && last.offset == row.offset);
            if !same {
                last = Some((*row, read(world, row)?));
            }
            let Some((_, read)) = &last else { continue };
            if row.is_stub {
                self.stub(row, read.as_ref().err().copied(), offset)?;
                continue;
            }
            let wrong = |what: String| Why::Log(format!("{:?}: {what}", books_place(row)));
            let (record, sim, device) = read
                .as_ref()
                .map_err(|why| wrong(format!("not rejected: {why}")))?;
            let container = usize::try_from(row.row)
                .ok()
                .and_then(|place| record.containers.get(place));
            let container =
                container.ok_or_else(|| wrong("there is no such container".to_owned()))?;
            if pseudonym::partition(*sim, self.partitions) != self.partition {
                return Err(wrong(format!("SIM {sim} belongs to another partition")));
            }
            let cause = Rc::new(cause_of(row, index, offset, record, container));
            self.advance(row.delivered_at, offset);
            self.row(&Usage {
                row,
                sim: *sim,
                device: *device,
                record,
                container,
                cause,
            });
        }
        Ok(())
    }

    /// O1.
    fn stub(&mut self, row: &Row, reason: Option<Reason>, offset: u64) -> Result<(), Why> {
        let wrong = |what: &str| Why::Log(format!("{:?}: {what}", books_place(row)));
        let reason = reason.ok_or_else(|| wrong("rejected, but the record can be read"))?;
        if self.partition != 0 {
            return Err(wrong("stubs go to partition 0 (A4)"));
        }
        self.advance(row.delivered_at, offset);
        if !self.comes_again(row) {
            self.book(row, Outcome::Rejected, reason, 0);
        }
        Ok(())
    }
}

fn read(world: &World<'_>, row: &Row) -> Result<Result<Read, Reason>, Why> {
    let source = row.source;
    let message = world.feed.message(
        &source.feed.to_string(),
        source.epoch,
        source.partition,
        row.offset,
    );
    let message =
        message.ok_or_else(|| Why::Log(format!("{:?} is not in the feed", books_place(row))))?;
    Ok(record::decode(&message).map(|record| {
        let sim = world.pseudonyms.of_imsi(&record.imsi);
        let device = record
            .imei
            .as_deref()
            .map(|imei| world.pseudonyms.of_imei(imei));
        (record, sim, device)
    }))
}

fn books_place(row: &Row) -> crate::findings::LastRow {
    super::books::last_row(row)
}

fn cause_of(row: &Row, index: usize, offset: u64, record: &Record, container: &Container) -> Cause {
    Cause {
        offset,
        row: u32::try_from(index).unwrap_or(u32::MAX),
        feed: row.source.feed,
        epoch: row.source.epoch,
        partition: row.source.partition,
        source_position: SourcePosition {
            offset: row.offset,
            row: row.row,
        },
        record: RecordName {
            node: record.node.clone(),
            charging_id: record.charging_id,
            record_sequence: record.record_sequence,
            opened_at_ms: record.opened_at,
            rating_group: container.rating_group,
            service_id: container.service_id,
            container_sequence: container.sequence,
        },
    }
}
