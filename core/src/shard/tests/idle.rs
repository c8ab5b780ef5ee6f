//! Section 10: a tablet that nobody uses (W4, W5).

use super::commands::*;
use super::story::*;
use crate::alert::Subject;
use crate::registry::{CalendarEntry, CalendarKind};

/// One SIM, with more bytes than it needs.
pub fn one_sim() -> Story {
    let told = programme(vec![cohort(vec![monthly(100 * GB)])]);
    world_of(Story::new(), told, 1..=1)
}

pub fn day_after(day: &str) -> String {
    date(day).tomorrow().unwrap().to_string()
}

/// Days pass from the first until before the last, each of them heard; returns what was told, with its date.
pub fn days_pass(story: &mut Story, first: &str, last: &str, deaf: &[&str]) -> Vec<String> {
    let mut day = first.to_owned();
    let mut told = Vec::new();
    while day != last {
        if !deaf.contains(&day.as_str()) {
            story.heard(&day, 8..18);
        }
        day = day_after(&day);
        story.until(&format!("{day}T00:00"));
        let on: Vec<_> = story.alerts.iter().map(|alert| alert.on).collect();
        let words = story.alerted().into_iter().zip(on);
        told.extend(words.map(|(words, on)| format!("{on}: {words}")));
    }
    told
}

#[test]
fn ten_school_days_without_use_are_idle() {
    // 2 February is a Monday; Sundays are no school days: the tenth is Thursday, the 12th.
    let used = |end, bytes| Some(usage(1, end, bytes));
    let off = |kind| days(kind, "2026-02-04", "2026-02-05");
    let of_others = CalendarEntry {
        cohorts: Some(vec!["urban".to_owned()]),
        ..off(CalendarKind::Holiday)
    };
    type Step<'a> = (Option<Usage>, Option<CalendarEntry>, &'a [&'a str], &'a str);
    let table: Vec<Step<'_>> = vec![
        (None, None, &[], "2026-02-13"),
        (used("2026-02-04T10:00", 1), None, &[], "2026-02-17"),
        (used("2026-02-04T10:00", 0), None, &[], "2026-02-13"),
        (
            used("2026-02-04T10:00", 1).map(|u| u.group(SYSTEM)),
            None,
            &[],
            "2026-02-13",
        ),
        (
            used("2026-02-04T10:00", 1).map(|u| u.group(OTHER)),
            None,
            &[],
            "2026-02-17",
        ),
        (
            used("2026-02-04T10:00", 1).map(|u| u.group(STRANGE)),
            None,
            &[],
            "2026-02-17",
        ),
        // Told on the 9th: before the last day counted, which is the 7th; or of it.
        (
            used("2026-02-06T10:00", 1).map(|u| u.delivered("2026-02-09T10:00")),
            None,
            &[],
            "2026-02-13",
        ),
        (
            used("2026-02-07T10:00", 1).map(|u| u.delivered("2026-02-09T10:00")),
            None,
            &[],
            "2026-02-20",
        ),
        // Neither counted nor the end of the row.
        (None, None, &["2026-02-04"], "2026-02-14"),
        (None, Some(off(CalendarKind::Break)), &[], "2026-02-15"),
        (None, Some(off(CalendarKind::Holiday)), &[], "2026-02-15"),
        (None, Some(off(CalendarKind::Exam)), &[], "2026-02-13"),
        (None, Some(of_others), &[], "2026-02-13"),
    ];
    for (place, (row, entry, deaf, fires)) in table.into_iter().enumerate() {
        let mut story = one_sim();
        if let Some(entry) = entry {
            story.command("2026-02-02T00:00", calendar(vec![entry]));
        }
        let mut told = Vec::new();
        let first = match row {
            None => "2026-02-02".to_owned(),
            Some(row) => {
                let delivered = row.delivered.unwrap_or(row.end);
                let day = if delivered < at("2026-02-05T00:00") {
                    "2026-02-04"
                } else {
                    "2026-02-09"
                };
                told = days_pass(&mut story, "2026-02-02", day, deaf);
                story.row(row);
                day.to_owned()
            }
        };
        told.extend(days_pass(&mut story, &first, "2026-03-10", deaf));
        assert_eq!(
            told,
            [format!("{fires}: fire TabletIdle 1 {fires} #1")],
            "{place}"
        );
    }
}

