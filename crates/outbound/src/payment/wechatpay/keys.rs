//! Who signs what: the merchant's key under requests, the platform's keys under answers and callbacks.
//!
//! Requests: RSA-SHA256 over `method\nurl\ntimestamp\nnonce\nbody\n`, in the header `Authorization`. Answers and
//! callbacks: the same over `timestamp\nnonce\nbody\n`, in headers `Wechatpay-*`, by the key that `Wechatpay-Serial`
//! names: a platform public key (`PUB_KEY_ID_…`) or a platform certificate. While a merchant moves from one to the other,
//! callbacks come signed by either: both are then in the settings.
//!
//! Deliberately absent: downloading platform certificates (`/v3/certificates`). A certificate of the settings lasts five
//! years, a public key does not expire, and new merchants have public keys only.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::Deserialize;
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;
use webpki::{EndEntityCert, RawPublicKeyEntity};

/// The name of the only algorithm of API v3 that is spoken here.
const ALGORITHM: &str = "WECHATPAY2-SHA256-RSA2048";
/// Signatures that WeChat Pay makes wrong on purpose, now and then, to see whether they are refused.
const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";
/// How a platform public key's id begins; everything else is the serial number of a certificate.
const PUBLIC_KEY_PREFIX: &str = "PUB_KEY_ID_";
/// How far the instant of a signature may be from this process's clock. Origin: WeChat Pay's own libraries.
const TOLERANCE_S: u64 = 300;
/// Platform keys per account: one in use, one to come, of both kinds, and as many again.
const PLATFORM_KEYS_MAX: usize = 8;
/// The longest id of a key: serial numbers have 40 digits, ids of public keys 45.
const KEY_ID_BYTES_MAX: usize = 64;

/// The merchant's key.
pub(super) struct MerchantKey {
    pair: RsaKeyPair,
    serial_no: String,
}

impl MerchantKey {
    pub(super) fn try_new(pem: &str, serial_no: &str) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| "merchant_private_key must be PEM with a PRIVATE KEY (PKCS#8)".to_owned())?;
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map_err(|error| format!("merchant_private_key must be an RSA key of 2048 bits or more: {error}"))?;
        if !is_key_id(serial_no) {
            return Err("merchant_serial_no must be letters and digits, at most 64".to_owned());
        }
        Ok(Self { pair, serial_no: serial_no.to_owned() })
    }

    /// The base64 of the signature.
    pub(super) fn sign(&self, message: &str) -> String {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("a checked key signs whatever it is given");
        STANDARD.encode(signature)
    }

    /// The header `Authorization` of a request.
    pub(super) fn authorization(&self, mchid: &str, request: &SignedRequest<'_>) -> String {
        let SignedRequest { nonce, timestamp_s, .. } = request;
        let signature = self.sign(&request.message());
        let serial_no = &self.serial_no;
        format!(
            "{ALGORITHM} mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp_s}\",serial_no=\"{serial_no}\",\
             signature=\"{signature}\""
        )
    }
}

/// What is signed of a request.
pub(super) struct SignedRequest<'a> {
    pub(super) method: &'a str,
    /// Path and query, as they are sent.
    pub(super) url: &'a str,
    pub(super) timestamp_s: i64,
    pub(super) nonce: &'a str,
    pub(super) body: &'a str,
}

impl SignedRequest<'_> {
    pub(super) fn message(&self) -> String {
        let Self { method, url, timestamp_s, nonce, body } = self;
        format!("{method}\n{url}\n{timestamp_s}\n{nonce}\n{body}\n")
    }
}

/// A platform key as it is written in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKey {
    id: String,
    pem: String,
}

/// The keys that WeChat Pay signs with.
pub(super) struct PlatformKeys(Vec<PlatformKey>);

struct PlatformKey {
    id: String,
    public: SubjectPublicKeyInfoDer<'static>,
}

