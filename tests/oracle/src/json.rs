//! JSON as it stands in a text: fields in their order, also those that come twice; numbers as they are written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Truth,
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Values that lie deeper are refused (docs/feeds.md).
const DEEPEST: usize = 32;

/// The whole of a message; `None` where it is no JSON.
pub(crate) fn parse(message: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(message).ok()?;
    value(serde_json::from_str(text).ok()?, 0)
}

fn value(raw: &RawValue, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    let text = raw.get();
    Some(match text.bytes().next()? {
        b'n' => Json::Null,
        b't' | b'f' => Json::Truth,
        b'"' => Json::Text(serde_json::from_str(text).ok()?),
        b'[' => {
            let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let values = values.into_iter().map(|raw| value(raw, depth + 1));
            Json::List(values.collect::<Option<_>>()?)
        }
        b'{' => {
            let Pairs(pairs) = serde_json::from_str(text).ok()?;
            let pairs = pairs
                .into_iter()
                .map(|(name, raw)| Some((name, value(raw, depth + 1)?)));
            Json::Object(pairs.collect::<Option<_>>()?)
        }
        _ => Json::Number(text.to_owned()),
    })
}

/// The fields of an object in the order of the text.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_their_order_and_twice_where_they_come_twice() {
        let number = |text: &str| Json::Number(text.to_owned());
        let pairs = vec![
            ("b".to_owned(), number("-0")),
            (
                "a".to_owned(),
                Json::List(vec![Json::Null, number("1e999")]),
            ),
            ("b".to_owned(), Json::Text("é".to_owned())),
        ];
        let text = r#" {"b": -0, "a": [null, 1e999], "b": "\u00e9"} "#;
        assert_eq!(parse(text.as_bytes()), Some(Json::Object(pairs)));
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        for text in [
            "",
            "{",
            "{}{}",
            "01",
            "+1",
            ".5",
            "5.",
            "NaN",
            r#""\x""#,
            r#""\ud800""#,
            "[1,]",
            "\"\t\"",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), None);
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(33).as_bytes()).is_some());
        assert_eq!(parse(nested(34).as_bytes()), None);
    }
}
