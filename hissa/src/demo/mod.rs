//! `hissa demo`: the whole path on this machine, from a make-believe carrier's topic to a signed alert, and the proof
//! that it counted right.

mod compare;
mod delivery;
mod feeding;
mod live;
mod questions;
mod registry;
mod services;
mod summary;
mod workshop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use clickhouse::Client;
use hissa_carrier::{Scenario, Truth};
use hissa_links::stop::Stop;
use hissa_notify::receiver::Receiver;
use hissa_stack::{Report, Stack, StackOptions};

use crate::args::DemoArgs;
use crate::config::deployment::{Deployment, Webhook};
use crate::console::Console;
use crate::exit::{Exit, UsageError};
use crate::generate;
use delivery::Changes;
use live::{Eyes, Look, Ticker};
use services::Services;
use summary::{Pace, Summary, Warm};
use workshop::Workshop;

/// Rows that pass before the steady rate is measured: processes start, connections open, pages are first touched.
const WARM_UP_ROWS: u64 = 100_000;

/// Without any step forward for so long, something is wrong that will not mend itself.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs the demo.
///
/// # Errors
/// A dependency is missing or fails; the scenario cannot be generated.
pub fn run(args: &DemoArgs, console: &Console) -> anyhow::Result<Exit> {
    let scenario = scenario(args)?;
    let workshop = Workshop::open(args.keep.as_deref())?;
    let runtime = crate::runtime()?;
    let ended = runtime.block_on(async {
        let stop = Stop::on_signals().context("listening to signals")?;
        tokio::select! {
            // What runs are children of this process: dropping the branch below ends them.
            () = stop.wait() => {
                console.remark("stopped");
                Ok(Exit::Fine)
            }
            ended = play(args, &scenario, &workshop, console) => ended,
        }
    });
    // A stack that was just coming up still writes into the folder: it ends before the folder goes.
    runtime.shutdown_timeout(Duration::from_secs(30));
    drop(workshop);
    ended
}

fn scenario(args: &DemoArgs) -> anyhow::Result<Scenario> {
    let mut scenario = match &args.window {
        None => Scenario::demo(args.seed),
        Some(window) => generate::of_window(args.seed, window)?,
    };
    if let Some(pupils) = args.pupils {
        scenario.pupils = pupils;
    }
    scenario
        .validate()
        .map_err(|why| UsageError(why.to_string()))?;
    if args
        .speed
        .is_some_and(|days| !(days.is_finite() && days > 0.0))
    {
        bail!(UsageError(
            "--speed needs a number of days a second above 0".into()
        ));
    }
    Ok(scenario)
}

/// What is running, in the order in which it is to be ended.
struct Running {
    services: Services,
    receiver: Receiver,
    stack: Stack,
    deployment: Deployment,
    clickhouse: Client,
}

async fn play(
    args: &DemoArgs,
    scenario: &Scenario,
    workshop: &Workshop,
    console: &Console,
) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let generated = hissa_carrier::generate(scenario).map_err(|why| UsageError(why.to_string()))?;
    let (stack, receiver, deployment) = set_up(workshop, &generated, console).await?;
    let set_up_seconds = began.elapsed().as_secs_f64();
    console.remark(&format!("set up in {set_up_seconds:.1} s; the feed begins"));

    let feeding = feeding::start(generated.feed, deployment.carrier.clone(), args.speed);
    if args.preload {
        feeding.wait().await;
        console.remark("the whole feed is in the carrier's topic; the services start");
    }
    let begun = Instant::now();
    let told = console.clone();
    let tell: services::Tell = Arc::new(move |line: String| told.remark(&line));
    let services = Services::start(&workshop.path("hissa.toml"), workshop.folder(), &tell)?;
    let clickhouse = deployment.clickhouse.client()?;
    let running = Running {
        services,
        receiver,
        stack,
        deployment,
        clickhouse,
    };
    let quiet_until_ms = scenario.quiet_until_ms(&scenario.zone());
    let warm = watch(&running, &feeding, quiet_until_ms, scenario, console).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let truth: Truth = tokio::task::spawn_blocking(move || feeding.finish()).await??;
    delivery::wait(&running, Changes::at_least(&truth), console).await?;

    let pace = Pace {
        set_up_seconds,
        seconds,
        warm,
    };
    let summary = summarise(&running, &truth, pace, workshop, console).await?;
    workshop.write("truth.json", serde_json::to_vec(&truth)?)?;
    let exit = if summary.is_right() {
        Exit::Fine
    } else {
        Exit::Finding
    };
    console.data(&summary.text(scenario, console));
    if console.json {
        console.json_line(&summary.json())?;
    }
    if !args.exit && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        console.data(&urls(&running, workshop));
        // Until Ctrl-C, which ends `run`.
        std::future::pending::<()>().await;
    }
    running.services.stop();
    running.stack.stop().await?;
    if workshop.is_kept() {
        console.remark(&format!(
            "data, logs and truth.json stay in {}",
            workshop.folder().display()
        ));
    }
    Ok(exit)
}

