//! The registry, opened for imports: what it holds, and the producer that adds to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::{CalendarEntries, Catalogue, Command, Entered};
use hissa_core::sim::Partitions;
use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::{self, DIRECTORY, REGISTRY};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::plan::Plan;
use super::registry_view::{FROM_PROGRAMME, HEADER_FROM, RegistryView};
use super::{ImportError, calendar, catalogue, commands, programme, roster};
use crate::blocking::blocking;
use crate::config::programme::ProgrammeFile;
use crate::config::roster::RosterRow;

/// The header with the operator's reason.
const HEADER_REASON: &str = "hissa-reason";

/// Without an acknowledgement for so long, the broker is taken for gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The registry as it is now, and the way to add to it. One at a time writes: a second one is harmless to the shards,
/// but shows its user a difference that is no longer true.
pub struct Session {
    view: RegistryView,
    key: Pseudonymizer,
    producer: Arc<ThreadedProducer<Acks>>,
    servers: String,
}

/// What became of the messages.
#[derive(Default)]
struct Acks {
    acknowledged: AtomicU64,
    failed: Mutex<Option<String>>,
}

impl ClientContext for Acks {}

impl ProducerContext for Acks {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        match result {
            Ok(_) => {
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err((why, _)) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert_with(|| why.to_string());
            }
        }
    }
}

impl Session {
    /// Makes the topics that are missing and reads registry and directory to their ends.
    ///
    /// # Errors
    /// Kafka does not answer, or the registry holds what this version does not know.
    pub async fn open(
        link: &KafkaLink,
        partitions: Partitions,
        key: Pseudonymizer,
    ) -> Result<Session, ImportError> {
        topics::ensure(link, partitions).await?;
        let producer: ThreadedProducer<Acks> = link
            .gapless("import")?
            .create_with_context(Acks::default())
            .map_err(|why| LinkError::KafkaProperties {
                role: "import".into(),
                why: why.to_string(),
            })?;
        let reading = link.clone();
        let view = blocking(move || RegistryView::read(&reading)).await?;
        Ok(Session {
            view,
            key,
            producer: Arc::new(producer),
            servers: link.servers().into(),
        })
    }

    /// What the registry holds.
    pub fn view(&self) -> &RegistryView {
        &self.view
    }

    /// What these rows would change.
    ///
    /// # Errors
    /// The rows contradict what the registry holds.
    pub fn plan_roster(&self, rows: &[RosterRow]) -> Result<Plan, ImportError> {
        roster::plan(&self.view, rows, &self.key)
    }

    /// What this programme would change.
    ///
    /// # Errors
    /// The programme contradicts what the registry holds.
    pub fn plan_programme(&self, file: &ProgrammeFile) -> Result<Plan, ImportError> {
        programme::plan(&self.view, file)
    }

    /// What this catalogue would change, entered at that time.
    ///
    /// # Errors
    /// The catalogue contradicts what the registry holds, or changes the past.
    pub fn plan_catalogue(
        &self,
        catalogue: &Catalogue,
        entered_at_ms: i64,
    ) -> Result<Plan, ImportError> {
        catalogue::plan(&self.view, catalogue, entered_at_ms)
    }

    /// What this file of calendar entries would change.
    ///
    /// # Errors
    /// The entries contradict the registered programme.
    pub fn plan_calendar(&self, entries: &CalendarEntries) -> Result<Plan, ImportError> {
        calendar::plan(&self.view, entries)
    }

    /// The plan that enters exactly these commands, in their order, at that time: for what no file says. Nothing is left
    /// out because the registry says it already, and nothing is added.
    ///
    /// ```ignore
    /// let plan = session.plan_commands(vec![Command::Retire(retirement)], now_ms)?;
    /// session.apply(plan, now_ms, |_, _| {}).await?;
    /// ```
    ///
    /// # Errors
    /// A shard would halt on one of them, or one names a SIM, a cohort or a grant that is not there; all are told.
    pub fn plan_commands(
        &self,
        commands: Vec<Command>,
        entered_at_ms: i64,
    ) -> Result<Plan, ImportError> {
        commands::plan(&self.view, commands, entered_at_ms)
    }

