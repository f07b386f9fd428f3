//! Whose request it is: the address that it comes from, through proxies that are trusted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::extract::Request;
use axum::http::HeaderMap;

/// The other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether the connection is TLS.
    pub(crate) tls: bool,
}

/// Whoever asks, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether what is sent to it travels encrypted: cookies are marked by that.
    pub(crate) secure: bool,
}

impl Client {
    /// What limits are counted by: an address, of IPv6 the network that one household or server has.
    pub(crate) fn network(&self) -> IpAddr {
        match self.address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
            address => address,
        }
    }
}

/// A network that a proxy of ours is in: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Bits that count.
    bits: u8,
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let shared = |a: u128, b: u128, width: u32| {
            let rest = width - u32::from(self.bits);
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => shared(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let wrong = || format!("{raw:?} is no address, such as 10.0.0.7, and no network, such as 10.0.0.0/8");
        let (address, bits) = raw.split_once('/').map_or((raw, None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Of a header that may be sent several times: all of it, as one list.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

/// Who sent the request. What `X-Forwarded-For` says is believed from the right, for as long as those who say it
/// are in `proxies`: anybody can write what stands further left.
pub(crate) fn client(proxies: &[Network], request: &Request) -> Client {
    let Some(peer) = request.extensions().get::<Peer>() else {
        // Called without a socket, by a program that we are part of.
        return Client { address: IpAddr::V6(Ipv6Addr::LOCALHOST), secure: false };
    };
    let trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.holds(address));
    if !trusted(peer.address) {
        return Client { address: peer.address, secure: peer.tls };
    }
    let mut address = peer.address;
    for said in list(request.headers(), "x-forwarded-for").into_iter().rev() {
        let Ok(said) = said.parse::<IpAddr>() else { break };
        address = said;
        if !trusted(said) {
            break;
        }
    }
    // Whoever puts a proxy in front does so for TLS; one that does not says so.
    let plain = list(request.headers(), "x-forwarded-proto").last() == Some(&"http");
    Client { address, secure: peer.tls || !plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_proxies_that_are_trusted_say_who_asks() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "fd00::1"].map(|raw| raw.parse().unwrap()).into();
        for (peer, forwarded, want) in [
            ("192.0.2.1", Some("198.51.100.9"), "192.0.2.1"),
            ("10.1.2.3", Some("198.51.100.9"), "198.51.100.9"),
            ("10.1.2.3", Some("203.0.113.5, 198.51.100.9"), "198.51.100.9"),
            ("10.1.2.3", Some("203.0.113.5, 198.51.100.9, 10.9.9.9"), "198.51.100.9"),
            ("10.1.2.3", Some("nonsense"), "10.1.2.3"),
            ("10.1.2.3", Some("198.51.100.9, nonsense"), "10.1.2.3"),
            ("10.1.2.3", None, "10.1.2.3"),
            ("::ffff:10.1.2.3", Some("2001:db8::1"), "2001:db8::1"),
            ("fd00::1", Some("198.51.100.9"), "198.51.100.9"),
            ("fd00::2", Some("198.51.100.9"), "fd00::2"),
        ] {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(Peer { address: peer.parse().unwrap(), tls: false });
            if let Some(forwarded) = forwarded {
                request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
            }
            let found = client(&proxies, &request);
            assert_eq!(found.address, want.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
            assert_eq!(found.secure, proxies.iter().any(|p| p.holds(peer.parse().unwrap())), "{peer}");
        }
    }

    #[test]
    fn networks_are_read_and_hold_what_is_theirs() {
        for (raw, inside, outside) in [
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("192.0.2.128/25", "192.0.2.200", "192.0.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            let network: Network = raw.parse().unwrap();
            assert!(network.holds(inside.parse().unwrap()), "{network}");
            assert!(!network.holds(outside.parse().unwrap()), "{network}");
        }
        for wrong in ["", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_counted_by_household() {
        let network = |raw: &str| Client { address: raw.parse().unwrap(), secure: false }.network();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
