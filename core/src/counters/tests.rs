use zerocopy::FromZeros;

use super::*;

/// The largest reading of a counter of 32 bits that is no sentinel.
const TOP: u64 = u32::MAX as u64 - 1;

/// A reading of a session: order, bytes up and down.
fn row(order: Order, uplink: u64, downlink: u64) -> UsageRow {
    UsageRow {
        sim: [7; 16],
        charging_id: 5.into(),
        rating_group: 1.into(),
        record_sequence: order.0.into(),
        container_sequence: order.1.into(),
        uplink_bytes: uplink.into(),
        downlink_bytes: downlink.into(),
        ..UsageRow::new_zeroed()
    }
}

/// Order, reading up and down → rise up and down, flag.
type Case = (Order, u64, u64, u64, u64, Option<Flag>);

/// Reads the rows of a session one after the other, with a snapshot between each two.
fn tell(name: &str, counter: Counter, story: &[Case]) {
    let mut sessions = Sessions::default();
    for (order, up, down, uplink, downlink, flag) in story {
        let rise = sessions.read(&row(*order, *up, *down), counter, 0);
        let expected = Rise {
            uplink: *uplink,
            downlink: *downlink,
            flag: *flag,
        };
        assert_eq!(rise, expected, "{name}: {order:?}");
        let bytes = postcard::to_stdvec(&sessions).unwrap();
        sessions = postcard::from_bytes(&bytes).unwrap();
    }
}

const SENTINEL_FLAG: Option<Flag> = Some(Flag::Sentinel);
const LATE: Option<Flag> = Some(Flag::LateReading);
const WRAP: Option<Flag> = Some(Flag::Wrap);
const RESET: Option<Flag> = Some(Flag::Reset);

#[test]
fn c1_a_delta_counter_gives_what_it_says_and_has_no_session() {
    let mut sessions = Sessions::default();
    for order in [(2, 1), (1, 1), (1, 1)] {
        let rise = sessions.read(&row(order, SENTINEL, 3), Counter::Delta, 0);
        assert_eq!((rise.uplink, rise.downlink), (SENTINEL, 3));
        assert_eq!(rise.flag, None);
    }
    assert_eq!(sessions.len(), 0);
}

#[test]
fn c2_a_session_begins_at_zero_and_its_readings_rise() {
    for counter in [Counter::Cumulative32, Counter::Cumulative64] {
        tell(
            "rises",
            counter,
            &[
                ((0, 0), 10, 100, 10, 100, None),
                ((0, 1), 15, 100, 5, 0, None),
                ((1, 0), 15, 100, 0, 0, None), // an equal reading
                ((2, 1), 16, 300, 1, 200, None),
            ],
        );
    }
}

#[test]
fn c2_each_part_of_its_name_makes_another_session() {
    let first = row((1, 1), 10, 10);
    let others = [
        UsageRow {
            sim: [8; 16],
            ..first
        },
        UsageRow {
            node: [1; 20],
            ..first
        },
        UsageRow {
            charging_id: 6.into(),
            ..first
        },
        UsageRow {
            rating_group: 2.into(),
            ..first
        },
        UsageRow {
            service_id: 1.into(),
            ..first
        },
    ];
    let mut sessions = Sessions::default();
    sessions.read(&first, Counter::Cumulative32, 0);
    for other in &others {
        let rise = sessions.read(other, Counter::Cumulative32, 0);
        assert_eq!((rise.uplink, rise.flag), (10, None));
    }
    assert_eq!(sessions.len(), 6);
}

#[test]
fn c3_a_sentinel_leaves_the_session_as_it_is() {
    tell(
        "sentinels",
        Counter::Cumulative32,
        &[
            ((1, 1), SENTINEL, SENTINEL, 0, 0, SENTINEL_FLAG), // no session yet
            ((1, 2), 10, 20, 10, 20, None),
            ((1, 3), SENTINEL, 30, 0, 0, SENTINEL_FLAG),
            ((1, 4), 12, SENTINEL, 0, 0, SENTINEL_FLAG),
            ((1, 1), SENTINEL, 0, 0, 0, SENTINEL_FLAG), // late, too
            ((1, 3), 15, 40, 5, 20, None),              // the order did not move
        ],
    );
    tell(
        "64 bits know none",
        Counter::Cumulative64,
        &[((1, 1), SENTINEL, 20, SENTINEL, 20, None)],
    );
}

