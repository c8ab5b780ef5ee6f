//! A seed that differs, made small: few faults, few commands, few messages that still make it differ in the same way.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::faults::Faults;
use crate::faults::shrink::shrink;
use crate::seed::Case;
use crate::sort::sort;

/// Makes a case small; `None` where it does not differ. Says how it goes on to `told`. Of several differences, the first
/// is followed that has `like` in it.
pub fn small(whole: &Case, like: &str, told: impl Fn(&str)) -> Option<(Case, Vec<String>)> {
    let all = whole.run().differences;
    let first = sort(
        all.iter()
            .find(|difference| sort(difference).contains(like))?,
    );
    let differs = |case: &Case| {
        case.run()
            .differences
            .iter()
            .any(|other| sort(other) == first)
    };
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
    let left = shrink(&messages, |left| {
        differs(&with_messages(&case, &messages, left))
    });
    told(&format!("{} messages are left", left.len()));
    case = with_messages(&case, &messages, &left);

    let commands: Vec<usize> = (0..case.scenario().registry.len()).collect();
    let left = shrink(&commands, |left| {
        differs(&with_commands(&case, &commands, left))
    });
    told(&format!("{} commands are left", left.len()));
    case = with_commands(&case, &commands, &left);
    for command in left {
        shorten(&mut case, command, &differs);
    }

    let mut differences = case.run().differences;
    differences.retain(|other| sort(other) == first);
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
    all.iter()
        .copied()
        .filter(|place| !left.contains(place))
        .collect()
}

/// Takes items out of the lists of a command: cohorts, allowances, entries, rules.
fn shorten(case: &mut Case, command: usize, differs: &impl Fn(&Case) -> bool) {
    let whole = crate::scenario::Scenario::new(case.seed, case.size);
    let Ok(mut value) = serde_json::from_slice::<Value>(&whole.registry[command].text) else {
        return;
    };
    let mut place = 0;
    loop {
        let mut fewer = value.clone();
        let mut left = place;
        if !take_out(&mut fewer, &mut left) {
            return;
        }
        let mut shorter = case.clone();
        shorter
            .cut
            .shorter
            .insert(command, fewer.to_string().into_bytes());
        match differs(&shorter) {
            true => (*case, value) = (shorter, fewer),
            false => place += 1,
        }
    }
}

/// Takes the `left`-th item out of all lists in a value; false where there are not so many.
fn take_out(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::Array(items) => {
            if let Some(item) = (*left < items.len()).then_some(*left) {
                items.remove(item);
                return true;
            }
            *left -= items.len();
            items.iter_mut().any(|item| take_out(item, left))
        }
        Value::Object(fields) => fields.values_mut().any(|field| take_out(field, left)),
        _ => false,
    }
}
