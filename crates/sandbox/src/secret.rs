//! Secrets of the sandbox: made at its first start, compared without telling how much of them was right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// A signing key as it is written: 32 bytes, of which 244 bits are random.
pub(crate) fn signing_key() -> String {
    let bytes = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
    format!("whsec_{}", STANDARD.encode(bytes))
}

/// A token of 122 random bits.
pub(crate) fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Whether a secret was given. Takes as long for a wrong one as for the right one.
pub(crate) fn same(given: &str, secret: &str) -> bool {
    let differences = given.bytes().zip(secret.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == secret.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_new_each_time_and_only_the_same_is_the_same() {
        assert_ne!(signing_key(), signing_key());
        holdline_outbound::SigningKey::try_new(&signing_key()).unwrap();
        let secret = token();
        assert!(same(&secret, &secret));
        for wrong in [String::new(), token(), secret[1..].to_owned(), format!("{secret}0")] {
            assert!(!same(&wrong, &secret), "{wrong}");
        }
    }
}
