//! The views and the panels on the real engine, over a few facts whose answers are known by hand.
//!
//! Needs the program `hissa-clickhouse`, as all tests of the stack do: `cargo build --release -p hissa-stack`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use clickhouse::{Client, Row};
use hissa_aggregator::clickhouse::migrate;
use hissa_dashboards::{TimeRange, Values, expand, panels, variables};
use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions, User};
use hissa_stack::download::chdb;
use hissa_stack::{Report, folders};
use serde::Deserialize;
use serde_json::Value;

const GB: u64 = 1_000_000_000;

struct Engine {
    _process: ClickHouse,
    _folder: tempfile::TempDir,
    owner: Client,
    analyst: Client,
}

impl Engine {
    async fn start() -> Engine {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("clickhouse");
        let launch = move || {
            let report = Report::to(|progress| eprintln!("{progress}"));
            let library = ClickHouseOptions::library_override();
            let options = ClickHouseOptions {
                data_dir,
                port: None,
                lib: library
                    .unwrap_or_else(|| chdb::fetch(&folders::cache().unwrap(), &report).unwrap()),
                binary: ClickHouseOptions::beside_this_program().unwrap(),
                users: vec![
                    User::owner("hissa", "o"),
                    User::reader("analyst", "a", &["pub"]),
                ],
                memory_per_query_mib: None,
            };
            ClickHouse::launch_blocking(&options, &report).unwrap()
        };
        let process = tokio::task::spawn_blocking(launch).await.unwrap();
        let client = Client::default().with_url(process.url());
        let owner = client.clone().with_user("hissa").with_password("o");
        migrate(&owner).await.unwrap();
        Engine {
            owner,
            analyst: client.with_user("analyst").with_password("a"),
            _process: process,
            _folder: folder,
        }
    }

    async fn insert(&self, table: &str, rows: &[String]) {
        let sql = format!("INSERT INTO hissa.{table} VALUES {}", rows.join(", "));
        self.owner.query(&sql).execute().await.unwrap();
    }

    /// What an analyst sees, as lines of values.
    async fn sees(&self, sql: &str) -> Vec<String> {
        let rows = self.answers(sql).await;
        let line = |row: &Value| {
            let values = row.as_array().unwrap().iter();
            let text = |value: &Value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            };
            values.map(text).collect::<Vec<_>>().join(" ")
        };
        rows["data"].as_array().unwrap().iter().map(line).collect()
    }

    async fn answers(&self, sql: &str) -> Value {
        let mut cursor = self.analyst.query(sql).fetch_bytes("JSONCompact").unwrap();
        let bytes = cursor
            .collect()
            .await
            .unwrap_or_else(|why| panic!("{why}: {sql}"));
        serde_json::from_slice(&bytes).unwrap()
    }
}

fn sim(number: u32) -> String {
    format!("unhex('{number:032x}')")
}

/// A SIM of `pilote` (or of another cohort) from a day on, in a province of region 07.
fn assignment(
    number: u32,
    cohort: &str,
    province: &str,
    valid_from: &str,
    revision: u32,
) -> String {
    format!(
        "(1, 0, {}, '{valid_from}', '2026-01-31', '{cohort}', 's', 'c', '{province}', '07', 'rural', {revision}, 1)",
        sim(number)
    )
}

fn usage(number: u32, day: &str, class: &str, booked: &str, bytes: u64, version: u32) -> String {
    format!(
        "(1, 0, {}, '{day}', '{class}', '', '{booked}', {}, {}, 1, {version})",
        sim(number),
        bytes / 4,
        bytes - bytes / 4
    )
}

