//! What reaches this machine beyond the data folder, refused by the real front. (The table of spellings is beside the
//! code.)

use crate::harness::{curl, database, shared_url, statement};

#[test]
fn files_networks_and_programs_are_refused() {
    for sql in [
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM/**/`file`('/etc/passwd')",
        "SELECT file('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM s3('http://127.0.0.1:1/', 'CSV')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM executable('x', 'TSV', 'a String')",
        "SELECT * FROM sqlite('/tmp/x', 't')",
        "SELECT * FROM eval('SELECT 1')",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "CREATE TABLE t (a UInt8) ENGINE = File(CSV)",
        "CREATE TABLE t (a UInt8) ENGINE = Kafka SETTINGS kafka_broker_list = '127.0.0.1:1'",
        "CREATE DATABASE d ENGINE = Filesystem('/')",
        "BACKUP DATABASE default TO File('/tmp/x')",
        "SYSTEM SHUTDOWN",
        "INSERT INTO FUNCTION file('/tmp/x', 'CSV', 'a UInt8') VALUES (1)",
        "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
    ] {
        let refused = statement(sql);
        assert_eq!(
            (refused.status, refused.code()),
            (403, 497),
            "of {sql}: {}",
            refused.text()
        );
    }
    let dialect = curl(shared_url(), "/?dialect=kusto", &[], Some(b"x"));
    assert_eq!(dialect.code(), 497);
}

#[test]
fn a_path_is_no_table() {
    for sql in [
        "SELECT * FROM `/etc/passwd`",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT * FROM '/etc/passwd'",
        "DESCRIBE TABLE `/etc/passwd`",
        "INSERT INTO `/tmp/hissa-should-not-be.csv` VALUES (1)",
    ] {
        let refused = statement(sql);
        assert_ne!(refused.status, 200, "of {sql}: {}", refused.text());
    }
    let by_parameter = curl(
        shared_url(),
        "/?param_t=/etc/passwd",
        &[],
        Some(b"SELECT * FROM {t:Identifier}"),
    );
    assert_eq!(by_parameter.code(), 60);
}

#[test]
fn what_only_looks_so_is_answered() {
    let database = database();
    statement(&format!(
        "CREATE TABLE {database}.file (file String, url String) ENGINE = MergeTree ORDER BY file"
    ))
    .ok();
    statement(&format!(
        "INSERT INTO {database}.file (file, url) VALUES ('file(', 'INTO OUTFILE ''x''')"
    ))
    .ok();
    let found = statement(&format!(
        "SELECT file, url /* url('x') */ FROM {database}.file WHERE file = 'file('"
    ));
    assert_eq!(found.ok(), "file(\tINTO OUTFILE \\'x\\'\n");
}

#[test]
fn a_session_does_not_outlive_its_request() {
    statement("SET max_block_size = 12345").ok();
    statement("USE system").ok();
    statement("CREATE TEMPORARY TABLE passing (a UInt8) ENGINE = Memory").ok();
    for _ in 0..10 {
        let now = statement(
            "SELECT getSetting('max_block_size') = 12345, currentDatabase(), count() FROM system.tables WHERE name = 'passing'",
        );
        assert_eq!(now.ok(), "0\tdefault\t0\n");
    }
    assert_eq!(
        curl(shared_url(), "/?session_id=x", &[], Some(b"SELECT 1")).code(),
        372
    );
}
