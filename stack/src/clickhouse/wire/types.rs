//! Type names of columns, as far as they say how long a column is in Native.

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// So many bytes a value.
    Fixed(usize),
    String,
    Nullable(Box<Type>),
    Array(Box<Type>),
    Tuple(Vec<Type>),
    LowCardinality(Box<Type>),
}

/// Reads a type's name; `None` where this does not know how such a column is laid out.
pub fn parse(name: &str) -> Option<Type> {
    let name = name.trim();
    let (head, arguments) = match name.split_once('(') {
        Some((head, rest)) => (head.trim(), split(rest.strip_suffix(')')?)),
        None => (name, Vec::new()),
    };
    let only = || {
        arguments
            .first()
            .and_then(|argument| parse(argument))
            .map(Box::new)
    };
    Some(match head {
        "Nothing" | "Bool" | "Int8" | "UInt8" | "Enum8" => Type::Fixed(1),
        "Int16" | "UInt16" | "Enum16" | "Date" | "BFloat16" => Type::Fixed(2),
        "Int32" | "UInt32" | "Float32" | "Date32" | "DateTime" | "IPv4" | "Decimal32" | "Time" => {
            Type::Fixed(4)
        }
        "Int64" | "UInt64" | "Float64" | "DateTime64" | "Decimal64" | "Time64" => Type::Fixed(8),
        "Int128" | "UInt128" | "UUID" | "IPv6" | "Decimal128" => Type::Fixed(16),
        "Int256" | "UInt256" | "Decimal256" => Type::Fixed(32),
        _ if head.starts_with("Interval") => Type::Fixed(8),
        "Decimal" => Type::Fixed(decimal_bytes(arguments.first()?.trim().parse().ok()?)),
        "FixedString" => Type::Fixed(arguments.first()?.trim().parse().ok()?),
        "String" => Type::String,
        "Nullable" => Type::Nullable(only()?),
        "Array" => Type::Array(only()?),
        "LowCardinality" => Type::LowCardinality(only()?),
        "Tuple" => Type::Tuple(elements(&arguments)?),
        "Nested" => Type::Array(Box::new(Type::Tuple(elements(&arguments)?))),
        "Map" => Type::Array(Box::new(Type::Tuple(elements(&arguments)?))),
        "SimpleAggregateFunction" => parse(arguments.get(1)?)?,
        "Point" => Type::Tuple(vec![Type::Fixed(8), Type::Fixed(8)]),
        "Ring" | "LineString" => Type::Array(Box::new(parse("Point")?)),
        "Polygon" | "MultiLineString" => Type::Array(Box::new(parse("Ring")?)),
        "MultiPolygon" => Type::Array(Box::new(parse("Polygon")?)),
        _ => return None,
    })
}

fn decimal_bytes(precision: u32) -> usize {
    match precision {
        0..=9 => 4,
        10..=18 => 8,
        19..=38 => 16,
        _ => 32,
    }
}

/// The elements of a tuple, with or without names.
fn elements(arguments: &[&str]) -> Option<Vec<Type>> {
    arguments.iter().map(|argument| element(argument)).collect()
}

fn element(argument: &str) -> Option<Type> {
    let argument = argument.trim();
    if let Some(quoted) = argument.strip_prefix('`') {
        return parse(&quoted[quoted.find("` ")? + 2..]);
    }
    // A name is one word before the type; a type without a name may hold blanks behind its bracket only.
    match argument.split_once(' ') {
        Some((name, rest)) if !name.contains('(') => parse(rest),
        _ => parse(argument),
    }
}

/// Splits arguments at commas outside brackets and quotes.
fn split(arguments: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut quote, mut escaped) = (0_u32, 0, None, false);
    for (at, character) in arguments.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&arguments[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(&arguments[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_types_name_says_how_its_column_is_laid_out() {
        let boxed = |inner: Type| Box::new(inner);
        for (name, expected) in [
            ("UInt64", Some(Type::Fixed(8))),
            ("DateTime64(3, 'Africa/Casablanca')", Some(Type::Fixed(8))),
            ("Enum8('a,(b' = 1, 'it\\'s' = 2)", Some(Type::Fixed(1))),
            ("FixedString(16)", Some(Type::Fixed(16))),
            ("Decimal(20, 3)", Some(Type::Fixed(16))),
            (
                "Nullable(String)",
                Some(Type::Nullable(boxed(Type::String))),
            ),
            (
                "Map(LowCardinality(String), Array(UInt8))",
                Some(Type::Array(boxed(Type::Tuple(vec![
                    Type::LowCardinality(boxed(Type::String)),
                    Type::Array(boxed(Type::Fixed(1))),
                ])))),
            ),
            (
                "Tuple(a UInt8, `b c` Nullable(Int16))",
                Some(Type::Tuple(vec![
                    Type::Fixed(1),
                    Type::Nullable(boxed(Type::Fixed(2))),
                ])),
            ),
            (
                "Tuple(UInt8, String)",
                Some(Type::Tuple(vec![Type::Fixed(1), Type::String])),
            ),
            ("SimpleAggregateFunction(sum, UInt64)", Some(Type::Fixed(8))),
            ("AggregateFunction(sum, UInt64)", None),
            ("JSON", None),
            ("Variant(String, UInt8)", None),
        ] {
            assert_eq!(parse(name), expected, "of {name}");
        }
    }
}
