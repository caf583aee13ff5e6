//! Addresses for pods.

use std::{collections::BTreeSet, net::Ipv4Addr};

use parking_lot::Mutex;

use crate::workloads::AddressRange;

/// Given out in turn, so that an address that was just released is not met again soon.
#[derive(Debug)]
pub(crate) struct Addresses {
    range: AddressRange,
    given: Mutex<Given>,
}

#[derive(Debug)]
struct Given {
    taken: BTreeSet<Ipv4Addr>,
    next: u32,
}

/// The network's own address and the sandbox's come first.
const FIRST: u32 = 2;

impl Addresses {
    pub(crate) fn new(range: AddressRange) -> Self {
        Self { range, given: Mutex::new(Given { taken: BTreeSet::new(), next: FIRST }) }
    }

    /// One that nobody has; none when all are taken.
    pub(crate) fn take(&self) -> Option<Ipv4Addr> {
        let mut given = self.given.lock();
        let free =
            self.range.free(given.next, &given.taken).or_else(|| self.range.free(FIRST, &given.taken))?;
        given.taken.insert(free);
        given.next = (free.to_bits() - self.range.network().to_bits()).saturating_add(1);
        Some(free)
    }

    pub(crate) fn release(&self, address: Ipv4Addr) {
        self.given.lock().taken.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_given_in_turn_and_come_back() {
        let addresses = Addresses::new(AddressRange::new(Ipv4Addr::new(10, 0, 0, 0), 29));
        let last = |address: Option<Ipv4Addr>| address.map(|address| address.octets()[3]);
        let all: Vec<_> = (0..6).map(|_| last(addresses.take())).collect();
        assert_eq!(all, [Some(2), Some(3), Some(4), Some(5), Some(6), None]);
        addresses.release(Ipv4Addr::new(10, 0, 0, 3));
        assert_eq!(last(addresses.take()), Some(3));
    }
}
