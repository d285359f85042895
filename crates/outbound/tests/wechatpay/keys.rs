//! The keys of both sides, made for these tests and used nowhere else, and what is done with them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

pub(crate) const MERCHANT: &str = include_str!("keys/test-only-merchant.pem");
pub(crate) const MERCHANT_SERIAL: &str = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB";
const PLATFORM: &str = include_str!("keys/test-only-platform.pem");
pub(crate) const PLATFORM_PUBLIC: &str = include_str!("keys/test-only-platform-public.pem");
pub(crate) const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000000012024110100000000000001";
const CERTIFIED: &str = include_str!("keys/test-only-certified.pem");
pub(crate) const CERTIFICATE: &str = include_str!("keys/test-only-certificate.pem");
pub(crate) const CERTIFICATE_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub(crate) const API_V3_KEY: &str = "0123456789abcdefGHIJKLMNOPQRSTUV";

pub(crate) fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn pair(pem: &str) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_pkcs8_der()).unwrap()
}

/// Signs as WeChat Pay, by the key with this id.
pub(crate) fn platform_signs(key_id: &str, message: &[u8]) -> String {
    let pair = pair(if key_id == CERTIFICATE_SERIAL { CERTIFIED } else { PLATFORM });
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    STANDARD.encode(signature)
}

/// Whether the merchant signed it.
pub(crate) fn merchant_signed(message: &[u8], signature: &str) -> bool {
    let pair = pair(MERCHANT);
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref());
    STANDARD.decode(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

/// Encrypts a resource under a merchant's API v3 key.
pub(crate) fn seal(api_v3_key: &str, nonce: &str, associated: &str, text: &str) -> String {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, api_v3_key.as_bytes()).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).unwrap();
    let mut sealed = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(associated), &mut sealed).unwrap();
    STANDARD.encode(sealed)
}
