//! Signatures by Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`, written `v1,<base64>`; several of them, for
//! keys that are being changed, are separated by spaces.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The prefix of a written key.
const PREFIX: &str = "whsec_";
/// A key has at least 24 and at most 64 bytes, as the standard asks.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// How far the instant of a signature may lie from now, either way: what the standard's libraries allow.
const TOLERANCE_S: i64 = 5 * 60;
/// How many signatures of one message are looked at: a key, its successor, and room. Each costs a comparison.
const SIGNATURES_MAX: usize = 8;

/// A key to sign and to verify with. Never shown.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Parses `whsec_` and the base64 of 24 to 64 bytes.
    pub fn try_new(text: &str) -> Result<Self, String> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        match bytes {
            Some(bytes) if BYTES.contains(&bytes.len()) => Ok(Self(bytes)),
            Some(_) | None => Err("a signing key is whsec_ and the base64 of 24 to 64 random bytes".to_owned()),
        }
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp_s: u64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, &timestamp_s.to_string(), body).finalize().into_bytes()))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac
    }

    /// Whether one of the signatures is by this key; compared in constant time.
    fn signed(&self, message: &SignedMessage<'_>) -> bool {
        let mac = self.mac(message.id, message.timestamp, message.body);
        message
            .signatures
            .split(' ')
            .take(SIGNATURES_MAX)
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|signature| mac.clone().verify_slice(&signature).is_ok())
    }
}

/// A message as it arrived, with what its headers say of it.
#[derive(Debug, Clone, Copy)]
pub struct SignedMessage<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signatures: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Its instant cannot be read.
    #[error("webhook-timestamp is not a number of seconds since 1970")]
    NoInstant,
    /// Its instant lies too far away: perhaps somebody sends again what he once saw.
    #[error("webhook-timestamp lies more than 5 minutes away")]
    OutOfTime,
    /// None of the keys has signed it.
    #[error("webhook-signature has no signature by this key over this id, timestamp and body")]
    NotSigned,
}

impl SignedMessage<'_> {
    /// Believes a message that one of the keys has signed within 5 minutes of now.
    pub fn verify(&self, keys: &[SigningKey], now_s: i64) -> Result<(), Distrust> {
        let instant_s: i64 = self.timestamp.parse().map_err(|_| Distrust::NoInstant)?;
        if instant_s.checked_sub(now_s).is_none_or(|apart_s| !(-TOLERANCE_S..=TOLERANCE_S).contains(&apart_s)) {
            return Err(Distrust::OutOfTime);
        }
        if keys.iter().any(|key| key.signed(self)) { Ok(()) } else { Err(Distrust::NotSigned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const INSTANT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key() -> SigningKey {
        SigningKey::try_new(SECRET).unwrap()
    }

    fn other_key() -> SigningKey {
        SigningKey::try_new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap()
    }

    fn example() -> SignedMessage<'static> {
        SignedMessage { id: ID, timestamp: "1614265330", signatures: SIGNATURE, body: BODY }
    }

    #[test]
    fn signs_and_believes_as_the_standard_does() {
        assert_eq!(key().sign(ID, 1_614_265_330, BODY), SIGNATURE);
        assert_eq!(example().verify(&[key()], INSTANT_S), Ok(()));
    }

    #[test]
    fn believes_nothing_that_was_changed_after_it_was_signed() {
        for changed in [
            SignedMessage { id: "msg_other", ..example() },
            SignedMessage { timestamp: "1614265331", ..example() },
            SignedMessage { body: br#"{"test": 2432232315}"#, ..example() },
            SignedMessage { signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", ..example() },
            SignedMessage { signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ", ..example() },
            SignedMessage { signatures: "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..example() },
            SignedMessage { signatures: "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..example() },
            SignedMessage { signatures: "v1,", ..example() },
            SignedMessage { signatures: "", ..example() },
        ] {
            assert_eq!(changed.verify(&[key()], INSTANT_S), Err(Distrust::NotSigned), "{changed:?}");
        }
        assert_eq!(example().verify(&[other_key()], INSTANT_S), Err(Distrust::NotSigned));
        assert_eq!(example().verify(&[], INSTANT_S), Err(Distrust::NotSigned));
    }

    #[test]
    fn a_signature_holds_five_minutes_either_way() {
        for now_s in [INSTANT_S - 300, INSTANT_S + 300] {
            assert_eq!(example().verify(&[key()], now_s), Ok(()), "{now_s}");
        }
        for now_s in [INSTANT_S - 301, INSTANT_S + 301, 0, i64::MAX, i64::MIN] {
            assert_eq!(example().verify(&[key()], now_s), Err(Distrust::OutOfTime), "{now_s}");
        }
        for timestamp in ["", "now", "1614265330.0", "99999999999999999999"] {
            let message = SignedMessage { timestamp, ..example() };
            assert_eq!(message.verify(&[key()], INSTANT_S), Err(Distrust::NoInstant), "{timestamp:?}");
        }
        // What is signed is the text of the instant, not its value.
        let message = SignedMessage { timestamp: "+1614265330", ..example() };
        assert_eq!(message.verify(&[key()], INSTANT_S), Err(Distrust::NotSigned));
    }

    #[test]
    fn keys_are_changed_without_a_message_that_nobody_believes() {
        let by_both = format!("{} {SIGNATURE}", other_key().sign(ID, 1_614_265_330, BODY));
        let message = SignedMessage { signatures: &by_both, ..example() };
        assert_eq!(message.verify(&[key()], INSTANT_S), Ok(()));
        assert_eq!(message.verify(&[other_key()], INSTANT_S), Ok(()));
        assert_eq!(example().verify(&[other_key(), key()], INSTANT_S), Ok(()));
    }

    #[test]
    fn no_more_signatures_are_looked_at_than_keys_are_changed() {
        let after = |others: usize| format!("{}{SIGNATURE}", "v1,AAAA ".repeat(others));
        let verify = |signatures: &str| SignedMessage { signatures, ..example() }.verify(&[key()], INSTANT_S);
        assert_eq!(verify(&after(SIGNATURES_MAX - 1)), Ok(()));
        assert_eq!(verify(&after(SIGNATURES_MAX)), Err(Distrust::NotSigned));
    }

    #[test]
    fn a_key_has_its_prefix_and_its_length_and_is_never_shown() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all!"] {
            assert!(SigningKey::try_new(text).is_err(), "{text:?}");
        }
        assert_eq!(format!("{:?}", key()), "SigningKey");
    }
}
