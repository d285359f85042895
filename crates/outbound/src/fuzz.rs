//! The parsers of this crate that read bytes from outside, for the fuzzer in `fuzz/`. Public, because a fuzzer is a program
//! of its own; hidden, because it is nobody's API.

use std::net::IpAddr;

use holdline_domain::ledger::CheckUrl;
use holdline_domain::money::Minor;
use holdline_domain::port::{CallbackWord, ProviderWord};
use reqwest::Url;

use crate::guard::Networks;
use crate::payment::callback_word;
use crate::signature::{SignedMessage, SigningKey};

/// A `check_url`, and the guard against private networks: what it lets through is not an address of this machine.
pub fn check_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(given) = CheckUrl::try_new(text) else { return };
    let Ok(url) = given.as_str().parse::<Url>() else { return };
    let nowhere = Networks::default();
    if nowhere.objection(&url).is_some() {
        return;
    }
    assert_eq!(url.scheme(), "https", "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    // As the client will read it: not as the guard did.
    let host = url.host_str().expect("https has a host");
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = literal.parse::<IpAddr>() {
        let address = address.to_canonical();
        assert!(!address.is_loopback() && !address.is_unspecified() && !address.is_multicast(), "{url}");
        if let IpAddr::V4(v4) = address {
            assert!(!v4.is_private() && !v4.is_link_local() && !v4.is_broadcast(), "{url}");
        }
    }
}

/// The settings of this crate: networks, and the key that requests are signed with.
pub fn signing_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = SigningKey::try_new(text) {
        let signature = key.sign("id", 1, bytes);
        assert!(signature.starts_with("v1,") && signature.len() == 3 + 44, "{signature}");
    }
    let networks: Vec<String> = text.split(',').map(str::to_owned).collect();
    if let Ok(networks) = Networks::try_new(&networks) {
        assert!(!networks.allow(IpAddr::from([0_u8; 4])) || text.contains('/'));
    }
}

/// A callback of a payment center: its first line as `id timestamp signatures`, the rest as its body. Nobody has signed it,
/// so it is not believed; read all the same, it says nothing that could not be stored or that is no money.
pub fn payment_callback(bytes: &[u8]) {
    let (head, body) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()));
    let body = body.get(1..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let mut head = head.splitn(3, ' ');
    let mut next = || head.next().unwrap_or_default();
    let message = SignedMessage { id: next(), timestamp: next(), signatures: next(), body };
    let key = SigningKey::try_new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
    let now_s = message.timestamp.parse().unwrap_or_default();
    assert!(message.verify(&[key], now_s).is_err(), "{message:?}");
    match callback_word(body) {
        Ok(CallbackWord::Payment { payment, word: ProviderWord::Captured { amount, reference, .. } }) => {
            assert!(payment.bytes().all(|byte| byte.is_ascii_graphic()), "{payment:?}");
            assert!((1..=Minor::MAX.0).contains(&amount.0), "{amount:?}");
            assert!(reference.is_none_or(|text| !text.contains('\0')));
        }
        Ok(CallbackWord::Payment { word: ProviderWord::Pending { pay: Some(pay), .. }, .. }) => {
            assert!(pay.len() <= 16 * 1_024 && pay.starts_with('{'), "{pay}");
        }
        Ok(_) | Err(_) => {}
    }
}