#[test]
fn a_day_is_deaf_where_two_school_hours_in_a_row_were_not_heard() {
    let table = [
        (8..18, "2026-02-13"),
        (9..17, "2026-02-13"),
        (10..18, "2026-02-14"),
        (8..16, "2026-02-14"),
        (0..24, "2026-02-13"),
        (0..0, "2026-02-14"),
    ];
    for (hours, fires) in table {
        let mut story = one_sim();
        let day = "2026-02-04";
        let mut told = days_pass(&mut story, "2026-02-02", day, &[]);
        story.heard(day, hours.clone());
        story.until("2026-02-05T00:00");
        told.extend(days_pass(&mut story, "2026-02-05", "2026-02-20", &[]));
        let expected = format!("{fires}: fire TabletIdle 1 {fires} #1");
        assert_eq!(told, [expected], "{hours:?}");
    }
}

#[test]
fn use_resolves_and_the_next_ten_days_fire_anew() {
    let mut story = one_sim();
    days_pass(&mut story, "2026-02-02", "2026-02-14", &[]);
    // (end, what it resolves): the last day counted is Friday, the 13th.
    story.row(usage(1, "2026-02-12T10:00", 1).delivered("2026-02-14T09:00"));
    assert_eq!(story.alerted(), [""; 0]);
    story.row(usage(1, "2026-02-14T09:30", 1).group(SYSTEM));
    assert_eq!(story.alerted(), [""; 0]);
    story.row(usage(1, "2026-02-13T10:00", 1).delivered("2026-02-14T10:00"));
    let resolve = story.alerts[0].clone();
    assert!(resolve.cause.is_some());
    let Subject::TabletIdle(idle) = &resolve.subject else {
        panic!("{resolve:?}");
    };
    assert_eq!(
        (idle.last_used_on, idle.school_days),
        (Some(date("2026-02-13")), 10)
    );
    assert_eq!(story.alerted(), ["resolve TabletIdle 1 2026-02-13 #2"]);
    // 14, 16 to 21, 23 to 25.
    assert_eq!(
        days_pass(&mut story, "2026-02-14", "2026-03-20", &[]),
        ["2026-02-26: fire TabletIdle 1 2026-02-26 #1"]
    );
}

#[test]
fn days_without_enrolment_and_leaving_end_the_row() {
    let mut story = one_sim();
    story.row(usage(1, "2026-02-02T10:00", 1));
    story.enrol("2026-02-02T11:00", 3, "rural", "2026-02-05");
    days_pass(&mut story, "2026-02-02", "2026-02-05", &[]);
    assert_eq!(
        days_pass(&mut story, "2026-02-05", "2026-02-18", &[]),
        [
            "2026-02-14: fire TabletIdle 1 2026-02-14 #1",
            "2026-02-17: fire TabletIdle 3 2026-02-17 #1"
        ]
    );
    let mut story = one_sim();
    days_pass(&mut story, "2026-02-02", "2026-02-05", &[]);
    story.command("2026-02-05T08:00", retirement(1, "2026-02-05"));
    story.enrol("2026-02-05T09:00", 1, "rural", "2026-02-05");
    assert_eq!(
        days_pass(&mut story, "2026-02-05", "2026-02-28", &[]),
        ["2026-02-17: fire TabletIdle 1 2026-02-17 #1"]
    );
}

#[test]
fn hours_that_a_progress_tells_are_noted_before_it_moves_the_clock() {
    let mut story = one_sim();
    let told = days_pass(&mut story, "2026-02-02", "2026-02-12", &[]);
    assert_eq!(told, [""; 0]);
    // The hours of the 12th, told with the time that ends it.
    let midnight = at("2026-02-12T00:00");
    let heard = (8..18)
        .map(|hour| midnight.div_euclid(3_600_000) + hour)
        .collect();
    let source = crate::wire::SourceProgress {
        source: source(),
        through: 0,
        rows: 0,
        bytes: 0,
        heard,
    };
    story.progress("2026-02-13T00:00", vec![source]);
    assert_eq!(story.alerted(), ["fire TabletIdle 1 2026-02-13 #1"]);
}
