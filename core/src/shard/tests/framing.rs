//! Framing and republication cannot matter: a random stream, cut into other frames, with ranges published again, has
//! the same outcomes, balances, decisions and alerts.

use std::collections::BTreeMap;

use super::commands::*;
use super::story::*;
use crate::facts::Fact;
use crate::outcome::RejectReason;
use crate::registry::{
    Breaker, BreakerAction, CalendarKind, Class, Cohort, Command, Counter, Grant, OnExhausted,
    Period, Programme, Scope,
};
use crate::shard::Shard;
use crate::usage::UsageRow;
use crate::wire::{Entry, Progress};

/// A small generator of numbers (SplitMix64), so that a seed names a stream.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What stands in a log, rows one by one.
#[derive(Clone)]
pub enum Told {
    Row(Box<UsageRow>),
    Command(String, Box<Command>),
    Until(i64),
}

pub struct Log {
    pub entries: Vec<Told>,
}

impl Log {
    /// Six weeks around the end of February, with every kind of dirt.
    pub fn random(seed: u64) -> Log {
        let mut dice = Dice::new(seed);
        let mut entries = Vec::new();
        let start = "2026-01-31T12:00".to_owned();
        for command in [
            Command::Catalogue(catalogue()),
            Command::Programme(some_programme(&mut dice)),
        ] {
            entries.push(Told::Command(start.clone(), Box::new(command)));
        }
        for number in 1..=4 {
            let cohort = if number == 4 { "idle" } else { "rural" };
            let command = enrolment(number, cohort, "2026-02-01");
            entries.push(Told::Command(start.clone(), Box::new(command)));
        }
        let mut clock = at("2026-02-01T00:00");
        let mut sent: Vec<UsageRow> = Vec::new();
        for offset in 0..600 {
            clock += i64::try_from(dice.below(12_000_000)).unwrap();
            let mut row = random_row(&mut dice, offset, clock);
            if !sent.is_empty() && dice.chance(12) {
                let old = sent[dice.below(sent.len() as u64) as usize];
                row = UsageRow {
                    source_offset: offset.into(),
                    delivered_at_ms: clock.into(),
                    ..old
                };
                if dice.chance(20) {
                    row.downlink_bytes = (row.downlink_bytes.get() + 1).into();
                }
            } else if dice.chance(2) {
                let reason = RejectReason::ALL[dice.below(8) as usize];
                row = UsageRow::stub(source(), offset, clock, reason);
            }
            if !row.is_stub() {
                sent.push(row);
            }
            entries.push(Told::Row(Box::new(row)));
            if offset % 50 == 49 {
                entries.push(Told::Until(clock));
            }
            if dice.chance(8) {
                let command = some_command(&mut dice, offset, clock);
                entries.push(Told::Command(utc(clock), Box::new(command)));
            }
        }
        entries.push(Told::Until(clock + 86_400_000));
        Log { entries }
    }

    fn rows(&self) -> Vec<UsageRow> {
        let rows = self.entries.iter().filter_map(|told| match told {
            Told::Row(row) => Some(**row),
            _ => None,
        });
        rows.collect()
    }
}

fn idle() -> Cohort {
    Cohort {
        id: "idle".to_owned(),
        enforce_from: None,
        ..rural()
    }
}

fn utc(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .unwrap()
        .to_string()
}

/// A programme with allowances of every period, now and then.
fn some_programme(dice: &mut Dice) -> Programme {
    let actions = [BLOCK, SLOW, OnExhausted::Notify];
    let periods = [
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Term,
        Period::Days(9),
    ];
    let scopes = [Scope::Education, Scope::Other, Scope::All];
    let mut told = programme(vec![rural(), idle()]);
    for cohort in &mut told.cohorts {
        for n in 0..dice.below(3) {
            let bytes = [0, 2 * GB, 10 * GB, 30 * GB][dice.below(4) as usize];
            let every = periods[dice.below(5) as usize];
            let action = actions[dice.below(3) as usize];
            let scope = scopes[dice.below(3) as usize];
            let one = bytes_of(scope, bytes, every, action).called(&format!("more{n}"));
            cohort.allowances.push(one.rolls(dice.below(2 * GB)));
        }
        cohort.breaker = Breaker {
            share_permille: 200,
            at_least: [0, 20, 100][dice.below(3) as usize],
        };
        cohort.restore_over_ms = 1000;
    }
    told.unknown_charged_to = [Class::Education, Class::Other][dice.below(2) as usize];
    told.tablet_tacs = vec![222];
    told.closes_after_days = [7, 7, 3, 10][dice.below(4) as usize];
    told
}