impl PlatformKeys {
    pub(super) fn try_new(written: &[WrittenKey]) -> Result<Self, String> {
        if !(1..=PLATFORM_KEYS_MAX).contains(&written.len()) {
            return Err(format!("platform_keys must name 1 to {PLATFORM_KEYS_MAX} keys"));
        }
        let keys = written.iter().enumerate().map(|(index, written)| {
            PlatformKey::try_new(written).map_err(|why| format!("platform_keys[{index}] {why}"))
        });
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// The public key that answers are asked to be signed with: unasked, WeChat Pay signs with a certificate for as long
    /// as the merchant has one.
    pub(super) fn wanted(&self) -> Option<&str> {
        self.0.iter().map(|key| key.id.as_str()).find(|id| id.starts_with(PUBLIC_KEY_PREFIX))
    }

    /// Checks the signature of an answer or a callback. `header` reads one by its name in lower case.
    pub(super) fn verify<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
        now_s: i64,
    ) -> Result<(), String> {
        let needed = |name: &str| header(name).ok_or_else(|| format!("there is no header {name}"));
        let signature = needed("wechatpay-signature")?;
        let (timestamp, nonce) = (needed("wechatpay-timestamp")?, needed("wechatpay-nonce")?);
        if signature.starts_with(PROBE_PREFIX) {
            return Err("it is a probe, wrong on purpose".to_owned());
        }
        if header("wechatpay-signature-type").is_some_and(|algorithm| algorithm != ALGORITHM) {
            return Err("its algorithm is another one".to_owned());
        }
        let instant_s: i64 = timestamp.parse().map_err(|_| "its timestamp is no number".to_owned())?;
        if instant_s.abs_diff(now_s) > TOLERANCE_S {
            return Err(format!("it was made {} s away from now", instant_s.abs_diff(now_s)));
        }
        let serial = needed("wechatpay-serial")?;
        let key = self.0.iter().find(|key| key.id == serial).ok_or("its key is not one of platform_keys")?;
        let signature = STANDARD.decode(signature).map_err(|_| "it is not base64".to_owned())?;
        let message = [timestamp.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat();
        key.verify(&message, &signature).map_err(|_| "it is wrong".to_owned())
    }
}

impl PlatformKey {
    fn try_new(written: &WrittenKey) -> Result<Self, String> {
        if !is_key_id(&written.id) {
            return Err("must have an id of letters, digits and _, at most 64".to_owned());
        }
        let (kind, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(written.pem.as_bytes())
            .map_err(|_| "must have PEM in its pem".to_owned())?;
        let public = match kind {
            SectionKind::PublicKey if written.id.starts_with(PUBLIC_KEY_PREFIX) => SubjectPublicKeyInfoDer::from(der),
            SectionKind::Certificate => certified(&written.id, der)?,
            _ => return Err("must be a PUBLIC KEY whose id begins with PUB_KEY_ID_, or a CERTIFICATE".to_owned()),
        };
        let key = Self { id: written.id.clone(), public };
        // A key that can verify at all says so of a signature that is wrong.
        match key.verify(b"", &[]) {
            Ok(()) | Err(webpki::Error::InvalidSignatureForPublicKey) => Ok(key),
            Err(_) => Err("must hold an RSA key".to_owned()),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), webpki::Error> {
        RawPublicKeyEntity::try_from(&self.public)?.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, signature)
    }
}

/// The key in a certificate whose serial number is its id. Who issued it and until when is not judged: what stands in
/// the settings is trusted, and WeChat Pay names the certificate that it uses.
fn certified(id: &str, der: Vec<u8>) -> Result<SubjectPublicKeyInfoDer<'static>, String> {
    let der = CertificateDer::from(der);
    let certificate = EndEntityCert::try_from(&der).map_err(|error| format!("is no certificate: {error}"))?;
    // A leading zero byte only says that the number is not negative.
    let mut serial = String::new();
    for byte in certificate.serial() {
        write!(serial, "{byte:02X}").expect("a String takes any text");
    }
    if serial.trim_start_matches('0') != id.trim_start_matches('0') {
        return Err(format!("must have its certificate's serial number as its id: {serial}"));
    }
    Ok(certificate.subject_public_key_info())
}

fn is_key_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=KEY_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}
