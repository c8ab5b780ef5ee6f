//! What an analyst would ask of the demo, with the answers; and tablets worth a look.

use std::collections::BTreeMap;
use std::path::Path;

use clickhouse::{Client, Row};
use hissa_core::sim::SimId;
use hissa_links::kafka::KafkaLink;
use serde::{Deserialize, Serialize};

use crate::import::RegistryView;

/// A question, the SQL, the lines of the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub question: &'static str,
    pub sql: &'static str,
    pub lines: Vec<String>,
}

const EVERYWHERE: &str = "SELECT province_name_fr, enrolled_sims, median_gb, zero_share FROM pub.province_month \
    WHERE cohort = 'pilote-rural' AND month = (SELECT min(month) FROM pub.province_month) ORDER BY median_gb";

const LEARNING: &str = "SELECT toString(month) AS month, education_share_low, education_share_high, all_bytes / 1e9 AS gb \
    FROM pub.programme_month WHERE cohort = 'pilote-rural' ORDER BY month";

const LATE: &str = "SELECT outcome, sum(records) AS records, sum(bytes) / 1e9 AS gb FROM pub.outcome_day \
    GROUP BY outcome ORDER BY records DESC";

/// Asks the three questions.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn ask(client: &Client) -> anyhow::Result<Vec<Answer>> {
    #[derive(Row, Deserialize)]
    struct Province {
        province_name_fr: String,
        enrolled_sims: u64,
        median_gb: f64,
        zero_share: f64,
    }
    #[derive(Row, Deserialize)]
    struct Share {
        month: String,
        education_share_low: Option<f64>,
        education_share_high: Option<f64>,
        gb: f64,
    }
    #[derive(Row, Deserialize)]
    struct Books {
        outcome: String,
        records: u64,
        gb: f64,
    }
    let provinces = client.query(EVERYWHERE).fetch_all::<Province>().await?;
    let shares = client.query(LEARNING).fetch_all::<Share>().await?;
    let books = client.query(LATE).fetch_all::<Books>().await?;
    let percent =
        |share: Option<f64>| share.map_or("–".into(), |share| format!("{:.0} %", share * 100.0));
    Ok(vec![
        Answer {
            question: "Are the gigabytes reaching pupils everywhere alike? (median GB per enrolled SIM in the first month)",
            sql: EVERYWHERE,
            lines: provinces
                .iter()
                .map(|p| {
                    let zero = percent(Some(p.zero_share));
                    format!(
                        "{:<16} {:>5.2} GB   {:>4} SIMs, {zero} of them unused",
                        p.province_name_fr, p.median_gb, p.enrolled_sims
                    )
                })
                .collect(),
        },
        Answer {
            question: "Is it for learning? (education … education and unknown, pilote-rural)",
            sql: LEARNING,
            lines: shares
                .iter()
                .map(|share| {
                    let (low, high) = (
                        percent(share.education_share_low),
                        percent(share.education_share_high),
                    );
                    format!("{}  {low} … {high} of {:.0} GB", share.month, share.gb)
                })
                .collect(),
        },
        Answer {
            question: "What became of the carrier's records?",
            sql: LATE,
            lines: books
                .iter()
                .map(|b| format!("{:<12} {:>9} rows {:>9.1} GB", b.outcome, b.records, b.gb))
                .collect(),
        },
    ])
}

/// Rows by outcome, from the books in ClickHouse.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn outcomes(client: &Client) -> anyhow::Result<BTreeMap<String, u64>> {
    #[derive(Row, Deserialize)]
    struct Books {
        outcome: String,
        records: u64,
    }
    let sql =
        "SELECT outcome, sum(records) AS records FROM hissa.outcome_day FINAL GROUP BY outcome";
    let rows = client.query(sql).fetch_all::<Books>().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.outcome, row.records))
        .collect())
}

/// Rows by flag: what is to be said of them beside their outcome.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn flags(client: &Client) -> anyhow::Result<BTreeMap<String, u64>> {
    #[derive(Row, Deserialize)]
    struct Flagged {
        flag: String,
        records: u64,
    }
    let sql = "SELECT flag, sum(records) AS records FROM hissa.flag_day FINAL GROUP BY flag";
    let rows = client.query(sql).fetch_all::<Flagged>().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.flag, row.records))
        .collect())
}

/// A tablet, and why it is worth a look.
#[derive(Clone, Debug, Serialize)]
pub struct Tablet {
    pub asset_tag: String,
    pub why: String,
}

/// Five tablets whose education was restricted earliest in their cycle, by their tags.
///
/// # Errors
/// ClickHouse or Kafka does not answer.
pub async fn worth_a_look(client: &Client, kafka: &KafkaLink) -> anyhow::Result<Vec<Tablet>> {
    #[derive(Row, Deserialize)]
    struct Restricted {
        sim: [u8; 16],
        cohort: String,
        action: String,
        used_gb: f64,
        day: String,
    }
    let sql = "SELECT sim, toString(cohort) AS cohort, toString(action) AS action, used_bytes / 1e9 AS used_gb, \
        toString(booked_day) AS day FROM hissa.decision FINAL \
        WHERE class = 'education' AND reason = 'exhausted' ORDER BY toDayOfMonth(booked_day), used_bytes DESC LIMIT 5";
    let rows = client.query(sql).fetch_all::<Restricted>().await?;
    let link = kafka.clone();
    let view = tokio::task::spawn_blocking(move || RegistryView::read(&link)).await??;
    let tablet = |row: Restricted| Tablet {
        asset_tag: view
            .entry(SimId(row.sim))
            .map_or_else(|| "(no tag)".into(), |entry| entry.asset_tag),
        why: format!(
            "{}: education {} on {} after {:.2} GB",
            row.cohort, row.action, row.day, row.used_gb
        ),
    };
    Ok(rows.into_iter().map(tablet).collect())
}

/// What `hissa explain` says of a tablet: the command itself, as a user runs it.
///
/// # Errors
/// It does not start.
pub async fn explain(config: &Path, asset_tag: &str) -> anyhow::Result<String> {
    let explained = tokio::process::Command::new(std::env::current_exe()?)
        .arg("--config")
        .arg(config)
        .args(["--quiet", "explain", asset_tag])
        .kill_on_drop(true)
        .output()
        .await?;
    let said = if explained.status.success() {
        explained.stdout
    } else {
        explained.stderr
    };
    Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
}