/// A date around the clock's.
fn some_day(dice: &mut Dice, clock: i64) -> String {
    let off = i64::try_from(dice.below(30)).unwrap() - 10;
    let day = jiff::Timestamp::from_millisecond(clock + off * 86_400_000).unwrap();
    day.strftime("%Y-%m-%d").to_string()
}

/// A command of any kind.
fn some_command(dice: &mut Dice, offset: u64, clock: i64) -> Command {
    let number = 1 + dice.below(7) as u8;
    let day = some_day(dice, clock);
    let end = date(&day).saturating_add(jiff::Span::new().days(1 + dice.below(12).cast_signed()));
    let end = end.to_string();
    let cohorts = ["rural", "rural", "idle", "elsewhere"];
    match dice.below(12) {
        0 => Command::Programme(some_programme(dice)),
        1 | 2 => {
            let enrolment = enrolling(number, &day).of(cohorts[dice.below(4) as usize]);
            enrolment.in_device(1 + dice.below(2) as u8, 111).told()
        }
        3 => enrolling(number, &day).until(&end).told(),
        4 => retirement(number, &day),
        5 => Command::Opening(opening(
            number,
            dice.below(20 * GB),
            &day,
            dice.below(9) as u32,
        )),
        6 | 7 => {
            let all = grant(&format!("g{offset}"), dice.below(9 * GB) + 1).days(&day, &end);
            let priority = dice.below(3) as u32;
            let one = Grant { priority, ..all };
            Command::Grant(if dice.chance(50) { one } else { one.to(number) })
        }
        8 => {
            let classes = [Class::Education, Class::Other];
            let open = open_days(&day, &end, &classes[dice.below(2) as usize..]);
            let term = days(CalendarKind::Term, &end, &end);
            calendar(vec![open, term, days(CalendarKind::Holiday, &day, &end)])
        }
        9 => breaker([BreakerAction::Release, BreakerAction::Drop][dice.below(2) as usize]),
        10 => feed([Counter::Delta, Counter::Cumulative32][dice.below(2) as usize]),
        _ => Command::Catalogue(catalogue()),
    }
}

fn random_row(dice: &mut Dice, offset: u64, clock: i64) -> UsageRow {
    let number = 1 + dice.below(7) as u8;
    let delay = match dice.below(10) {
        0..7 => dice.below(1_800_000),
        7..9 => dice.below(86_400_000),
        _ => dice.below(12 * 86_400_000),
    };
    let ahead = if dice.chance(3) {
        10_000_000
    } else {
        200_000 * dice.below(2)
    };
    let delay = i64::try_from(delay).unwrap() - i64::try_from(ahead).unwrap();
    let mut row = usage(number, "2026-02-01T12:00", dice.below(2 * GB)).row(offset);
    let ended = clock - delay;
    let minutes = i64::try_from(dice.below(60)).unwrap();
    row.ended_at_ms = ended.into();
    row.started_at_ms = (ended - minutes * 60_000).into();
    row.opened_at_ms = row.started_at_ms;
    row.delivered_at_ms = clock.into();
    row.rating_group = [EDU, EDU, EDU, OTHER, SYSTEM, STRANGE][dice.below(6) as usize].into();
    row.uplink_bytes = dice.below(1_000_000).into();
    row.device = [dice.below(4) as u8; 16];
    row.device_tac = [111, 222, 333][dice.below(3) as usize].into();
    row.counter = [0, 0, 1, 2, 3][dice.below(5) as usize];
    if dice.chance(30) {
        row.charging_id = dice.below(5).into();
        row.record_sequence = (offset as u32).into();
    }
    row
}

/// Runs a log row by row, taking rows of facts now and then; restores a snapshot in the middle where asked to.
pub fn run(log: &Log, restore_at: Option<usize>) -> Story {
    let mut story = Story::new();
    for (place, told) in log.entries.iter().enumerate() {
        if restore_at == Some(place) {
            let bytes = story.shard.snapshot();
            story.shard = Shard::restore(&bytes, crate::shard::ShardConfig::new(1, 3, 16)).unwrap();
        }
        tell(&mut story, told);
        if place % 97 == 0 {
            story.take();
        }
    }
    story.take();
    story
}

pub fn tell(story: &mut Story, told: &Told) {
    match told {
        Told::Row(row) => {
            story.rows(&[**row]);
        }
        Told::Command(entered, command) => story.command(entered, (**command).clone()),
        Told::Until(as_of_ms) => {
            let progress = Progress {
                sources: vec![],
                as_of_ms: *as_of_ms,
            };
            story.apply(&Entry::Progress(progress)).unwrap();
        }
    }
}

