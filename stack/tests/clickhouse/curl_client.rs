//! `curl`, by whom people and scripts ask.

use crate::harness::{
    OWNER, OWNER_PASSWORD, Received, curl, database, encoded, shared_url, statement,
};

fn default_user(path: &str, body: Option<&str>) -> Received {
    curl(shared_url(), path, &[], body.map(str::as_bytes))
}

#[test]
fn a_ping_needs_no_user_and_other_paths_are_not_there() {
    assert_eq!(default_user("/ping", None).ok(), "Ok.\n");
    assert_eq!(default_user("/", None).ok(), "Ok.\n");
    assert_eq!(default_user("/play", None).status, 404);
    assert_eq!(curl(shared_url(), "/", &["-X", "DELETE"], None).status, 501);
}

#[test]
fn a_user_is_known_by_basic_header_or_url() {
    let (user, key) = (
        format!("X-ClickHouse-User: {OWNER}"),
        format!("X-ClickHouse-Key: {OWNER_PASSWORD}"),
    );
    let in_url = format!("/?user={OWNER}&password={}", encoded(OWNER_PASSWORD));
    for (path, arguments) in [
        (
            "/",
            vec!["-u".to_owned(), format!("{OWNER}:{OWNER_PASSWORD}")],
        ),
        ("/", vec!["-H".to_owned(), user, "-H".to_owned(), key]),
        (&in_url, vec![]),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(
            curl(shared_url(), path, &arguments, Some(b"SELECT 1")).ok(),
            "1\n"
        );
    }
    let wrong = curl(shared_url(), "/", &["-u", "owner:x"], Some(b"SELECT 1"));
    assert_eq!((wrong.status, wrong.code()), (403, 516));
    let without = curl(shared_url(), "/?user=owner", &[], Some(b"SELECT 1"));
    assert_eq!((without.status, without.code()), (401, 194));
}

#[test]
fn sql_may_stand_in_the_url_the_body_or_both() {
    let database = database();
    statement(&format!(
        "CREATE TABLE {database}.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a"
    ))
    .ok();
    let insert = encoded("INSERT INTO t FORMAT CSV");
    let inserted = default_user(
        &format!("/?database={database}&query={insert}"),
        Some("1,one\n2,two\n"),
    );
    inserted.ok();
    assert!(
        inserted
            .header("X-ClickHouse-Summary")
            .unwrap()
            .contains(r#""written_rows":"2""#)
    );
    for body in [
        "INSERT INTO t FORMAT CSV\n3,three\n",
        "INSERT INTO t VALUES (4, 'fo;ur')",
        "INSERT INTO t (b, a) VALUES ('five', 5);",
    ] {
        default_user(&format!("/?database={database}"), Some(body)).ok();
    }
    default_user(
        &format!(
            "/?database={database}&query={}",
            encoded("INSERT INTO t VALUES")
        ),
        Some("(6, 'six')"),
    )
    .ok();
    let select = encoded("SELECT * FROM t ORDER BY a");
    let found = default_user(&format!("/?database={database}&query={select}"), None);
    assert_eq!(
        found.ok(),
        "1\tone\n2\ttwo\n3\tthree\n4\tfo;ur\n5\tfive\n6\tsix\n"
    );
    assert_eq!(found.header("X-ClickHouse-Format"), Some("TabSeparated"));
    assert!(
        found
            .header("X-ClickHouse-Summary")
            .unwrap()
            .contains(r#""read_rows":"6""#)
    );
    let both = default_user(
        &format!("/?query={}", encoded("SELECT 1 AS x")),
        Some("FORMAT JSONEachRow"),
    );
    assert_eq!(both.ok(), "{\"x\":1}\n");
}

#[test]
fn parameters_settings_and_the_default_format_come_by_the_url() {
    let sql = encoded("SELECT {a:UInt8} + 1 AS x, getSetting('max_block_size') AS size");
    let found = default_user(
        &format!(
            "/?query={sql}&param_a=41&max_block_size=33&default_format=JSONCompactEachRow&query_id=mine"
        ),
        None,
    );
    assert_eq!(found.ok(), "[42, 33]\n");
    assert_eq!(found.header("X-ClickHouse-Query-Id"), Some("mine"));
    let form = curl(
        shared_url(),
        "/",
        &["-F", "query=SELECT {b:String}", "-F", "param_b=it's"],
        None,
    );
    assert_eq!(form.ok(), "it\\'s\n");
}

#[test]
fn every_header_of_a_long_answer_is_sent_once() {
    for (format, lines) in [
        ("CSVWithNames", 300_001),
        ("TSVWithNamesAndTypes", 300_002),
        ("JSONEachRow", 300_000),
    ] {
        let found = statement(&format!(
            "SELECT number AS n FROM numbers(300000) FORMAT {format}"
        ));
        assert_eq!(found.ok().lines().count(), lines, "of {format}");
    }
    let json = statement("SELECT number FROM numbers(200000) FORMAT JSON").ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["rows"].as_u64(), json["data"].as_array().map(Vec::len)),
        (Some(200_000), Some(200_000))
    );
    let totals = statement(
        "SELECT number % 2 AS k, count() FROM numbers(5) GROUP BY k WITH TOTALS ORDER BY k FORMAT CSVWithNames",
    );
    assert_eq!(totals.ok(), "\"k\",\"count()\"\n0,3\n1,2\n\n0,5\n");
}

