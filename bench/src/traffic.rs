//! Frames of education rows, as ingest makes them.

use anyhow::Result;
use hissa_core::sim::{FeedId, NodeId, SimId};
use hissa_core::usage::UsageRow;

use crate::fleet::{Draws, EDUCATION};

/// The day of the traffic begins here: 2 March 2026, 06:00 UTC.
pub const BEGINS_AT_MS: i64 = 1_772_431_200_000;

/// Rows of a frame; ingest closes one when it is full or some milliseconds old.
pub const FRAME_ROWS: usize = 4_000;

/// Milliseconds by which the delivery of a frame lies behind that of the last.
const FRAME_MS: i64 = 2;

/// Makes rows, each a new identity, in the order of their delivery.
#[derive(Clone, Debug)]
pub struct Traffic {
    draws: Draws,
    template: UsageRow,
    sims: Vec<SimId>,
    delivered_at_ms: i64,
    /// The number of the next row.
    next: u64,
}

impl Traffic {
    /// # Errors
    /// None: the names are good.
    pub fn new(sims: Vec<SimId>) -> Result<Traffic> {
        let template = UsageRow {
            rat: 4,
            device_tac: 35_000_001.into(),
            serving_plmn: 200_101.into(),
            feed: FeedId::parse("carrier-json")?.bytes(),
            epoch: 1.into(),
            node: NodeId::parse("pgw-casa-1")?.bytes(),
            rating_group: EDUCATION.into(),
            service_id: 11.into(),
            container_sequence: 1.into(),
            ..zerocopy::FromZeros::new_zeroed()
        };
        Ok(Traffic {
            draws: Draws::new(3),
            template,
            sims,
            delivered_at_ms: BEGINS_AT_MS,
            next: 0,
        })
    }

    /// A row of every SIM, in frames.
    pub fn round(&mut self) -> Vec<Vec<UsageRow>> {
        let order = shuffled(self.sims.len(), &mut self.draws);
        let frames = order.chunks(FRAME_ROWS);
        frames
            .map(|some| self.frame(some.iter().copied()))
            .collect()
    }

    /// Frames of rows of SIMs that are drawn.
    pub fn frames(&mut self, count: usize) -> Vec<Vec<UsageRow>> {
        let mut draws = self.draws;
        let sims = self.sims.len();
        let frames = (0..count)
            .map(|_| self.frame((0..FRAME_ROWS).map(|_| draws.below(sims))))
            .collect();
        self.draws.draw();
        frames
    }

    fn frame(&mut self, sims: impl Iterator<Item = usize>) -> Vec<UsageRow> {
        self.delivered_at_ms += FRAME_MS;
        sims.map(|sim| self.row(sim)).collect()
    }

    fn row(&mut self, sim: usize) -> UsageRow {
        let number = self.next;
        self.next += 1;
        // Closed within the last five minutes, after some minutes.
        let ended = self.delivered_at_ms - (number % 300_000).cast_signed();
        let started = ended - 600_000;
        UsageRow {
            sim: self.sims[sim].0,
            source_offset: number.into(),
            delivered_at_ms: self.delivered_at_ms.into(),
            charging_id: (number | 1 << 40).into(),
            record_sequence: ((number % 7) as u32).into(),
            opened_at_ms: started.into(),
            started_at_ms: started.into(),
            ended_at_ms: ended.into(),
            uplink_bytes: (number % 1_000).into(),
            downlink_bytes: (number % 20_000).into(),
            ..self.template
        }
    }
}

/// The numbers below `count` in a drawn order.
fn shuffled(count: usize, draws: &mut Draws) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, draws.below(last + 1));
    }
    order
}
