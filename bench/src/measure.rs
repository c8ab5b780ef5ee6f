//! What is measured, and how.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use hissa_core::FixedHash;
use hissa_core::shard::{Effects, Shard};
use hissa_core::sim::SimId;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{Entry, Progress};

use crate::fleet::{drain, enrolled, sims};
use crate::heap;
use crate::traffic::{BEGINS_AT_MS, Traffic};

/// A shard whose tables are as large as they get, the map of the bare sum, and the traffic for both.
#[derive(Debug)]
pub struct Warm {
    pub shard: Shard,
    offset: u64,
    effects: Effects,
    sums: HashMap<SimId, u64, FixedHash>,
    pub traffic: Traffic,
}

impl Warm {
    /// Every SIM is enrolled and has had a row.
    ///
    /// # Errors
    /// The shard halts.
    pub fn new(count: usize) -> Result<Warm> {
        let sims = sims(count);
        let (shard, offset) = enrolled(&sims)?;
        let mut warm = Warm {
            shard,
            offset,
            effects: Effects::default(),
            sums: HashMap::default(),
            traffic: Traffic::new(sims)?,
        };
        for frame in warm.traffic.round() {
            warm.apply(&[frame])?;
        }
        drain(&mut warm.shard);
        for sim in self::sims(count) {
            warm.sums.insert(sim, 0);
        }
        Ok(warm)
    }

    /// Applies frames; the time that takes.
    ///
    /// # Errors
    /// The shard halts.
    pub fn apply(&mut self, frames: &[Vec<UsageRow>]) -> Result<Duration> {
        let begun = time_of_thread();
        for frame in frames {
            self.shard
                .apply(&Entry::Rows(frame), self.offset, &mut self.effects)?;
            self.offset += 1;
            self.effects.clear();
        }
        Ok(time_of_thread() - begun)
    }

    /// The times of both over the same frames. Who comes first finds the rows as they were written; so that should be
    /// either in turn.
    ///
    /// # Errors
    /// The shard halts.
    pub fn both(
        &mut self,
        frames: &[Vec<UsageRow>],
        apply_first: bool,
    ) -> Result<(Duration, Duration)> {
        if apply_first {
            let apply = self.apply(frames)?;
            return Ok((apply, self.sum(frames)));
        }
        let sum = self.sum(frames);
        Ok((self.apply(frames)?, sum))
    }

    /// Sums the bytes of frames by SIM; the time that takes.
    pub fn sum(&mut self, frames: &[Vec<UsageRow>]) -> Duration {
        let begun = time_of_thread();
        for frame in frames {
            for row in frame {
                *self.sums.entry(row.sim()).or_default() += row.bytes();
            }
        }
        time_of_thread() - begun
    }
}

/// The time that this thread has had a core: what others do at the same time counts less.
fn time_of_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Neither is negative; nanoseconds are below 10⁹.
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Times of one run.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Speed {
    pub sims: usize,
    pub rows: usize,
    pub apply_rows_per_s: f64,
    pub bare_sum_rows_per_s: f64,
    pub apply_ns_per_row: f64,
    pub bare_sum_ns_per_row: f64,
    /// The median of the samples' ratios.
    pub ratio: f64,
    pub ratio_least: f64,
    pub ratio_most: f64,
}

/// Frames of a sample: some milliseconds of work, and fewer bytes than stay in no cache.
const SAMPLE_FRAMES: usize = 25;

/// Measures both, sample by sample.
///
/// # Errors
/// The shard halts.
pub fn speed(warm: &mut Warm, sims: usize, samples: usize) -> Result<Speed> {
    let (mut applied, mut summed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    for sample in 0..samples {
        drain(&mut warm.shard);
        let frames = warm.traffic.frames(SAMPLE_FRAMES);
        let count: usize = frames.iter().map(Vec::len).sum();
        let (apply, sum) = warm.both(&frames, sample % 2 == 0)?;
        rows += count;
        let per_row = |time: Duration| time.as_secs_f64() * 1e9 / count as f64;
        applied.push(per_row(apply));
        summed.push(per_row(sum));
        ratios.push(per_row(apply) / per_row(sum));
    }
    let (apply, sum) = (median(&mut applied), median(&mut summed));
    let ratio = median(&mut ratios);
    Ok(Speed {
        sims,
        rows,
        apply_rows_per_s: (1e9 / apply).round(),
        bare_sum_rows_per_s: (1e9 / sum).round(),
        apply_ns_per_row: apply,
        bare_sum_ns_per_row: sum,
        ratio,
        ratio_least: ratios.first().copied().unwrap_or(ratio),
        ratio_most: ratios.last().copied().unwrap_or(ratio),
    })
}

/// Sorts, and returns the middle.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes on the heap, by what they are for.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Memory {
    pub sims: usize,
    pub bytes_per_sim: f64,
    pub bytes_per_cell: f64,
    pub identities: usize,
    /// Of a day that still fills, once it is full, and at its worst moment since it was a tenth full, that at which it
    /// becomes a past day among them.
    pub bytes_per_filling_identity: f64,
    pub bytes_per_filling_identity_worst: f64,
    pub bytes_per_past_identity: f64,
}

