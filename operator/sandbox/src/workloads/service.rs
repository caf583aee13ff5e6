//! Addresses for Services.

use std::{collections::BTreeSet, net::Ipv4Addr};

use k8s_openapi::api::core::v1::Service;
use serde_json::json;

use super::{
    objects::{Key, Objects},
    write::{Kind, Write},
};

/// A range of IPv4 addresses, `base/prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    base: u32,
    prefix: u8,
}

impl AddressRange {
    /// The range of `prefix` leading bits that holds `address`. A prefix beyond 32 counts as 32.
    #[must_use]
    pub const fn new(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = if prefix > 32 { 32 } else { prefix };
        let host_bits = 32 - prefix;
        let mask = if host_bits == 32 { 0 } else { u32::MAX << host_bits };
        Self { base: address.to_bits() & mask, prefix }
    }

    /// How many leading bits all addresses share.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// The lowest address.
    #[must_use]
    pub const fn network(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base)
    }

    /// Whether the address is in the range.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        Self::new(address, self.prefix) == self
    }

    /// The address `offset` after the lowest, if the range has it.
    #[must_use]
    pub fn at(self, offset: u32) -> Option<Ipv4Addr> {
        self.base.checked_add(offset).map(Ipv4Addr::from_bits).filter(|address| self.contains(*address))
    }

    /// The first address from `offset` on that is not taken; the highest (broadcast) is never given away.
    pub(crate) fn free(self, offset: u32, taken: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
        (offset..).map_while(|offset| self.at(offset)).find(|address| {
            !taken.contains(address) && self.contains(Ipv4Addr::from_bits(address.to_bits().wrapping_add(1)))
        })
    }
}

/// The lowest addresses are for those that ask for one, like the API itself.
const FIRST_FREE: u32 = 10;

/// Gives every Service without an address one, and the fields that go with it.
pub(crate) fn plan(services: &Objects<Service>, range: AddressRange) -> Vec<Write> {
    let mut taken: BTreeSet<Ipv4Addr> = services.iter().filter_map(address).collect();
    let mut writes = Vec::new();
    for service in services.iter().filter(|service| lacks_address(service)) {
        let Some(free) = range.free(FIRST_FREE, &taken) else {
            tracing::warn!(service = %Key::of(service), "no cluster IP is left");
            break;
        };
        taken.insert(free);
        writes.push(Write::Patch {
            kind: Kind::Service,
            key: Key::of(service),
            body: json!({ "spec": {
                "clusterIP": free,
                "clusterIPs": [free],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
            }}),
        });
    }
    writes
}

/// The Service's address, unless it is headless or has none.
pub(crate) fn address(service: &Service) -> Option<Ipv4Addr> {
    service.spec.as_ref()?.cluster_ip.as_deref()?.parse().ok()
}

/// Whether clients find the pods themselves.
pub(crate) fn is_headless(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None")
}

fn lacks_address(service: &Service) -> bool {
    let Some(spec) = &service.spec else { return false };
    service.metadata.deletion_timestamp.is_none()
        && spec.type_.as_deref() != Some("ExternalName")
        && spec.cluster_ip.as_deref().unwrap_or_default().is_empty()
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;

    use super::*;

    const RANGE: AddressRange = AddressRange::new(Ipv4Addr::new(10, 96, 0, 0), 16);

    fn check(range: AddressRange, specs: &[serde_json::Value]) -> Vec<String> {
        let mut services = Objects::default();
        for (index, spec) in specs.iter().enumerate() {
            let service =
                json!({ "metadata": { "namespace": "ns", "name": format!("s{index}") }, "spec": spec });
            services.observe(Event::Apply(serde_json::from_value(service).unwrap()));
        }
        let address = |write: &Write| match write {
            Write::Patch { key, body, .. } => {
                format!("{key} {}", body["spec"]["clusterIP"].as_str().unwrap())
            }
            Write::Create(_) | Write::PatchStatus { .. } | Write::Delete { .. } => {
                panic!("{write}")
            }
        };
        plan(&services, range).iter().map(address).collect()
    }

    #[test]
    fn each_service_gets_an_address_of_its_own() {
        let specs = [json!({}), json!({ "clusterIP": "10.96.0.10" }), json!({ "clusterIP": "" })];
        assert_eq!(check(RANGE, &specs), ["ns/s0 10.96.0.11", "ns/s2 10.96.0.12"]);
    }

    #[test]
    fn headless_and_external_services_have_none() {
        assert_eq!(
            check(RANGE, &[json!({ "clusterIP": "None" }), json!({ "type": "ExternalName" })]),
            [""; 0]
        );
    }

    #[test]
    fn a_range_ends_before_its_broadcast_address() {
        let small = AddressRange::new(Ipv4Addr::new(10, 0, 0, 0), 28);
        let specs = vec![json!({}); 9];
        assert_eq!(check(small, &specs).last().unwrap(), "ns/s4 10.0.0.14");
        assert!(AddressRange::new(Ipv4Addr::new(1, 2, 3, 4), 0).contains(Ipv4Addr::BROADCAST));
    }
}
