//! Every kind of row through the sink into the real engine, and read back.

use std::sync::Arc;

use hissa_core::decision::{Action, AllowanceState, Cause, Decision, Reason, RecordIdentity};
use hissa_core::facts::{
    Assignment, DecisionRow, Fact, Flag, FlagDay, OutcomeDay, PlaceHour, SimCycle, SimDay,
};
use hissa_core::outcome::{Outcome, QuarantineReason};
use hissa_core::registry::{Class, Place};
use hissa_core::sim::{FeedId, SimId};
use hissa_core::usage::{Position, Source};
use hissa_links::health::Health;
use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions};
use hissa_stack::download::chdb;
use hissa_stack::{Report, folders};
use jiff::civil::date;

use super::{Batch, Delivery, Owner, Sink, Table, migrate};
use crate::metrics::Metrics;
use crate::worker::Freshness;

const SIM: SimId = SimId(*b"sim-of-16-bytes.");

fn feed() -> FeedId {
    FeedId::parse("pgw").unwrap()
}

fn decision(number: u64, cause: Option<Cause>) -> Fact {
    Fact::Decision(Box::new(DecisionRow {
        version: 88_231,
        booked_day: date(2026, 2, 22),
        decision: Decision {
            generation: 1,
            partition: 3,
            number,
            sim: SIM,
            class: Class::Education,
            action: Action::Throttle { kbit_s: 512 },
            sequence: 2,
            reason: Reason::Exhausted,
            cohort: "rural".into(),
            cycle: date(2026, 2, 1),
            allowance: AllowanceState {
                id: "semaine".into(),
                limit_bytes: 11,
                granted_bytes: 12,
                used_bytes: 13,
            },
            effective_at_ms: 14,
            apply_after_ms: 15,
            until_ms: cause.as_ref().map(|_| 16),
            policy_version: "p1".into(),
            catalogue_version: "c1".into(),
            rule: "in words".into(),
            offset: 17,
            cause,
        },
    }))
}

fn facts() -> Vec<Fact> {
    let cause = Cause {
        offset: 17,
        row: 18,
        source: Source {
            feed: feed(),
            epoch: 19,
            partition: 20,
        },
        source_position: Position {
            offset: 21,
            row: 22,
        },
        record: RecordIdentity {
            node: "n".into(),
            charging_id: 23,
            record_sequence: 24,
            opened_at_ms: 25,
            rating_group: 26,
            service_id: 27,
            container_sequence: 28,
        },
    };
    let assignment = |valid_until, revision| {
        Fact::Assignment(Assignment {
            version: 5,
            sim: SIM,
            valid_from: date(2026, 2, 1),
            booked_day: date(2026, 2, revision),
            valid_until,
            cohort: "rural".into(),
            place: Place {
                school: "s".into(),
                commune: "c".into(),
                province: "07.211".into(),
                region: "07".into(),
                milieu: "urban".into(),
            },
            revision: u64::from(revision.unsigned_abs()),
        })
    };
    vec![
        Fact::SimDay(SimDay {
            version: 5,
            sim: SIM,
            usage_day: date(2026, 2, 1),
            class: Class::Unknown,
            service: String::new(),
            booked_day: date(2026, 2, 2),
            uplink_bytes: 1,
            downlink_bytes: 2,
            records: 3,
        }),
        Fact::SimCycle(SimCycle {
            version: 5,
            sim: SIM,
            cycle_start: date(2026, 2, 2),
            allowance: "semaine".into(),
            booked_day: date(2026, 2, 3),
            limit_bytes: 1,
            granted_bytes: 2,
            used_bytes: 3,
            state: "exhausted",
            thresholds: vec![80, 100],
            reached_at_ms: vec![4, -5],
        }),
        Fact::PlaceHour(PlaceHour {
            version: 5,
            province: "07.211".into(),
            cohort: "rural".into(),
            usage_day: date(2026, 2, 1),
            hour: 23,
            class: Class::System,
            booked_day: date(2026, 2, 2),
            uplink_bytes: 1,
            downlink_bytes: 2,
        }),
        Fact::FlagDay(FlagDay {
            version: 5,
            feed: feed(),
            booked_day: date(2026, 2, 2),
            flag: Flag::LateReading,
            records: 1,
            bytes: 2,
        }),
        Fact::OutcomeDay(OutcomeDay {
            version: 5,
            feed: feed(),
            booked_day: date(2026, 2, 2),
            outcome: Outcome::Quarantined(QuarantineReason::Conflict),
            records: 1,
            bytes: 2,
        }),
        assignment(None, 1),
        assignment(Some(date(2026, 3, 1)), 9),
        decision(1, None),
        decision(2, Some(cause)),
    ]
}

