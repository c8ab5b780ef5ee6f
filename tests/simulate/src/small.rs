//! A seed that differs, made small: few faults, few commands, few messages that still make it differ in the same way.

use std::collections::BTreeSet;

use crate::faults::Faults;
use crate::faults::shrink::shrink;
use crate::seed::Case;

/// Makes a case small; `None` where it does not differ. Says how it goes on to `told`. Of several differences, the first
/// is followed that has `like` in it.
pub fn small(whole: &Case, like: &str, told: impl Fn(&str)) -> Option<(Case, Vec<String>)> {
    let all = whole.run().differences;
    let sort = sort(all.iter().find(|difference| difference.contains(like))?);
    let differs = |case: &Case| case.run().differences.iter().any(|other| self::sort(other) == sort);
    let mut case = whole.clone();
    let faults = shrink(&case.faults().0, |left| {
        differs(&Case {
            faults: Some(Faults(left.to_vec())),
            ..case.clone()
        })
    });
    told(&format!("{} faults are left", faults.len()));
    case.faults = Some(Faults(faults));

    let messages: Vec<usize> = (0..case.scenario().messages()).collect();
    let left = shrink(&messages, |left| differs(&with_messages(&case, &messages, left)));
    told(&format!("{} messages are left", left.len()));
    case = with_messages(&case, &messages, &left);

    let commands: Vec<usize> = (0..case.scenario().registry.len()).collect();
    let left = shrink(&commands, |left| differs(&with_commands(&case, &commands, left)));
    told(&format!("{} commands are left", left.len()));
    case = with_commands(&case, &commands, &left);

    let mut differences = case.run().differences;
    differences.retain(|other| self::sort(other) == sort);
    Some((case, differences))
}

fn with_messages(case: &Case, all: &[usize], left: &[usize]) -> Case {
    let mut case = case.clone();
    case.cut.messages = without(all, left);
    case
}

fn with_commands(case: &Case, all: &[usize], left: &[usize]) -> Case {
    let mut case = case.clone();
    case.cut.commands = without(all, left);
    case
}

fn without(all: &[usize], left: &[usize]) -> BTreeSet<usize> {
    let left: BTreeSet<usize> = left.iter().copied().collect();
    all.iter().copied().filter(|place| !left.contains(place)).collect()
}

/// The words with which a difference begins, up to the first number or name.
fn sort(difference: &str) -> String {
    let told = match difference.strip_prefix("step ") {
        Some(told) => told.split_once(": ").map_or(told, |(_, told)| told),
        None => difference,
    };
    let words = told.split([' ', '/', '(']).take_while(|word| word.chars().all(|c| !c.is_ascii_digit()));
    words.take(6).collect::<Vec<_>>().join(" ")
}
