//! What is refused to everyone: what would reach this machine's files, its network or its programs.
//!
//! The engine runs with this process's rights and has no users of its own, so the line is drawn here, on tokens. Table
//! functions and engines are refused unless they are known to stay inside: a new one in a later version is refused
//! until somebody looked at it.

use std::collections::HashSet;

use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::inside::{
    INSIDE_ENGINES, INSIDE_FUNCTIONS, INSIDE_SYSTEM, OUTSIDE_FUNCTIONS, OUTSIDE_STATEMENTS,
};
use crate::clickhouse::sql::settings::{self, Verdict};
use crate::clickhouse::sql::token::{Kind, Token};

/// What the engine in this process offers, asked once at its start.
#[derive(Debug, Default)]
pub struct Guard {
    outside_functions: HashSet<String>,
    outside_engines: HashSet<String>,
    memory_bytes_max: u64,
}

impl Guard {
    /// A guard for an engine with these table functions, and engines of tables and databases.
    pub fn new(table_functions: &[String], engines: &[String], memory_bytes_max: u64) -> Guard {
        let unknown = |names: &[String], inside: &[&str]| -> HashSet<String> {
            let names = names.iter().map(|name| name.to_ascii_lowercase());
            names
                .filter(|name| !inside.contains(&name.as_str()))
                .collect()
        };
        let mut outside_functions = unknown(table_functions, &INSIDE_FUNCTIONS);
        outside_functions.extend(OUTSIDE_FUNCTIONS.map(str::to_owned));
        Guard {
            outside_functions,
            outside_engines: unknown(engines, &INSIDE_ENGINES),
            memory_bytes_max,
        }
    }

    /// The most memory that one query may ask for, in bytes.
    pub fn memory_bytes_max(&self) -> u64 {
        self.memory_bytes_max
    }