    /// Writes a plan and waits until the broker has all of it; `progress` gets how many of how many are acknowledged.
    /// The commands are entered at `entered_at_ms`, or when the last one before them was, if that is later: entry
    /// times never fall along the registry.
    ///
    /// # Errors
    /// The broker did not take all of it: import again, what is there already changes nothing.
    pub async fn apply(
        &mut self,
        plan: Plan,
        entered_at_ms: i64,
        progress: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<(), ImportError> {
        let entered_at_ms = self
            .view
            .entered_at_ms
            .map_or(entered_at_ms, |last| last.max(entered_at_ms));
        let mut messages = Vec::with_capacity(plan.commands.len() + plan.directory.len());
        // The directory first: whoever sees a SIM's first decision can name its tablet.
        for (key, value) in &plan.directory {
            messages.push(Outgoing {
                topic: DIRECTORY,
                key: Some(key.clone()),
                value: value.clone(),
                headers: Vec::new(),
            });
        }
        let of_programme = plan.of_programme;
        let mut headers = Vec::new();
        if let Some(reason) = &plan.reason {
            headers.push((HEADER_REASON, reason.clone()));
        }
        if of_programme {
            headers.push((HEADER_FROM, FROM_PROGRAMME.to_owned()));
        }
        let commands: Vec<Entered> = plan
            .commands
            .into_iter()
            .map(|command| Entered {
                entered_at_ms,
                command,
            })
            .collect();
        for entered in &commands {
            let json = serde_json::to_string(entered)
                .map_err(|why| ImportError::Refused(vec![why.to_string()]))?;
            messages.push(Outgoing {
                topic: REGISTRY,
                key: None,
                value: Some(json),
                headers: headers.clone(),
            });
        }
        let (producer, servers) = (Arc::clone(&self.producer), self.servers.clone());
        blocking(move || write(&producer, &servers, &messages, progress)).await?;
        for entered in commands {
            self.view.enter(entered, of_programme);
        }
        for (key, value) in plan.directory {
            self.view.record(&key, value);
        }
        Ok(())
    }
}

struct Outgoing {
    topic: &'static str,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(&'static str, String)>,
}

fn write(
    producer: &ThreadedProducer<Acks>,
    servers: &str,
    messages: &[Outgoing],
    mut progress: impl FnMut(u64, u64),
) -> Result<(), LinkError> {
    let acks = producer.context();
    let before = acks.acknowledged.load(Ordering::SeqCst);
    let all = messages.len() as u64;
    let refused = |why: String| LinkError::KafkaRefused {
        doing: "an import".into(),
        why,
    };
    let mut waiting = messages.iter();
    let mut next = waiting.next();
    let (mut heard, mut done) = (Instant::now(), 0);
    while done < all {
        while let Some(message) = next {
            match send(producer, message) {
                Ok(()) => next = waiting.next(),
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => break,
                Err(why) => return Err(refused(why.to_string())),
            }
        }
        std::thread::sleep(Duration::from_millis(2));
        let now = acks.acknowledged.load(Ordering::SeqCst) - before;
        if now > done {
            (done, heard) = (now, Instant::now());
            progress(done, all);
        }
        let failed = acks.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = failed.clone() {
            return Err(refused(why));
        }
        if heard.elapsed() > PATIENCE {
            producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
            return Err(LinkError::KafkaSilent {
                servers: servers.into(),
                seconds: PATIENCE.as_secs(),
                doing: format!("an import ({done} of {all} messages are in)"),
                why: "no acknowledgement".into(),
            });
        }
    }
    Ok(())
}

fn send(producer: &ThreadedProducer<Acks>, message: &Outgoing) -> Result<(), KafkaError> {
    let mut record: BaseRecord<'_, str, str> = BaseRecord::to(message.topic).partition(0);
    if let Some(key) = &message.key {
        record = record.key(key);
    }
    if let Some(value) = &message.value {
        record = record.payload(value);
    }
    if !message.headers.is_empty() {
        let none = OwnedHeaders::new_with_capacity(message.headers.len());
        let all = message.headers.iter().fold(none, |all, (key, value)| {
            all.insert(Header {
                key,
                value: Some(value),
            })
        });
        record = record.headers(all);
    }
    producer.send(record).map_err(|(why, _)| why)
}