/// Measures the heap of a shard; [`heap::Counting`] must be the global allocator.
///
/// # Errors
/// The shard halts.
pub fn memory(count: usize, identities: usize) -> Result<Memory> {
    let (per_sim, per_cell) = per_sim_and_cell(count)?;
    let (filling, worst, past) = per_identity(identities)?;
    Ok(Memory {
        sims: count,
        bytes_per_sim: per_sim,
        bytes_per_cell: per_cell,
        identities,
        bytes_per_filling_identity: filling,
        bytes_per_filling_identity_worst: worst,
        bytes_per_past_identity: past,
    })
}

fn per_sim_and_cell(count: usize) -> Result<(f64, f64)> {
    let sims = sims(count);
    let mut traffic = Traffic::new(sims.clone())?;
    let before = heap::live();
    let (mut shard, mut offset) = enrolled(&sims)?;
    // The midnight before the traffic opens a booked day without cells.
    let mut effects = Effects::default();
    advance(&mut shard, &mut offset, BEGINS_AT_MS)?;
    let without_cells = heap::live();
    for frame in traffic.round() {
        shard.apply(&Entry::Rows(&frame), offset, &mut effects)?;
        effects.clear();
        offset += 1;
    }
    drain(&mut shard);
    drop(effects);
    let seen = shard.seen_size().filling_bytes;
    let with_cells = heap::live() - seen;
    Ok((
        (without_cells - before) as f64 / count as f64,
        (with_cells - without_cells) as f64 / count as f64,
    ))
}

/// Filling, filling at the worst, past.
fn per_identity(count: usize) -> Result<(f64, f64, f64)> {
    let mut warm = Warm::new(1_000)?;
    let base = heap::live() - warm.shard.seen_size().filling_bytes;
    let mut worst: f64 = 0.0;
    let mut known = warm.shard.seen_size().filling;
    while known < count {
        let frames = warm.traffic.frames(1);
        let rows = frames_bytes(&frames);
        heap::take_peak();
        warm.apply(&frames)?;
        let before = known;
        known = warm.shard.seen_size().filling;
        if before > count / 10 {
            let peak = heap::take_peak() - rows - base;
            worst = worst.max(peak as f64 / before as f64);
        }
    }
    drain(&mut warm.shard);
    let filling = (heap::live() - base) as f64 / known as f64;
    let days_later = BEGINS_AT_MS + 3 * 86_400_000;
    heap::take_peak();
    advance(&mut warm.shard, &mut warm.offset, days_later)?;
    let turned = (heap::take_peak() - base) as f64 / known as f64;
    let worst = worst.max(turned);
    assert_eq!(warm.shard.seen_size().past, known);
    let past = (heap::live().saturating_sub(base)) as f64 / known as f64;
    Ok((filling, worst, past))
}

fn frames_bytes(frames: &[Vec<UsageRow>]) -> usize {
    let rows: usize = frames.iter().map(Vec::capacity).sum();
    rows * size_of::<UsageRow>() + size_of_val(frames)
}

/// Lets the clock come to an instant.
fn advance(shard: &mut Shard, offset: &mut u64, as_of_ms: i64) -> Result<()> {
    let progress = Progress {
        sources: Vec::new(),
        as_of_ms,
    };
    let mut effects = Effects::default();
    shard.apply(&Entry::Progress(progress), *offset, &mut effects)?;
    *offset += 1;
    drain(shard);
    Ok(())
}
