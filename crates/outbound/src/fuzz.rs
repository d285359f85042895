//! The parsers of this crate that read bytes from outside, for the fuzzer in `fuzz/`. Public, because a fuzzer is a program
//! of its own; hidden, because it is nobody's API.

use std::net::IpAddr;

use holdline_domain::ledger::CheckUrl;
use reqwest::Url;

use crate::guard::Networks;
use crate::signature::SigningKey;

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
