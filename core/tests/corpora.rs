//! Every file of the fuzzers' corpora goes through what they call: what crashed once does not again.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files of the sources"
)]

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};

use hissa_core::outcome::RejectReason;
use hissa_core::shard::{Effects, Shard};
use hissa_core::sim::{FeedId, NodeId};
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::{
    Entry, Progress, SourceProgress, decode, encode_block, encode_progress, encode_rows,
};
use serde_json::json;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

fn files(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(corpus(target)).unwrap();
    let mut paths: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn no_frame_of_the_corpus_crashes_a_shard() {
    let files = files("rows");
    assert!(files.len() > 5);
    for (path, bytes) in files {
        println!("{}", path.display());
        targets::rows(&bytes);
    }
}

#[test]
fn no_block_of_the_corpus_crashes_a_shard() {
    let files = files("blocks");
    assert!(files.len() > 10);
    for (path, bytes) in files {
        println!("{}", path.display());
        targets::blocks(&bytes);
    }
}

#[test]
fn no_snapshot_of_the_corpus_crashes_a_restore() {
    let files = files("snapshots");
    assert!(files.len() > 2);
    for (path, bytes) in files {
        println!("{}", path.display());
        targets::snapshots(&bytes);
    }
}

#[test]
fn every_seed_is_what_its_name_says() {
    for (target, name, bytes) in seeds() {
        let kind: &[u8] = match target {
            "rows" => b"rows",
            "blocks" if name == "progress" => b"progress",
            "blocks" => b"block",
            _ => {
                assert!(bytes.len() < 8_000, "{name}");
                continue;
            }
        };
        let entry = decode(kind, b"1", &bytes).unwrap();
        let mut shard = targets::begun("Africa/Casablanca");
        let applied = shard.apply(&entry, 100, &mut Effects::default());
        assert!(applied.is_ok(), "{name}: {applied:?}");
    }
}

/// The seeds are of the present form; `HISSA_WRITE_SEEDS=1 cargo test --release -p hissa-core --test corpora` writes
/// them anew.
#[test]
fn the_seeds_are_of_the_present_form() {
    let writes = std::env::var_os("HISSA_WRITE_SEEDS").is_some();
    for (target, name, bytes) in seeds() {
        let path = corpus(target).join(format!("seed-{name}"));
        if writes {
            std::fs::write(&path, &bytes).unwrap();
        }
        let stored = std::fs::read(&path).unwrap_or_default();
        assert!(stored == bytes, "{} is of another form", path.display());
    }
}

fn source() -> Source {
    Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 1,
        partition: 0,
    }
}

/// A row of SIM 1, that ended ten minutes before the clock.
fn row(offset: u64) -> UsageRow {
    let end = targets::CLOCK_MS - 600_000;
    UsageRow {
        kind: 0,
        sim: [1; 16],
        device: [1; 16],
        device_tac: 111.into(),
        node: NodeId::parse("pgw-1").unwrap().bytes(),
        charging_id: offset.into(),
        opened_at_ms: (end - 60_000).into(),
        rating_group: 1.into(),
        container_sequence: 1.into(),
        started_at_ms: (end - 60_000).into(),
        ended_at_ms: end.into(),
        downlink_bytes: 300.into(),
        reject_reason: 0,
        ..UsageRow::stub(source(), offset, targets::CLOCK_MS, RejectReason::TooLarge)
    }
}

fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let one = row(1);
    let stub = UsageRow::stub(source(), 2, targets::CLOCK_MS, RejectReason::MalformedJson);
    let held = UsageRow {
        sim: [9; 16],
        ..row(3)
    };
    let conflict = UsageRow {
        downlink_bytes: 301.into(),
        source_offset: 4.into(),
        ..one
    };
    let reading = |offset: u64, counter, down: u64| UsageRow {
        counter,
        charging_id: 7.into(),
        record_sequence: (offset as u32).into(),
        downlink_bytes: down.into(),
        ..row(offset)
    };
    let future = UsageRow {
        ended_at_ms: (targets::CLOCK_MS + 3_600_000).into(),
        ..row(5)
    };
    let old = UsageRow {
        opened_at_ms: (targets::CLOCK_MS - 50 * 86_400_000).into(),
        ..row(6)
    };
    let moved = |offset: u64| UsageRow {
        device: [5; 16],
        device_tac: 333.into(),
        rating_group: 2.into(),
        service_id: 5.into(),
        downlink_bytes: 3_000_000_000.into(),
        ..row(offset)
    };
    let next_month = UsageRow {
        delivered_at_ms: (targets::CLOCK_MS + 40 * 86_400_000).into(),
        ..row(7)
    };
    let frames: [(&str, Vec<UsageRow>); 9] = [
        ("counted", vec![one]),
        ("stub", vec![stub]),
        ("held", vec![held]),
        ("duplicate-and-conflict", vec![one, one, conflict]),
        ("exhausts", vec![row(1), row(2), row(3), row(4)]),
        (
            "cumulative",
            vec![
                reading(1, 2, 4_294_967_000),
                reading(2, 2, 500),
                reading(3, 3, 400),
            ],
        ),
        ("future-and-too-old", vec![future, old]),
        ("moved-and-sharing", vec![moved(8), moved(9)]),
        ("a-month-passes", vec![one, next_month]),
    ];
    for (name, rows) in frames {
        seeds.push(("rows", name.to_owned(), encode_rows(&rows).to_vec()));
    }
    let sim = hex::encode([1u8; 16]);
    let commands = [
        targets::programme("UTC"),
        targets::calendar(),
        targets::catalogue(),
        targets::enrolment(3),
        json!({"command": "feed", "id": "pgw", "future_tolerance_ms": 300000, "counter": "cumulative32"}),
        json!({"command": "retire", "sim": sim, "at": "2026-02-10"}),
        json!({"command": "opening", "sim": sim, "allowance": "education", "used_bytes": 999, "as_of": "2026-02-10",
               "revision": 1}),
        json!({"command": "grant", "id": "h", "sim": sim, "allowance": "education", "bytes": 40,
               "valid_from": "2026-02-01", "valid_until": "2026-02-17", "priority": 0, "donor": "d"}),
        json!({"command": "void", "grant": "g"}),
        json!({"command": "breaker", "action": "release", "cohort": "rural"}),
        json!({"command": "breaker", "action": "drop", "cohort": "urban"}),
        json!({"command": "logic", "version": 1}),
    ];
    for (command, place) in commands.iter().zip(1..) {
        let name = command["command"].as_str().unwrap();
        let block = targets::block(6, std::slice::from_ref(command));
        seeds.push((
            "blocks",
            format!("{place:02}-{name}"),
            encode_block(&block).unwrap(),
        ));
    }
    let all = encode_block(&targets::block(6, &commands)).unwrap();
    seeds.push(("blocks", "all".to_owned(), all));
    let progress = Progress {
        sources: vec![SourceProgress {
            source: source(),
            through: 1,
            rows: 1,
            bytes: 300,
            heard: vec![491_868],
        }],
        as_of_ms: targets::CLOCK_MS + 86_400_000,
    };
    seeds.push((
        "blocks",
        "progress".to_owned(),
        encode_progress(&progress).unwrap(),
    ));
    let mut busy = targets::begun("UTC");
    let rows = [
        row(1),
        row(2),
        row(3),
        row(4),
        held,
        conflict,
        reading(10, 2, 9),
        moved(11),
        moved(12),
    ];
    busy.apply(&Entry::Rows(&rows), 1, &mut Effects::default())
        .unwrap();
    let mut later = busy.clone();
    later
        .apply(&Entry::Progress(progress), 2, &mut Effects::default())
        .unwrap();
    later.take_facts(usize::MAX);
    for (name, shard) in [
        ("new", Shard::new(targets::config())),
        ("begun", targets::begun("UTC")),
        ("busy", busy),
        ("later", later),
    ] {
        let bytes = shard.snapshot();
        seeds.push((
            "snapshots",
            name.to_owned(),
            targets::body_of(&bytes).to_vec(),
        ));
    }
    seeds
}
