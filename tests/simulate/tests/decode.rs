//! Ingest's decoder against the oracle's: one reason for every message, or none, whatever is done to its text.

use hissa_ingest::decode::json;
use hissa_oracle::why_rejected;
use simulate::dice::Dice;
use simulate::scenario::{Scenario, Size};

const SEED: u64 = 20_261_201;
const MESSAGES: u32 = 60_000;

/// What edits put into a text: what a carrier may write, and what nobody should.
const PIECES: [&str; 40] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.0",
    "1e3",
    "1e999",
    "01",
    "4294967295",
    "4294967296",
    "1000000000000",
    "1000000000001",
    "9223372036854775808",
    "18446744073709551616",
    "\"\"",
    "\"x\"",
    "\"4G\"",
    "\"6G\"",
    "\"00101\"",
    "\"001010000000001\"",
    "\"delta\"",
    "\"cumulative32\"",
    "\"2026-02-30T08:00:00Z\"",
    "\"2026-02-10 08:00:00Z\"",
    "\"1969-12-31T23:59:59Z\"",
    "\"2016-12-31T23:59:60Z\"",
    "\"\\ud800\"",
    "\"\\u0069\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"imsi\"",
    "\"counter\"",
    "\"containers\"",
    "\"quiet_until\"",
    "\u{e9}",
];

#[test]
#[allow(clippy::print_stdout, reason = "a message that differs must be known")]
fn both_decoders_reject_the_same_for_the_same_reason() {
    println!("seed {SEED}");
    let scenario = Scenario::new(SEED, Size::Small);
    let topics = scenario.topics.iter();
    let texts: Vec<&[u8]> = topics
        .flat_map(|topic| &topic.messages)
        .map(|message| scenario.text(message))
        .filter(|text| text.len() < 4_000)
        .collect();
    let dice = &mut Dice::of(SEED, "decode");
    let mut reasons = std::collections::BTreeMap::new();
    for number in 0..MESSAGES {
        let mut text = dice.pick(&texts).to_vec();
        for _ in 0..dice.count(0, 3) {
            edit(&mut text, dice);
        }
        let told = json::decode(&text).err().map(|fault| fault.reason.as_str());
        let expected = why_rejected(&text);
        assert_eq!(
            told,
            expected,
            "message {number}: {}",
            String::from_utf8_lossy(&text)
        );
        *reasons.entry(told).or_insert(0_u32) += 1;
    }
    println!("{reasons:?}");
    // Messages of more than 1 MiB are made by seeds.
    assert_eq!(reasons.len(), 8, "{reasons:?}");
    assert!(reasons.values().all(|count| *count >= 100), "{reasons:?}");
}

/// Puts a piece in the place of a value or a name, or moves, repeats or leaves out a few bytes.
fn edit(text: &mut Vec<u8>, dice: &mut Dice) {
    let tokens = tokens(text);
    let (from, to) = match tokens.is_empty() {
        true => (0, text.len()),
        false => tokens[dice.place(tokens.len())],
    };
    let by = match dice.below(8) {
        0..5 => dice.pick(&PIECES).as_bytes().to_vec(),
        // Another token of the same text: a name twice, a value of another kind.
        5 | 6 if !tokens.is_empty() => {
            let (from, to) = tokens[dice.place(tokens.len())];
            text[from..to].to_vec()
        }
        _ => Vec::new(),
    };
    text.splice(from..to, by);
    if dice.permille(30) {
        text.truncate(dice.place(text.len() + 1));
    }
}

/// Where texts, words and numbers stand.
fn tokens(text: &[u8]) -> Vec<(usize, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let from = at;
        if text[at] == b'"' {
            at += 1;
            while at < text.len() && text[at] != b'"' {
                at += 1;
            }
            at = (at + 1).min(text.len());
        } else if text[at].is_ascii_alphanumeric() || text[at] == b'-' {
            while at < text.len() && !b",:]} \n\"".contains(&text[at]) {
                at += 1;
            }
        } else {
            at += 1;
            continue;
        }
        tokens.push((from, at));
    }
    tokens
}
