//! Secrets that nobody stores: each follows from the seed and the token's id, and shows the id to
//! whoever knows the seed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use crate::seeding::{Dice, hex};

/// Issues and recognises secrets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secrets(Dice);

impl Secrets {
    pub(super) fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// The secret of a token: 22 characters of base64url.
    pub(super) fn of(self, id: i32) -> String {
        let digest = self.0.digest("foreman secret", id.unsigned_abs().into());
        let mut bytes = [0; 16];
        bytes[4..].copy_from_slice(&digest[..12]);
        let hidden = id.unsigned_abs() ^ self.mask(&digest[..12]);
        bytes[..4].copy_from_slice(&hidden.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The id of the token whose secret this would be.
    pub(super) fn id_of(self, secret: &str) -> Option<i32> {
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        let (hidden, rest) = bytes.split_first_chunk::<4>()?;
        let id = i32::try_from(u32::from_be_bytes(*hidden) ^ self.mask(rest)).ok()?;
        (self.of(id) == secret).then_some(id)
    }

    fn mask(self, rest: &[u8]) -> u32 {
        let folded = rest
            .iter()
            .fold(0_u64, |sum, byte| sum.rotate_left(7) ^ u64::from(*byte));
        (self.0.roll(folded, 77) >> 16) as u32
    }

    /// What the database keeps instead of the secret. The salt is the real one, as anybody can see
    /// in the answer to a revocation; what follows it only looks like bcrypt.
    pub(super) fn digest_of(self, id: i32, user_id: i32, bcrypt: bool) -> String {
        let digest = self.0.digest("foreman hash", id.unsigned_abs().into());
        let salt = hex(&Sha1::digest(user_id.to_string()));
        if !bcrypt {
            return hex(&digest[..20]);
        }
        let letter = |bits: u8| char::from(BCRYPT[usize::from(bits % 64)]);
        let mut text = format!("$2a$04${}", &salt[..21]);
        // The last letter of a salt holds two bits only.
        let last = BCRYPT
            .iter()
            .position(|byte| *byte == salt.as_bytes()[21])
            .unwrap_or(0);
        text.push(char::from(BCRYPT[last & 0b11_0000]));
        text.extend(digest.iter().take(31).map(|byte| letter(*byte)));
        text
    }
}

const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_leads_to_its_token_and_to_no_other() {
        let secrets = Secrets::new(7);
        for id in [1, 2, 1_000_000, i32::MAX] {
            let secret = secrets.of(id);
            assert_eq!(secret.len(), 22);
            assert_eq!(secrets.id_of(&secret), Some(id));
            assert_eq!(Secrets::new(8).id_of(&secret), None);
        }
        assert_eq!(secrets.id_of("changeme"), None);
        assert_eq!(secrets.id_of(""), None);
    }

    #[test]
    fn one_users_hashes_share_the_salt_that_was_observed() {
        let secrets = Secrets::new(1);
        assert!(
            secrets
                .digest_of(1, 4, true)
                .starts_with("$2a$04$1b6453892473a467d0737u")
        );
        assert!(
            secrets
                .digest_of(2, 5, true)
                .starts_with("$2a$04$ac3478d69a3c81fa62e60e")
        );
        assert_eq!(secrets.digest_of(2, 7, true).len(), 60);
        assert_eq!(secrets.digest_of(1, 4, false).len(), 40);
    }
}
