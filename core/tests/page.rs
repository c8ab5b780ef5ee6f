//! Section 14 of `docs/semantics.md` names a test for every rule of the page, and the tests are there.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files of the sources"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// A letter and a number.
fn is_rule(word: &str) -> bool {
    let (letter, number) = word.split_at(word.len().min(1));
    letter.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u8>().is_ok()
}

#[test]
fn every_rule_names_tests_that_are_there() {
    let page = read("docs/semantics.md");
    let (rules, table) = page.split_once("## 14.").unwrap();
    let rules: BTreeSet<&str> = rules.split("**").filter(|word| is_rule(word)).collect();
    assert!(rules.len() > 80);
    let rows = table.lines().filter_map(|line| {
        let (rule, tests) = line.strip_prefix("| ")?.split_once(" | ")?;
        let tests = tests.split('`').filter(|word| word.contains("::"));
        is_rule(rule).then(|| (rule, tests.collect::<Vec<_>>()))
    });
    let rows: BTreeMap<&str, Vec<&str>> = rows.collect();
    for rule in &rules {
        let tests = rows.get(rule).map_or(0, Vec::len);
        assert!(tests > 0, "{rule} has no test in section 14");
    }
    for (rule, tests) in rows {
        assert!(rules.contains(rule), "{rule} is no rule");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let path = match file.contains('/') {
                true => file.to_owned(),
                false => format!("core/src/shard/tests/{file}.rs"),
            };
            let there = read(&path).contains(&format!("fn {name}("));
            assert!(there, "{rule} names {test}, and {path} has no such test");
        }
    }
}
