//! A few facts, small enough to count by hand.

use crate::engine::Engine;

pub const GB: u64 = 1_000_000_000;

pub fn sim(number: u32) -> String {
    format!("unhex('{number:032x}')")
}

/// A SIM of `pilote` (or of another cohort) from a day on, in a province of region 07.
pub fn assignment(
    number: u32,
    cohort: &str,
    province: &str,
    valid_from: &str,
    revision: u32,
) -> String {
    format!(
        "(1, 0, {}, '{valid_from}', '2026-01-31', NULL, '{cohort}', 's', 'c', '{province}', '07', 'rural', {revision}, 1)",
        sim(number)
    )
}

pub fn usage(
    number: u32,
    day: &str,
    class: &str,
    booked: &str,
    bytes: u64,
    version: u32,
) -> String {
    format!(
        "(1, 0, {}, '{day}', '{class}', '', '{booked}', {}, {}, 1, {version})",
        sim(number),
        bytes / 4,
        bytes - bytes / 4
    )
}

/// Essaouira (12 SIMs), Rehamna (11, one of which moves to Essaouira on 16 February), Youssoufia (3), and a cohort of 4.
pub async fn enter(engine: &Engine) {
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
    let hours = [
        ("07.211", 8, "education", "2026-02-10", 2, 1),
        // Written again with a greater version, and by another shard.
        ("07.211", 8, "education", "2026-02-10", 3, 2),
        ("07.427", 8, "unknown", "2026-02-10", 1, 1),
        ("07.427", 20, "other", "2026-02-10", 4, 1),
        ("07.427", 21, "education", "2026-03-10", 90, 1),
    ];
    let hours = hours.map(|(province, hour, class, booked, gigabytes, version)| {
        format!(
            "(1, 0, '{province}', 'pilote', '2026-02-09', {hour}, '{class}', '{booked}', 0, {}, {version})",
            gigabytes * GB
        )
    });
    engine.insert("place_hour", &hours).await;
    engine
        .insert(
            "place_hour",
            &[
                hours[0].replacen("(1, 0", "(1, 1", 1),
                hours[0].replace("'pilote'", "'petite'"),
            ],
        )
        .await;
    let flags = [
        "(1, 0, 'pgw', '2026-02-10', 'leaked_education', 6, 600, 1)",
        "(1, 0, 'pgw', '2026-02-10', 'leaked_education', 7, 700, 2)",
        "(1, 3, 'pgw', '2026-02-10', 'leaked_education', 4, 400, 1)",
        "(1, 0, 'pgw', '2026-02-10', 'wrap', 1, 796, 1)",
        "(1, 0, 'pgw', '2026-03-10', 'wrap', 1, 796, 1)",
    ];
    engine.insert("flag_day", &flags.map(str::to_owned)).await;
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
