//! Any JSON text as a tree that remembers where each value stood, and keeps fields that come twice.
//!
//! It serves explanations alone; it takes exactly what RFC 8259 takes, to a depth that no record needs.

/// A value and the place of its first byte.
pub(super) struct Node {
    pub at: usize,
    pub value: Value,
}

pub(super) enum Value {
    Null,
    Truth,
    /// The number as it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Field>),
}

pub(super) struct Field {
    pub at: usize,
    pub name: String,
    pub node: Node,
}

/// Where the text ceases to be JSON.
pub(super) struct Malformed {
    pub at: usize,
    pub expected: &'static str,
}

/// Deeper than any record; it bounds the stack.
const DEPTH_MAX: usize = 32;

/// Reads a whole message.
pub(super) fn parse(text: &str) -> Result<Node, Malformed> {
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return reader.fail("the end of the message");
    }
    Ok(node)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, expected: &'static str) -> Result<T, Malformed> {
        let at = self.at;
        Err(Malformed { at, expected })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Malformed> {
        if depth > DEPTH_MAX {
            return self.fail("a value nested less deeply");
        }
        self.space();
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b't') => self.word("true", Value::Truth)?,
            Some(b'f') => self.word("false", Value::Truth)?,
            _ => return self.fail("a JSON value"),
        };
        Ok(Node { at, value })
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return self.fail("a JSON value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut fields = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(fields));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return self.fail("a field's name in quotation marks");
            }
            let name = self.string()?;
            self.space();
            if !self.take(b':') {
                return self.fail("`:` behind a field's name");
            }
            let node = self.value(depth + 1)?;
            fields.push(Field { at, name, node });
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(fields));
            }
            if !self.take(b',') {
                return self.fail("`,` or `}` behind a field");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::List(nodes));
        }
        loop {
            nodes.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::List(nodes));
            }
            if !self.take(b',') {
                return self.fail("`,` or `]` behind a value of a list");
            }
        }
    }

    fn number(&mut self) -> Result<Value, Malformed> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && !self.digits() {
            return self.fail("a digit");
        }
        if self.take(b'.') && !self.digits() {
            return self.fail("a digit behind the decimal point");
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            if !self.digits() {
                return self.fail("a digit in the exponent");
            }
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fail("a number without zeros in front");
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    /// Whether there is a digit; it and those behind it are taken.
    fn digits(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > start
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.fail("the closing quotation mark of a text"),
                Some(0..=0x1f) => return self.fail("no control character in a text"),
                Some(b'"') => break,
                // What an escape says is left to `serde_json`; here it must only not end the text.
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(&self.text[start..self.at]).map_err(|_| Malformed {
            at: start,
            expected: "a text with the escapes of JSON",
        })
    }
}
