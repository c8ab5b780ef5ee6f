//! What holds of every log: each property over logs by chance, small where it fails.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::commands::*;
use super::framing::{Dice, Log, Told, essence, run, run_in_frames, tell, without_offsets};
use super::story::*;
use crate::decision::Decision;
use crate::facts::Fact;
use crate::outcome::Outcome;
use crate::registry::{Breaker, Class, Command, Period, Scope};
use crate::shard::{Shard, ShardConfig};
use crate::usage::UsageRow;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A row of 10 February: SIM, rating group, bytes, hour; SIMs above 3 are not enrolled.
fn row_of_a_day() -> impl Strategy<Value = (u8, u32, u64, u8)> {
    let group = prop::sample::select(vec![EDU, EDU, OTHER, SYSTEM, STRANGE]);
    (1..=5u8, group, 0..60u64, 0..12u8)
}

fn rows_of_a_day(told: &[(u8, u32, u64, u8)]) -> Vec<UsageRow> {
    let rows = told
        .iter()
        .zip(0..)
        .map(|((sim, group, bytes, hour), offset)| {
            let end = format!("2026-02-10T{:02}:30", hour);
            let row = usage(*sim, &end, *bytes)
                .group(*group)
                .delivered("2026-02-10T13:00");
            row.row(offset)
        });
    rows.collect()
}

/// Three SIMs with allowances of several kinds, and a grant.
fn of_three() -> Story {
    let allowances = vec![
        monthly(100),
        bytes_of(Scope::Education, 60, Period::Day, BLOCK).called("daily"),
        bytes_of(Scope::All, 300, Period::Week, BLOCK),
        bytes_of(Scope::Other, 50, Period::Month, BLOCK),
    ];
    let mut out_of_reach = cohort(allowances);
    out_of_reach.breaker.at_least = u32::MAX;
    let mut story = world_of(Story::new(), programme(vec![out_of_reach]), 1..=3);
    story.command("2026-02-03T08:00", Command::Grant(grant("g", 40)));
    story.until("2026-02-10T13:00");
    story.hush();
    story
}

