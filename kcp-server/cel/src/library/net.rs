//! IP addresses and networks.

use super::{Op, Outcome, fail};
use crate::value::{Address, Network, OpaqueVal, Val};
use kcp_apimachinery::go;
use std::net::IpAddr;

const NETWORK: &str = "network address parse error during conversion from string: ";

pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    let truth = |truth| Some(Ok(Val::Bool(truth)));
    match (op, args) {
        (Op::ToIp, [Val::String(text)]) => match address(text) {
            Ok(address) => Some(Ok(Val::opaque(OpaqueVal::Ip(address)))),
            Err(message) => fail(message),
        },
        (Op::IsIp, [Val::String(text)]) => truth(address(text).is_ok()),
        (Op::IpIsCanonical, [Val::String(text)]) => match address(text) {
            Ok(address) => truth(address.to_string() == **text),
            Err(message) => fail(message),
        },
        (Op::ToCidr, [Val::String(text)]) => match network(text) {
            Ok(network) => Some(Ok(Val::opaque(OpaqueVal::Cidr(network)))),
            Err(message) => fail(format!("{NETWORK}{message}")),
        },
        (Op::IsCidr, [Val::String(text)]) => truth(network(text).is_ok()),
        (op, [Val::Opaque(value), rest @ ..]) => match &**value {
            OpaqueVal::Ip(ip) if rest.is_empty() => about_address(op, *ip),
            OpaqueVal::Cidr(cidr) => about_network(op, *cidr, rest),
            _ => None,
        },
        _ => None,
    }
}

/// Reads an address, without zone and not an IPv4 one written as IPv6.
fn address(text: &str) -> Result<Address, String> {
    let quoted = go::quote(text);
    if text.contains(':') && text.contains('%') {
        return Err(format!("IP address {quoted} with zone value is not allowed"));
    }
    match text.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"))
        }
        Ok(address) => Ok(Address(address)),
        Err(_) => Err(format!(
            "IP Address {quoted} parse error during conversion from string: ParseAddr({quoted}): unable to parse IP"
        )),
    }
}

fn network(text: &str) -> Result<Network, String> {
    let quoted = go::quote(text);
    let Some((address_text, prefix)) = text.rsplit_once('/') else {
        return Err(format!("{NETWORK}netip.ParsePrefix({quoted}): no '/'"));
    };
    let address = match address_text.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            return Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
        }
        Ok(address) => Address(address),
        Err(_) => {
            let quoted_address = go::quote(address_text);
            return Err(format!(
                "{NETWORK}netip.ParsePrefix({quoted}): ParseAddr({quoted_address}): unable to parse IP"
            ));
        }
    };
    let plain =
        prefix.bytes().all(|byte| byte.is_ascii_digit()) && (prefix.len() == 1 || !prefix.starts_with('0'));
    match prefix.parse() {
        Ok(prefix) if plain && prefix <= address.bits() => Ok(Network { address, prefix }),
        Ok(_) if plain => Err(format!("{NETWORK}netip.ParsePrefix({quoted}): prefix length out of range")),
        _ => {
            Err(format!("{NETWORK}netip.ParsePrefix({quoted}): bad bits after slash: {}", go::quote(prefix)))
        }
    }
}

fn about_address<'a>(op: Op, Address(ip): Address) -> Outcome<'a> {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let truth = match op {
        Op::IpFamily => return Some(Ok(Val::Int(if ip.is_ipv4() { 4 } else { 6 }))),
        Op::IpIsUnspecified => ip.is_unspecified(),
        Op::IpIsLoopback => ip.is_loopback(),
        Op::IpIsLinkLocalMulticast => match ip {
            IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
            IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
        },
        Op::IpIsLinkLocalUnicast => link_local,
        Op::IpIsGlobalUnicast => {
            let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
            !(broadcast || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || link_local)
        }
        _ => return None,
    };
    Some(Ok(Val::Bool(truth)))
}

fn about_network<'a>(op: Op, cidr: Network, rest: &[Val<'_>]) -> Outcome<'a> {
    match (op, rest) {
        (Op::CidrIp, []) => Some(Ok(Val::opaque(OpaqueVal::Ip(cidr.address)))),
        (Op::PrefixLength, []) => Some(Ok(Val::Int(i64::from(cidr.prefix)))),
        (Op::Masked, []) => {
            let address = cidr.address.masked(cidr.prefix);
            Some(Ok(Val::opaque(OpaqueVal::Cidr(Network { address, prefix: cidr.prefix }))))
        }
        (Op::ContainsIp, [Val::String(text)]) => match address(text) {
            Ok(ip) => Some(Ok(Val::Bool(contains(cidr, ip)))),
            Err(message) => fail(message),
        },
        (Op::ContainsCidr, [Val::String(text)]) => match network(text) {
            Ok(other) => Some(Ok(Val::Bool(contains_network(cidr, other)))),
            Err(message) => fail(message),
        },
        (Op::ContainsIp, [Val::Opaque(value)]) => match &**value {
            OpaqueVal::Ip(ip) => Some(Ok(Val::Bool(contains(cidr, *ip)))),
            _ => None,
        },
        (Op::ContainsCidr, [Val::Opaque(value)]) => match &**value {
            OpaqueVal::Cidr(other) => Some(Ok(Val::Bool(contains_network(cidr, *other)))),
            _ => None,
        },
        _ => None,
    }
}

fn contains(cidr: Network, ip: Address) -> bool {
    ip.bits() == cidr.address.bits() && ip.masked(cidr.prefix) == cidr.address.masked(cidr.prefix)
}

fn contains_network(cidr: Network, other: Network) -> bool {
    cidr.prefix <= other.prefix && contains(cidr, other.address.masked(other.prefix))
}
