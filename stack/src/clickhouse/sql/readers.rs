//! What a user may do who may only read, and which databases.
//!
//! The engine's own `readonly` does the first on such a user's connections; what is here comes before it and is
//! narrower. The list of databases is held on tokens alone, with these limits: it refuses a column or an alias that
//! has the name of a hidden database and is followed by a dot; it does not look into views, so a view in a listed
//! database shows what it selects (that is what `pub` is for); and names and sizes of all tables can be seen in
//! `system.tables`.

use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::token::Token;

/// How a reader's statement may begin.
const READING: [&str; 8] = [
    "SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "FROM",
];

/// Functions that name a table in a string, which cannot be looked into.
const BY_NAME: [&str; 17] = [
    "dictionary",
    "hascolumnintable",
    "joinget",
    "joingetornull",
    "loop",
    "merge",
    "mergetreeanalyzeindexes",
    "mergetreeindex",
    "mergetreeprojection",
    "mergetreetextindex",
    "timeseriesdata",
    "timeseriesmetrics",
    "timeseriestags",
    "dicthas",
    "dictisin",
    "dictgethierarchy",
    "dictgetchildren",
];

/// Tables of `system` that every client's browser of tables asks for; they hold no rows of anyone.
const SYSTEM_BASICS: [&str; 16] = [
    "build_options",
    "columns",
    "completions",
    "data_type_families",
    "databases",
    "formats",
    "functions",
    "keywords",
    "numbers",
    "numbers_mt",
    "one",
    "settings",
    "table_engines",
    "table_functions",
    "tables",
    "time_zones",
];

/// Refuses a statement that does not only read.
///
/// # Errors
///
/// `READONLY`, in the engine's words.
pub fn only_reads(user: &str, tokens: &[Token<'_>]) -> Result<(), Exception> {
    let first = tokens.iter().find(|token| !token.is_mark(b'('));
    if first.is_none_or(|first| first.is_any(&READING)) {
        return Ok(());
    }
    Err(Exception::readonly(format!(
        "{user}: Cannot execute query in readonly mode"
    )))
}

/// Refuses a statement that names a database other than the `listed` ones. `existing` are all that there are.
///
/// # Errors
///
/// `ACCESS_DENIED`, with the database.
pub fn only_databases(
    user: &str,
    tokens: &[Token<'_>],
    listed: &[String],
    existing: &[String],
) -> Result<(), Exception> {
    let hidden = |name: &str| {
        existing.iter().any(|database| database == name)
            && !listed.iter().any(|database| database == name)
            && !name.eq_ignore_ascii_case("information_schema")
    };
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let Some(name) = token.name() else {
            identifier_parameter(user, &tokens[at..])?;
            continue;
        };
        let lower = name.to_ascii_lowercase();
        let by_name = BY_NAME.contains(&lower.as_str()) || lower.starts_with("dictget");
        if by_name && next.is_some_and(|next| next.is_mark(b'(')) {
            return Err(denied(
                user,
                &format!("the function `{name}` names a table in a string"),
            ));
        }
        let qualifies = next.is_some_and(|next| next.is_mark(b'.'));
        let named =
            at > 0 && tokens[at - 1].is_any(&["FROM", "IN", "DATABASE", "USE"]) && shows(tokens);
        if !hidden(&name) || !(qualifies || named) {
            continue;
        }
        let table = tokens.get(at + 2).and_then(Token::name);
        let basic =
            name == "system" && table.is_some_and(|table| SYSTEM_BASICS.contains(&table.as_ref()));
        if !basic {
            return Err(denied(user, &format!("the database `{name}`")));
        }
    }
    Ok(())
}

/// `SHOW TABLES FROM db` and the like, where a database stands without a dot.
fn shows(tokens: &[Token<'_>]) -> bool {
    tokens
        .first()
        .is_some_and(|first| first.is_any(&["SHOW", "EXISTS"]))
}

/// `{name:Identifier}` would bring a name that is not in the text.
fn identifier_parameter(user: &str, rest: &[Token<'_>]) -> Result<(), Exception> {
    match rest {
        [open, _, colon, kind, ..]
            if open.is_mark(b'{') && colon.is_mark(b':') && kind.is("Identifier") =>
        {
            Err(denied(user, "a parameter of type Identifier"))
        }
        _ => Ok(()),
    }
}

fn denied(user: &str, what: &str) -> Exception {
    Exception::new(
        497,
        format!("{user}: Not enough privileges: this user may not use {what}"),
        "ACCESS_DENIED",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::sql::token::tokens;

    #[test]
    fn a_reader_reads() {
        for (sql, reads) in [
            ("SELECT 1", true),
            ("(SELECT 1) UNION ALL (SELECT 2)", true),
            ("/* x */ with 1 AS x SELECT x", true),
            ("EXPLAIN SELECT 1", true),
            ("SHOW TABLES", true),
            ("", true),
            ("INSERT INTO t VALUES (1)", false),
            ("SET max_threads = 1", false),
            ("USE system", false),
            ("KILL QUERY WHERE 1", false),
            ("CREATE TEMPORARY TABLE t (a Int8)", false),
        ] {
            let tokens: Vec<_> = tokens(sql.as_bytes()).collect();
            assert_eq!(only_reads("analyst", &tokens).is_ok(), reads, "of {sql}");
        }
    }

    #[test]
    fn a_reader_with_a_list_sees_the_listed_databases_and_the_basics_of_system() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let existing = names(&["default", "hissa", "pub", "system", "information_schema"]);
        for (sql, allowed) in [
            ("SELECT * FROM pub.usage", true),
            ("SELECT * FROM usage", true),
            ("SELECT t.a FROM pub.usage AS t", true),
            (
                "SELECT database, name FROM system.tables WHERE database = 'hissa'",
                true,
            ),
            ("SELECT * FROM information_schema.tables", true),
            ("SHOW TABLES FROM pub", true),
            ("SELECT hissa FROM pub.usage", true),
            ("SELECT * FROM hissa.sim_day", false),
            ("SELECT * FROM `hissa` . `sim_day`", false),
            (
                "SELECT * FROM pub.usage JOIN hissa.sim_day USING (sim)",
                false,
            ),
            ("SELECT * FROM system.processes", false),
            ("SHOW TABLES FROM hissa", false),
            ("SHOW CREATE TABLE hissa.sim_day", false),
            ("SELECT * FROM merge('hissa', 'sim_day')", false),
            ("SELECT dictGetUInt8('hissa.d', 'a', 1)", false),
            ("SELECT * FROM {t:Identifier}.sim_day", false),
        ] {
            let tokens: Vec<_> = tokens(sql.as_bytes()).collect();
            let found = only_databases("analyst", &tokens, &names(&["pub"]), &existing);
            assert_eq!(found.is_ok(), allowed, "of {sql}: {found:?}");
        }
    }
}
