//! The process's life: one a folder, drained at its end, gone with its parent.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hissa_stack::StackError;
use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions};

use crate::harness::{binary, curl, library, options};

#[tokio::test]
async fn two_do_not_open_one_folder_and_the_message_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let first = ClickHouse::launch(options(folder.path())).await.unwrap();
    let second = ClickHouse::launch(options(folder.path()))
        .await
        .unwrap_err();
    assert!(matches!(second, StackError::Died { .. }), "{second}");
    assert!(
        second
            .to_string()
            .contains("is used by another running ClickHouse"),
        "{second}"
    );
    assert_eq!(curl(first.url(), "/", &[], Some(b"SELECT 1")).ok(), "1\n");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_a_missing_program_and_a_wrong_library_are_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = Some(other.local_addr().unwrap().port());
    let no_library = folder.path().join("libchdb.so");
    for (options, expected) in [
        (
            ClickHouseOptions {
                port,
                ..options(folder.path())
            },
            "another process listens there",
        ),
        (
            ClickHouseOptions {
                binary: "/nowhere".into(),
                ..options(folder.path())
            },
            "starting ClickHouse (/nowhere) failed",
        ),
        (
            ClickHouseOptions {
                lib: no_library,
                ..options(folder.path())
            },
            "Fetch it again",
        ),
    ] {
        let said = ClickHouse::launch(options).await.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_folder_in_which_no_table_was_made_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
        let sql = b"SELECT engine FROM system.databases WHERE name = 'default'";
        assert_eq!(curl(clickhouse.url(), "/", &[], Some(sql)).ok(), "Atomic\n");
        clickhouse.stop().await.unwrap();
    }
    let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
    for sql in [
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
        "DROP TABLE t SYNC",
    ] {
        curl(clickhouse.url(), "/", &[], Some(sql.as_bytes())).ok();
    }
    clickhouse.stop().await.unwrap();
    let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
    clickhouse.stop().await.unwrap();
}

#[tokio::test]
async fn tables_are_there_after_a_stop_and_a_start_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let first = ClickHouse::launch(options(folder.path())).await.unwrap();
    let port = Some(first.port());
    for sql in [
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a UInt8) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO d.t VALUES (2)",
    ] {
        curl(first.url(), "/", &[], Some(sql.as_bytes())).ok();
    }
    first.stop().await.unwrap();
    let second = ClickHouse::launch(ClickHouseOptions {
        port,
        ..options(folder.path())
    })
    .await
    .unwrap();
    let sql = b"SELECT a FROM (SELECT a FROM default.t UNION ALL SELECT a FROM d.t) ORDER BY a";
    assert_eq!(curl(second.url(), "/", &[], Some(sql)).ok(), "1\n2\n");
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_request_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
    let url = clickhouse.url().to_owned();
    let slow = std::thread::spawn({
        let url = url.clone();
        move || curl(&url, "/", &[], Some(b"SELECT 'slow', sleep(2)"))
    });
    let running = b"SELECT count() FROM system.processes WHERE query LIKE 'SELECT \\'slow\\'%'";
    while curl(&url, "/", &[], Some(running)).text() != "1\n" {}
    clickhouse.stop().await.unwrap();
    assert_eq!(slow.join().unwrap().ok(), "slow\t0\n");
    assert_eq!(curl(&url, "/ping", &[], None).status, 0);
}

/// Starts the program as a child that is not tied, and waits until it listens.
fn start(folder: &std::path::Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(binary());
    command
        .arg("--data")
        .arg(folder)
        .arg("--lib")
        .arg(library())
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
    child
}

fn ends(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if Instant::now() > deadline => panic!("the process goes on"),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn it_ends_well_when_standard_input_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &["--with-parent"]);
    drop(child.stdin.take());
    assert_eq!(ends(&mut child), Some(0));
}

#[test]
fn it_listens_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command
        .arg("--data")
        .arg(folder.path())
        .arg("--lib")
        .arg(library())
        .args(["--listen", "0.0.0.0:0"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a loopback address"));
}
