//! Users who may only read.

use std::sync::OnceLock;

use crate::harness::{ANALYST, ANALYST_PASSWORD, Received, curl, shared_url, statement};

fn ask(user: &str, path: &str, sql: &str) -> Received {
    static TABLES: OnceLock<()> = OnceLock::new();
    TABLES.get_or_init(|| {
        for sql in [
            "CREATE DATABASE pub",
            "CREATE DATABASE hidden",
            "CREATE TABLE hidden.sims (sim UInt64, bytes UInt64) ENGINE = MergeTree ORDER BY sim",
            "INSERT INTO hidden.sims VALUES (1, 10), (2, 20)",
            "CREATE VIEW pub.total DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT sum(bytes) AS bytes FROM hidden.sims",
        ] {
            statement(sql).ok();
        }
    });
    curl(shared_url(), path, &["-u", user], Some(sql.as_bytes()))
}

fn analyst(sql: &str) -> Received {
    ask(&format!("{ANALYST}:{ANALYST_PASSWORD}"), "/", sql)
}

#[test]
fn an_analyst_reads_what_is_listed() {
    for (sql, expected) in [
        ("SELECT bytes FROM pub.total", "30\n"),
        ("SELECT bytes FROM total", "30\n"),
        ("SELECT currentDatabase()", "pub\n"),
        ("WITH 1 AS x SELECT x", "1\n"),
        ("SHOW TABLES", "total\n"),
        ("EXISTS pub.total", "1\n"),
        (
            "SELECT count() FROM system.tables WHERE database = 'pub'",
            "1\n",
        ),
        ("SELECT sum(number) FROM numbers(4)", "6\n"),
        (
            "SELECT bytes FROM pub.total SETTINGS max_threads = 1",
            "30\n",
        ),
    ] {
        assert_eq!(analyst(sql).ok(), expected, "of {sql}");
    }
    // As Grafana's plugin sends: settings, and the database that nobody chose.
    let found = ask(
        &format!("{ANALYST}:{ANALYST_PASSWORD}"),
        "/?max_execution_time=60&database=default",
        "SELECT bytes FROM total",
    );
    assert_eq!(found.ok(), "30\n");
}

#[test]
fn an_analyst_neither_writes_nor_sees_more() {
    for (sql, code) in [
        ("INSERT INTO pub.t VALUES (1)", 164),
        ("CREATE TABLE pub.t (a UInt8) ENGINE = Memory", 164),
        ("CREATE TEMPORARY TABLE t (a UInt8)", 164),
        ("DROP VIEW pub.total", 164),
        ("ALTER TABLE hidden.sims DELETE WHERE 1", 164),
        ("SET max_threads = 1", 164),
        ("USE hidden", 164),
        ("KILL QUERY WHERE 1", 164),
        ("SYSTEM DROP MARK CACHE", 164),
        ("SELECT 1 SETTINGS readonly = 0", 164),
        ("SELECT * FROM hidden.sims", 497),
        ("SELECT * FROM `hidden`.`sims`", 497),
        ("SELECT (SELECT count() FROM hidden.sims)", 497),
        ("SELECT * FROM `hidden.sims`", 60),
        ("SELECT 1 IN hidden.sims", 497),
        ("SELECT * FROM view(SELECT * FROM hidden.sims)", 497),
        ("SHOW TABLES FROM hidden", 497),
        ("SELECT * FROM system.processes", 497),
        ("SELECT * FROM merge('hidden', 'sims')", 497),
        ("EXPLAIN SELECT * FROM hidden.sims", 497),
        ("SELECT * FROM file('/etc/passwd')", 497),
    ] {
        let refused = analyst(sql);
        assert_eq!(refused.code(), code, "of {sql}: {}", refused.text());
    }
    let user = format!("{ANALYST}:{ANALYST_PASSWORD}");
    assert_eq!(
        ask(&user, "/?database=hidden", "SELECT * FROM sims").code(),
        497
    );
    assert_eq!(ask(&user, "/?readonly=0", "SELECT 1").code(), 164);
    assert_eq!(
        ask(
            &user,
            "/?param_d=hidden",
            "SELECT * FROM {d:Identifier}.sims"
        )
        .code(),
        497
    );
    assert_eq!(statement("SELECT count() FROM hidden.sims").ok(), "2\n");
}

#[test]
fn a_reader_without_a_list_reads_everything_and_writes_nothing() {
    assert_eq!(
        ask("reader:", "/", "SELECT sum(bytes) FROM hidden.sims").ok(),
        "30\n"
    );
    assert_eq!(
        ask("reader:", "/", "INSERT INTO hidden.sims VALUES (3, 1)").code(),
        164
    );
    assert_eq!(
        ask("reader:", "/", "TRUNCATE TABLE hidden.sims").code(),
        164
    );
}
