//! One request, run on one connection.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use crate::clickhouse::engine::ffi::{Class, Connection, Counts, Params};
use crate::clickhouse::engine::text::{Data, Text, read, unreadable};
use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::guard::Guard;
use crate::clickhouse::sql::output::{self, Chunks};
use crate::clickhouse::sql::readers;
use crate::clickhouse::sql::settings::{self, Verdict};
use crate::clickhouse::sql::token::{Token, tokens};
use crate::clickhouse::users::User;
use crate::clickhouse::wire::decode::Bytes;
use crate::clickhouse::wire::respond::{Reply, Responder, Said, Stop, Wanted};

/// An INSERT's data goes to the engine in pieces of this size.
const PIECE_BYTES: usize = 1 << 19;

/// A request, read from HTTP.
pub struct Request {
    pub user: Arc<User>,
    /// Only reading: by its user, its method (GET) or its `readonly` setting.
    pub read_only: bool,
    /// SQL from the URL or a form; the body follows it.
    pub sql: Vec<u8>,
    /// The body: SQL, data, or both.
    pub body: Bytes,
    pub params: Params,
    pub settings: Vec<(String, String)>,
    pub database: Option<String>,
    pub default_format: Option<String>,
    pub wanted: Wanted,
}

/// What every statement needs beside its request.
pub struct Surroundings {
    pub guard: Guard,
    pub said: Said,
    /// Set when the process ends: long answers break off.
    pub stopping: AtomicBool,
}

/// Runs `request` and answers it. Returns whether the connection is as fresh as before.
pub fn run(
    connection: &mut Connection,
    surroundings: &Surroundings,
    request: Request,
    reply: oneshot::Sender<Reply>,
) -> bool {
    let Request {
        user,
        read_only,
        sql,
        body,
        params,
        settings,
        database,
        default_format,
        wanted,
    } = request;
    let mut responder = Responder::new(&wanted, &surroundings.said, reply);
    let mut run = Run {
        connection,
        surroundings,
        user: &user,
        read_only,
        params: &params,
        fresh: true,
    };
    let outcome = read(sql, body).map_err(Stop::Failed).and_then(|text| {
        run.prepare(&text, &settings, database.as_deref())?;
        match text.data {
            Some(data) => run.insert(
                &text.statement,
                data,
                default_format.as_deref(),
                &mut responder,
            ),
            None => run.query(
                &text.statement,
                default_format.as_deref(),
                &settings,
                &mut responder,
            ),
        }
    });
    let fresh = run.fresh;
    match outcome {
        Ok(counts) => match responder.finish(counts) {
            Ok(()) | Err(Stop::Gone) => fresh,
            Err(Stop::Failed(exception)) => {
                tracing::warn!(%exception, "an answer could not be encoded");
                false
            }
        },
        Err(Stop::Gone) => false,
        Err(Stop::Failed(exception)) => {
            responder.fail(&exception);
            // An exception leaves a session as it was, but a new one costs less than to be wrong about that.
            false
        }
    }
}

struct Run<'a> {
    connection: &'a mut Connection,
    surroundings: &'a Surroundings,
    user: &'a User,
    read_only: bool,
    params: &'a Params,
    fresh: bool,
}

