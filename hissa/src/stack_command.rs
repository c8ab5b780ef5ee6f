//! `hissa stack up | status | down`: Kafka and ClickHouse of this machine.

use hissa_stack::{Report, ServiceStatus, StackOptions, StackState, StackStatus};

use crate::args::{StackArgs, StackCommand};
use crate::console::Console;
use crate::exit::Exit;

/// Runs the command.
///
/// # Errors
/// The stack does not come up, or there is none.
pub fn run(command: &StackCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        StackCommand::Up(args) => up(args, console),
        StackCommand::Status => status(console),
        StackCommand::Down => {
            hissa_stack::down()?;
            console.remark("the stack is down; its data are kept");
            Ok(Exit::Fine)
        }
        StackCommand::Fetch => {
            hissa_stack::fetch(&report(console))?;
            Ok(Exit::Fine)
        }
        StackCommand::Supervise(args) => {
            let options = options(args)?;
            crate::runtime()?.block_on(hissa_stack::supervise(options))?;
            Ok(Exit::Fine)
        }
    }
}

fn options(args: &StackArgs) -> anyhow::Result<StackOptions> {
    let kept = match &args.data_dir {
        Some(folder) => StackOptions::in_folder(folder),
        None => StackOptions::kept()?,
    };
    Ok(StackOptions {
        kafka_port: args.kafka_port,
        clickhouse_port: args.clickhouse_port,
        ..kept
    })
}

fn up(args: &StackArgs, console: &Console) -> anyhow::Result<Exit> {
    let options = options(args)?;
    let state = hissa_stack::up_detached(&options, &report(console))?;
    if console.json {
        console.json_line(&state)?;
    } else {
        console.data(&addresses(&state));
    }
    Ok(Exit::Fine)
}

fn report(console: &Console) -> Report {
    let told = console.clone();
    Report::to(move |step| told.remark(&step.to_string()))
}

fn addresses(state: &StackState) -> String {
    let account = |(user, file): &(String, std::path::PathBuf)| {
        format!("user {user}, password in {}", file.display())
    };
    format!(
        "Kafka       {}\nClickHouse  {}\n  owner     {}\n  analyst   {}\ndata        {}\n",
        state.kafka.address,
        state.clickhouse.address,
        account(&state.owner),
        account(&state.analyst),
        state.data_dir.display(),
    )
}

fn status(console: &Console) -> anyhow::Result<Exit> {
    let status = hissa_stack::status()?;
    if console.json {
        console.json_line(&status)?;
    } else {
        console.data(&lines(&status));
    }
    Ok(if status.ready {
        Exit::Fine
    } else {
        Exit::Finding
    })
}

fn lines(status: &StackStatus) -> String {
    if !status.running {
        return "no stack is running; start one with `hissa stack up`\n".into();
    }
    let line = |name: &str, service: &Option<ServiceStatus>| match service {
        None => format!(
            "{name:<11} starting; {} says how far\n",
            status.log.display()
        ),
        Some(service) => {
            let trouble = service.trouble.as_deref().unwrap_or("answers");
            format!(
                "{name:<11} {} (pid {}): {trouble}\n",
                service.address, service.pid
            )
        }
    };
    line("Kafka", &status.kafka) + &line("ClickHouse", &status.clickhouse)
}
