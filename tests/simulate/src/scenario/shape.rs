//! How large a seed's world is, where it lies, and in which time.

use hissa_core::shard::ShardConfig;
use hissa_core::sim::{FeedId, Partitions};
use hissa_core::usage::Source;
use jiff::civil::date;

use super::zone::{TURNS, plus_days, utc_midnight};
use super::{DAY_MS, HOUR_MS};
use crate::dice::Dice;

/// How much a seed may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 20,000 rows on average.
    Full,
    /// 2,500 rows on average, for tests that run with all others.
    Small,
}

/// The measures of a scenario.
#[derive(Clone, Debug)]
pub struct Shape {
    pub seed: u64,
    /// SIMs that are enrolled at some time.
    pub sims: usize,
    /// SIMs that never are.
    pub strangers: usize,
    /// Rows that the carrier delivers, about.
    pub rows: usize,
    pub days: i64,
    pub start_ms: i64,
    pub end_ms: i64,
    pub partitions: Partitions,
    pub feeds: Vec<FeedShape>,
    /// One feed, played in its own time.
    pub played: bool,
    /// The programme's zone, and another one to which some programmes move.
    pub zone: &'static str,
    pub other_zone: &'static str,
    pub held_sims_max: u32,
    /// Steps from start to end.
    pub steps: u32,
}

/// A feed of the carrier.
#[derive(Clone, Debug)]
pub struct FeedShape {
    pub id: FeedId,
    pub epoch: u32,
    pub partitions: u32,
}

impl Shape {
    /// The shape of a seed: every second seed has 200 SIMs or more.
    pub fn new(seed: u64, size: Size) -> Shape {
        let dice = &mut Dice::of(seed, "shape");
        let sims = match (seed.is_multiple_of(2), size) {
            (true, Size::Full) => dice.scaled(8, 11) as usize - 56,
            (true, Size::Small) => dice.count(200, 320),
            (false, _) => dice.scaled(1, 7) as usize,
        };
        let rows = match size {
            Size::Full => dice.count(9_000, 32_000),
            Size::Small => dice.count(1_000, 3_800),
        };
        let days = dice.within(35, 60);
        let (zone, turns) = TURNS[dice.weighted(&[40, 15, 15, 10, 20])];
        let start_day = match dice.permille(600) {
            true => plus_days(*dice.pick(turns), -dice.within(3, 30)),
            false => plus_days(date(2024, 1, 1), dice.within(0, 1_200)),
        };
        let start_ms = utc_midnight(start_day) + dice.within(0, 23) * HOUR_MS;
        let played = dice.permille(200);
        let partitions = match sims {
            0..=3 => 1,
            _ => *dice.pick(&[1, 2, 4, 4]),
        };
        Shape {
            seed,
            sims,
            strangers: dice.count(0, 6 + sims / 8),
            rows,
            days,
            start_ms,
            end_ms: start_ms + days * DAY_MS,
            partitions: Partitions::try_from(partitions).unwrap_or(Partitions::SMALL),
            feeds: feeds(played, dice),
            played,
            zone,
            other_zone: TURNS[dice.place(TURNS.len())].0,
            held_sims_max: *dice.pick(&[2, 6, 30, 20_000]),
            steps: dice.count(120, 420) as u32,
        }
    }

    /// What the shard of a partition is told of itself.
    pub fn shard(&self, partition: u16) -> ShardConfig {
        ShardConfig {
            held_sims_max: self.held_sims_max,
            ..ShardConfig::new(1, partition, self.partitions.count())
        }
    }

    /// All sources, feed by feed.
    pub fn sources(&self) -> Vec<Source> {
        let of_feed = |feed: &FeedShape| {
            let (feed_id, epoch) = (feed.id, feed.epoch);
            (0..feed.partitions).map(move |partition| Source {
                feed: feed_id,
                epoch,
                partition,
            })
        };
        self.feeds.iter().flat_map(of_feed).collect()
    }

    /// What a SIM uses on a day, about.
    pub fn bytes_a_day(&self) -> u64 {
        let rows = self.rows as u64 * 1_000;
        let sim_days = (self.sims + self.strangers) as u64 * self.days.unsigned_abs();
        (rows / sim_days * super::sessions::MEAN_BYTES / 1_000).max(20_000)
    }
}

fn feeds(played: bool, dice: &mut Dice) -> Vec<FeedShape> {
    let partitions: &[u32] = match played {
        true => &[1],
        false => dice.pick::<&[u32]>(&[&[4], &[2], &[3], &[1, 1], &[1, 2]]),
    };
    let names = ["pgw-nord", "pgw-sud"];
    let feeds = names.iter().zip(partitions);
    let feeds = feeds.filter_map(|(name, partitions)| {
        Some(FeedShape {
            id: FeedId::parse(name).ok()?,
            epoch: dice.below(3) as u32,
            partitions: *partitions,
        })
    });
    feeds.collect()
}
