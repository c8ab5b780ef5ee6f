//! Logs by chance, the same one for a seed. Every command, period, scope, zone and oddity of the pages has its chance.

mod commands;
mod numbers;
mod records;

use hissa_oracle::Settings;
use serde_json::{Value, json};

use self::numbers::Chance;
use crate::log::{Container, Log, Record, pseudonym, sim};

pub const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The device that SIMs are enrolled with, one of its type, a known tablet, a router, and two strangers.
const DEVICES: [&str; 6] = [
    "35209912000411",
    "35209912000999",
    "35209913000001",
    "86111111000001",
    "86000000000001",
    "86222222000002",
];

const ZONES: [&str; 6] = [
    "Africa/Casablanca",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "UTC",
    "America/New_York",
];

/// Days on which logs begin: before Ramadan, summer time, its end, and anywhere.
const BEGINS: [&str; 6] = [
    "2026-02-03",
    "2026-03-10",
    "2026-04-14",
    "2026-10-12",
    "2026-06-20",
    "2026-12-20",
];

impl Chance {
    fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(most).unwrap() + 1)).unwrap()
    }
}

/// What one log is like.
struct Maker {
    chance: Chance,
    now: i64,
    sims: u64,
    /// What a byte is worth: in some logs millions.
    scale: u64,
    counters: bool,
    quiet: bool,
    heard_all: bool,
    /// Grants entered: id, and the SIM's name where it is for one.
    grants: Vec<(String, Option<String>)>,
    catalogue: Vec<Value>,
    number: u64,
    records: Vec<(usize, Record)>,
}

fn date(ms: i64) -> String {
    crate::log::instant(ms)[..10].to_owned()
}

/// A log; and whether its last command may be one that a shard refuses.
pub fn a_log(seed: u64) -> (Log, bool) {
    let mut chance = Chance::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    chance.below(2);
    let begin: chrono::NaiveDate = chance.of(&BEGINS).parse().unwrap();
    let begin = i64::from(begin.to_epoch_days()) * DAY + chance.up_to(20) * DAY;
    let mut maker = Maker {
        now: begin + chance.up_to(1440) * MINUTE,
        sims: chance.of(&[1, 2, 4, 8]),
        scale: chance.of(&[1, 1, 20_000_000]),
        counters: chance.one_in(3),
        quiet: chance.one_in(4),
        heard_all: !chance.one_in(3),
        grants: Vec::new(),
        catalogue: Vec::new(),
        number: 0,
        records: Vec::new(),
        chance,
    };
    let mut log = Log::default();
    log.settings = Settings {
        partitions: maker.chance.of(&[1, 1, 2]),
        held_sims_max: maker.chance.of(&[20_000, 20_000, 2]),
        ..Settings::default()
    };
    log.sources = [(1, 0), (1, 0)];
    maker.begin(&mut log);
    for _ in 0..40 + maker.chance.below(160) {
        maker.step(&mut log);
    }
    maker.time_passes(&mut log, 12 * DAY);
    let tries = maker.chance.one_in(4);
    if tries {
        let command = maker.refused();
        log.commands(vec![(maker.now, command)]);
    }
    (log, tries)
}

impl Maker {
    fn day(&mut self, before: i64, behind: i64) -> String {
        let days = self.chance.up_to(before + behind) - before;
        date(self.now + days * DAY)
    }

    fn begin(&mut self, log: &mut Log) {
        let logic = json!({"command": "logic", "version": 1});
        let mut first = vec![(self.now, logic)];
        if !self.chance.one_in(4) {
            first.push((self.now, self.catalogue()));
        }
        if !self.chance.one_in(4) {
            first.push((self.now, self.programme()));
        }
        if self.chance.one_in(2) {
            first.push((self.now, self.calendar()));
        }
        for number in 1..=self.sims {
            if !self.chance.one_in(3) {
                first.push((self.now, self.enrol(number)));
            }
        }
        log.commands(first);
    }

    fn step(&mut self, log: &mut Log) {
        let pace: &[i64] = if self.quiet {
            &[0, 1, 300, 1440, 1440, 2880]
        } else {
            &[0, 0, 1, 2, 7, 20, 40, 90, 300, 700, 1440]
        };
        let minutes = self.chance.of(pace);
        let odd = self.chance.up_to(3) * 17;
        self.time_passes(log, minutes * MINUTE + odd);
        match self.chance.below(if self.quiet { 20 } else { 60 }) {
            0..12 => {
                let mut commands = Vec::new();
                loop {
                    let command = self.command();
                    commands.push((self.now, command));
                    if !self.chance.one_in(3) {
                        break;
                    }
                }
                log.commands(commands);
            }
            12 => log.again(usize::try_from(self.chance.below(4)).unwrap()),
            13 => {
                let (feed, reason) = (self.feed(), self.chance.below(8) + 1);
                log.stub(
                    feed,
                    self.now,
                    u8::try_from(reason).unwrap(),
                    self.chance.one_in(2),
                );
            }
            14 if self.chance.one_in(6) => {
                let feed = self.feed();
                let (epoch, _) = log.sources[feed];
                log.sources[feed] = (epoch + 1, 0);
            }
            15 => {
                let wrong = self.chance.of(&[0, 0, 1]);
                self.progress(log, self.now, wrong);
            }
            _ => {
                if self.quiet && self.chance.one_in(2) {
                    return;
                }
                for _ in 0..self.chance.of(&[1, 1, 2, 5]) {
                    let (feed, record) = self.record();
                    // Deliveries of one feed may go back.
                    let delivered = self.now - self.chance.of(&[0, 0, 0, 5]) * MINUTE;
                    log.record(feed, delivered, &record, self.chance.one_in(2));
                }
            }
        }
    }

    fn feed(&mut self) -> usize {
        usize::from(self.chance.one_in(4))
    }

    /// Time passes; Progress tells of it now and then, and of the hours that were heard.
    fn time_passes(&mut self, log: &mut Log, ms: i64) {
        let from = self.now;
        self.now += ms;
        if ms < 6 * 60 * MINUTE && !self.chance.one_in(20) {
            return;
        }
        let hours = from.div_euclid(3_600_000)..=self.now.div_euclid(3_600_000);
        let all = self.heard_all;
        let heard: Vec<i64> = hours.filter(|_| all || !self.chance.one_in(4)).collect();
        log.progress(from, &heard, 0);
        if self.chance.one_in(2) {
            log.progress(self.now, &[], 0);
        }
    }

    fn progress(&mut self, log: &mut Log, as_of: i64, wrong: u64) {
        log.progress(as_of, &[], wrong);
    }
}
