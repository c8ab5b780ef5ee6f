use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn identity(opening_day: i32, hash: u64) -> Identity {
    Identity { opening_day, hash }
}

/// The n-th of hashes that are spread as those of rows are.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bytes(seen: &Seen) -> Vec<u8> {
    postcard::to_stdvec(seen).unwrap()
}

/// 100,000 identities of day 10, which the clock has then left behind or not.
fn many(clock_day: i32) -> Seen {
    let mut seen = Seen::default();
    seen.forget(10, 45);
    for n in 0..100_000 {
        seen.meet(identity(10, spread(n)), n as u32, true);
    }
    seen.forget(clock_day, 45);
    seen
}

#[test]
fn o2_o3_an_identity_is_new_once_and_conflicts_by_its_digest() {
    // (opening day, identity, digest, enter) → what is known of it
    let table = [
        (10, 1, 7, true, Met::New),
        (10, 1, 7, true, Met::Same),
        (10, 1, 8, true, Met::Conflict),
        (10, 1, 7, false, Met::Same),
        (11, 1, 7, false, Met::New),
        (11, 1, 7, true, Met::New),
        (9, 2, 7, true, Met::New),
        (9, 2, 7, true, Met::Same),
        (10, 2, 7, false, Met::New),
        (10, 0, 0, false, Met::New),
        (10, 0, 0, true, Met::New),
        (10, 0, 1, true, Met::Conflict),
    ];
    // With days 9 to 11 filling, and past.
    for clock_day in [10, 30] {
        let mut seen = Seen::default();
        seen.forget(clock_day, 45);
        for (day, hash, digest, enter, expected) in table {
            let met = seen.meet(identity(day, hash), digest, enter);
            assert_eq!(met, expected, "day {day}, identity {hash}");
        }
    }
}

#[test]
fn o11_a_day_is_dropped_when_horizon_and_a_week_have_passed() {
    let mut seen = Seen::default();
    seen.meet(identity(100, 1), 7, true);
    seen.forget(100 + 45 + 7, 45);
    assert_eq!(seen.meet(identity(100, 1), 7, false), Met::Same);
    seen.forget(100 + 1 + 45 + 7, 45);
    assert_eq!(seen.meet(identity(100, 1), 7, false), Met::New);
}

#[test]
fn the_day_before_the_clocks_still_fills_and_earlier_ones_are_past() {
    for (clock_day, past) in [(9, 0), (10, 0), (11, 0), (12, 100_000)] {
        let size = many(clock_day).size();
        assert_eq!(
            (size.filling, size.past),
            (100_000 - past, past),
            "{clock_day}"
        );
    }
}

#[test]
fn the_form_does_not_show() {
    let (filling, mut past) = (many(10), many(12));
    assert_eq!(bytes(&filling), bytes(&past));
    for n in 0..100_000 {
        let met = past.meet(identity(10, spread(n)), n as u32, true);
        assert_eq!(met, Met::Same, "{n}");
    }
    // A restore gives a day back its form.
    let mut restored: Seen = postcard::from_bytes(&bytes(&past)).unwrap();
    restored.forget(10, 45);
    assert_eq!(restored.size().filling, 100_000);
    assert_eq!(bytes(&restored), bytes(&past));
}

#[test]
fn identities_need_the_bytes_that_are_promised() {
    let mut seen = Seen::default();
    seen.forget(10, 45);
    let mut before = 0;
    for n in 0..300_000 {
        seen.meet(identity(10, spread(n)), 0, true);
        let now = seen.size().filling_bytes;
        // Where a table grew, by four fifths, the old one was there beside it.
        let worst = now + (now - before) * 5 / 4;
        assert!(n < 1000 || worst as u64 <= n * 40, "{worst} bytes for {n}");
        before = now;
    }
    seen.forget(12, 45);
    // Late ones make room for themselves.
    for n in 300_000..700_000 {
        let past = seen.size();
        if n % 1000 == 0 {
            assert!(past.past_bytes <= past.past * 16, "{past:?}");
        }
        seen.meet(identity(10, spread(n)), 0, true);
    }
}

