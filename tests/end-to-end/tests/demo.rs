//! The demo's path on a small seed: from the carrier's topic to the carrier's orders, compared with the truth.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read what it compares has failed"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hissa_dashboards::{TimeRange, Values, expand};
use hissa_end_to_end::oracle::judge;
use hissa_end_to_end::{Demo, assert_right};
use hissa_stack::{Report, Stack, StackOptions};
use serde_json::Value;

const SEED: &str = "212";
const PUPILS: &str = "75";

#[test]
fn every_total_outcome_decision_and_alert_equals_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let ended = Demo::start(&[
        "--seed",
        SEED,
        "--pupils",
        PUPILS,
        "--keep",
        data.to_str().unwrap(),
    ])
    .finish(|_| ());
    assert_right(&ended);
    everything_occurred(&data.join("truth.json"), &ended.summary);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = StackOptions::in_folder(data.join("stack"));
        let stack = Stack::up(options, Report::silent()).await.unwrap();
        panels_answer(&stack).await;
        the_oracle_agrees(&data, &stack).await;
        stack.stop().await.unwrap();
    });
}

/// The rules computed a second time, from the carrier's own messages, say what tables and topics say. Last, because it
/// then falsifies a table, to see that the oracle sees it.
async fn the_oracle_agrees(data: &Path, stack: &Stack) {
    let verdict = judge(data, stack).await.unwrap();
    assert!(verdict.differences.is_empty(), "{:?}", verdict.differences);
    assert!(
        verdict.compared.values().all(|entries| *entries > 100),
        "{:?}",
        verdict.compared
    );
    let client = clickhouse::Client::default()
        .with_url(stack.clickhouse_url())
        .with_user(&stack.owner().user)
        .with_password(&stack.owner().password);
    let falsify = "INSERT INTO hissa.sim_day \
                   SELECT * REPLACE (records + 1 AS records, version + 1 AS version) \
                   FROM hissa.sim_day FINAL ORDER BY sim, usage_day, class, service, booked_day LIMIT 1";
    client.query(falsify).execute().await.unwrap();
    let differences = judge(data, stack).await.unwrap().differences;
    let tables: Vec<_> = differences.iter().map(|one| one.table).collect();
    assert_eq!(tables, ["sim_day"], "{differences:?}");
}

/// Equality proves little of what never happened: everything that the demo can have is in the truth, ten times or more
/// where that is meant.
fn everything_occurred(truth: &Path, summary: &Value) {
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap();
    let count = |list: &str, words: &[&str], number: Option<&str>| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for entry in truth[list].as_array().unwrap() {
            // An outcome with a reason is an object.
            let name = |word: &&str| entry[*word].to_string().replace('"', "");
            let name = words.iter().map(name).collect::<Vec<_>>().join(" ");
            *counts.entry(name).or_default() += number.map_or(1, |n| entry[n].as_u64().unwrap());
        }
        counts
    };
    let outcomes = count("outcome_days", &["outcome"], Some("rows"));
    // Four without a reason, three quarantines (the bound of held SIMs is out of reach), eight rejections.
    assert_eq!(outcomes.len(), 4 + 3 + 8, "{outcomes:?}");
    ten_or_more(
        &outcomes,
        &outcomes.keys().map(String::as_str).collect::<Vec<_>>(),
    );

    let flags = count("flag_days", &["flag"], Some("rows"));
    let of_counters = ["sentinel", "late_reading", "wrap", "reset"];
    ten_or_more(&flags, &of_counters);
    ten_or_more(&flags, &["leaked_education", "leaked_other"]);
    assert_eq!(serde_json::json!(flags), summary["flags"]);

    let alerts = count("alerts", &["kind", "change"], None);
    let often = [
        "SimQuota80 fire",
        "SimQuota80 resolve",
        "SimExhausted fire",
        "SimExhausted resolve",
        "TabletIdle fire",
        "SimMoved fire",
        "PossibleSharing fire",
        "PossibleSharing resolve",
    ];
    ten_or_more(&alerts, &often);
    // A tablet that was idle is used again, one comes back from its repair, another evening at the hotspot. (The gift
    // ends after the demo's last day.)
    for seldom in [
        "TabletIdle resolve",
        "SimMoved resolve",
        "PossibleSharing update",
    ] {
        assert!(alerts.contains_key(seldom), "{seldom}: {alerts:?}");
    }
    let conflicts = truth["conflicts"].as_array().unwrap();
    assert!(conflicts.len() >= 10, "{conflicts:?}");

    let reasons = count("decisions", &["reason"], None);
    let often = [
        "enrolled",
        "enforcement_started",
        "exhausted",
        "reset",
        "granted",
        "retired",
    ];
    ten_or_more(&reasons, &often);
    // What a replaced SIM had used cuts the new one: as soon as it is entered, or when it is corrected.
    assert!(reasons.contains_key("policy_changed"), "{reasons:?}");
}