/// What a story comes to: books, rows of facts without versions but for decisions, and the last action of each class.
fn comes_to(story: &mut Story) -> (String, Vec<String>, BTreeMap<(u8, Class), String>) {
    let totals: Vec<_> = story.shard.outcome_totals().collect();
    let facts = story.take().values().filter_map(|fact| match fact {
        Fact::Decision(_) => None,
        fact => Some(format!("{:?}", without_offsets(fact))),
    });
    let facts = facts.collect();
    let last = |d: &Decision| ((d.sim.0[0], d.class), format!("{:?}", d.action));
    let last = story.decisions.iter().map(last).collect();
    (format!("{totals:?}"), facts, last)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_order_of_rows_while_no_time_passes_does_not_matter(
        (told, order) in prop::collection::vec(row_of_a_day(), 1..40).prop_flat_map(|told| {
            let order = Just((0..told.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(told), order)
        }),
        again in prop::collection::vec(0..40usize, 0..10),
    ) {
        let rows = rows_of_a_day(&told);
        let mut sent = rows.clone();
        for (place, offset) in again.iter().zip(100..) {
            let copy = rows[place % rows.len()];
            sent.push(UsageRow { source_offset: offset.into(), ..copy });
        }
        let mut one = of_three();
        one.rows(&sent);
        let shuffled: Vec<_> = order.iter().map(|place| sent[*place]).collect();
        let mut other = of_three();
        // What is sent again may come before what it repeats.
        let copies = &sent[rows.len()..];
        for row in copies.iter().chain(&shuffled) {
            // Positions only tell what is published again.
            other.source_offset += 1;
            let source_offset = other.source_offset.into();
            other.rows(&[UsageRow { source_offset, ..*row }]);
        }
        prop_assert_eq!(comes_to(&mut one), comes_to(&mut other));
    }

    #[test]
    fn the_order_of_deliveries_within_the_grace_period_does_not_matter(
        (told, days, order) in prop::collection::vec((row_of_a_day(), 1..=10u8), 1..40).prop_flat_map(|told| {
            let days = prop::collection::vec(11..=34i64, told.len());
            let order = Just((0..told.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(told), days, order)
        }),
    ) {
        let usages: Vec<_> = told.iter().zip(0..).map(|(((sim, group, bytes, hour), day), id)| {
            let end = format!("2026-02-{day:02}T{hour:02}:30");
            usage(*sim, &end, *bytes).group(*group).charging_id(id)
        }).collect();
        let in_order: Vec<usize> = (0..told.len()).collect();
        prop_assert_eq!(delivered(&usages, &days, &in_order), delivered(&usages, &days, &order));
    }

    #[test]
    fn enrolment_before_or_after_the_usage_comes_to_the_same(
        told in prop::collection::vec(row_of_a_day(), 1..40),
        after in 0..40usize,
    ) {
        let rows = rows_of_a_day(&told);
        let enrolled = |after: usize| {
            let mut story = of_three();
            for (place, row) in rows.iter().enumerate() {
                if place == after {
                    story.enrol("2026-02-10T13:00", 5, "rural", "2026-02-02");
                }
                story.rows(&[*row]);
            }
            if after >= rows.len() {
                story.enrol("2026-02-10T13:00", 5, "rural", "2026-02-02");
            }
            let (_, facts, last) = comes_to(&mut story);
            // Where the bytes are booked under a place and an outcome, it tells that they were held.
            let facts = facts.into_iter().filter(|f| !f.starts_with("PlaceHour") && !f.starts_with("OutcomeDay"));
            let facts = facts.filter(|f| !f.starts_with("Assignment"));
            (facts.collect::<Vec<_>>(), last)
        };
        prop_assert_eq!(enrolled(0), enrolled(after));
    }
}

/// What rows of the first days of February come to, delivered in an order on days behind them, the last of which is the
/// last of the grace period: bytes and records of usage days, whenever they were booked, and the month's balances.
fn delivered(usages: &[Usage], days: &[i64], order: &[usize]) -> impl PartialEq + std::fmt::Debug {
    let mut out_of_reach = cohort(vec![
        monthly(100),
        bytes_of(Scope::Other, 50, Period::Month, BLOCK),
    ]);
    out_of_reach.breaker.at_least = u32::MAX;
    let mut story = world_of(Story::new(), programme(vec![out_of_reach]), 1..=3);
    let mut days = days.to_vec();
    days.sort_unstable();
    for (place, day) in order.iter().zip(days) {
        let day = date("2026-02-01") + jiff::Span::new().days(day);
        let said = story.row(usages[*place].delivered(&format!("{day}T13:00")));
        assert!(!said.contains("late"), "{said} on {day}");
    }
    let balances: Vec<_> = (1..=3)
        .flat_map(|sim| ["education", "other"].map(|id| story.account(sim, "2026-02-01", id)))
        .map(|row| row.unwrap())
        .map(|row| (row.limit_bytes, row.used_bytes, row.state))
        .collect();
    let mut used = BTreeMap::new();
    for fact in story.take().values() {
        if let Fact::SimDay(row) = fact {
            let key = (row.sim, row.usage_day, row.class, row.service.clone());
            let (bytes, records): &mut (u64, u64) = used.entry(key).or_default();
            *bytes += row.downlink_bytes;
            *records += row.records;
        }
    }
    (
        balances,
        used,
        format!("{:?}", story.shard.outcome_totals().collect::<Vec<_>>()),
    )
}

/// The sums of bytes, and of records where there are any, of a table.
fn sums<'a>(facts: impl Iterator<Item = &'a Fact>) -> [(u64, u64); 2] {
    let mut sums = [(0, 0); 2];
    for fact in facts {
        match fact {
            Fact::SimDay(row) => {
                sums[0].0 += row.uplink_bytes + row.downlink_bytes;
                sums[0].1 += row.records;
            }
            Fact::PlaceHour(row) => sums[1].0 += row.uplink_bytes + row.downlink_bytes,
            _ => {}
        }
    }
    sums
}

/// Rows that say themselves that they are deltas.
fn with_deltas(seed: u64) -> Log {
    let mut log = Log::random(seed);
    for told in &mut log.entries {
        if let Told::Row(row) = told
            && !row.is_stub()
        {
            row.counter = 1;
        }
    }
    log
}

/// Breakers that hold nothing.
fn without_breaker(mut log: Log) -> Log {
    for told in &mut log.entries {
        if let Told::Command(_, command) = told
            && let Command::Programme(programme) = &mut **command
        {
            for cohort in &mut programme.cohorts {
                cohort.breaker = Breaker {
                    share_permille: 1000,
                    at_least: u32::MAX,
                };
            }
        }
    }
    log
}

/// What a log comes to by SIM, place and feed, whichever shards told it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    totals: BTreeMap<String, (u64, u64)>,
    rows: BTreeMap<String, String>,
    sums: BTreeMap<String, (u64, u64)>,
    decisions: BTreeMap<(u8, Class), Vec<String>>,
}

impl Parts {
    fn add(&mut self, story: &Story) {
        for ((feed, outcome), rows, bytes) in story.shard.outcome_totals() {
            let sum = self
                .totals
                .entry(format!("{feed} {outcome:?}"))
                .or_default();
            *sum = (sum.0 + rows, sum.1 + bytes);
        }
        for (key, fact) in &story.facts {
            let mut fact = without_offsets(fact);
            let (one, other) = match &mut fact {
                Fact::PlaceHour(row) => (row.uplink_bytes, row.downlink_bytes),
                Fact::OutcomeDay(row) => (row.records, row.bytes),
                Fact::FlagDay(row) => (row.records, row.bytes),
                Fact::Decision(_) => continue,
                Fact::Assignment(row) => {
                    row.revision = 0;
                    self.rows.insert(key.clone(), format!("{fact:?}"));
                    continue;
                }
                _ => {
                    self.rows.insert(key.clone(), format!("{fact:?}"));
                    continue;
                }
            };
            let sum = self.sums.entry(key.clone()).or_default();
            *sum = (sum.0 + one, sum.1 + other);
        }
        for decision in &story.decisions {
            let mut told = decision.clone();
            (told.number, told.offset, told.cause) = (0, 0, None);
            let class = (told.sim.0[0], told.class);
            self.decisions
                .entry(class)
                .or_default()
                .push(format!("{told:?}"));
        }
    }
}

