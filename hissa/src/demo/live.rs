//! What happens, while it happens: numbers from the services' own metrics, and the end of it from ClickHouse.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use serde::Deserialize;

/// A look at the running demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Rows that got an outcome.
    pub rows: u64,
    /// Decisions sent.
    pub decisions: u64,
    /// The smallest of the shards' clocks up to which all rows are in ClickHouse, once all shards have one.
    pub fresh_until_ms: Option<i64>,
}

/// Where to look.
pub struct Eyes {
    http: reqwest::Client,
    aggregator: SocketAddr,
    clickhouse: Client,
    partitions: u64,
}

impl Eyes {
    /// Looks at the aggregator's metrics and at ClickHouse.
    pub fn on(aggregator: SocketAddr, clickhouse: Client, partitions: u16) -> Eyes {
        Eyes {
            http: reqwest::Client::new(),
            aggregator,
            clickhouse,
            partitions: partitions.into(),
        }
    }

    /// A look. What does not answer at the moment is as it was before.
    pub async fn look(&self, before: Look) -> Look {
        let mut look = before;
        if let Ok(metrics) = self.metrics().await {
            look.rows = sum(&metrics, "hissa_records_total").max(before.rows);
            look.decisions = sum(&metrics, "hissa_decisions_total").max(before.decisions);
        }
        look.fresh_until_ms = self.fresh_until_ms().await.or(before.fresh_until_ms);
        look
    }

    async fn metrics(&self) -> reqwest::Result<String> {
        let address = format!("http://{}/metrics", self.aggregator);
        let answer = self
            .http
            .get(address)
            .timeout(Duration::from_secs(2))
            .send()
            .await?;
        answer.error_for_status()?.text().await
    }

    async fn fresh_until_ms(&self) -> Option<i64> {
        #[derive(Row, Deserialize)]
        struct Fresh {
            partitions: u64,
            clock_ms: i64,
        }
        let sql =
            "SELECT count() AS partitions, min(clock_ms) AS clock_ms FROM hissa.freshness FINAL";
        // A ClickHouse that is away must not stop the line: decisions go on, and are to be seen.
        let asked = self.clickhouse.query(sql).fetch_one::<Fresh>();
        let fresh = tokio::time::timeout(Duration::from_secs(1), asked)
            .await
            .ok()?
            .ok()?;
        (fresh.partitions == self.partitions).then_some(fresh.clock_ms)
    }
}

/// The sum of a metric over all its labels.
fn sum(exposition: &str, name: &str) -> u64 {
    let lines = exposition.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
    });
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    // Counters of rows stay far below 2^53.
    whole(values.sum())
}

/// The line that shows it: rewritten in a terminal, now and then a plain one otherwise.
pub struct Ticker {
    quiet: bool,
    terminal: bool,
    began: Instant,
    last: Instant,
    rows_then: u64,
    shown: bool,
}

impl Ticker {
    /// Shows nothing where quiet.
    pub fn new(quiet: bool) -> Ticker {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        Ticker {
            quiet,
            terminal,
            began: now,
            last: now,
            rows_then: 0,
            shown: false,
        }
    }

    /// Shows a look, and the days of the last message fed and of the last row in ClickHouse.
    pub fn show(&mut self, look: &Look, fed: Option<String>, booked: Option<String>) {
        let since = self.last.elapsed();
        if self.quiet || since < Duration::from_millis(if self.terminal { 500 } else { 1_000 }) {
            return;
        }
        let rate = (look.rows - self.rows_then.min(look.rows)) as f64 / since.as_secs_f64();
        (self.last, self.rows_then) = (Instant::now(), look.rows);
        let words = |what: &str, day: Option<String>| {
            day.map_or_else(String::new, |day| format!(", {what} {day}"))
        };
        let days = words("fed to", fed) + &words("booked up to", booked);
        let line = format!(
            "{:>4} s  {} rows with an outcome ({} rows/s), {} decisions{days}",
            self.began.elapsed().as_secs(),
            thousands(look.rows),
            thousands(whole(rate)),
            thousands(look.decisions),
        );
        let mut stderr = std::io::stderr().lock();
        let written = if self.terminal {
            self.shown = true;
            write!(stderr, "\r\u{1b}[K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
        // Nobody reads: the numbers are in the summary too.
        let _ = written;
    }

    /// Leaves the line.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = writeln!(std::io::stderr().lock());
        }
    }
}

/// A count or a rate for people, without its fraction.
#[allow(clippy::cast_sign_loss, reason = "it is not below zero by then")]
pub fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

/// A number with thin groups of three digits, as people read it.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels_and_no_other_is() {
        let text = "# HELP a b\nhissa_records_total{outcome=\"held\"} 2\nhissa_records_total{outcome=\"late\"} 40\n\
            hissa_records_total_other 7\nhissa_decisions_total 3\n";
        assert_eq!(sum(text, "hissa_records_total"), 42);
        assert_eq!(sum(text, "hissa_decisions_total"), 3);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1 000", "1 234 567"]
        );
    }
}
