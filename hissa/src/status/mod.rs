//! `hissa status [SIM]`: whether everything is counted and written, and what is in force; or one SIM's allowances.

mod books;
mod facts;
mod one_sim;
mod report;

use std::collections::BTreeMap;
use std::path::Path;

use clickhouse::Client;
use clickhouse::error::Error;

use crate::args::StatusArgs;
use crate::blocking::blocking;
use crate::config::deployment::Deployment;
use crate::config::load;
use crate::console::Console;
use crate::exit::{Exit, NotFound};
use crate::import::RegistryView;
use crate::sim_name;
use crate::unanswered::unanswered;
use report::Report;

/// Runs the command.
///
/// # Errors
/// Kafka or ClickHouse does not answer; the SIM is unknown.
pub async fn run(
    args: &StatusArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let deployment = load::deployment(config)?;
    let link = deployment.kafka.clone();
    let view = blocking(move || RegistryView::read(&link)).await?;
    let named = sim_name::find(&args.sim, &deployment, &view)?;
    deployment.clickhouse.answers().await?;
    let client = deployment.clickhouse.client()?;
    let zone = view.zone();
    if let Some(named) = named {
        let status = one_sim::read(&client, &deployment, &view, named.sim)
            .await
            .map_err(unanswered)?;
        if status.allowances.is_empty() && status.decisions.is_empty() {
            let why = format!(
                "ClickHouse has nothing about {}: it is not enrolled, or not yet counted",
                named.name
            );
            return Err(NotFound(why).into());
        }
        if console.json {
            console.json_line(&serde_json::json!({ "name": named.name, "status": status }))?;
        } else {
            console.data(&status.text(&named.name, &zone));
        }
        return Ok(Exit::Fine);
    }
    let link = deployment.kafka.clone();
    let sources = blocking(move || books::sources(&link)).await?;
    let report = whole(&client, &deployment, &sources)
        .await
        .map_err(unanswered)?;
    if console.json {
        console.json_line(&report)?;
    } else {
        console.data(&report.text(&zone));
    }
    Ok(if report.is_well() {
        Exit::Fine
    } else {
        Exit::Finding
    })
}

/// What ClickHouse says of the whole deployment, beside what ingest says.
async fn whole(
    client: &Client,
    deployment: &Deployment,
    sources: &BTreeMap<String, books::Published>,
) -> Result<Report, Error> {
    let generation = deployment.generation;
    Ok(Report {
        books: books::against(sources, &facts::outcomes(client, generation).await?),
        freshness: facts::freshness(client, generation).await?,
        partitions: deployment.partitions.count(),
        sims: facts::sims(client, generation).await?,
        in_force: facts::in_force(client, generation).await?,
    })
}