/// Stack, files, registry, receiver.
async fn set_up(
    workshop: &Workshop,
    generated: &hissa_carrier::Generated,
    console: &Console,
) -> anyhow::Result<(Stack, Receiver, Deployment)> {
    let told = console.clone();
    let report = Report::to(move |step| told.remark(&step.to_string()));
    let stack = Stack::up(StackOptions::in_folder(workshop.path("stack")), report).await?;

    let secret = format!(
        "whsec_{}",
        base64::engine::general_purpose::STANDARD
            .encode([workshop::random()?, workshop::random()?].concat(),)
    );
    let secret_file = workshop.path("webhook.secret");
    hissa_links::secret::create("the webhook secret", &secret_file, &secret)?;
    let receiver = Receiver::start(([127, 0, 0, 1], 0).into(), &secret_file, Stop::new()).await?;

    workshop.write("programme.toml", &generated.programme_toml)?;
    workshop.write("catalogue.toml", &generated.catalogue_toml)?;
    let webhook = Webhook {
        url: receiver.url(),
        secret_file,
    };
    let deployment = workshop.deployment(&stack, webhook)?;
    registry::enter(workshop, &deployment, &generated.events, console).await?;
    feeding::make_topic(&deployment.carrier).await?;
    Ok((stack, receiver, deployment))
}

/// Shows what happens until every row of the feed is in ClickHouse.
async fn watch(
    running: &Running,
    feeding: &feeding::Feeding,
    quiet_until_ms: i64,
    scenario: &Scenario,
    console: &Console,
) -> anyhow::Result<Option<Warm>> {
    let listen = running.deployment.aggregator.listen;
    let partitions = running.deployment.partitions.count();
    let eyes = Eyes::on(listen, running.clickhouse.clone(), partitions);
    let zone = scenario.zone();
    let mut ticker = Ticker::new(console.quiet);
    let (mut look, mut moved) = (Look::default(), Instant::now());
    let mut warm = None;
    loop {
        let now = eyes.look(look).await;
        // A slow feed is no standstill.
        if now != look || !feeding.is_over() {
            moved = Instant::now();
        }
        look = now;
        if warm.is_none() && look.rows >= WARM_UP_ROWS {
            warm = Some((look.rows, Instant::now()));
        }
        let day = |at: Option<i64>| at.map(|at| zone.date(at).to_string());
        ticker.show(&look, day(feeding.fed_to_ms()), day(look.fresh_until_ms));
        if look.fresh_until_ms.is_some_and(|at| at >= quiet_until_ms) {
            ticker.end();
            return Ok(warm.map(|(rows_before, since)| Warm {
                rows_before,
                seconds: since.elapsed().as_secs_f64(),
            }));
        }
        if let Some(why) = running.services.failed() {
            bail!("{why}");
        }
        if moved.elapsed() > PATIENCE {
            bail!(
                "nothing has moved for {} s; run again with --keep DIR and see the logs in DIR",
                PATIENCE.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn summarise(
    running: &Running,
    truth: &Truth,
    pace: Pace,
    workshop: &Workshop,
    console: &Console,
) -> anyhow::Result<Summary> {
    console.remark("comparing every total, outcome, decision and alert with truth.json");
    let key = hissa_links::key::load(&running.deployment.key_file)?;
    let (mut comparisons, topics) =
        compare::everything(truth, &key, &running.deployment.kafka, &running.clickhouse).await?;
    let told = Changes::on_topic(&topics);
    delivery::wait(running, told, console).await?;
    let alerts = Changes::delivered(&running.receiver.tally());
    comparisons.push(compare::delivered(told, alerts));
    let received = feeding::received(&running.deployment.kafka).await?;
    let answers = questions::ask(&running.clickhouse).await?;
    let worth_a_look =
        questions::worth_a_look(&running.clickhouse, &running.deployment.kafka).await?;
    let explained = match worth_a_look.first() {
        Some(tablet) => questions::explain(&workshop.path("hissa.toml"), &tablet.asset_tag).await?,
        None => String::new(),
    };
    Ok(Summary {
        pace,
        received,
        outcomes: questions::outcomes(&running.clickhouse).await?,
        comparisons,
        broken: topics.broken,
        decisions: summary::by_class_and_action(topics.decisions.values()),
        alerts,
        alerts_by_kind: summary::by_kind_and_change(topics.alerts.values()),
        flags: questions::flags(&running.clickhouse).await?,
        first_messages: running.receiver.messages(0).into_iter().take(3).collect(),
        answers,
        worth_a_look,
        explained,
    })
}

fn urls(running: &Running, workshop: &Workshop) -> String {
    let analyst = running.stack.analyst();
    format!(
        "\nIt stays up until Ctrl-C.\n  Kafka       {}\n  ClickHouse  {}  (user {}, password in {})\n  \
         metrics     http://{}/metrics (ingest)  http://{}/metrics (aggregator)\n  \
         commands    hissa --config {} status\n",
        running.stack.bootstrap(),
        running.stack.clickhouse_url(),
        analyst.user,
        analyst.password_file.display(),
        running.deployment.ingest.listen,
        running.deployment.aggregator.listen,
        workshop.path("hissa.toml").display(),
    )
}
