//! The shapes of traffic: classes, radio access, hours, and how records name devices.

use hissa_carrier::policy::Class;
use hissa_carrier::truth::PlaceHour;
use hissa_carrier::{Scenario, generate};

use super::date;
use super::planted::{WHOLE, within};

fn share(wanted: impl Fn(&PlaceHour) -> bool, among: impl Fn(&PlaceHour) -> bool) -> f64 {
    let bytes = |cell: PlaceHour| cell.uplink_bytes + cell.downlink_bytes;
    let all: u64 = WHOLE
        .place_hours
        .iter()
        .filter(|c| among(c))
        .map(bytes)
        .sum();
    let part = WHOLE.place_hours.iter().filter(|c| among(c) && wanted(c));
    part.map(bytes).sum::<u64>() as f64 / all as f64
}

#[test]
fn classes_have_their_shares_before_enforcement_and_other_nearly_ends_with_it() {
    let enforced = date("2026-02-08");
    // The nights of the hotspots are beside the usual mix, and so is teaching.
    let before = |c: &PlaceHour| c.usage_day < enforced && c.cohort == "ecole-numerique";
    let of = |class| share(move |c| c.class == class, before);
    within(
        0.1,
        &[
            ("education", of(Class::Education), 0.64),
            ("other", of(Class::Other), 0.15),
            ("unknown", of(Class::Unknown), 0.12),
            ("system", of(Class::System), 0.09),
        ],
    );
    let after = share(|c| c.class == Class::Other, |c| c.usage_day >= enforced);
    assert!(after < 0.015, "{after}");
}

#[test]
fn radio_access_and_uplink_have_their_shares() {
    let mut guercif = [0; 3];
    let mut others = [0; 3];
    for (province, counts) in &WHOLE.radio {
        let sums = if province == "02.265" {
            &mut guercif
        } else {
            &mut others
        };
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let part =
        |counts: [u64; 3], place: usize| counts[place] as f64 / counts.iter().sum::<u64>() as f64;
    let (up, all) = WHOLE.place_hours.iter().fold((0, 0), |(up, all), cell| {
        (
            up + cell.uplink_bytes,
            all + cell.uplink_bytes + cell.downlink_bytes,
        )
    });
    within(
        0.1,
        &[
            ("4G", part(others, 0), 0.58),
            ("3G", part(others, 1), 0.36),
            ("2G", part(others, 2), 0.06),
            ("3G in Guercif", part(guercif, 1), 0.65),
            ("uplink", up as f64 / all as f64, 0.12),
        ],
    );
}

#[test]
fn hours_are_those_of_school_days_and_of_ramadan() {
    let pupils = |c: &PlaceHour| c.cohort == "pilote-rural" && c.class == Class::Education;
    let school = |c: &PlaceHour| pupils(c) && c.usage_day < date("2026-02-19");
    let ramadan = |c: &PlaceHour| {
        pupils(c) && (date("2026-02-20")..=date("2026-03-14")).contains(&c.usage_day)
    };
    let hours = |from, to| move |c: &PlaceHour| (from..to).contains(&c.hour);
    within(
        0.1,
        &[
            ("08-12", share(hours(8, 12), school), 0.30),
            ("14-18", share(hours(14, 18), school), 0.25),
            ("18-22", share(hours(18, 22), school), 0.35),
            ("09-15 in Ramadan", share(hours(9, 15), ramadan), 0.35),
            ("15-19 in Ramadan", share(hours(15, 19), ramadan), 0.10),
            (
                "21-02 in Ramadan",
                share(|c| c.hour >= 21 || c.hour < 2, ramadan),
                0.45,
            ),
        ],
    );
}

#[test]
fn teachers_teach_on_wednesdays_and_saturdays() {
    let teachers = |c: &PlaceHour| c.cohort == "supercodeurs-enseignants";
    let on = |text: &'static str| move |c: &PlaceHour| teachers(c) && c.usage_day == date(text);
    let afternoon = |c: &PlaceHour| (14..16).contains(&c.hour);
    let wednesday = share(afternoon, on("2026-02-04"));
    let thursday = share(afternoon, on("2026-02-05"));
    assert!(wednesday > 0.7 && thursday < 0.2, "{wednesday} {thursday}");
}

#[test]
fn half_of_the_records_name_the_software_of_the_device_and_few_name_none() {
    let (mut software, mut plain, mut none, mut cumulative) = (0.0, 0.0, 0.0, 0.0);
    for message in generate(&Scenario::small(212)).unwrap().feed {
        let Ok(record) = serde_json::from_slice::<serde_json::Value>(&message.payload) else {
            continue;
        };
        if record["charging_id"].is_null() {
            continue;
        }
        match record["imei"].as_str().map(str::len) {
            Some(16) => software += 1.0,
            Some(15) => plain += 1.0,
            _ => none += 1.0,
        }
        cumulative += f64::from(u8::from(record["counter"] == "cumulative32"));
        assert!(record["node_sequence"].is_u64(), "{record}");
    }
    let all = software + plain + none;
    within(
        0.1,
        &[
            ("IMEISV", software / all, 0.50),
            ("IMEI", plain / all, 0.48),
        ],
    );
    assert!((0.012..0.03).contains(&(none / all)), "{}", none / all);
    assert!(cumulative > 100.0);
}
