//! ClickHouse's `RowBinary`: values one behind the other, little-endian, strings behind their length.

use jiff::civil::{Date, date};

const EPOCH: Date = date(1970, 1, 1);

/// Days since 1970 of the first and the last day that a `Date32` can hold: 1900-01-01 and 2299-12-31.
const DATE32: (i32, i32) = (-25_567, 120_529);

/// Bytes of rows being written.
#[derive(Clone, Debug, Default)]
pub(super) struct RowBinary {
    pub bytes: Vec<u8>,
}

macro_rules! integers {
    ($($name:ident $type:ty),*) => {
        $(pub fn $name(&mut self, value: $type) -> &mut Self {
            self.bytes.extend_from_slice(&value.to_le_bytes());
            self
        })*
    };
}

impl RowBinary {
    integers!(u8 u8, u16 u16, u32 u32, u64 u64, i32 i32, i64 i64);

    /// A `FixedString` of as many bytes.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A `String`.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.length(text.len()).fixed(text.as_bytes())
    }

    /// A `Date32`. A day outside of its range stands at the nearest end of it: only a record or an enrolment that is
    /// centuries off has one.
    pub fn date(&mut self, day: Date) -> &mut Self {
        let days = day.duration_since(EPOCH).as_hours() / 24;
        let clamped = days.clamp(DATE32.0.into(), DATE32.1.into());
        // Clamped to a range of 32 bits.
        self.i32(i32::try_from(clamped).unwrap_or(0))
    }

    /// A `Nullable` value.
    pub fn nullable<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        match value {
            None => self.u8(1),
            Some(value) => write(self.u8(0), value),
        }
    }

    /// An `Array`.
    pub fn array<T: Copy>(
        &mut self,
        values: &[T],
        write: impl Fn(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        self.length(values.len());
        for value in values {
            write(self, *value);
        }
        self
    }

    /// Seven bits to a byte, the low ones first.
    pub fn length(&mut self, mut length: usize) -> &mut Self {
        while length >= 0x80 {
            self.bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        // Below 128.
        self.bytes.push(length as u8);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_as_clickhouse_reads_them() {
        let mut row = RowBinary::default();
        row.u16(258).string("é").date(date(1970, 1, 2));
        row.nullable(None, RowBinary::u32)
            .nullable(Some(7), RowBinary::u8)
            .array(&[1, 2], RowBinary::u8)
            .length(300);
        let expected = [2, 1, 2, 0xc3, 0xa9, 1, 0, 0, 0, 1, 0, 7, 2, 1, 2, 0xac, 2];
        assert_eq!(row.bytes, expected);
    }

    #[test]
    fn a_day_beyond_the_calendar_of_clickhouse_stands_at_its_end() {
        for (day, expected) in [
            (date(1900, 1, 1), DATE32.0),
            (date(1000, 1, 1), DATE32.0),
            (date(2299, 12, 31), DATE32.1),
            (date(9998, 1, 1), DATE32.1),
        ] {
            let mut row = RowBinary::default();
            row.date(day);
            assert_eq!(row.bytes, expected.to_le_bytes(), "{day}");
        }
    }
}