fn ten_or_more(counts: &BTreeMap<String, u64>, names: &[&str]) {
    for name in names {
        let count = counts.get(*name).copied().unwrap_or_default();
        assert!(count >= 10, "{name}: {counts:?}");
    }
}

#[test]
fn kill_9_of_ingest_and_aggregator_in_the_middle_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let arguments = [
        "--seed",
        "7",
        "--pupils",
        PUPILS,
        "--speed",
        "2",
        "--keep",
        data.to_str().unwrap(),
    ];
    // By the feed's own time, so that it is always in the middle of it: the last first, one at a line.
    let mut plan = vec![
        ("ingest", "2026-03-02"),
        ("aggregate", "2026-02-26"),
        ("aggregate", "2026-02-14"),
        ("ingest", "2026-02-14"),
        ("aggregate", "2026-02-05"),
    ];
    let mut restarts = 0;
    let ended = Demo::start(&arguments).finish(|line| {
        restarts += usize::from(line.contains("killed by signal 9"));
        let Some(day) = line.split("fed to ").nth(1) else {
            return;
        };
        if plan.last().is_some_and(|(_, due)| *due <= day)
            && let Some((service, _)) = plan.pop()
        {
            let pid = std::fs::read_to_string(data.join(format!("{service}.pid"))).unwrap();
            assert!(
                Command::new("kill")
                    .args(["-9", pid.trim()])
                    .status()
                    .unwrap()
                    .success()
            );
        }
    });
    assert_eq!(
        (plan.len(), restarts),
        (0, 5),
        "each was killed, and started again"
    );
    assert_right(&ended);
}

/// Every panel of the dashboard, as an analyst's Grafana would ask, on the data that the demo left: the variables are
/// filled as the page fills them, and each panel gets rows of the shape that it draws.
async fn panels_answer(stack: &Stack) {
    let client = clickhouse::Client::default()
        .with_url(stack.clickhouse_url())
        .with_user(&stack.analyst().user)
        .with_password(&stack.analyst().password);

    let range = TimeRange {
        from: 0,
        to: 2_000_000_000,
    };
    let mut values = Values::from([("cohort".to_owned(), vec!["pilote-rural".to_owned()])]);
    for variable in hissa_dashboards::variables().unwrap() {
        let rows = ask(&client, &expand(&variable.sql, &values, range).unwrap()).await;
        let value = |row: &Value| {
            row[0]
                .as_str()
                .unwrap()
                .rsplit('|')
                .next()
                .unwrap()
                .to_owned()
        };
        let mut offered: Vec<String> = rows["data"].as_array().unwrap().iter().map(value).collect();
        assert!(!offered.is_empty(), "{}", variable.name);
        if !variable.multi {
            // The oldest month is the one that closed; the cohort is chosen already.
            offered = vec![
                values
                    .get(&variable.name)
                    .map_or_else(|| offered.last().cloned().unwrap(), |v| v[0].clone()),
            ];
        }
        values.insert(variable.name, offered);
    }

    for panel in hissa_dashboards::panels().unwrap() {
        let answer = ask(&client, &expand(&panel.sql, &values, range).unwrap()).await;
        let rows = answer["data"].as_array().unwrap();
        assert!(!rows.is_empty(), "no rows for: {}", panel.title);
        if panel.kind == "barchart" {
            // The text under the bars, then numbers.
            let types: Vec<&str> = answer["meta"]
                .as_array()
                .unwrap()
                .iter()
                .map(|column| column["type"].as_str().unwrap())
                .collect();
            let number = |kind: &&str| {
                ["Int", "Float", "Decimal"]
                    .iter()
                    .any(|name| kind.contains(name))
            };
            assert!(
                types[0].contains("String") && types[1..].iter().all(number),
                "{}: {types:?}",
                panel.title
            );
        }
    }
}

async fn ask(client: &clickhouse::Client, sql: &str) -> Value {
    let mut cursor = client.query(sql).fetch_bytes("JSONCompact").unwrap();
    serde_json::from_slice(&cursor.collect().await.unwrap())
        .unwrap_or_else(|why| panic!("{why}: {sql}"))
}
