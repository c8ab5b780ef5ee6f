//! `place_hour`: where and when bytes were used (D2, F3).

use super::commands::*;
use super::story::*;
use crate::facts::Fact;

/// SIM 1 is in Rif until 9 February, then in Atlas and of another cohort.
fn moving() -> Story {
    let mut urban = rural();
    urban.id = "urban".to_owned();
    let mut story = Story::new();
    let entered = "2026-01-31T12:00";
    story.command(entered, crate::registry::Command::Catalogue(catalogue()));
    story.command(entered, rules(vec![rural(), urban]));
    story.command(
        entered,
        enrolling(1, "2026-02-01").in_province("Rif").told(),
    );
    let moves = enrolling(1, "2026-02-10").of("urban").in_province("Atlas");
    story.command(entered, moves.told());
    story
}

fn places(story: &mut Story) -> Vec<String> {
    let rows = story.take().values().filter_map(|fact| match fact {
        Fact::PlaceHour(row) => Some(format!(
            "{} {} {} {} {} {}",
            row.province,
            row.cohort,
            row.usage_day.strftime("%d"),
            row.hour,
            row.class.as_str(),
            row.uplink_bytes + row.downlink_bytes
        )),
        _ => None,
    });
    rows.collect()
}

#[test]
fn bytes_stand_where_the_sim_was_on_the_usage_day_in_the_hour_before_their_end() {
    let table = [
        ("2026-02-09T13:30", "Rif rural 09 13 education 7"),
        ("2026-02-09T14:00", "Rif rural 09 13 education 7"),
        ("2026-02-09T14:00:00.001", "Rif rural 09 14 education 7"),
        ("2026-02-10T00:00", "Rif rural 09 23 education 7"),
        ("2026-02-10T00:01", "Atlas urban 10 0 education 7"),
    ];
    for (end, expected) in table {
        let mut story = moving();
        story.until("2026-02-12T00:00");
        story.row(usage(1, end, 7).delivered("2026-02-12T08:00"));
        assert_eq!(places(&mut story), [expected], "{end}");
    }
}

#[test]
fn they_stand_there_as_it_was_known_when_they_were_booked() {
    let mut story = moving();
    story.row(usage(1, "2026-02-09T13:30", 7));
    let corrected = enrolling(1, "2026-02-01").in_province("Souss").told();
    story.command("2026-02-09T14:00", corrected);
    story.row(
        usage(1, "2026-02-09T13:40", 5)
            .group(OTHER)
            .delivered("2026-02-09T15:00"),
    );
    assert_eq!(
        places(&mut story),
        ["Rif rural 09 13 education 7", "Souss rural 09 13 other 5"]
    );
}

#[test]
fn counted_and_late_rows_stand_there_and_held_rows_do_not() {
    let mut story = moving();
    story.row(usage(9, "2026-02-09T13:30", 7));
    story.row(usage(1, "2026-01-31T13:30", 7).delivered("2026-02-09T14:00"));
    assert_eq!(places(&mut story), [""; 0]);
    let late = usage(1, "2026-02-10T13:30", 7).delivered("2026-03-08T08:00");
    assert_eq!(story.row(late), "late education");
    assert_eq!(places(&mut story), ["Atlas urban 10 13 education 7"]);
}

#[test]
fn an_hour_that_the_zone_repeats_is_one_and_one_that_it_skips_is_none() {
    // At 03:00 of 15 February it is 02:00 again; at 02:00 of 22 March it is 03:00.
    let table = [
        ("2026-02-15T00:30:00Z", 1),
        ("2026-02-15T01:30:00Z", 2),
        ("2026-02-15T02:30:00Z", 2),
        ("2026-02-15T03:30:00Z", 3),
        ("2026-02-15T23:30:00Z", 23),
        ("2026-03-22T01:30:00Z", 1),
        ("2026-03-22T02:30:00Z", 3),
        ("2026-03-22T22:30:00Z", 23),
    ];
    for (end, hour) in table {
        let mut story = moving();
        story.row(usage(1, end, 7));
        let day = if end < "2026-03" { "15" } else { "22" };
        let expected = format!("Atlas urban {day} {hour} education 7");
        assert_eq!(places(&mut story), [expected], "{end}");
    }
}
