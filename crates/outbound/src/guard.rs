//! Which addresses may be asked: the public internet, and networks that the operator allowed.
//!
//! A caller that may name an address could otherwise make this server talk to its own neighbours (server-side request
//! forgery). The judgement is made where the connection is: names are resolved by [`Networks::resolver`], which drops
//! every address that is not allowed, so that a name that resolves differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, dns};

/// The networks that may be asked.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    allowed: Arc<[IpNet]>,
    /// Whether the public internet may not.
    closed: bool,
}

impl Networks {
    /// The public internet, and networks such as `10.1.0.0/16` or `::1/128`.
    pub fn try_new(networks: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            text.parse().map_err(|_| format!("{text:?} is not a network such as 10.1.0.0/16 or ::1/128"))
        };
        Ok(Self { allowed: networks.iter().map(network).collect::<Result<_, _>>()?, closed: false })
    }

    /// These networks and nothing else.
    pub fn only(networks: &[String]) -> Result<Self, String> {
        Ok(Self { closed: true, ..Self::try_new(networks)? })
    }

    fn names(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }

    /// Whether an address may be asked.
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        (!self.closed && is_public(address)) || self.names(address)
    }

    /// Why a URL cannot be asked, as far as it can be told without resolving its name.
    pub(crate) fn objection(&self, url: &Url) -> Option<String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Some("must not have credentials in it".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if let Some(address) = literal
            && !self.allow(address)
        {
            return Some(format!("must not be {address}: the operator does not allow its network"));
        }
        let plain_is_fine = literal.is_some_and(|address| self.names(address.to_canonical()));
        if url.scheme() != "https" && !plain_is_fine {
            return Some("must be https, unless it is an address of a network that the operator allows".to_owned());
        }
        None
    }

    /// Resolves names by the system, and drops what may not be asked.
    pub(crate) fn resolver(&self) -> Arc<dyn dns::Resolve> {
        Arc::new(GuardedResolver(self.clone()))
    }
}

struct GuardedResolver(Networks);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| networks.allow(address.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{} has no address that may be asked", name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet, by the IANA special-purpose registries (RFC 6890 and later).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0 // this network
        || (a == 100 && (64..128).contains(&b)) // shared by carriers
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || a >= 240; // reserved
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out; addresses that embed IPv4 ones or name documentation are not the internet either.
    let is_global_unicast = first & 0xe000 == 0x2000;
    let special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8, // protocol assignments, Teredo; documentation
        0x3fff => second < 0x1000,                     // documentation
        0x2002 => true,                                // 6to4: an IPv4 address in disguise
        _ => false,
    };
    is_global_unicast && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(allowed: &[&str]) -> Networks {
        Networks::try_new(&allowed.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn only_the_public_internet_may_be_asked() {
        let none = networks(&[]);
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001:0:7f00:1::",
        ] {
            assert!(!none.allow(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"] {
            assert!(none.allow(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_network_that_is_allowed_may_be_asked_also_without_tls() {
        let home = networks(&["127.0.0.0/8", "::1/128"]);
        let objection = |url: &str| home.objection(&url.parse().unwrap());
        assert_eq!(objection("http://127.0.0.1:8080/check"), None);
        assert_eq!(objection("http://[::1]:8080/check"), None);
        assert_eq!(objection("https://orders.example.com/check"), None);
        for refused in [
            "http://orders.example.com/check",
            "https://10.0.0.1/",
            "https://[fe80::1]/",
            "https://2130706433.evil@10.0.0.1/",
            "https://u:p@orders.example.com/",
            "https://[::ffff:10.0.0.1]/",
            "https://0xa.0.0.1/",
            "https://167772161/",
        ] {
            assert!(objection(refused).is_some(), "{refused}");
        }
    }

    #[test]
    fn closed_networks_leave_out_the_internet() {
        let home = Networks::only(&["127.0.0.0/8".to_owned()]).unwrap();
        assert!(home.allow("127.0.0.1".parse().unwrap()));
        for address in ["1.1.1.1", "10.0.0.1", "2606:4700::1111", "::1"] {
            assert!(!home.allow(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        assert!(Networks::try_new(&["10.0.0.0/33".to_owned()]).is_err());
        assert!(Networks::try_new(&["localhost".to_owned()]).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_has_no_address_that_may_be_asked() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert!(networks(&[]).resolver().resolve(name("localhost")).await.is_err());
        let addresses = networks(&["127.0.0.0/8", "::1/128"]).resolver().resolve(name("localhost")).await.unwrap();
        assert!(addresses.count() > 0);
    }
}
