//! The sandbox's network: a bridge that pods are plugged into, and a range of addresses that are all ours.
//!
//! Packets for the Services' range end at the local stack (a `local` route for the whole range), so a forwarder can
//! listen on any cluster IP without adding addresses one by one.

use std::{io, net::Ipv4Addr, os::fd::AsRawFd, os::fd::BorrowedFd};

use futures_util::TryStreamExt;
use rtnetlink::{
    Handle, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder,
    packet_route::{
        link::{LinkAttribute, LinkMessage},
        route::{RouteScope, RouteType},
    },
};

use crate::workloads::AddressRange;

const BRIDGE: &str = "pods";
/// Without one of its own a bridge takes the lowest of its ports, so it would change whenever a pod comes or goes, and
/// every other pod would talk to nobody until it asks for the gateway's again.
const BRIDGE_MAC: [u8; 6] = [0x02, 0x6b, 0x63, 0x70, 0x00, 0x01];
/// The kernel's table of own addresses; only what is in it can be bound to.
const LOCAL_TABLE: u32 = 255;

/// Where pods live.
pub(crate) const PODS: AddressRange = AddressRange::new(Ipv4Addr::new(10, 244, 0, 0), 16);
/// Where cluster IPs come from.
pub(crate) const SERVICES: AddressRange = AddressRange::new(Ipv4Addr::new(10, 96, 0, 0), 16);
/// The sandbox itself, seen from its pods.
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);

/// A connection to the kernel's network configuration, for the network namespace it was opened in.
pub(crate) struct Netlink {
    handle: Handle,
    connection: tokio::task::JoinHandle<()>,
}

impl Netlink {
    /// Opens one for the calling thread's network namespace. Must be called in a runtime.
    pub(crate) fn open() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        Ok(Self { handle, connection: tokio::spawn(connection) })
    }

    /// Builds the bridge of a fresh sandbox and claims the Services' range.
    pub(crate) async fn build_sandbox(&self) -> io::Result<()> {
        self.up("lo").await?;
        let bridge = LinkBridge::new(BRIDGE).address(BRIDGE_MAC.to_vec()).up().build();
        self.handle.link().add(bridge).execute().await.map_err(told("making the bridge"))?;
        let index = self.index(BRIDGE).await?;
        self.address(index, GATEWAY).await?;
        self.own(SERVICES).await
    }

    /// Makes every address of the range one of ours.
    pub(crate) async fn own(&self, range: AddressRange) -> io::Result<()> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(range.network(), range.prefix())
            .output_interface(self.index("lo").await?)
            .kind(RouteType::Local)
            .scope(RouteScope::Host)
            .table_id(LOCAL_TABLE)
            .build();
        self.handle.route().add(route).execute().await.map_err(told("claiming the Services' addresses"))
    }

    /// Plugs a pod's network into the bridge: a cable with one end in each. `self` is the sandbox's side.
    pub(crate) async fn plug(&self, address: Ipv4Addr, pod: BorrowedFd<'_>) -> io::Result<()> {
        let (here, there) = cable(address);
        let veth = LinkVeth::new(&here, &there).build();
        self.handle.link().add(veth).execute().await.map_err(told("making the pod's cable"))?;
        let away = LinkUnspec::new_with_name(&there).setns_by_fd(pod.as_raw_fd()).build();
        self.handle.link().set(away).execute().await.map_err(told("handing the cable to the pod"))?;
        let bridge = self.index(BRIDGE).await?;
        let plugged = LinkUnspec::new_with_name(&here).controller(bridge).up().build();
        self.handle.link().set(plugged).execute().await.map_err(told("plugging the pod in"))
    }

    /// Sets up the pod's side of the cable. `self` is the pod's side.
    pub(crate) async fn configure_pod(&self, address: Ipv4Addr) -> io::Result<()> {
        self.up("lo").await?;
        let (_, there) = cable(address);
        let index = self.index(&there).await?;
        let named = LinkUnspec::new_with_index(index).name("eth0").up().build();
        self.handle.link().set(named).execute().await.map_err(told("naming the pod's end"))?;
        self.address(index, address).await?;
        let default = RouteMessageBuilder::<Ipv4Addr>::new().gateway(GATEWAY).build();
        self.handle.route().add(default).execute().await.map_err(told("setting the pod's route"))
    }

    async fn address(&self, index: u32, address: Ipv4Addr) -> io::Result<()> {
        let add = self.handle.address().add(index, address.into(), PODS.prefix());
        add.execute().await.map_err(told("setting an address"))
    }

    async fn up(&self, name: &str) -> io::Result<()> {
        let link = LinkUnspec::new_with_name(name).up().build();
        self.handle.link().set(link).execute().await.map_err(told("starting an interface"))
    }

    async fn index(&self, name: &str) -> io::Result<u32> {
        let mut links = self.handle.link().get().match_name(name.to_owned()).execute();
        let found: Option<LinkMessage> = links.try_next().await.map_err(told("looking for an interface"))?;
        let named = |link: &LinkMessage| {
            link.attributes.iter().any(|a| matches!(a, LinkAttribute::IfName(found) if found == name))
        };
        let found = found.filter(named).ok_or_else(|| io::Error::other(format!("no interface {name}")))?;
        Ok(found.header.index)
    }
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Names of both ends, from the pod's address, which is unique.
fn cable(address: Ipv4Addr) -> (String, String) {
    let bits = address.to_bits();
    (format!("v{bits:08x}"), format!("p{bits:08x}"))
}

fn told(what: &'static str) -> impl FnOnce(rtnetlink::Error) -> io::Error {
    move |error| io::Error::other(format!("{what}: {error}"))
}
