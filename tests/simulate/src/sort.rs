//! Of what sort a difference is: what it says, without numbers and names, so that like ones can be told from others.

/// The sort of a difference, as it is told.
pub fn sort(difference: &str) -> String {
    let told = match difference.strip_prefix("step ") {
        Some(told) => told.split_once(": ").map_or(told, |(_, told)| told),
        None => difference,
    };
    let mut lines = told.lines();
    let first = lines.next().unwrap_or_default();
    let mut told = |word: &str| {
        lines
            .next()
            .and_then(|line| line.trim().strip_prefix(word))
            .map(str::trim)
    };
    match (told("expected"), told("found")) {
        (Some(expected), Some(found)) => format!("{} {}", of_table(first), fields(expected, found)),
        _ => words(first),
    }
}

/// The words with which it begins, up to the first number or name.
fn words(text: &str) -> String {
    let words = text
        .split([' ', '/', '('])
        .take_while(|word| word.chars().all(|c| !c.is_ascii_digit()));
    words.take(8).collect::<Vec<_>>().join(" ")
}

/// The table, and the kind of alert.
fn of_table(text: &str) -> String {
    let table: Vec<&str> = text.split(' ').take(2).collect();
    let kind = text
        .split_once('"')
        .and_then(|(_, id)| id.split('/').next());
    match kind {
        Some(kind) if table.contains(&"alert") => format!("{} {kind}", table.join(" ")),
        _ => table.join(" "),
    }
}

/// What differs: the names of fields, and the values of those that are words.
fn fields(expected: &str, found: &str) -> String {
    if expected == "nothing" || found == "nothing" {
        return if expected == "nothing" {
            "is too much".into()
        } else {
            "is missing".into()
        };
    }
    let names = |text: &str| -> Vec<String> {
        let fields = text.split(", ").filter_map(|field| field.rsplit_once(": "));
        let name = |before: &str| {
            before
                .rsplit([' ', '{', '('])
                .next()
                .unwrap_or_default()
                .trim_matches(['"', ':'])
                .to_owned()
        };
        fields.map(|(before, _)| name(before)).collect()
    };
    let is_word = |text: &str| text.starts_with("reason: ") || text.starts_with("action: ");
    match is_word(expected) && !expected.contains(", ") {
        true => format!("{expected} / {found}"),
        false => names(expected).join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_one_sort_have_one_name() {
        for (told, expected) in [
            (
                "step 7: the books do not balance: Discrepancy { a: 1 }",
                "the books do not balance: Discrepancy { a:",
            ),
            (
                "oracle: decision (0, 3)\n  expected reason: \"reset\"\n  found reason: \"calendar\"",
                "oracle: decision reason: \"reset\" / reason: \"calendar\"",
            ),
            (
                "oracle: alert (0, \"SimMoved/ab\")\n  expected nothing\n  found    x",
                "oracle: alert SimMoved is too much",
            ),
            (
                "oracle: sim_cycle K { a: 1 }\n  expected limit: 1, used: 3\n  found    limit: 2, used: 4",
                "oracle: sim_cycle limit,used",
            ),
        ] {
            assert_eq!(sort(told), expected);
        }
    }
}
