//! A cohort whose tablets leave, move and come back, and what becomes of their bytes.

use crate::engine::Engine;
use crate::facts::{GB, sim, usage};

/// A SIM of the cohort `rentree`, as known on a booked day.
fn stay(number: u32, province: &str, from: &str, booked: &str, until: Option<&str>) -> String {
    let until = until.map_or("NULL".to_owned(), |day| format!("'{day}'"));
    format!(
        "(1, 0, {}, '{from}', '{booked}', {until}, 'rentree', 's', 'c', '{province}', '07', 'rural', 1, 1)",
        sim(number)
    )
}

fn used(number: u32, day: &str, gigabytes: u64) -> String {
    usage(number, day, "education", day, gigabytes * GB, 1)
}

pub async fn are_counted_once_and_leave_their_bytes(engine: &Engine) {
    let first = |number, province| stay(number, province, "2026-02-01", "2026-02-01", None);
    let mut stays: Vec<String> = (101..=113)
        .filter(|number| *number != 103)
        .map(|number| first(number, "07.211"))
        .collect();
    stays.extend((121..=130).map(|number| first(number, "07.427")));
    stays.extend([
        // Retired on the 15th.
        stay(
            101,
            "07.211",
            "2026-02-01",
            "2026-02-15",
            Some("2026-02-15"),
        ),
        // Retired on the 20th, enrolled again in March.
        stay(
            102,
            "07.211",
            "2026-02-01",
            "2026-02-20",
            Some("2026-02-20"),
        ),
        stay(102, "07.211", "2026-03-05", "2026-02-25", None),
        // Retired on the 5th, which took back what was to begin on the 10th; enrolled again from the 7th on.
        stay(103, "07.211", "2026-02-10", "2026-02-01", None),
        stay(
            103,
            "07.211",
            "2026-02-10",
            "2026-02-05",
            Some("2026-02-05"),
        ),
        stay(103, "07.427", "2026-02-07", "2026-02-06", None),
        // Two days in another province, and gone.
        stay(
            104,
            "07.427",
            "2026-02-10",
            "2026-02-10",
            Some("2026-02-12"),
        ),
    ]);
    engine.insert("assignment", &stays).await;
    let mut days: Vec<String> = (105..=113)
        .map(|number| used(number, "2026-02-03", u64::from(number) - 104))
        .collect();
    days.extend([
        used(101, "2026-02-10", 1),
        used(101, "2026-02-15", 90),
        used(103, "2026-02-06", 90),
        used(103, "2026-02-12", 5),
        used(104, "2026-02-09", 4),
        used(104, "2026-02-11", 2),
        used(104, "2026-02-12", 90),
    ]);
    engine.insert("sim_day", &days).await;

    // Of the 11 that count in Essaouira: 0, 1, 1, 2, …, 9; the 4 GB of the one that moved on are there without it.
    let provinces =
        "SELECT province, month, enrolled_sims, median_gb, learning_bytes FROM pub.province_month
        WHERE cohort = 'rentree' ORDER BY month, province";
    assert_eq!(
        engine.sees(provinces).await,
        [
            format!("07.211 2026-02-01 11 4 {}", 50 * GB),
            format!("07.427 2026-02-01 12 0 {}", 7 * GB),
            "07.211 2026-03-01 10 0 0".to_owned(),
            "07.427 2026-03-01 11 0 0".to_owned(),
        ]
    );
    let programme = "SELECT month, enrolled_sims, learning_bytes FROM pub.programme_month
        WHERE cohort = 'rentree' ORDER BY month";
    assert_eq!(
        engine.sees(programme).await,
        [
            format!("2026-02-01 23 {}", 57 * GB),
            "2026-03-01 21 0".to_owned()
        ]
    );

    // One that used 6 GB in Youssoufia, and left nobody behind: what is hidden is not its bytes alone.
    let moved = [
        stay(131, "07.585", "2026-02-01", "2026-02-01", None),
        stay(131, "07.211", "2026-02-03", "2026-02-03", None),
    ];
    engine.insert("assignment", &moved).await;
    engine
        .insert("sim_day", &[used(131, "2026-02-02", 6)])
        .await;
    let february = "SELECT province, enrolled_sims FROM pub.province_month
        WHERE cohort = 'rentree' AND month = '2026-02-01' ORDER BY province";
    assert_eq!(engine.sees(february).await, ["07.427 12"]);
}
