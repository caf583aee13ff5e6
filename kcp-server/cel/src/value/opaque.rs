use crate::{
    authorizer::{Decision, Question},
    types::Opaque,
};
use kcp_apimachinery::quantity::Quantity;
use std::{fmt, net::IpAddr};

/// A value of one of Kubernetes' types.
#[derive(Clone, Debug)]
pub enum OpaqueVal {
    /// An IP address.
    Ip(Address),
    /// A network.
    Cidr(Network),
    /// A URL.
    Url(Box<crate::library::UrlParts>),
    /// An amount.
    Quantity(Quantity),
    /// A version.
    Semver(Box<semver::Version>),
    /// A named format.
    Format(&'static crate::library::NamedFormat),
    /// An authorizer, or a question to one that is being put together.
    Question(Question),
    /// The answer of an authorizer.
    Decision(Decision),
}

/// An IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub IpAddr);

/// An IP address and the length of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The address; it may have bits beyond the prefix.
    pub address: Address,
    /// Bits that belong to the network.
    pub prefix: u8,
}

impl Address {
    pub(crate) fn bits(self) -> u8 {
        if self.0.is_ipv4() { 32 } else { 128 }
    }

    /// The address with only its first bits.
    pub(crate) fn masked(self, prefix: u8) -> Self {
        let drop = u32::from(self.bits().saturating_sub(prefix));
        Self(match self.0 {
            IpAddr::V4(address) => {
                IpAddr::V4((u32::from(address) & u32::MAX.checked_shl(drop).unwrap_or(0)).into())
            }
            IpAddr::V6(address) => {
                IpAddr::V6((u128::from(address) & u128::MAX.checked_shl(drop).unwrap_or(0)).into())
            }
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl OpaqueVal {
    pub(crate) fn kind(&self) -> Opaque {
        match self {
            Self::Ip(_) => Opaque::Ip,
            Self::Cidr(_) => Opaque::Cidr,
            Self::Url(_) => Opaque::Url,
            Self::Quantity(_) => Opaque::Quantity,
            Self::Semver(_) => Opaque::Semver,
            Self::Format(_) => Opaque::Format,
            Self::Question(question) => question.kind(),
            Self::Decision(_) => Opaque::Decision,
        }
    }

    /// Bytes of an address, for costs.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Ip(address) => Some(usize::from(address.bits() / 8)),
            Self::Cidr(network) => Some(usize::from(network.prefix.div_ceil(8))),
            Self::Url(_)
            | Self::Quantity(_)
            | Self::Semver(_)
            | Self::Format(_)
            | Self::Question(_)
            | Self::Decision(_) => None,
        }
    }

    pub(crate) fn equal(&self, other: &Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Quantity(a), Self::Quantity(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a.cmp_precedence(b).is_eq(),
            (Self::Format(a), Self::Format(b)) => std::ptr::eq(*a, *b),
            (Self::Question(a), Self::Question(b)) => a == b,
            (Self::Decision(a), Self::Decision(b)) => a == b,
            _ => return None,
        })
    }
}