/// Runs a log in frames of random size, publishing ranges again.
pub fn run_in_frames(log: &Log, dice: &mut Dice) -> Story {
    let all = log.rows();
    let mut published = 0;
    let mut frame: Vec<UsageRow> = Vec::new();
    let mut story = Story::new();
    for told in &log.entries {
        if let Told::Row(row) = told {
            frame.push(**row);
            published += 1;
        }
        let cut = dice.chance(15) || !matches!(told, Told::Row(_));
        if cut && !frame.is_empty() {
            story.rows(&frame);
            frame.clear();
            if dice.chance(40) {
                let from = dice.below(published) as usize;
                story.rows(&all[from..published as usize]);
            }
        }
        if !matches!(told, Told::Row(_)) {
            tell(&mut story, told);
        }
        if dice.chance(5) {
            story.take();
        }
    }
    story.take();
    story
}

/// What must not depend on framing: offsets and versions do.
pub fn essence(story: &Story) -> (Vec<String>, Vec<String>, BTreeMap<String, String>) {
    let decisions = story.decisions.iter().map(|decision| {
        let mut decision = decision.clone();
        decision.offset = 0;
        if let Some(cause) = &mut decision.cause {
            (cause.offset, cause.row) = (0, 0);
        }
        format!("{decision:?}")
    });
    let alerts = story.alerts.iter().map(|alert| {
        let mut alert = alert.clone();
        alert.offset = 0;
        if let Some(cause) = &mut alert.cause {
            (cause.offset, cause.row) = (0, 0);
        }
        format!("{alert:?}")
    });
    let facts = story.facts.iter();
    let facts = facts.map(|(key, fact)| (key.clone(), format!("{:?}", without_offsets(fact))));
    (decisions.collect(), alerts.collect(), facts.collect())
}

/// A row without what depends on where its entry stands in the log.
pub fn without_offsets(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    match &mut fact {
        Fact::SimDay(row) => row.version = 0,
        Fact::SimCycle(row) => row.version = 0,
        Fact::OutcomeDay(row) => row.version = 0,
        Fact::PlaceHour(row) => row.version = 0,
        Fact::FlagDay(row) => row.version = 0,
        Fact::Assignment(row) => row.version = 0,
        Fact::Decision(row) => {
            row.version = 0;
            row.decision.cause = None;
            row.decision.offset = 0;
        }
    }
    fact
}

/// Forty seeds; a failure tells its own.
fn seeds() -> std::ops::Range<u64> {
    0..40
}

#[test]
fn other_frames_and_ranges_published_again_change_nothing() {
    for seed in seeds() {
        let log = Log::random(seed);
        let once = run(&log, None);
        assert!(
            once.decisions.len() > 20 && once.alerts.len() > 1,
            "seed {seed}"
        );
        let expected = essence(&once);
        let totals: Vec<_> = once.shard.outcome_totals().collect();
        assert!(totals.len() >= 8, "seed {seed}: {totals:?}");
        for cut in 0..3 {
            let framed = run_in_frames(&log, &mut Dice::new(seed * 100 + cut));
            assert_eq!(essence(&framed), expected, "seed {seed}, cut {cut}");
            let framed: Vec<_> = framed.shard.outcome_totals().collect();
            assert_eq!(framed, totals, "seed {seed}, cut {cut}");
        }
    }
}

#[test]
fn facts_taken_at_any_instants_have_the_same_bytes_under_key_and_version() {
    for seed in seeds() {
        let log = Log::random(seed);
        let mut all: BTreeMap<(String, u64), Fact> = BTreeMap::new();
        let mut newest = Vec::new();
        for owner in 0..4 {
            let mut dice = Dice::new(seed * 1000 + owner);
            let mut story = Story::new();
            for told in &log.entries {
                tell(&mut story, told);
                while dice.chance(10 * owner) {
                    for fact in story.shard.take_facts(dice.below(20) as usize) {
                        let place = (key(&fact), version(&fact));
                        let known = all.entry(place).or_insert_with(|| fact.clone());
                        assert_eq!(known, &fact, "seed {seed}, owner {owner}");
                        keep(&mut story.facts, fact);
                    }
                }
            }
            story.take();
            newest.push(story.facts);
        }
        // Whenever they were taken, the newest rows are the same in the end.
        for other in &newest[1..] {
            assert_eq!(other, &newest[0], "seed {seed}");
        }
    }
}
