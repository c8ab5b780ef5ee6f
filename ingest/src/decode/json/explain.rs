//! The slow reader: says of a message that is no record what is wrong with it, and where; reads quiet messages too.
//!
//! Of several faults the first in the text is told, then fields that are missing, then times in the wrong order.
//! A message that is not JSON is told as that, whatever else is wrong before it breaks off.

use hissa_core::outcome::RejectReason as Reason;
use hissa_core::registry::Counter;

use super::tree::{self, Field, Node, Value};
use crate::decode::Fault;
use crate::decode::fields::{
    CONTAINERS_MAX, Counting, Device, Instant, IntegerRule, Node as NodeName, Plmn, Rat,
    Subscriber, TextRule,
};

/// What a field may hold.
enum Holds {
    Text(fn(&str) -> bool, Reason, &'static str),
    Integer(IntegerRule),
    Containers,
}

/// A field that the feed's page names.
struct Known {
    name: &'static str,
    needed: bool,
    holds: Holds,
}

const fn text<R: TextRule>(name: &'static str, needed: bool) -> Known {
    let holds = Holds::Text(|text| R::read(text).is_some(), R::REASON, R::EXPECTED);
    Known {
        name,
        needed,
        holds,
    }
}

const fn integer(name: &'static str, needed: bool, rule: IntegerRule) -> Known {
    Known {
        name,
        needed,
        holds: Holds::Integer(rule),
    }
}

const COUNTER_FIELD: &str = "counter";
const RECORD: &[Known] = &[
    text::<NodeName>("node", true),
    integer("charging_id", true, IntegerRule::U64),
    integer("record_sequence", false, IntegerRule::U32),
    text::<Instant>("opened_at", true),
    text::<Subscriber>("imsi", true),
    text::<Device>("imei", false),
    text::<Rat>("rat", false),
    text::<Plmn>("serving_plmn", false),
    text::<Counting>(COUNTER_FIELD, false),
    integer("node_sequence", false, IntegerRule::NODE_SEQUENCE),
    Known {
        name: "containers",
        needed: true,
        holds: Holds::Containers,
    },
];

const fn container(counter: Option<Counter>) -> [Known; 7] {
    let bytes = IntegerRule::bytes(counter);
    [
        integer("rating_group", true, IntegerRule::U32),
        integer("service_id", false, IntegerRule::U32),
        integer("sequence", false, IntegerRule::SEQUENCE),
        text::<Instant>("first_usage_at", true),
        text::<Instant>("last_usage_at", true),
        integer("uplink_bytes", true, bytes),
        integer("downlink_bytes", true, bytes),
    ]
}

const QUIET_FIELD: &str = "quiet_until";
const QUIET: &[Known] = &[text::<Instant>(QUIET_FIELD, true)];

/// The instant of a quiet message, or the fault of a message that is neither that nor a record.
pub(super) fn explain(payload: &[u8]) -> Result<i64, Fault> {
    let text = match std::str::from_utf8(payload) {
        Ok(text) => text,
        Err(error) => {
            let explanation = Explanation {
                payload,
                container: container(None),
            };
            let at = error.valid_up_to();
            return Err(explanation.fault(Reason::MalformedJson, "", at, "text in UTF-8"));
        }
    };
    let mut explanation = Explanation {
        payload,
        container: container(None),
    };
    let root = tree::parse(text).map_err(|malformed| {
        explanation.fault(Reason::MalformedJson, "", malformed.at, malformed.expected)
    })?;
    if let Some(until_ms) = explanation.quiet(&root)? {
        return Ok(until_ms);
    }
    explanation.container = container(counter(&root));
    explanation.object(&root, "", RECORD)?;
    // Both readers hold the same rules, which a test compares on many mutations; should they ever differ, the message
    // is rejected all the same.
    Err(explanation.fault(
        Reason::MalformedJson,
        "",
        0,
        "a record as the feed's page describes it",
    ))
}

/// The counter that a message names, wherever it stands: it decides the range of bytes.
fn counter(root: &Node) -> Option<Counter> {
    let Value::Object(fields) = &root.value else {
        return None;
    };
    let field = fields.iter().find(|field| field.name == COUNTER_FIELD)?;
    match &field.node.value {
        Value::Text(text) => Counting::read(text),
        _ => None,
    }
}

struct Explanation<'a> {
    payload: &'a [u8],
    /// What a container of this message may have.
    container: [Known; 7],
}

