//! The fast reader: JSON into typed, checked fields, with no word about what is wrong.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::decode::fields::{
    CONTAINERS_MAX, Counting, Device, Instant, IntegerRule, Node, Plmn, Rat, Subscriber, TextRule,
};
use crate::decode::{Container, Record};

/// The record, if the message is one.
pub(super) fn read(payload: &[u8]) -> Option<Record> {
    let Object::<RecordFields>(fields) = serde_json::from_slice(payload).ok()?;
    let counter = fields.counter.map(|text| text.0);
    // The counter may stand behind the containers.
    let bytes = IntegerRule::bytes(counter);
    let in_range = |container: &Container| {
        bytes.holds(container.uplink_bytes) && bytes.holds(container.downlink_bytes)
    };
    let node_sequence = fields.node_sequence;
    let sound = fields.containers.0.iter().all(in_range)
        && node_sequence.is_none_or(|number| IntegerRule::NODE_SEQUENCE.holds(number));
    sound.then(|| Record {
        node: fields.node.0,
        charging_id: fields.charging_id,
        record_sequence: fields.record_sequence.unwrap_or(0),
        opened_at_ms: fields.opened_at.0,
        imsi: fields.imsi.0,
        imei: fields.imei.map(|text| text.0),
        rat: fields.rat.map_or(0, |text| text.0),
        serving_plmn: fields.serving_plmn.map_or(0, |text| text.0),
        counter,
        node_sequence,
        containers: fields.containers.0,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordFields {
    node: Text<Node>,
    charging_id: u64,
    record_sequence: Option<u32>,
    opened_at: Text<Instant>,
    imsi: Text<Subscriber>,
    imei: Option<Text<Device>>,
    rat: Option<Text<Rat>>,
    serving_plmn: Option<Text<Plmn>>,
    counter: Option<Text<Counting>>,
    node_sequence: Option<u64>,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainerFields {
    rating_group: u32,
    service_id: Option<u32>,
    sequence: Option<u32>,
    first_usage_at: Text<Instant>,
    last_usage_at: Text<Instant>,
    uplink_bytes: u64,
    downlink_bytes: u64,
}

impl ContainerFields {
    /// None where a number is out of range (but for the bytes, whose range the record's counter decides) or the end is
    /// before the start.
    fn checked(self, place: u32) -> Option<Container> {
        let container = Container {
            rating_group: self.rating_group,
            service_id: self.service_id.unwrap_or(0),
            sequence: self.sequence.unwrap_or(place),
            first_usage_at_ms: self.first_usage_at.0,
            last_usage_at_ms: self.last_usage_at.0,
            uplink_bytes: self.uplink_bytes,
            downlink_bytes: self.downlink_bytes,
        };
        let sound = container.first_usage_at_ms <= container.last_usage_at_ms
            && IntegerRule::SEQUENCE.holds(container.sequence.into());
        sound.then_some(container)
    }
}

/// A text that keeps a rule.
struct Text<R: TextRule>(R::Value);

impl<'de, R: TextRule> Deserialize<'de> for Text<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<R>(PhantomData<R>);
        impl<R: TextRule> Visitor<'_> for Reader<R> {
            type Value = Text<R>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(R::EXPECTED)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<R>, E> {
                R::read(text).map(Text).ok_or_else(|| E::custom(""))
            }
        }
        deserializer.deserialize_str(Reader(PhantomData))
    }
}

/// A JSON object and nothing else: the derived readers would take a list of values in the fields' order too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// The list of containers, checked and numbered.
struct Containers(Vec<Container>);

impl<'de> Deserialize<'de> for Containers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Containers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of containers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Containers, A::Error> {
                // Most records have one container or a few.
                let mut containers = Vec::with_capacity(2);
                let mut place = 0;
                while let Some(Object::<ContainerFields>(fields)) = list.next_element()? {
                    place += 1;
                    let container = fields.checked(place).ok_or_else(|| A::Error::custom(""))?;
                    if containers.len() == CONTAINERS_MAX {
                        return Err(A::Error::custom(""));
                    }
                    containers.push(container);
                }
                if containers.is_empty() {
                    return Err(A::Error::custom(""));
                }
                Ok(Containers(containers))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}
