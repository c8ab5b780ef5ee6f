//! The views and the panels on the real engine, over a few facts whose answers are known by hand.
//!
//! Needs the program `hissa-clickhouse`, as all tests of the stack do: `cargo build --release -p hissa-stack`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod engine;
mod facts;
mod leavers;

use clickhouse::Row;
use hissa_dashboards::{TimeRange, Values, expand, panels, variables};
use serde::Deserialize;

use engine::Engine;
use facts::{GB, assignment, usage};

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
        "hour",
        "quality_day",
    ] {
        assert_eq!(
            engine.sees(&format!("SELECT * FROM pub.{view}")).await,
            [""; 0],
            "{view}"
        );
    }
    facts::enter(&engine).await;
    programme_and_provinces(&engine).await;
    books_and_decisions(&engine).await;
    analysts_see_no_sim(&engine).await;
    pages_are_filled(&engine).await;
    leavers::are_counted_once_and_leave_their_bytes(&engine).await;
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

    // Essaouira has 13 SIMs in February with the one that came: 0×5, 1, 2, 3, 3, 4, 5, 7, 8: the median is the 7th. The
    // eleventh of Rehamna left for it, and counts there alone: 13 and 10. Youssoufia's 3 are hidden, and alone they would be
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
    // Now 11 in Youssoufia: 0×5, 1, …, 6 (and a byte): the 6th. Essaouira and Rehamna (ten zeros) show too.
    let medians = "SELECT province_name_fr, enrolled_sims, median_gb FROM pub.province_month WHERE month = '2026-02-01' ORDER BY province";
    assert_eq!(
        engine.sees(medians).await,
        [
            "Essaouira 13 2",
            "Rehamna 10 0",
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

    // Of learning all 6 GB at 8 o'clock (3, 2 of another shard, and 1 unknown), of all 10 GB 4 in the evening.
    let hours = "SELECT cohort, month, hour, learning_share, all_share FROM pub.hour ORDER BY hour";
    assert_eq!(
        engine.sees(hours).await,
        ["pilote 2026-02-01 8 1 0.6", "pilote 2026-02-01 20 0 0.4"]
    );

    let quality =
        "SELECT booked_day, feed, flag, records, bytes FROM pub.quality_day ORDER BY flag";
    assert_eq!(
        engine.sees(quality).await,
        [
            "2026-02-10 pgw leaked_education 11 1100",
            "2026-02-10 pgw wrap 1 796"
        ]
    );

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
    for table in [
        "sim_day",
        "sim_month",
        "cell_month",
        "stay",
        "sim_day_placed",
        "place_hour",
        "decision",
    ] {
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
