//! `hissa status [SIM]`: whether everything is counted and written, and what is in force; or one SIM's allowances.

mod books;
mod facts;
mod one_sim;
mod report;

use std::path::Path;

use crate::args::StatusArgs;
use crate::blocking::blocking;
use crate::config::load;
use crate::console::Console;
use crate::exit::{Exit, NotFound};
use crate::import::RegistryView;
use crate::sim_name;
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
        let status = one_sim::read(&client, &deployment, named.sim).await?;
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
    let report = Report {
        books: books::against(
            &sources,
            &facts::outcomes(&client, deployment.generation).await?,
        ),
        freshness: facts::freshness(&client, deployment.generation).await?,
        partitions: deployment.partitions.count(),
        sims: facts::sims(&client, deployment.generation).await?,
        in_force: facts::in_force(&client, deployment.generation).await?,
    };
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
