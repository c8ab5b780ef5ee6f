//! Names that stand in keys of findings: SIMs, feeds, classes, outcomes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A SIM's or device's pseudonym, as text 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub [u8; 16]);

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no {1}")]
pub struct NoName(String, &'static str);

impl FromStr for Pseudonym {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Pseudonym, NoName> {
        let mut bytes = [0; 16];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Pseudonym(bytes)),
            Err(_) => Err(NoName(text.to_owned(), "pseudonym")),
        }
    }
}

/// A feed's id: at most 16 bytes of text.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed(pub [u8; 16]);

impl Feed {
    fn text(&self) -> String {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(16);
        String::from_utf8_lossy(&self.0[..end]).into_owned()
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl FromStr for Feed {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Feed, NoName> {
        if text.len() > 16 {
            return Err(NoName(text.to_owned(), "feed"));
        }
        let mut bytes = [0; 16];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Feed(bytes))
    }
}

macro_rules! text_in_serde {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

text_in_serde!(Pseudonym, Feed, Class, Outcome);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$inner:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$inner])* $variant,)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $text,)* })
            }
        }

        impl FromStr for $name {
            type Err = NoName;

            fn from_str(text: &str) -> Result<$name, NoName> {
                match text {
                    $($text => Ok($name::$variant),)*
                    _ => Err(NoName(text.to_owned(), $what)),
                }
            }
        }
    };
}

words!(
    /// A class of traffic (K1), in the order in which held bytes are taken over (E6).
    Class, "class", {
        /// What the programme pays for.
        Education = "education",
        /// Updates and management.
        System = "system",
        /// All that is known to be something else.
        Other = "other",
        /// What no rule of the catalogue names.
        Unknown = "unknown",
    }
);

impl Class {
    /// The classes that are decided, in the order of decisions (D4).
    pub const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];
}

words!(
    /// What became of a row (section 4).
    Outcome, "outcome", {
        /// O8.
        Counted = "counted",
        /// O7.
        Late = "late",
        /// O6.
        Held = "held",
        /// O2.
        Duplicate = "duplicate",
        /// O3 to O6.
        Quarantined = "quarantined",
        /// O1.
        Rejected = "rejected",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_print() {
        let sim: Pseudonym = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        assert_eq!(sim.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!("pgw-1".parse::<Feed>().unwrap().to_string(), "pgw-1");
        assert_eq!("education".parse(), Ok(Class::Education));
        assert_eq!(Outcome::Quarantined.to_string(), "quarantined");
        assert!("abc".parse::<Pseudonym>().is_err());
    }
}