impl Run<'_> {
    /// Judges the statement and brings the session into the state that the request asks for.
    fn prepare(
        &mut self,
        text: &Text,
        settings: &[(String, String)],
        database: Option<&str>,
    ) -> Result<(), Stop> {
        let sql = &text.statement;
        let tokens: Vec<Token<'_>> = tokens(sql).collect();
        self.surroundings.guard.check(&tokens)?;
        if self.read_only {
            readers::only_reads(&self.user.name, &tokens)?;
        }
        if let Some(listed) = &self.user.databases {
            let existing = self.databases()?;
            readers::only_databases(&self.user.name, &tokens, listed, &existing)?;
            if let Some(database) =
                database.filter(|database| !listed.iter().any(|listed| listed == database))
            {
                // `default` is what clients send when their user said nothing.
                if database != "default" {
                    return Err(Stop::Failed(Exception::new(
                        497,
                        format!(
                            "{}: Not enough privileges: this user may not use the database `{database}`",
                            self.user.name
                        ),
                        "ACCESS_DENIED",
                    )));
                }
            }
        }
        if text.data.is_none() {
            self.judge_by_engine(sql, &tokens)?;
        }
        self.apply(settings)?;
        let listed_first = self
            .user
            .databases
            .as_ref()
            .and_then(|listed| listed.first());
        let wanted = match database {
            Some("default") | None => listed_first.map(String::as_str),
            other => other,
        };
        if let Some(database) = wanted.filter(|database| !database.is_empty()) {
            self.session(&format!("USE {}", settings::identifier(database)))?;
        }
        Ok(())
    }

    /// The engine's own parser has the last word on what a statement does.
    fn judge_by_engine(&mut self, sql: &[u8], tokens: &[Token<'_>]) -> Result<(), Exception> {
        let (statements, class) = self.connection.classify(sql);
        if statements > 1 {
            return Err(Exception::new(
                62,
                "Syntax error (Multi-statements are not allowed)",
                "SYNTAX_ERROR",
            ));
        }
        if self.read_only && matches!(class, Class::Mutating | Class::Control) {
            return Err(Exception::readonly(format!(
                "{}: Cannot execute query in readonly mode",
                self.user.name
            )));
        }
        // SET, USE and temporary tables would outlive the statement.
        if class == Class::Control || tokens.iter().any(|token| token.is("TEMPORARY")) {
            self.fresh = false;
        }
        Ok(())
    }

    fn apply(&mut self, settings: &[(String, String)]) -> Result<(), Stop> {
        let mut applied = Vec::with_capacity(settings.len());
        for (name, value) in settings {
            if settings::judge(name, value, self.surroundings.guard.memory_bytes_max())?
                == Verdict::Apply
            {
                applied.push((name.clone(), value.clone()));
            }
        }
        match settings::statement(&applied)? {
            Some(set) => self.session(&set),
            None => Ok(()),
        }
    }

    fn session(&mut self, sql: &str) -> Result<(), Stop> {
        self.fresh = false;
        self.connection
            .query(sql.as_bytes(), "Null", &Params::default())
            .map(drop)
            .map_err(engine)
    }

    fn databases(&mut self) -> Result<Vec<String>, Stop> {
        let sql = b"SELECT name FROM system.databases";
        let answer = self
            .connection
            .query(sql, "TabSeparatedRaw", &Params::default())
            .map_err(engine)?;
        Ok(String::from_utf8_lossy(answer.bytes())
            .lines()
            .map(str::to_owned)
            .collect())
    }

    fn insert(
        &mut self,
        statement: &[u8],
        mut data: Data,
        default_format: Option<&str>,
        responder: &mut Responder<'_>,
    ) -> Result<Counts, Stop> {
        let format = data
            .format
            .as_deref()
            .or(default_format)
            .unwrap_or("Values")
            .to_owned();
        let mut insert = self
            .connection
            .insert(statement, &format, self.params)
            .map_err(engine)?;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            piece.clear();
            let limit = u64::try_from(PIECE_BYTES).unwrap_or(0);
            // What is dropped here on an error is an insert that was not finished: it is cancelled.
            if data
                .bytes
                .by_ref()
                .take(limit)
                .read_to_end(&mut piece)
                .map_err(unreadable)?
                == 0
            {
                break;
            }
            insert.append(&piece).map_err(engine)?;
        }
        responder.set_format(&format);
        insert.finish().map_err(engine)
    }

    fn query(
        &mut self,
        statement: &[u8],
        default_format: Option<&str>,
        settings: &[(String, String)],
        responder: &mut Responder<'_>,
    ) -> Result<Counts, Stop> {
        let tokens: Vec<Token<'_>> = tokens(statement).collect();
        let default_format = default_format.unwrap_or("TabSeparated");
        let format = output::named(&tokens).unwrap_or_else(|| default_format.to_owned());
        responder.set_format(&format);
        if streams(&tokens, &format, settings)
            && let Some(counts) = self.stream(statement, default_format, responder)?
        {
            return Ok(counts);
        }
        let answer = self
            .connection
            .query(statement, default_format, self.params)
            .map_err(engine)?;
        let counts = answer.counts();
        responder.write(answer.bytes(), counts)?;
        Ok(Counts::default())
    }

    /// Sends the answer chunk by chunk, or returns `None` where the engine cannot do that for this statement.
    fn stream(
        &mut self,
        statement: &[u8],
        default_format: &str,
        responder: &mut Responder<'_>,
    ) -> Result<Option<Counts>, Stop> {
        let mut rows = match self
            .connection
            .stream(statement, default_format, self.params)
        {
            Ok(rows) => rows,
            Err(exception) if exception.contains("Streaming query is not supported") => {
                return Ok(None);
            }
            Err(exception) => return Err(engine(exception)),
        };
        while let Some(chunk) = rows.next_chunk().map_err(engine)? {
            responder.write(chunk.bytes(), chunk.counts())?;
            if self.surroundings.stopping.load(Ordering::Relaxed) {
                return Err(Stop::Failed(Exception::new(
                    236,
                    "This ClickHouse is being stopped",
                    "ABORTED",
                )));
            }
        }
        Ok(Some(Counts::default()))
    }
}

/// Whether chunks of this answer make the whole one. Totals and extremes come behind the rows, and an array of JSON
/// objects has brackets around them: such answers are made in one piece.
fn streams(tokens: &[Token<'_>], format: &str, settings: &[(String, String)]) -> bool {
    let selects = tokens
        .iter()
        .find(|token| !token.is_mark(b'('))
        .is_some_and(|first| first.is_any(&["SELECT", "WITH", "FROM"]));
    let around = ["TOTALS", "extremes", "output_format_json_array_of_rows"];
    let in_text = tokens.iter().any(|token| token.is_any(&around));
    let in_settings = settings
        .iter()
        .any(|(name, _)| around.contains(&name.as_str()));
    selects && output::chunks(format) != Chunks::Whole && !in_text && !in_settings
}

fn engine(text: String) -> Stop {
    Stop::Failed(Exception::of_engine(&text))
}
