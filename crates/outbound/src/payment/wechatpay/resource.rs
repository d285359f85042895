//! The encrypted part of a callback: `AEAD_AES_256_GCM` under the merchant's API v3 key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::Deserialize;

/// The only algorithm of API v3.
const ALGORITHM: &str = "AEAD_AES_256_GCM";

/// The merchant's API v3 key: 32 characters, whose bytes are the key.
pub(super) struct ApiV3Key(LessSafeKey);

/// The encrypted part as it is sent.
#[derive(Deserialize)]
pub(super) struct Resource {
    algorithm: String,
    ciphertext: String,
    nonce: String,
    #[serde(default)]
    associated_data: Option<String>,
}

impl ApiV3Key {
    pub(super) fn try_new(text: &str) -> Result<Self, String> {
        let key = UnboundKey::new(&AES_256_GCM, text.as_bytes())
            .map_err(|_| "api_v3_key must be exactly 32 bytes".to_owned())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The plain text, which is what was encrypted or nothing: a changed byte anywhere is an error.
    pub(super) fn open(&self, resource: &Resource) -> Result<Vec<u8>, String> {
        if resource.algorithm != ALGORITHM {
            return Err("its resource is encrypted in another way".to_owned());
        }
        let mut text = STANDARD.decode(&resource.ciphertext).map_err(|_| "its ciphertext is not base64".to_owned())?;
        let nonce = Nonce::try_assume_unique_for_key(resource.nonce.as_bytes())
            .map_err(|_| "its nonce is not 12 bytes".to_owned())?;
        let associated = Aad::from(resource.associated_data.as_deref().unwrap_or_default());
        let plain = self
            .0
            .open_in_place(nonce, associated, &mut text)
            .map_err(|_| "its resource is not encrypted under api_v3_key, or was changed".to_owned())?;
        Ok(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key and a text of the tests of WeChat Pay's own Java library.
    const KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";

    fn resource() -> Resource {
        Resource {
            algorithm: "AEAD_AES_256_GCM".to_owned(),
            ciphertext: "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=".to_owned(),
            nonce: "uluk4a9R25RW".to_owned(),
            associated_data: Some("associatedData".to_owned()),
        }
    }

    #[test]
    fn opens_what_the_official_library_sealed() {
        let key = ApiV3Key::try_new(KEY).unwrap();
        assert_eq!(key.open(&resource()).unwrap(), b"message");
    }

    #[test]
    fn opens_nothing_that_was_changed() {
        let key = ApiV3Key::try_new(KEY).unwrap();
        let changed = [
            Resource { ciphertext: "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwM=".to_owned(), ..resource() },
            Resource { ciphertext: "not base64!".to_owned(), ..resource() },
            Resource { ciphertext: String::new(), ..resource() },
            Resource { nonce: "uluk4a9R25RX".to_owned(), ..resource() },
            Resource { nonce: "short".to_owned(), ..resource() },
            Resource { associated_data: None, ..resource() },
            Resource { algorithm: "AEAD_AES_128_GCM".to_owned(), ..resource() },
        ];
        for (index, changed) in changed.iter().enumerate() {
            assert!(key.open(changed).is_err(), "{index}");
        }
        let other = ApiV3Key::try_new("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gc").unwrap();
        assert!(other.open(&resource()).is_err());
    }

    #[test]
    fn a_key_has_32_bytes() {
        for text in ["", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8G", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gbb"] {
            assert!(ApiV3Key::try_new(text).is_err(), "{text:?}");
        }
    }
}