impl Explanation<'_> {
    fn fault(&self, reason: Reason, field: &str, at: usize, expected: impl Into<String>) -> Fault {
        let before = &self.payload[..at.min(self.payload.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |n| n + 1);
        Fault {
            reason,
            field: field.to_owned(),
            at: format!("line {line}, column {}", before.len() - start + 1),
            expected: expected.into(),
        }
    }

    /// The instant, where the message is an object whose one field says so.
    fn quiet(&self, root: &Node) -> Result<Option<i64>, Fault> {
        let Value::Object(fields) = &root.value else {
            return Ok(None);
        };
        if !fields.iter().any(|field| field.name == QUIET_FIELD) {
            return Ok(None);
        }
        self.object(root, "", QUIET)?;
        Ok(match fields.first().map(|field| &field.node.value) {
            Some(Value::Text(text)) => Instant::read(text),
            _ => None,
        })
    }

    /// Checks an object against the fields that it may have.
    fn object(&self, node: &Node, path: &str, known: &[Known]) -> Result<(), Fault> {
        let Value::Object(fields) = &node.value else {
            return Err(match path {
                "" => self.fault(Reason::MalformedJson, "", node.at, "a JSON object"),
                _ => self.fault(Reason::WrongType, path, node.at, "an object"),
            });
        };
        for (place, field) in fields.iter().enumerate() {
            if fields[..place].iter().any(|other| other.name == field.name) {
                let path = child(path, &shown(&field.name));
                return Err(self.fault(Reason::MalformedJson, &path, field.at, "each field once"));
            }
            let Some(known) = known.iter().find(|known| known.name == field.name) else {
                let path = child(path, &shown(&field.name));
                let expected = format!("only the fields {}", names(known));
                return Err(self.fault(Reason::UnknownField, &path, field.at, expected));
            };
            self.field(field, &child(path, known.name), known)?;
        }
        for known in known.iter().filter(|known| known.needed) {
            if !fields.iter().any(|field| field.name == known.name) {
                let path = child(path, known.name);
                let expected = expectation(&known.holds);
                return Err(self.fault(Reason::MissingField, &path, node.at, expected));
            }
        }
        self.order(fields, path)
    }

    fn field(&self, field: &Field, path: &str, known: &Known) -> Result<(), Fault> {
        let node = &field.node;
        let fault = |reason| Err(self.fault(reason, path, node.at, expectation(&known.holds)));
        match (&known.holds, &node.value) {
            (_, Value::Null) if known.needed => fault(Reason::MissingField),
            (_, Value::Null) => Ok(()),
            (Holds::Text(holds, reason, _), Value::Text(text)) => match holds(text) {
                true => Ok(()),
                false => fault(*reason),
            },
            (Holds::Integer(rule), Value::Number(number)) => {
                match number.parse().is_ok_and(|number| rule.holds(number)) {
                    true => Ok(()),
                    false => fault(Reason::OutOfRange),
                }
            }
            (Holds::Containers, Value::List(nodes)) => self.containers(nodes, path, node.at),
            _ => fault(Reason::WrongType),
        }
    }

    fn containers(&self, nodes: &[Node], path: &str, at: usize) -> Result<(), Fault> {
        if nodes.is_empty() || nodes.len() > CONTAINERS_MAX {
            let expected = expectation(&Holds::Containers);
            return Err(self.fault(Reason::OutOfRange, path, at, expected));
        }
        for (place, node) in nodes.iter().enumerate() {
            self.object(node, &format!("{path}[{place}]"), &self.container)?;
        }
        Ok(())
    }

    /// The end of usage must not be before its start.
    fn order(&self, fields: &[Field], path: &str) -> Result<(), Fault> {
        let time = |name: &str| {
            let field = fields.iter().find(|field| field.name == name)?;
            match &field.node.value {
                Value::Text(text) => Some((Instant::read(text)?, field.node.at)),
                _ => None,
            }
        };
        match (time("first_usage_at"), time("last_usage_at")) {
            (Some((first, _)), Some((last, at))) if last < first => {
                let path = child(path, "last_usage_at");
                let expected = "a time that is not before first_usage_at";
                Err(self.fault(Reason::BadTime, &path, at, expected))
            }
            _ => Ok(()),
        }
    }
}

fn child(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

/// A field's name as the carrier wrote it, if it cannot hold an identifier.
fn shown(name: &str) -> String {
    let harmless = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    match name.len() <= 40 && name.bytes().all(harmless) {
        true => name.to_owned(),
        false => "(a name not shown)".to_owned(),
    }
}

fn names(known: &[Known]) -> String {
    let names: Vec<_> = known.iter().map(|known| known.name).collect();
    names.join(", ")
}

fn expectation(holds: &Holds) -> String {
    match holds {
        Holds::Text(_, _, expected) => (*expected).to_owned(),
        Holds::Integer(rule) => format!("an integer from {} to {}", rule.least, rule.most),
        Holds::Containers => format!("a list of 1 to {CONTAINERS_MAX} containers"),
    }
}
