//! ClickHouse's own way to cut SQL into tokens.
//!
//! What is refused is refused on tokens, so this must see what the engine's lexer sees: the same quotes, comments and
//! heredocs. Where the two could differ, this one errs towards seeing more: a byte that it does not know is skipped
//! like white space, never joined to its neighbours, so nothing hides behind it.

use std::borrow::Cow;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, an identifier without quotes, or a number.
    Word,
    /// An identifier in backquotes, double quotes or typographic double quotes.
    Quoted,
    /// A string literal or a heredoc.
    Text,
    /// One character of punctuation.
    Mark,
}

/// One token and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub kind: Kind,
    /// The bytes as written, quotes included.
    pub raw: &'a [u8],
    /// Offset of the first byte in the statement.
    pub start: usize,
}

impl<'a> Token<'a> {
    /// Offset behind the last byte.
    pub fn end(&self) -> usize {
        self.start + self.raw.len()
    }

    /// Whether this is the keyword `word` (or an identifier that reads so).
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.raw.eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether this is any of these keywords.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether this is that punctuation mark.
    pub fn is_mark(&self, mark: u8) -> bool {
        self.kind == Kind::Mark && self.raw == [mark]
    }

    /// The name, if this may be an identifier, without quotes and escapes.
    pub fn name(&self) -> Option<Cow<'a, str>> {
        match self.kind {
            Kind::Word => Some(String::from_utf8_lossy(self.raw)),
            Kind::Quoted => Some(Cow::Owned(unquoted(self.raw))),
            Kind::Text | Kind::Mark => None,
        }
    }

    /// The value of a string literal or a word, without quotes and escapes: for the values of settings.
    pub fn value(&self) -> String {
        match self.kind {
            Kind::Text if self.raw.first() == Some(&b'\'') => unquoted(self.raw),
            _ => String::from_utf8_lossy(self.raw).into_owned(),
        }
    }
}

fn unquoted(raw: &[u8]) -> String {
    let quote_bytes = if raw.first() == Some(&0xE2) { 3 } else { 1 };
    let inner = raw
        .get(quote_bytes..raw.len().saturating_sub(quote_bytes))
        .unwrap_or_default();
    if quote_bytes == 3 {
        return String::from_utf8_lossy(inner).into_owned();
    }
    let quote = raw[0];
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (*first, tail) {
            // `\x66` is the one escape by which a letter can be written differently.
            (b'\\', [b'x' | b'X', high, low, after @ ..]) => {
                bytes.extend(hex_pair(*high, *low));
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                bytes.push(*escaped);
                rest = after;
            }
            (byte, [next, after @ ..]) if byte == quote && *next == quote => {
                bytes.push(quote);
                rest = after;
            }
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? * 16 + digit(low)?)
}

/// Cuts `sql` into tokens, lazily: behind an INSERT's `FORMAT` may stand binary data.
pub fn tokens(sql: &[u8]) -> Tokens<'_> {
    Tokens { sql, at: 0 }
}

/// See [`tokens`].
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    sql: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.sql.get(self.at..)?;
            let first = *rest.first()?;
            let (kind, length) = match first {
                b'\'' => (Some(Kind::Text), quoted_length(rest, first)),
                b'"' | b'`' => (Some(Kind::Quoted), quoted_length(rest, first)),
                b'-' if rest.starts_with(b"--") => (None, line_length(rest)),
                b'/' if rest.starts_with(b"//") => (None, line_length(rest)),
                b'/' if rest.starts_with(b"/*") => (None, comment_length(rest)),
                b'#' if matches!(rest.get(1), Some(b' ' | b'!')) => (None, line_length(rest)),
                b'$' if heredoc_length(rest).is_some() => {
                    (Some(Kind::Text), heredoc_length(rest).unwrap_or(1))
                }
                0xE2 if rest.starts_with("‘".as_bytes()) => {
                    (Some(Kind::Text), typographic_length(rest, "’"))
                }
                0xE2 if rest.starts_with("“".as_bytes()) => {
                    (Some(Kind::Quoted), typographic_length(rest, "”"))
                }
                _ if is_word(first) => (
                    Some(Kind::Word),
                    rest.iter().take_while(|byte| is_word(**byte)).count(),
                ),
                _ if first.is_ascii_graphic() => (Some(Kind::Mark), 1),
                // White space of ASCII and of Unicode, and everything that is not SQL.
                _ => (None, 1),
            };
            let start = self.at;
            self.at += length;
            if let Some(kind) = kind {
                return Some(Token {
                    kind,
                    raw: &rest[..length],
                    start,
                });
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// A quoted token ends at its quote, which a doubled quote and a backslash escape; without an end it takes the rest,
/// where the engine reports a syntax error.
fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote && rest.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn typographic_length(rest: &[u8], end: &str) -> usize {
    find(&rest[3..], end.as_bytes()).map_or(rest.len(), |at| 3 + at + end.len())
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(rest.len())
}

/// Block comments nest, as in the SQL standard.
fn comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `$tag$ … $tag$`, where the tag is anything up to the next dollar sign.
fn heredoc_length(rest: &[u8]) -> Option<usize> {
    let tag_length = find(&rest[1..], b"$")? + 2;
    let (tag, body) = rest.split_at(tag_length);
    Some(tag_length + find(body, tag)? + tag_length)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_cut_as_the_engine_cuts_them() {
        for (sql, expected) in [
            ("SELECT 1", "word:SELECT word:1"),
            ("a.b", "word:a mark:. word:b"),
            ("'it''s' 'a\\'b'", "text:'it''s' text:'a\\'b'"),
            ("`a``b` \"c\\\"d\"", "quoted:`a``b` quoted:\"c\\\"d\""),
            ("a -- b\nc", "word:a word:c"),
            ("a // b\nc", "word:a word:c"),
            ("a # b\nc #! d\n#e", "word:a word:c mark:# word:e"),
            ("a /* b /* c */ d */ e", "word:a word:e"),
            ("a /* b", "word:a"),
            ("$x$ it's $x$ b", "text:$x$ it's $x$ word:b"),
            ("$ $a'$ $ b", "text:$ $a'$ $ word:b"),
            ("a$b", "word:a$b"),
            ("'unclosed", "text:'unclosed"),
            ("“a b” ‘c’", "quoted:“a b” text:‘c’"),
            ("file\u{a0}(", "word:file mark:("),
            ("file\0(", "word:file mark:("),
            ("--'\nx", "word:x"),
            ("'--' x", "text:'--' word:x"),
        ] {
            let found: Vec<String> = tokens(sql.as_bytes())
                .map(|token| {
                    let kind = format!("{:?}", token.kind).to_lowercase();
                    format!("{kind}:{}", String::from_utf8_lossy(token.raw))
                })
                .collect();
            assert_eq!(found.join(" "), expected, "of {sql}");
        }
    }

    #[test]
    fn a_quoted_name_is_read_through_its_escapes() {
        for (sql, expected) in [
            ("`file`", "file"),
            ("\"f\\x69le\"", "file"),
            ("`a``b`", "a`b"),
            ("“file”", "file"),
            ("file", "file"),
        ] {
            let token = tokens(sql.as_bytes()).next().unwrap();
            assert_eq!(token.name().unwrap(), expected, "of {sql}");
        }
    }
}