    /// Judges one statement, of an INSERT the part before its data.
    ///
    /// # Errors
    ///
    /// What was found, in words for the one who wrote it.
    pub fn check(&self, tokens: &[Token<'_>]) -> Result<(), Exception> {
        one_statement(tokens)?;
        statement(tokens)?;
        for at in 0..tokens.len() {
            let rest = &tokens[at..];
            // Behind a dot stands a table's or a column's name: `CREATE TABLE d.file (…)`. Functions have no dots.
            if at == 0 || !tokens[at - 1].is_mark(b'.') {
                self.call(rest)?;
            }
            file_clause(rest)?;
            self.settings(rest)?;
        }
        let defines = tokens
            .iter()
            .any(|token| token.is_any(&["CREATE", "ATTACH", "REPLACE", "ALTER"]));
        if defines {
            for at in 0..tokens.len() {
                self.engine(&tokens[at..])?;
                dictionary_source(&tokens[at..])?;
            }
        }
        Ok(())
    }

    /// `name(`: a call of a function or a table function.
    fn call(&self, rest: &[Token<'_>]) -> Result<(), Exception> {
        let [name, bracket, ..] = rest else {
            return Ok(());
        };
        if !bracket.is_mark(b'(') {
            return Ok(());
        }
        match name.name() {
            Some(name) if self.outside_functions.contains(&name.to_ascii_lowercase()) => {
                Err(Exception::denied(format!(
                    "the function `{name}` reaches files, the network or programs outside this database"
                )))
            }
            _ => Ok(()),
        }
    }

    /// `ENGINE = name` or `ENGINE name`.
    fn engine(&self, rest: &[Token<'_>]) -> Result<(), Exception> {
        let [keyword, rest @ ..] = rest else {
            return Ok(());
        };
        if !keyword.is("ENGINE") {
            return Ok(());
        }
        let name = match rest {
            [equals, name, ..] if equals.is_mark(b'=') => name,
            [name, ..] => name,
            [] => return Ok(()),
        };
        match name.name() {
            Some(name) if self.outside_engines.contains(&name.to_ascii_lowercase()) => {
                Err(Exception::denied(format!(
                    "the engine `{name}` reaches files or the network outside this database"
                )))
            }
            None if name.is_mark(b'{') => {
                Err(Exception::denied("an engine that a parameter names"))
            }
            _ => Ok(()),
        }
    }

    /// `SETTINGS a = 1, b = 2` and `SET a = 1`.
    fn settings(&self, rest: &[Token<'_>]) -> Result<(), Exception> {
        let [keyword, pairs @ ..] = rest else {
            return Ok(());
        };
        if !keyword.is_any(&["SETTINGS", "SET"]) {
            return Ok(());
        }
        let mut pairs = pairs;
        while let [name, equals, value, after @ ..] = pairs {
            let Some(name) = name.name().filter(|_| equals.is_mark(b'=')) else {
                break;
            };
            let value = value.value();
            let verdict = settings::judge(&name, &value, self.memory_bytes_max)?;
            if verdict == Verdict::Ignore && !matches!(value.as_str(), "0" | "false") {
                // In the request it is dropped; in the statement's own text it would reach the engine.
                return Err(Exception::denied(format!(
                    "the setting `{name}`: every insert is answered when it is stored"
                )));
            }
            // A value may be longer than one token (a map, a negative number): the next pair is behind the comma.
            let comma = after.iter().position(|token| token.is_mark(b','));
            let Some(comma) = comma else { break };
            pairs = &after[comma + 1..];
        }
        Ok(())
    }
}

fn one_statement(tokens: &[Token<'_>]) -> Result<(), Exception> {
    let end = tokens
        .iter()
        .position(|token| token.is_mark(b';'))
        .unwrap_or(tokens.len());
    if tokens[end..].iter().any(|token| !token.is_mark(b';')) {
        return Err(Exception::new(
            62,
            "Syntax error (Multi-statements are not allowed): send one statement a request",
            "SYNTAX_ERROR",
        ));
    }
    Ok(())
}

/// Statements that are refused by their first words.
fn statement(tokens: &[Token<'_>]) -> Result<(), Exception> {
    let [first, rest @ ..] = tokens else {
        return Ok(());
    };
    if first.is_any(&OUTSIDE_STATEMENTS) {
        let word = String::from_utf8_lossy(first.raw).to_ascii_uppercase();
        return Err(Exception::denied(format!(
            "{word} writes or reads outside this database"
        )));
    }
    if first.is("SYSTEM") && !inside_system(rest) {
        return Err(Exception::denied(
            "of SYSTEM only FLUSH, STOP, START, SYNC, REFRESH, WAIT, CLEAR, DROP, CANCEL and RELOAD DICTIONARY",
        ));
    }
    if first.is_any(&["CREATE", "ALTER", "DROP"]) {
        let named_collection = rest
            .windows(2)
            .any(|pair| pair[0].is("NAMED") && pair[1].is("COLLECTION"));
        let foreign_function = rest.iter().take(3).any(|token| token.is("FUNCTION"))
            && rest.iter().any(|token| token.is_any(&["LANGUAGE", "FROM"]));
        if named_collection || foreign_function {
            return Err(Exception::denied(
                "named collections, and functions that are not SQL",
            ));
        }
    }
    let attach_from_path = first.is("ATTACH")
        && rest
            .windows(2)
            .any(|pair| pair[0].is("FROM") && pair[1].kind == Kind::Text);
    if attach_from_path {
        return Err(Exception::denied("ATTACH … FROM a path of this machine"));
    }
    Ok(())
}

fn inside_system(rest: &[Token<'_>]) -> bool {
    match rest {
        [verb, object, ..] if verb.is("RELOAD") => object.is_any(&["DICTIONARY", "DICTIONARIES"]),
        [verb, object, ..] => verb.is_any(&INSIDE_SYSTEM) && !object.is("LISTEN"),
        [_] | [] => false,
    }
}

/// `INTO OUTFILE 'path'` and `FROM INFILE 'path'`.
fn file_clause(rest: &[Token<'_>]) -> Result<(), Exception> {
    let [keyword, path, ..] = rest else {
        return Ok(());
    };
    if path.kind == Kind::Text && keyword.is_any(&["OUTFILE", "INFILE"]) {
        return Err(Exception::denied(
            "INTO OUTFILE and FROM INFILE use files of this machine",
        ));
    }
    Ok(())
}

/// `SOURCE(name(key value …))` of a dictionary: only a table of this engine, and nothing, stay inside. A `QUERY` would
/// be SQL in a string, which is not looked into.
fn dictionary_source(rest: &[Token<'_>]) -> Result<(), Exception> {
    let [keyword, bracket, source, keys @ ..] = rest else {
        return Ok(());
    };
    if !keyword.is("SOURCE") || !bracket.is_mark(b'(') {
        return Ok(());
    }
    let end = keys
        .iter()
        .position(|token| token.is_mark(b')'))
        .unwrap_or(keys.len());
    let only_a_table = keys[..end]
        .iter()
        .filter(|token| token.kind == Kind::Word)
        .all(|token| {
            !token.is_any(&[
                "HOST",
                "PORT",
                "QUERY",
                "WHERE",
                "INVALIDATE_QUERY",
                "SECURE",
                "NAME",
            ])
        });
    if source.is("NULL") || (source.is("CLICKHOUSE") && only_a_table) {
        return Ok(());
    }
    Err(Exception::denied(
        "a dictionary whose source is not a table of this database (CLICKHOUSE(TABLE … DB …))",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::sql::token::tokens;

    fn guard() -> Guard {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        Guard::new(
            &names(&[
                "file",
                "url",
                "s3",
                "executable",
                "remote",
                "mysql",
                "numbers",
                "eval",
                "values",
                "merge",
            ]),
            &names(&[
                "MergeTree",
                "File",
                "URL",
                "Kafka",
                "Memory",
                "MySQL",
                "Filesystem",
                "Executable",
            ]),
            1_000_000,
        )
    }

    fn code(sql: &str) -> Option<u16> {
        let tokens: Vec<_> = tokens(sql.as_bytes()).collect();
        guard().check(&tokens).err().map(|refused| refused.code())
    }

    #[test]
    fn what_reaches_the_host_is_refused_however_it_is_written() {
        for sql in [
            "SELECT * FROM file('/etc/passwd')",
            "SELECT * FROM FILE ('x')",
            "SELECT * FROM/**/`file`/* c */('x')",
            "SELECT * FROM \"f\\x69le\"('x')",
            "SELECT * FROM “file”('x')",
            "SELECT * FROM file\u{a0}('x')",
            "SELECT * FROM file -- comment\n ('x')",
            "SELECT file('/etc/passwd')",
            "SELECT 1 WHERE 1 IN (SELECT a FROM url('http://x', CSV, 'a Int8'))",
            "SELECT 'it''s' , `a``b` FROM s3('x')",
            "SELECT $$file($$, * FROM file('x')",
            "INSERT INTO FUNCTION file('x', 'CSV', 'a Int8') SELECT 1",
            "SELECT * FROM executable('sh', 'TSV', 'a String')",
            "SELECT * FROM remote('h', d.t)",
            "SELECT * FROM mysql('h', 'd', 't', 'u', 'p')",
            "SELECT * FROM eval('SELECT 1')",
            "SELECT 1 INTO OUTFILE 'x'",
            "SELECT 1 INTO/**/OUTFILE/**/'x' TRUNCATE FORMAT CSV",
            "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
            "CREATE TABLE t (a Int8) ENGINE = File(CSV)",
            "CREATE TABLE t (a Int8) engine File(CSV)",
            "CREATE TABLE t (a Int8) ENGINE = `URL`('http://x', CSV)",
            "CREATE TABLE t (a Int8) ENGINE = Kafka SETTINGS kafka_broker_list = 'x'",
            "CREATE DATABASE d ENGINE = Filesystem('/')",
            "CREATE TABLE t AS file('x')",
            "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '/')",
            "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(FILE(path '/x' format 'CSV')) LAYOUT(FLAT())",
            "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(CLICKHOUSE(HOST 'h' TABLE 't')) LAYOUT(FLAT())",
            "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY 'x')) LAYOUT(FLAT())",
            "CREATE NAMED COLLECTION c AS url = 'http://x'",
            "ATTACH TABLE t FROM '/x' (a Int8) ENGINE = MergeTree ORDER BY a",
            "BACKUP TABLE t TO Disk('d', 'x')",
            "RESTORE TABLE t FROM File('x')",
            "SYSTEM SHUTDOWN",
            "system/**/kill",
            "SYSTEM RELOAD CONFIG",
            "SYSTEM STOP LISTEN HTTP",
            "SELECT 1 SETTINGS dialect = 'kusto'",
            "SET allow_introspection_functions = 1",
            "INSERT INTO t SETTINGS async_insert = 1",
        ] {
            assert_eq!(code(sql), Some(497), "of {sql}");
        }
    }

    #[test]
    fn what_only_looks_so_passes() {
        for sql in [
            "SELECT 'file('",
            "SELECT file, url FROM t",
            "SELECT t.file FROM t WHERE file = 'x'",
            "SELECT /* file('x') */ 1 -- url('x')",
            "SELECT $$ file('x') $$",
            "SELECT `INTO OUTFILE` FROM t",
            "SELECT 'INTO OUTFILE ''x'''",
            "SELECT engine FROM system.tables WHERE engine = 'File'",
            "CREATE TABLE t (file String, url String, engine String) ENGINE = MergeTree ORDER BY file",
            "SELECT * FROM numbers(10), merge('db', 't')",
            "SELECT count() FROM (SELECT 1) AS file",
            "INSERT INTO t (file, url)",
            "CREATE TABLE d.file (file String) ENGINE = Memory",
            "INSERT INTO d.url (a)",
            "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't' DB 'd')) LAYOUT(FLAT())",
            "SYSTEM FLUSH LOGS",
            "SYSTEM DROP MARK CACHE",
            "SYSTEM STOP MERGES t",
            "ATTACH TABLE t",
            "SELECT 1;",
            "SELECT 1 SETTINGS max_threads = 1, max_memory_usage = 1000",
            "ALTER TABLE t UPDATE settings = 1 WHERE 1",
        ] {
            assert_eq!(code(sql), None, "of {sql}");
        }
    }

    #[test]
    fn one_statement_a_request_and_no_bound_is_lifted() {
        for (sql, expected) in [
            ("SELECT 1; SELECT 2", 62),
            ("SELECT 1;; -- x\n;DROP TABLE t", 62),
            (
                "SELECT 1 SETTINGS max_threads = 1, max_memory_usage = 1000001",
                452,
            ),
            (
                "SELECT 1 SETTINGS additional_table_filters = {'t': 'x'}",
                497,
            ),
            ("SET readonly = 0", 164),
        ] {
            assert_eq!(code(sql), Some(expected), "of {sql}");
        }
    }
}