#[test]
fn c4_a_late_reading_moves_nothing() {
    tell(
        "late",
        Counter::Cumulative32,
        &[
            ((2, 5), 100, 100, 100, 100, None),
            ((2, 5), 200, 200, 0, 0, LATE), // the same order
            ((2, 4), 50, 50, 0, 0, LATE),
            ((1, 9), 500, 500, 0, 0, LATE),
            ((3, 0), 110, 120, 10, 20, None), // the next record begins anew
        ],
    );
}

#[test]
fn c5_a_counter_of_32_bits_wraps_or_is_reset() {
    let far = 1 << 30;
    let stories: &[(&str, [Case; 2])] = &[
        (
            "the rule's wrap",
            [
                ((1, 1), 4_294_967_000, 0, 4_294_967_000, 0, None),
                ((1, 2), 500, 0, 796, 0, WRAP),
            ],
        ),
        (
            "the rule's reset",
            [
                ((1, 1), 9_000, 0, 9_000, 0, None),
                ((1, 2), 500, 0, 500, 0, RESET),
            ],
        ),
        (
            "both ways wrap",
            [
                ((1, 1), TOP, TOP - 1, TOP, TOP - 1, None),
                ((1, 2), 0, 7, 2, 10, WRAP),
            ],
        ),
        (
            "down wraps, up rises",
            [((1, 1), 5, TOP, 5, TOP, None), ((1, 2), 6, 1, 1, 3, WRAP)],
        ),
        (
            "up wraps, down is reset",
            [
                ((1, 1), TOP, 9_000, TOP, 9_000, None),
                ((1, 2), 1, 500, 3, 500, RESET),
            ],
        ),
        (
            "up is reset, down wraps",
            [
                ((1, 1), 9_000, TOP, 9_000, TOP, None),
                ((1, 2), 500, 1, 500, 3, RESET),
            ],
        ),
        (
            "the largest wrap",
            [
                ((1, 1), TOP, 0, TOP, 0, None),
                ((1, 2), far - 3, 0, far - 1, 0, WRAP),
            ],
        ),
        (
            "one byte more is a reset",
            [
                ((1, 1), TOP, 0, TOP, 0, None),
                ((1, 2), far - 2, 0, far - 2, 0, RESET),
            ],
        ),
        (
            "to zero",
            [
                ((1, 1), 9_000, 9_000, 9_000, 9_000, None),
                ((1, 2), 0, 0, 0, 0, RESET),
            ],
        ),
    ];
    for (name, story) in stories {
        tell(name, Counter::Cumulative32, story);
    }
}

#[test]
fn c5_a_counter_of_64_bits_below_its_last_reading_is_reset() {
    tell(
        "64 bits",
        Counter::Cumulative64,
        &[
            ((1, 1), 4_294_967_000, 1 << 40, 4_294_967_000, 1 << 40, None),
            ((1, 2), 500, 1 << 40, 500, 0, RESET),
            ((1, 3), 600, 1 << 41, 100, 1 << 40, None), // both ways stand at the new reading
        ],
    );
}

#[test]
fn c6_a_session_is_forgotten_after_the_horizon_and_a_week() {
    let reading = |order, bytes| row(order, bytes, 0);
    let mut sessions = Sessions::default();
    sessions.read(&reading((1, 5), 100), Counter::Cumulative32, 1000);
    // A late reading does not keep it.
    sessions.read(&reading((1, 4), 90), Counter::Cumulative32, 1010);
    sessions.forget(1000 + 45 + 7, 45);
    assert_eq!(sessions.len(), 1);
    sessions.forget(1000 + 45 + 8, 45);
    assert_eq!(sessions.len(), 0);
    let rise = sessions.read(&reading((1, 3), 80), Counter::Cumulative32, 1060);
    assert_eq!((rise.uplink, rise.flag), (80, None), "it begins again at 0");
}

#[test]
fn the_order_of_arrival_does_not_show_in_the_bytes() {
    let rows = (0..1000).map(|n: u64| UsageRow {
        charging_id: n.into(),
        ..row((1, 1), n, n)
    });
    let read = |rows: &mut dyn Iterator<Item = UsageRow>| {
        let mut sessions = Sessions::default();
        for row in rows {
            sessions.read(&row, Counter::Cumulative64, 3);
        }
        postcard::to_stdvec(&sessions).unwrap()
    };
    let bytes = read(&mut rows.clone());
    assert_eq!(bytes, read(&mut rows.rev()));
    let restored: Sessions = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(postcard::to_stdvec(&restored).unwrap(), bytes);
}