/// An empty engine, for as long as it is held.
pub(super) struct Engine {
    pub client: clickhouse::Client,
    _process: ClickHouse,
    _folder: tempfile::TempDir,
}

pub(super) async fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let options = ClickHouseOptions {
        data_dir: folder.path().join("clickhouse"),
        port: None,
        lib: ClickHouseOptions::library_override()
            .unwrap_or_else(|| chdb::fetch(&folders::cache().unwrap(), &Report::silent()).unwrap()),
        binary: ClickHouseOptions::beside_this_program().unwrap(),
        users: Vec::new(),
        memory_per_query_mib: None,
    };
    let process = tokio::task::spawn_blocking(move || {
        ClickHouse::launch_blocking(&options, &Report::silent()).unwrap()
    });
    let process = process.await.unwrap();
    Engine {
        client: clickhouse::Client::default().with_url(process.url()),
        _process: process,
        _folder: folder,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_row_arrives_as_it_was_said() {
    let engine = engine().await;
    let client = &engine.client;
    migrate(client).await.unwrap();

    let metrics = Arc::new(Metrics::new().unwrap());
    let sink = Sink::new(client.clone(), metrics, Health::new().part("clickhouse"));
    let (deliver, deliveries) = tokio::sync::mpsc::unbounded_channel();
    let owner = Owner {
        generation: 1,
        partition: 3,
    };
    let freshness = Freshness {
        offset: 5,
        clock_ms: 6,
        open_booked_day: date(2026, 2, 2),
    };
    // Twice, as after a crash: it stays one of each.
    for batch in 1..=2 {
        let rows = Batch::encode(owner, &facts(), Some(&freshness));
        assert_eq!(rows.count(), facts().len() + 1);
        let delivery = Delivery {
            partition: 3,
            batch,
            rows,
            answer: Arc::new(|_| {}),
        };
        assert!(deliver.send(delivery).is_ok());
    }
    drop(deliver);
    sink.run(deliveries).await;

    let place = "'rural','s','c','07.211','07','urban'";
    let decision = "'2026-02-22','sim-of-16-bytes.','education','throttle',512,2,'exhausted','rural','2026-02-01','semaine',11,12,13,14,15";
    let words = "'p1','c1','in words',17";
    let table: [(Table, &[String]); 8] = [
        (
            Table::SimDay,
            &["(1,3,'sim-of-16-bytes.','2026-02-01','unknown','','2026-02-02',1,2,3,5)".into()],
        ),
        (
            Table::SimCycle,
            &["(1,3,'sim-of-16-bytes.','2026-02-02','semaine','2026-02-03',1,2,3,'exhausted',[80,100],[4,-5],5)".into()],
        ),
        (
            Table::PlaceHour,
            &["(1,3,'07.211','rural','2026-02-01',23,'system','2026-02-02',1,2,5)".into()],
        ),
        (
            Table::FlagDay,
            &["(1,3,'pgw','2026-02-02','late_reading',1,2,5)".into()],
        ),
        (
            Table::OutcomeDay,
            &["(1,3,'pgw','2026-02-02','quarantined','conflict',1,2,5)".into()],
        ),
        (
            Table::Assignment,
            &[
                format!("(1,3,'sim-of-16-bytes.','2026-02-01','2026-02-01',NULL,{place},1,5)"),
                format!("(1,3,'sim-of-16-bytes.','2026-02-01','2026-02-09','2026-03-01',{place},9,5)"),
            ],
        ),
        (
            Table::Decision,
            &[
                format!("(1,3,1,{decision},NULL,{words}{},88231)", ",NULL".repeat(14)),
                format!("(1,3,2,{decision},16,{words},17,18,'pgw',19,20,21,22,'n',23,24,25,26,27,28,88231)"),
            ],
        ),
        (Table::Freshness, &["(1,3,5,6,'2026-02-02',5)".into()]),
    ];
    for (table, expected) in table {
        let name = table.name();
        let sql = format!("SELECT toString(tuple(*)) AS row FROM hissa.{name} FINAL ORDER BY row");
        let found = client.query(&sql).fetch_all::<String>().await.unwrap();
        assert_eq!(found, expected, "{name}");
    }
}