#[test]
fn exceptions_have_the_servers_status_and_the_engines_text() {
    for (sql, status, code) in [
        ("SELEC 1", 400, 62),
        ("SELECT * FROM nowhere.t", 404, 81),
        ("SELECT nothing", 404, 47),
        ("SELECT 1 FORMAT Nonsense", 404, 73),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT 1; SELECT 2", 400, 62),
    ] {
        let refused = statement(sql);
        assert_eq!(
            (refused.status, refused.code()),
            (status, code),
            "of {sql}: {}",
            refused.text()
        );
        assert!(
            refused
                .text()
                .starts_with(&format!("Code: {code}. DB::Exception: ")),
            "{}",
            refused.text()
        );
    }
    let unknown = default_user("/?no_such_setting=1", Some("SELECT 1"));
    assert_eq!((unknown.status, unknown.code()), (404, 115));
    let get = default_user(
        &format!("/?query={}", encoded("CREATE DATABASE by_get")),
        None,
    );
    assert_eq!(get.code(), 164);
}

#[test]
fn an_answer_that_fails_midway_says_why_and_breaks_off() {
    let broken = statement("SELECT throwIf(number = 5000000, 'too far') FROM numbers(6000000)");
    assert_eq!(broken.status, 200);
    assert_ne!(broken.exit, 0);
    let tag = broken.header("X-ClickHouse-Exception-Tag").unwrap();
    let text = broken.text();
    let said = text.split("__exception__\r\n").nth(1).unwrap();
    assert!(
        said.starts_with(&format!("{tag}\r\nCode: 395. DB::Exception: too far")),
        "{said}"
    );
}

#[test]
fn a_query_that_wants_too_much_memory_fails_alone() {
    let hungry = statement("SELECT length(groupArray(number)) FROM numbers(200000000)");
    assert_eq!(hungry.code(), 241);
    assert_eq!(statement("SELECT 1").ok(), "1\n");
    let lower = default_user(
        "/?max_memory_usage=1000000",
        Some("SELECT length(groupArray(number)) FROM numbers(10000000)"),
    );
    assert_eq!(lower.code(), 241);
    assert_eq!(
        default_user("/?max_memory_usage=99999999999999", Some("SELECT 1")).code(),
        452
    );
}

#[test]
fn more_requests_than_connections_wait_their_turn() {
    let asked: Vec<_> = (0..16)
        .map(|number| {
            std::thread::spawn(move || statement(&format!("SELECT {number}, sleep(0.1)")).ok())
        })
        .collect();
    for (number, answer) in asked.into_iter().enumerate() {
        assert_eq!(answer.join().unwrap(), format!("{number}\t0\n"));
    }
}
