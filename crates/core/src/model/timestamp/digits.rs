//! Digits of dates and times, in words of eight bytes.

/// The pattern of eight bytes: pairs of digits where there are zeros, and the same elsewhere.
pub(super) struct Digits {
    pattern: u64,
    /// All bits of the first digit of each pair.
    firsts: u64,
    /// All bits of each digit.
    places: u64,
}

impl Digits {
    pub(super) const DATE: Self = Self::new(*b"0000-00-", [!0, 0, !0, 0, 0, !0, 0, 0]);
    pub(super) const DAY: Self = Self::new(*b"00\0\0\0\0\0\0", [!0, 0, 0, 0, 0, 0, 0, 0]);
    pub(super) const TIME: Self = Self::new(*b"00:00:00", [!0, 0, 0, !0, 0, 0, !0, 0]);

    const fn new(pattern: [u8; 8], firsts: [u8; 8]) -> Self {
        let firsts = u64::from_le_bytes(firsts);
        Self {
            pattern: u64::from_le_bytes(pattern),
            firsts,
            places: firsts | firsts << 8,
        }
    }

    /// Returns the number that each digit is with the one after it, at the place of the first.
    #[inline]
    pub(super) fn read_pairs(&self, text: [u8; 8]) -> Option<[u8; 8]> {
        let digits = u64::from_le_bytes(text) ^ self.pattern;
        // A digit is below 16, and below 16 with 6 added. A larger one may carry, but is found
        // first.
        let above_9 = digits.wrapping_add(self.places & 0x0606_0606_0606_0606);
        let not_a_digit = (digits | above_9) & self.places & 0xf0f0_f0f0_f0f0_f0f0;
        // Each number is at most 99, so none carries.
        let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
        (not_a_digit == 0 && digits & !self.places == 0).then(|| pairs.to_le_bytes())
    }

    /// Returns the text in which each number below 100 has two digits from its place on. What
    /// [`read_pairs`](Self::read_pairs) reads of it are these numbers.
    #[inline]
    pub(super) fn write_pairs(&self, numbers: [u8; 8]) -> [u8; 8] {
        let numbers = u64::from_le_bytes(numbers);
        // Below 100, 103/1024 is near enough to a tenth, and no product reaches the next place but
        // one. What is left of it in other places is cut off.
        let tenths = numbers.wrapping_mul(103) >> 10;
        let tens = tenths & self.firsts & 0x0f0f_0f0f_0f0f_0f0f;
        let ones = numbers.wrapping_sub(tens.wrapping_mul(10)) << 8;
        (self.pattern | tens | ones).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_digits_is_read_as_it_was_written() {
        for number in 0..100 {
            for other in [0, 9, 10, 99, number] {
                for (digits, numbers) in [
                    (Digits::DATE, [number, 0, other, 0, 0, number, 0, 0]),
                    (Digits::DAY, [number, 0, 0, 0, 0, 0, 0, 0]),
                    (Digits::TIME, [other, 0, 0, number, 0, 0, other, 0]),
                ] {
                    let text = digits.write_pairs(numbers);
                    let read = digits.read_pairs(text).unwrap();
                    for (read, number) in read.into_iter().zip(numbers) {
                        assert!(number == 0 || read == number, "{text:?}");
                    }
                }
            }
        }
    }
}
