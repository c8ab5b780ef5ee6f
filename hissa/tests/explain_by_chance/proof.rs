//! What the whole shard decides, against a replay of each decision's SIM.

use std::ops::Range;

use hissa::explain::evidence::{bears_out, is_same};
use hissa::explain::replay::Replay;
use hissa_core::decision::{Decision, Reason};
use hissa_core::shard::{Effects, Shard, ShardConfig};
use hissa_core::wire;
use hissa_oracle::{Entry, Kind};

use crate::chance::a_log;
use crate::log::Log;

fn read(entry: &Entry) -> wire::Entry<'_> {
    let kind = match entry.kind {
        Kind::Rows => wire::Kind::Rows,
        Kind::Block => wire::Kind::Block,
        Kind::Progress => wire::Kind::Progress,
    };
    wire::decode(
        kind.as_str().as_bytes(),
        kind.version().as_bytes(),
        &entry.payload,
    )
    .unwrap()
}

fn of_partition(log: &Log, partition: u16) -> impl Iterator<Item = &Entry> {
    let entries = log.entries.iter();
    entries.filter(move |entry| entry.partition == partition)
}

/// What a whole shard decides, until it halts.
fn decisions(log: &Log, config: ShardConfig) -> Vec<Decision> {
    let mut shard = Shard::new(config);
    let mut effects = Effects::default();
    for entry in of_partition(log, config.partition) {
        if shard
            .apply(&read(entry), entry.offset, &mut effects)
            .is_err()
        {
            break;
        }
    }
    effects.decisions
}

/// In words, what the replay of its SIM says against a decision.
fn against(log: &Log, config: ShardConfig, decision: &Decision) -> Option<String> {
    let mut replay = Replay::new(decision.sim, config);
    let mut again = None;
    for entry in of_partition(log, config.partition) {
        let offset = entry.offset;
        if offset == decision.offset && decision.reason == Reason::Released {
            replay.stop_at_release(&decision.cohort);
        }
        let is_it = |made: &Decision| offset == decision.offset && is_same(made, decision);
        again = replay.apply(&read(entry), is_it).unwrap();
        if again.is_some() || offset == decision.offset {
            break;
        }
    }
    let bytes = replay.sum(decision.cycle, &decision.allowance.id).bytes;
    if bytes != decision.allowance.used_bytes {
        return Some(format!("{bytes} bytes"));
    }
    (!bears_out(&replay, again.as_ref(), decision)).then(|| format!("made again: {again:?}"))
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("HISSA_SEEDS") else {
        return 0..100;
    };
    let (first, end) = text.split_once("..").unwrap();
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn the_core_s_decisions_are_borne_out_by_a_replay_of_their_sim() {
    let (mut proved, mut wrong) = (0, Vec::new());
    for seed in seeds() {
        let (log, _) = a_log(seed);
        let settings = &log.settings;
        // Where SIMs meet, a replay of one of them knows less: the bound on held SIMs.
        if settings.held_sims_max < 20_000 {
            continue;
        }
        for partition in 0..settings.partitions {
            let config = ShardConfig::new(settings.generation, partition, settings.partitions);
            for decision in decisions(&log, config) {
                match against(&log, config, &decision) {
                    None => proved += 1,
                    Some(why) => wrong.push(format!("seed {seed}: {decision:?}\n  {why}")),
                }
            }
        }
    }
    println!("{proved} decisions proved");
    assert!(proved > 1_000);
    assert!(
        wrong.is_empty(),
        "{} of {} are not borne out:\n{}",
        wrong.len(),
        proved + wrong.len(),
        wrong
            .iter()
            .take(12)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}