#[test]
fn a_clone_shares_past_days_until_one_of_both_changes_them() {
    let mut seen = many(12);
    let mut clone = seen.clone();
    let pieces = |seen: &Seen| match &seen.segments[0].form {
        Form::Past(array) => array.iter_pieces().collect::<Vec<_>>(),
        Form::Filling(_) => unreachable!("day 10 is past"),
    };
    assert_eq!(pieces(&seen), pieces(&clone), "the same memory");
    let new = identity(10, 3);
    assert_eq!(seen.meet(new, 7, true), Met::New);
    assert_eq!(clone.meet(new, 7, false), Met::New);
    let (one, other) = (pieces(&seen), pieces(&clone));
    let changed = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    assert_eq!((one.len(), changed), (256, 1));
}

#[test]
fn bytes_that_are_not_canonical_are_refused() {
    let segment = |day: i32, hashes: &[u64]| {
        let mut bytes = day.to_le_bytes().to_vec();
        for hash in hashes {
            bytes.extend_from_slice(&entry::Entry::new(*hash, 0).to_bytes());
        }
        bytes
    };
    let mut torn = segment(3, &[1]);
    torn.pop();
    let table = [
        (vec![segment(3, &[1, 2]), segment(4, &[1])], true),
        (vec![segment(3, &[2, 1])], false),
        (vec![segment(3, &[1, 1])], false),
        (vec![segment(4, &[1]), segment(3, &[1])], false),
        (vec![segment(3, &[1]), segment(3, &[2])], false),
        (vec![torn], false),
        (vec![vec![0; 3]], false),
    ];
    for (segments, good) in table {
        // Bytes have the form of a sequence of u8.
        let bytes = postcard::to_stdvec(&segments).unwrap();
        let read = postcard::from_bytes::<Seen>(&bytes);
        assert_eq!(read.is_ok(), good, "{segments:?}");
    }
}

/// What may happen to `seen`.
#[derive(Clone, Debug)]
enum Step {
    Meet(i32, u64, u32, bool),
    Clock(i32),
    Restore,
    Touch(i32, u64),
}

fn hash() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (0_u64..2000).prop_map(spread),
        // All of one bucket, at either end.
        2 => 0_u64..20,
        2 => (0_u64..20).prop_map(|n| u64::MAX - n),
        1 => any::<u64>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => (0..6, hash(), 0_u32..2, prop::bool::weighted(0.8))
            .prop_map(|(day, hash, digest, enter)| Step::Meet(day, hash, digest, enter)),
        1 => (0..20).prop_map(Step::Clock),
        1 => Just(Step::Restore),
        1 => (0..6, hash()).prop_map(|(day, hash)| Step::Touch(day, hash)),
    ]
}

/// The model: a sorted map.
fn entered(model: &BTreeMap<(i32, u64), u32>) -> Seen {
    let mut seen = Seen::default();
    for ((day, hash), digest) in model.iter().rev() {
        seen.meet(identity(*day, *hash), *digest, true);
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_sorted_map_does(steps in prop::collection::vec(step(), 0..3000)) {
        let horizon = 5;
        let (mut seen, mut clock) = (Seen::default(), 0);
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Meet(day, hash, digest, enter) => {
                    // O4: what is older is not entered.
                    let enter = enter && day >= clock - 5;
                    let expected = match model.get(&(day, hash)) {
                        None => Met::New,
                        Some(known) if *known == digest => Met::Same,
                        Some(_) => Met::Conflict,
                    };
                    prop_assert_eq!(seen.meet(identity(day, hash), digest, enter), expected);
                    if enter {
                        model.entry((day, hash)).or_insert(digest);
                    }
                }
                Step::Clock(day) => {
                    clock = day.max(clock);
                    seen.forget(clock, horizon);
                    model.retain(|(day, _), _| day + 1 + 5 + KEPT_BEYOND_HORIZON_DAYS > clock);
                }
                Step::Restore => {
                    let kept = bytes(&seen);
                    prop_assert_eq!(&kept, &bytes(&entered(&model)));
                    seen = postcard::from_bytes(&kept).unwrap();
                    // Forgetting again at the same clock is what a restore does; without, all is past.
                    if model.len() % 2 == 0 {
                        seen.forget(clock, horizon);
                    }
                }
                Step::Touch(day, hash) => {
                    if let Some(home) = seen.home(identity(day, hash)) {
                        home.touch();
                        home.touch_next();
                    }
                }
            }
            let size = seen.size();
            prop_assert_eq!(size.filling + size.past, model.len());
        }
        // The other way round, in other forms: the same bytes.
        prop_assert_eq!(bytes(&seen), bytes(&entered(&model)));
    }
}
