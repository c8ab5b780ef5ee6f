//! Messages that are no records, and records that carriers send by mistake.

use super::text::Record;
use super::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::dice::Dice;

/// Makes of a record's text a message that cannot be decoded, in one of the ways that the feed's page names.
pub fn spoil(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let replaced = |what: &str, by: &str| {
        String::from_utf8_lossy(text)
            .replacen(what, by, 1)
            .into_bytes()
    };
    // A message of more than a megabyte is dear.
    match dice.weighted(&[14, 14, 14, 14, 14, 14, 14, 1]) {
        0 => text[..text.len() - 1 - dice.place(text.len() / 2)].to_vec(),
        1 => replaced("\"opened_at\":", "\"opened_at\":null,\"rat\":"),
        2 => replaced("{", "{\"colour\":1,"),
        3 => replaced(
            "\"charging_id\":",
            "\"charging_id\":\"x\",\"record_sequence\":",
        ),
        4 => replaced("\"uplink_bytes\":", "\"uplink_bytes\":-1"),
        5 => replaced("\"opened_at\":\"", "\"opened_at\":\"yesterday "),
        6 => replaced("\"imsi\":\"", "\"imsi\":\"x"),
        _ => {
            let mut large = text.to_vec();
            large.resize((1 << 20) + 1 + dice.place(100), b' ');
            large
        }
    }
}

/// Makes of a record another one under the same identity.
pub fn contradict(record: &mut Record, dice: &mut Dice) {
    for container in &mut record.containers {
        match dice.below(3) {
            0 => container.up += 1,
            1 => container.down = container.down.saturating_sub(1),
            _ => container.last_ms += 1_000,
        }
    }
}

/// Moves a record's times as a wrong clock does.
pub fn misdate(record: &mut Record, dice: &mut Dice) {
    let shift_ms = match dice.weighted(&[50, 20, 15, 15]) {
        0 => dice.within(6, 200) * MINUTE_MS,
        1 => dice.within(1, 30) * DAY_MS,
        2 => 2_082_758_400_000 - record.opened_at_ms,
        // 1970.
        _ => dice.within(0, 40) * HOUR_MS - record.opened_at_ms,
    };
    record.opened_at_ms += shift_ms;
    for container in &mut record.containers {
        container.first_ms = (container.first_ms + shift_ms).max(0);
        container.last_ms = (container.last_ms + shift_ms).max(container.first_ms);
    }
}

/// Gives a record the opening time of a clock that is wrong for itself alone.
pub fn misopen(record: &mut Record, dice: &mut Dice) {
    record.opened_at_ms = match dice.below(4) {
        0 => 2_082_758_400_000,
        1 => dice.within(0, DAY_MS),
        _ => record.opened_at_ms - dice.within(30, 60) * DAY_MS,
    };
}
