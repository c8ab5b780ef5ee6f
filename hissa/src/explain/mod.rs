//! `hissa explain SIM`: the decision, the record behind it, the bytes added up again from the log.

mod accounts;
pub mod decisions;
pub mod evidence;
mod readings;
pub mod replay;
pub mod sentence;
#[cfg(test)]
mod tests;

use std::path::Path;

use hissa_core::decision::Decision;
use hissa_links::clickhouse::ClickHouseLink;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::args::ExplainArgs;
use crate::blocking::blocking;
use crate::config::deployment::Deployment;
use crate::config::load;
use crate::console::Console;
use crate::exit::{Exit, NotFound, UsageError};
use crate::import::RegistryView;
use crate::sim_name::{self, NamedSim};
use crate::topic_reader::{Stretch, TopicReader};
use evidence::Evidence;

/// Runs the command.
///
/// # Errors
/// The SIM or the decision is unknown; Kafka does not answer.
pub async fn run(
    args: &ExplainArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let nobody = || UsageError("name a SIM: an asset tag or a pseudonym, or --stdin".into());
    if args.sim.sim.is_none() && !args.sim.stdin {
        return Err(nobody().into());
    }
    let deployment = load::deployment(config)?;
    let link = deployment.kafka.clone();
    let view = blocking(move || RegistryView::read(&link)).await?;
    let named = sim_name::find(&args.sim, &deployment, &view)?.ok_or_else(nobody)?;
    let zone = view.zone();
    let wanted = Wanted::new(args, &zone)?;
    let (found, stretch) = all_decisions(&deployment, &named).await?;
    let decision = wanted.choose(&found).cloned().ok_or_else(|| {
        let sim = &named.name;
        NotFound(match (found.is_empty(), stretch.first) {
            (true, 0) => format!("nothing was ever decided about {sim}: it is not enrolled, or not yet counted"),
            (true, first) => format!("no decision about {sim} is left: hissa.decisions begins at offset {first}, and ClickHouse has none"),
            (false, _) => format!("there is no such decision about {sim}; without --at, --class and --decision the newest is explained"),
        })
    })?;
    let (link, explained) = (deployment.kafka.clone(), decision.clone());
    let partitions = deployment.partitions;
    let mut progress = console.progress("reading the log again");
    let evidence = blocking(move || -> anyhow::Result<Evidence> {
        let reader = TopicReader::open(&link, "explain")?;
        Ok(evidence::gather(
            &reader,
            &explained,
            partitions,
            move |done, all| progress.at(done, all),
        )?)
    })
    .await?;
    let bears_out = evidence.bears_out(&decision);
    if console.json {
        console.json_line(&serde_json::json!({
            "name": named.name,
            "decision": decision,
            "evidence": evidence,
            "bears_out": bears_out,
        }))?;
    } else {
        console.data(&sentence::text(&named.name, &decision, &evidence, &zone));
    }
    Ok(if bears_out { Exit::Fine } else { Exit::Finding })
}

/// The SIM's decisions: of the topic, or of ClickHouse where the topic's beginning is gone and it has more.
async fn all_decisions(
    deployment: &Deployment,
    named: &NamedSim,
) -> anyhow::Result<(Vec<Decision>, Stretch)> {
    let sim = named.sim;
    let partition = sim.partition(deployment.partitions);
    let link = deployment.kafka.clone();
    let (of_topic, stretch) = blocking(move || {
        let reader = TopicReader::open(&link, "explain")?;
        decisions::of_topic(&reader, sim, partition)
    })
    .await?;
    if stretch.first == 0 {
        return Ok((of_topic, stretch));
    }
    let link: &ClickHouseLink = &deployment.clickhouse;
    let client = link.client()?;
    link.answers().await?;
    let kept = decisions::of_clickhouse(&client, sim, deployment.generation, partition).await?;
    let all = if kept.len() > of_topic.len() {
        kept
    } else {
        of_topic
    };
    Ok((all, stretch))
}

/// Which decision is asked for.
struct Wanted {
    class: String,
    until_ms: i64,
    /// Partition and number.
    id: Option<(u16, u64)>,
}

impl Wanted {
    fn new(args: &ExplainArgs, zone: &TimeZone) -> Result<Wanted, UsageError> {
        let until_ms = args.at.as_deref().map(|at| instant_ms(at, zone));
        Ok(Wanted {
            class: args.class.clone().unwrap_or_else(|| "education".into()),
            until_ms: until_ms.transpose()?.unwrap_or(i64::MAX),
            id: args.decision.as_deref().map(decision_id).transpose()?,
        })
    }

    /// The newest that fits.
    fn choose<'a>(&self, all: &'a [Decision]) -> Option<&'a Decision> {
        all.iter()
            .filter(|decision| match self.id {
                Some(id) => (decision.partition, decision.number) == id,
                None => {
                    decision.class.as_str() == self.class
                        && decision.effective_at_ms <= self.until_ms
                }
            })
            .max_by_key(|decision| decision.sequence)
    }
}

/// Reads `partition/number`.
fn decision_id(id: &str) -> Result<(u16, u64), UsageError> {
    let parts = id.split_once('/');
    parts
        .and_then(|(partition, number)| Some((partition.parse().ok()?, number.parse().ok()?)))
        .ok_or_else(|| {
            UsageError(format!(
                "--decision {id} is not partition/number, such as 7/1203, which `hissa status SIM` shows"
            ))
        })
}

/// An instant: with an offset, or as a local time of the programme.
fn instant_ms(text: &str, zone: &TimeZone) -> Result<i64, UsageError> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let local = text.parse::<jiff::civil::DateTime>().ok();
    let at = local.and_then(|local| zone.to_timestamp(local).ok());
    at.map(|at| at.as_millisecond()).ok_or_else(|| {
        UsageError(format!(
            "--at {text} is no time: write 2026-02-22T19:30 (local) or 2026-02-22T19:30:00Z"
        ))
    })
}
