//! Token secrets, derived from the seed and the token's id instead of being stored.
//!
//! With the seed, the id can be recovered from a secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use crate::seeding::{Dice, hex};

/// The derivation of secrets and their hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secrets(Dice);

impl Secrets {
    pub(super) fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// Returns the secret of a token, 22 characters of base64url.
    pub(super) fn secret_of(self, id: i32) -> String {
        let digest = self.0.digest("foreman secret", id.unsigned_abs().into());
        let mut bytes = [0; 16];
        bytes[4..].copy_from_slice(&digest[..12]);
        let hidden = id.unsigned_abs() ^ self.mask(&digest[..12]);
        bytes[..4].copy_from_slice(&hidden.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the id of the token with this secret, whether or not the token exists.
    pub(super) fn id_of(self, secret: &str) -> Option<i32> {
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        let (hidden, rest) = bytes.split_first_chunk::<4>()?;
        let id = i32::try_from(u32::from_be_bytes(*hidden) ^ self.mask(rest)).ok()?;
        (self.secret_of(id) == secret).then_some(id)
    }

    fn mask(self, rest: &[u8]) -> u32 {
        let folded = rest
            .iter()
            .fold(0_u64, |sum, byte| sum.rotate_left(7) ^ u64::from(*byte));
        (self.0.roll(folded, 77) >> 16) as u32
    }

    /// Returns the hash that the database stores in place of the secret.
    ///
    /// The salt is the one that Foreman uses and shows in the response to a revocation. The rest
    /// only has the form of a bcrypt hash.
    pub(super) fn hash_of(self, id: i32, user_id: i32, bcrypt: bool) -> String {
        let digest = self.0.digest("foreman hash", id.unsigned_abs().into());
        let salt = hex(&Sha1::digest(user_id.to_string()));
        if !bcrypt {
            return hex(&digest[..20]);
        }
        let letter = |index: usize| char::from(BCRYPT_ALPHABET[index]);
        let mut hash = format!("$2a$04${}", &salt[..21]);
        // The last letter of a salt carries only two bits.
        let last = BCRYPT_ALPHABET
            .iter()
            .position(|byte| *byte == salt.as_bytes()[21])
            .unwrap_or(0);
        hash.push(letter(last & 0b11_0000));
        hash.extend(
            digest
                .iter()
                .take(31)
                .map(|byte| letter(usize::from(byte % 64))),
        );
        hash
    }
}

const BCRYPT_ALPHABET: &[u8; 64] =
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_identifies_its_token_and_no_other() {
        let secrets = Secrets::new(7);
        for id in [1, 2, 1_000_000, i32::MAX] {
            let secret = secrets.secret_of(id);
            assert_eq!(secret.len(), 22);
            assert_eq!(secrets.id_of(&secret), Some(id));
            assert_eq!(Secrets::new(8).id_of(&secret), None);
        }
        assert_eq!(secrets.id_of("changeme"), None);
        assert_eq!(secrets.id_of(""), None);
    }

    #[test]
    fn the_hashes_of_a_user_share_the_recorded_salt() {
        let secrets = Secrets::new(1);
        assert!(
            secrets
                .hash_of(1, 4, true)
                .starts_with("$2a$04$1b6453892473a467d0737u")
        );
        assert!(
            secrets
                .hash_of(2, 5, true)
                .starts_with("$2a$04$ac3478d69a3c81fa62e60e")
        );
        assert_eq!(secrets.hash_of(2, 7, true).len(), 60);
        assert_eq!(secrets.hash_of(1, 4, false).len(), 40);
    }
}