/// Essaouira (12 SIMs), Rehamna (11, one of which moves to Essaouira on 16 February), Youssoufia (3), and a cohort of 4.
async fn facts(engine: &Engine) {
    let mut assignments = Vec::new();
    for number in 1..=26 {
        let province = match number {
            1..=12 => "07.211",
            13..=23 => "07.427",
            _ => "07.585",
        };
        assignments.push(assignment(number, "pilote", province, "2026-02-01", number));
    }
    // Written again with a greater version: still one.
    assignments.push(assignments[0].replace(", 1, 1)", ", 1, 9)"));
    assignments.push(assignment(23, "pilote", "07.211", "2026-02-16", 90));
    assignments.extend(
        (31..=34).map(|number| assignment(number, "petite", "07.211", "2026-02-01", number)),
    );
    engine.insert("assignment", &assignments).await;

    let mut days = Vec::new();
    // Six of twelve SIMs of Essaouira used something: 1, 2, 3, 4, 5 and 8 GB; the last row replaces an earlier one.
    for number in 1..=6 {
        days.push(usage(
            number,
            "2026-02-10",
            "education",
            "2026-02-10",
            u64::from(number) * GB,
            5,
        ));
    }
    days.push(usage(6, "2026-02-10", "education", "2026-02-10", 8 * GB, 6));
    // The seventh used only what nobody knows, and it was booked after the month had closed; the eighth no learning.
    days.push(usage(7, "2026-02-28", "unknown", "2026-03-09", 7 * GB, 7));
    days.push(usage(8, "2026-02-12", "other", "2026-02-12", 10 * GB, 7));
    // The one that moves used 2 GB before and 3 GB after.
    days.push(usage(
        23,
        "2026-02-15",
        "education",
        "2026-02-15",
        2 * GB,
        7,
    ));
    days.push(usage(
        23,
        "2026-02-16",
        "education",
        "2026-02-16",
        3 * GB,
        7,
    ));
    // What nobody may see: before the enrolment, of a SIM that is not enrolled, of the open booked day, of another
    // generation.
    days.push(usage(
        9,
        "2026-01-31",
        "education",
        "2026-01-31",
        100 * GB,
        7,
    ));
    days.push(usage(
        99,
        "2026-02-10",
        "education",
        "2026-02-10",
        100 * GB,
        7,
    ));
    days.push(usage(
        9,
        "2026-02-10",
        "education",
        "2026-03-10",
        100 * GB,
        7,
    ));
    days.push(
        usage(9, "2026-02-10", "education", "2026-02-10", 100 * GB, 7).replacen("(1,", "(2,", 1),
    );
    engine.insert("sim_day", &days).await;

    let outcomes = [
        "(1, 0, 'pgw', '2026-02-10', 'counted', '', 6, 600, 1)",
        "(1, 0, 'pgw', '2026-02-10', 'counted', '', 7, 700, 2)",
        "(1, 3, 'pgw', '2026-02-10', 'counted', '', 4, 400, 1)",
        "(1, 0, 'pgw', '2026-02-10', 'rejected', 'bad_time', 2, 0, 1)",
        "(1, 0, 'pgw', '2026-03-10', 'counted', '', 50, 50, 1)",
    ];
    engine
        .insert("outcome_day", &outcomes.map(str::to_owned))
        .await;
    engine
        .insert(
            "decision (generation, partition, number, booked_day, sim, class, action, reason, cohort, version)",
            &[
                (1, "2026-02-10", 1, "education', 'throttle', 'exhausted', 'pilote"),
                (2, "2026-02-10", 2, "education', 'throttle', 'exhausted', 'pilote"),
                (3, "2026-02-10", 2, "education', 'allow', 'policy_changed', 'pilote"),
                (4, "2026-02-10", 31, "education', 'block', 'exhausted', 'petite"),
                (5, "2026-03-10", 1, "education', 'allow', 'reset', 'pilote"),
            ]
            .map(|(number, day, of, rest)| format!("(1, 0, {number}, '{day}', {}, '{rest}', 1)", sim(of))),
        )
        .await;
    // The partition that is behind decides what is closed.
    let freshness = [
        "(1, 0, 9, 1773014400000, '2026-03-11', 9)",
        "(1, 1, 9, 1772928000000, '2026-03-10', 9)",
    ];
    engine
        .insert("freshness", &freshness.map(str::to_owned))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_and_panels_answer_what_was_counted_by_hand() {
    let engine = Engine::start().await;
    // Before the first facts there is nothing to see, and nothing fails.
    for view in [
        "province_month",
        "programme_month",
        "outcome_day",
        "restatement",
        "decision_day",
        "freshness",
    ] {
        assert_eq!(
            engine.sees(&format!("SELECT * FROM pub.{view}")).await,
            [""; 0],
            "{view}"
        );
    }
    facts(&engine).await;
    programme_and_provinces(&engine).await;
    books_and_decisions(&engine).await;
    analysts_see_no_sim(&engine).await;
    pages_are_filled(&engine).await;
}

async fn programme_and_provinces(engine: &Engine) {
    let names = "SELECT level, code, region, name_fr FROM pub.area WHERE code IN ('07.211', '07') ORDER BY code";
    assert_eq!(
        engine.sees(names).await,
        [
            "region 07 07 Marrakech-Safi",
            "province 07.211 07 Essaouira"
        ]
    );
    assert_eq!(
        engine
            .sees("SELECT level, count() FROM pub.area GROUP BY level ORDER BY level")
            .await,
        ["province 75", "region 12"]
    );

    // Essaouira has 13 SIMs in February with the one that came: 0×5, 1, 2, 3, 3, 4, 5, 7, 8: the median is the 7th. In
    // March the eleventh of Rehamna is gone, and it is 13 and 10. Youssoufia's 3 are hidden, and alone they would be
    // what is left of the programme's total: so Rehamna is hidden with them.
    let provinces = "SELECT province_name_fr, month, enrolled_sims, median_gb, learning_bytes, all_bytes, mean_gb,
        zero_share, education_share_low, education_share_high FROM pub.province_month ORDER BY month, province";
    let (learning, all) = (33 * GB, 43 * GB);
    let february = format!(
        "Essaouira 2026-02-01 13 2 {learning} {all} {} {} {} {}",
        33.0 / 13.0,
        5.0 / 13.0,
        26.0 / 43.0,
        33.0 / 43.0
    );
    let march = "Essaouira 2026-03-01 13 0 0 0 0 1 null null".to_owned();
    assert_eq!(engine.sees(provinces).await, [february, march]);

    // Of 26 SIMs eight used something for learning; the one that moved is one SIM with 5 GB. The cohort of 4 is hidden.
    let programme = "SELECT cohort, month, enrolled_sims, median_gb, learning_bytes, zero_share FROM pub.programme_month ORDER BY month";
    let february = format!("pilote 2026-02-01 26 0 {} {}", 35 * GB, 18.0 / 26.0);
    assert_eq!(
        engine.sees(programme).await,
        [february, "pilote 2026-03-01 26 0 0 1".to_owned()]
    );

    // Eight more in Youssoufia, so that every province is large enough.
    let more: Vec<String> = (40..=47)
        .map(|number| assignment(number, "pilote", "07.585", "2026-02-01", number))
        .collect();
    engine.insert("assignment", &more).await;
    let days: Vec<String> = (40..=45)
        .map(|number| {
            usage(
                number,
                "2026-02-03",
                "education",
                "2026-02-03",
                u64::from(number - 39) * GB + 1,
                8,
            )
        })
        .collect();
    engine.insert("sim_day", &days).await;
    // Now 11 in Youssoufia: 0×5, 1, …, 6 (and a byte): the 6th. Essaouira and Rehamna (11: ten zeros and 2 GB) show too.
    let medians = "SELECT province_name_fr, enrolled_sims, median_gb FROM pub.province_month WHERE month = '2026-02-01' ORDER BY province";
    assert_eq!(
        engine.sees(medians).await,
        [
            "Essaouira 13 2",
            "Rehamna 11 0",
            "Youssoufia 11 1.000000001"
        ]
    );
    engine
        .insert(
            "assignment",
            &[assignment(48, "pilote", "07.585", "2026-02-28", 48)],
        )
        .await;
    // And 12: the 6th and the 7th are 0 … 1 GB and a byte: half of it, to half a byte.
    let median = "SELECT enrolled_sims, median_gb FROM pub.province_month WHERE month = '2026-02-01' AND province = '07.585'";
    assert_eq!(engine.sees(median).await, ["12 0.5000000005"]);
}

async fn books_and_decisions(engine: &Engine) {
    let outcomes = "SELECT booked_day, feed, outcome, reason, records, bytes FROM pub.outcome_day ORDER BY outcome";
    assert_eq!(
        engine.sees(outcomes).await,
        [
            "2026-02-10 pgw counted  11 1100",
            "2026-02-10 pgw rejected bad_time 2 0"
        ]
    );

    let restated = "SELECT cohort, month, closed_on, booked_day, late_records, late_gb, reported_gb, restated_gb FROM pub.restatement";
    assert_eq!(
        engine.sees(restated).await,
        ["pilote 2026-02-01 2026-03-08 2026-03-09 1 7 59.000000006 66.000000006"]
    );

    let decisions = "SELECT booked_day, cohort, class, action, reason, decisions, sims FROM pub.decision_day ORDER BY action";
    let expected = [
        "2026-02-10 pilote education allow policy_changed 1 1",
        "2026-02-10 pilote education throttle exhausted 2 2",
    ];
    assert_eq!(engine.sees(decisions).await, expected);

    let fresh = "SELECT complete_through, clock_from, clock_to, partitions FROM pub.freshness";
    assert_eq!(
        engine.sees(fresh).await,
        ["2026-03-09 2026-03-08 00:00:00.000 2026-03-09 00:00:00.000 2"]
    );
}

async fn analysts_see_no_sim(engine: &Engine) {
    #[derive(Row, Deserialize)]
    struct Count {
        _count: u64,
    }
    for table in ["sim_day", "sim_month", "stay", "sim_day_placed", "decision"] {
        let sql = format!("SELECT count() AS _count FROM hissa.{table}");
        let seen = engine.analyst.query(&sql).fetch_one::<Count>().await;
        assert!(seen.is_err(), "an analyst reads hissa.{table}");
    }
}

async fn pages_are_filled(engine: &Engine) {
    let range = TimeRange { from: 0, to: 0 };
    let mut values = Values::new();
    for variable in variables().unwrap() {
        let offered = engine
            .sees(&expand(&variable.sql, &values, range).unwrap())
            .await;
        let mut offered: Vec<String> = offered
            .iter()
            .map(|line| {
                if variable.pairs {
                    line.rsplit_once('|').unwrap().1
                } else {
                    line
                }
                .to_owned()
            })
            .collect();
        if !variable.multi {
            // The oldest month; the only cohort that is large enough.
            offered = vec![offered.last().cloned().unwrap()];
        }
        values.insert(variable.name, offered);
    }
    let chosen = |name: &str| values[name].join(" ");
    assert_eq!(
        [chosen("cohort"), chosen("region"), chosen("month")],
        ["pilote", "07", "2026-02-01"]
    );
    assert_eq!(chosen("province"), "07.211 07.427 07.585");

    let expected: [&[&str]; 6] = [
        &["2026-03-09 2026-03-09 00:00 UTC closed, restated since"],
        &[
            "Essaouira 2 2.5384615384615383 0",
            "Youssoufia",
            "Rehamna 0",
        ],
        &["Youssoufia 1 1", "Rehamna 1 1", "Essaouira 0.60465"],
        &["2026-02-10 11 0 0 0 0 2"],
        &["2026-02-10 2 0 0 0 1"],
        &["2026-02 2026-03-08 2026-03-09 1 7 59.000000006 66.000000006"],
    ];
    for (panel, expected) in panels().unwrap().into_iter().zip(expected) {
        let lines = engine
            .sees(&expand(&panel.sql, &values, range).unwrap())
            .await;
        assert_eq!(lines.len(), expected.len(), "{}: {lines:?}", panel.title);
        for (line, beginning) in lines.iter().zip(expected) {
            let found = lines.iter().any(|line| line.starts_with(beginning));
            assert!(found, "{}: {line} instead of {beginning}", panel.title);
        }
    }
}