/// Runs a log in one shard, or split: every shard knows every time and every general command.
fn split(log: &Log, shards: u8) -> Parts {
    let mut stories: Vec<_> = (0..shards).map(|_| Story::new()).collect();
    for told in &log.entries {
        let (of, at_ms) = match told {
            Told::Row(row) => (
                Some(row.sim.first().copied().unwrap_or(0)),
                row.delivered_at_ms.get(),
            ),
            Told::Command(entered, command) => (command.sim().map(|sim| sim.0[0]), at(entered)),
            Told::Until(at_ms) => (None, *at_ms),
        };
        for (story, number) in stories.iter_mut().zip(0..) {
            if of.is_none_or(|sim| sim % shards == number) {
                tell(story, told);
            } else {
                tell(story, &Told::Until(at_ms));
            }
        }
    }
    let mut parts = Parts::default();
    for story in &mut stories {
        story.take();
        parts.add(story);
    }
    parts
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn rows_and_bytes_are_conserved(seed in any::<u64>()) {
        let log = with_deltas(seed);
        let story = run(&log, None);
        let rows = log.entries.iter().filter(|told| matches!(told, Told::Row(_)));
        let totals: Vec<_> = story.shard.outcome_totals().collect();
        let outcomes: u64 = totals.iter().map(|(_, rows, _)| rows).sum();
        prop_assert_eq!(outcomes, rows.count() as u64, "rows in are outcomes");
        let of = |wanted: &[Outcome]| {
            let found = totals.iter().filter(|((_, outcome), ..)| wanted.contains(outcome));
            found.fold((0, 0), |sum, (_, rows, bytes)| (sum.0 + bytes, sum.1 + rows))
        };
        let enrolled = of(&[Outcome::Counted, Outcome::Late]);
        let all = of(&[Outcome::Counted, Outcome::Late, Outcome::Held]);
        let [sim_day, place_hour] = sums(story.facts.values());
        prop_assert_eq!(sim_day, all);
        prop_assert_eq!(place_hour.0, enrolled.0);
        // The day's books are the books of all time.
        let books = story.facts.values().filter_map(|fact| match fact {
            Fact::OutcomeDay(row) => Some((row.records, row.bytes)),
            _ => None,
        });
        let books = books.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let total: u64 = totals.iter().map(|(_, _, bytes)| bytes).sum();
        prop_assert_eq!(books, (outcomes, total));
    }

    #[test]
    fn frames_and_rows_published_again_come_to_the_same(seed in any::<u64>(), cut in any::<u64>()) {
        let log = Log::random(seed);
        let once = run(&log, None);
        let framed = run_in_frames(&log, &mut Dice::new(cut));
        prop_assert_eq!(essence(&framed), essence(&once));
    }

    #[test]
    fn sims_split_over_shards_come_to_the_sum(seed in any::<u64>(), shards in 2..5u8) {
        let log = without_breaker(Log::random(seed));
        prop_assert_eq!(split(&log, shards), split(&log, 1));
    }

    #[test]
    fn numbers_have_no_gap_and_sequences_and_revisions_rise_by_one(seed in any::<u64>()) {
        let story = run(&Log::random(seed), None);
        let mut sequences = BTreeMap::new();
        for (decision, number) in story.decisions.iter().zip(1..) {
            prop_assert_eq!(decision.number, number);
            let last = sequences.entry((decision.sim, decision.class)).or_insert(0);
            *last += 1;
            prop_assert_eq!(decision.sequence, *last);
        }
        let mut revisions = BTreeMap::new();
        for alert in &story.alerts {
            let last = revisions.entry(&alert.id).or_insert(0);
            *last += 1;
            prop_assert_eq!(alert.revision, *last, "{}", alert.id);
        }
    }

    #[test]
    fn a_shard_restored_at_any_point_goes_on_the_same(seed in any::<u64>(), place in 0..700usize) {
        let log = Log::random(seed);
        let place = place % log.entries.len();
        let mut story = Story::new();
        for told in &log.entries[..place] {
            tell(&mut story, told);
        }
        let bytes = story.shard.snapshot();
        let restored = Shard::restore(&bytes, ShardConfig::new(1, 3, 16)).unwrap();
        prop_assert_eq!(restored.digest(), story.shard.digest());
        prop_assert_eq!(restored.snapshot(), bytes);
        let (whole, restored) = (run(&log, None), run(&log, Some(place)));
        prop_assert_eq!(restored.shard.digest(), whole.shard.digest());
        prop_assert_eq!(essence(&restored), essence(&whole));
    }
}
