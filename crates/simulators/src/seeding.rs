//! Seeded tokens, as varied as on a platform long in use, and reproducible from the seed.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::State;

/// Pseudo-random draws that depend only on seed, slot and purpose, so that nothing is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    seed: u64,
}

/// The dates and state of a seeded token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) last_used: Option<Timestamp>,
    /// `true` if the token is suspended or revoked; expiry depends only on the date.
    pub(crate) off: bool,
}

impl Life {
    /// Returns `off` for a token that is switched off, otherwise `Active`.
    pub(crate) fn state(&self, off: State) -> State {
        if self.off { off } else { State::Active }
    }
}

/// The age of the oldest seeded token in seconds.
const MAX_AGE: u64 = 3 * 365 * 24 * 3600;
const DAY: u64 = 24 * 3600;

const SERVICES: [&str; 12] = [
    "ci",
    "deploy",
    "backup",
    "grafana",
    "terraform",
    "nightly build",
    "Data Lake",
    "billing",
    "edge-gateway",
    "Jenkins",
    "mobile app",
    "etl_worker",
];
const ENVIRONMENTS: [&str; 6] = ["prod", "staging", "dev", "eu-west-1", "Plant 7", "QA"];
const UNUSUAL_NAMES: [&str; 16] = [
    "100% coverage",
    "a*b",
    "*",
    "quote \" inside",
    "it's mine",
    "back\\slash",
    "under_score",
    "tab\there",
    "Ünïcödé",
    "日本語トークン",
    "🔑 key",
    "<script>alert(1)</script>",
    "a/b?c=d&e=f#g",
    "comma, semicolon; (parenthesis)",
    "zażółć gęślą jaźń",
    "null",
];

impl Dice {
    /// Returns the draws of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Draws a number (splitmix64 of seed, slot and purpose).
    pub(crate) fn roll(self, slot: u64, purpose: u64) -> u64 {
        let mut z = self
            .seed
            .wrapping_add(slot.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .wrapping_add(purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Draws a number below `bound`.
    fn below(self, slot: u64, purpose: u64, bound: u64) -> u64 {
        self.roll(slot, purpose) % bound.max(1)
    }

    /// Draws a name: mostly `service-environment-number`, sometimes a repeated or unusual one.
    pub(crate) fn name(self, slot: u64) -> String {
        match self.below(slot, 1, 100) {
            0..4 => pick(&UNUSUAL_NAMES, self.roll(slot, 2)).to_owned(),
            4..10 => format!("{} {slot}", pick(&UNUSUAL_NAMES, self.roll(slot, 2))),
            10..18 => pick(&SERVICES, self.roll(slot, 3)).to_owned(),
            _ => format!(
                "{}-{}-{:05}",
                pick(&SERVICES, self.roll(slot, 3)),
                pick(&ENVIRONMENTS, self.roll(slot, 4)),
                self.below(slot, 5, 100_000)
            ),
        }
    }

    /// Draws a name that no other slot has, for platforms that require unique names.
    pub(crate) fn unique_name(self, slot: u64) -> String {
        format!("{} #{slot}", self.name(slot))
    }

    /// Draws the dates and state of one of `count` tokens, whose slots are in order of creation.
    pub(crate) fn life(self, slot: u64, count: u64, now: Timestamp) -> Life {
        let step = (MAX_AGE * 1000) / count.max(1);
        let age = MAX_AGE * 1000 - (slot * step) - self.below(slot, 6, step);
        let created = before(now, age);
        let updated = if self.below(slot, 7, 3) == 0 {
            before(now, self.below(slot, 8, age))
        } else {
            created
        };
        let expires = match self.below(slot, 9, 10) {
            0..4 => None,
            4..7 => Some(after(now, 30 * DAY + self.below(slot, 10, 700 * DAY))),
            7 => Some(after(now, self.below(slot, 10, 30 * DAY))),
            _ => Some(before(now, self.below(slot, 10, age))),
        };
        let last_used =
            (self.below(slot, 11, 10) >= 3).then(|| before(now, self.below(slot, 12, age)));
        Life {
            created,
            updated,
            expires,
            last_used,
            off: self.below(slot, 13, 12) == 0,
        }
    }

    /// Draws bytes for secrets and ids, which cannot be guessed from others without the seed.
    pub(crate) fn digest(self, purpose: &str, number: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update(number.to_be_bytes());
        hash.finalize().into()
    }
}

/// Encodes bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Encodes each of the first `length` bytes as a letter or digit.
pub(crate) fn alphanumeric(bytes: &[u8], length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes
        .iter()
        .take(length)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

fn pick(words: &[&'static str], roll: u64) -> &'static str {
    words[(roll % words.len() as u64) as usize]
}

fn before(now: Timestamp, milliseconds: u64) -> Timestamp {
    shifted(now, -i64::try_from(milliseconds).unwrap_or(0))
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    shifted(now, i64::try_from(seconds * 1000).unwrap_or(0))
}

fn shifted(now: Timestamp, milliseconds: i64) -> Timestamp {
    // The platforms store milliseconds at most.
    let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    now.saturating_add(SignedDuration::from_millis(milliseconds))
        .unwrap_or(now)
}
