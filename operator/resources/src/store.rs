//! Where a shard keeps its objects, and that this does not change under it.
//!
//! The first store of a shard is written down on its resource. A later spec that names another one is
//! not followed: the shard keeps running on what it has, and the status says why. Anything else would
//! show its users an empty control plane.

use kcp_operator_api::{EtcdConfig, Text};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Refusal;

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Store {
    /// The shard's own, on a claimed volume.
    Embedded {},
    /// An etcd.
    #[serde(rename_all = "camelCase")]
    Etcd {
        /// Its client URLs.
        endpoints: Vec<String>,
        /// Prefix of all keys; that of the server when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<String>,
    },
}

/// The store of a shard, and whether its spec asks for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What the shard uses.
    pub store: Store,
    /// Why the spec is not followed.
    pub refused: Option<String>,
}

impl Store {
    /// Reason of the condition while the spec asks for another store.
    pub const CHANGED: &'static str = "StoreChanged";

    /// The store that a spec asks for.
    ///
    /// # Errors
    /// An endpoint that is no URL, or fields that only mean something together with endpoints.
    pub fn wanted(etcd: &EtcdConfig) -> Result<Self, Refusal> {
        let prefix = etcd.prefix.text().map(str::to_owned);
        if etcd.endpoints.is_empty() {
            if etcd.tls_config.is_some() {
                return Err(Refusal::conflict("etcd.tlsConfig is set, but no etcd.endpoints to use it with"));
            }
            if prefix.is_some() {
                return Err(Refusal::conflict("etcd.prefix is set, but no etcd.endpoints to use it with"));
            }
            return Ok(Self::Embedded {});
        }
        for endpoint in &etcd.endpoints {
            let url = Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if url.is_none_or(|url| !url.has_host()) || endpoint.contains(',') {
                return Err(Refusal::invalid(format!(
                    "etcd.endpoints: {endpoint:?} is no URL like https://etcd:2379"
                )));
            }
        }
        Ok(Self::Etcd { endpoints: etcd.endpoints.clone(), prefix })
    }

    /// Holds what the spec asks for against what was written down.
    pub fn settle(wanted: Self, recorded: Option<&str>) -> Settled {
        let recorded = recorded.and_then(|text| serde_json::from_str::<Self>(text).ok());
        match recorded {
            Some(recorded) if !recorded.is_same_as(&wanted) => {
                let refused = format!(
                    "spec.etcd asks for {}, but the shard has its objects in {} and stays there; \
                     set it back, or make a new installation",
                    wanted.describe(),
                    recorded.describe()
                );
                Settled { store: recorded, refused: Some(refused) }
            }
            Some(_) | None => Settled { store: wanted, refused: None },
        }
    }

    /// How it is written down.
    pub fn record(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether this is the shard's own store.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded {})
    }

    /// Members of an etcd come and go; as long as one stays, it is the same etcd.
    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Embedded {}, Self::Embedded {}) => true,
            (Self::Embedded {}, Self::Etcd { .. }) | (Self::Etcd { .. }, Self::Embedded {}) => false,
            (Self::Etcd { endpoints, prefix }, Self::Etcd { endpoints: others, prefix: other_prefix }) => {
                prefix == other_prefix
                    && endpoints.iter().any(|one| others.iter().any(|other| member(one) == member(other)))
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Embedded {} => "its own store".to_owned(),
            Self::Etcd { endpoints, prefix } => {
                let prefix = prefix.as_ref().map(|prefix| format!(" under {prefix}")).unwrap_or_default();
                format!("etcd {}{prefix}", endpoints.join(","))
            }
        }
    }
}

/// An endpoint without what may change while the member stays the same.
fn member(endpoint: &str) -> &str {
    endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etcd(endpoints: &[&str], prefix: Option<&str>) -> EtcdConfig {
        EtcdConfig {
            endpoints: endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect(),
            prefix: prefix.map(str::to_owned),
            ..EtcdConfig::default()
        }
    }

    fn check(before: &EtcdConfig, after: &EtcdConfig, refused: bool) {
        let before = Store::wanted(before).unwrap();
        let settled = Store::settle(Store::wanted(after).unwrap(), Some(&before.record()));
        assert_eq!(settled.refused.is_some(), refused, "{:?}", settled.refused);
        if refused {
            assert_eq!(settled.store, before);
        }
    }

    #[test]
    fn a_shard_stays_with_its_store() {
        let own = etcd(&[], None);
        let one = etcd(&["https://a:2379"], None);
        check(&own, &own, false);
        check(&own, &one, true);
        check(&one, &own, true);
        check(&one, &etcd(&["https://b:2379"], None), true);
        check(&one, &etcd(&["https://a:2379"], Some("/kcp")), true);
    }

    #[test]
    fn members_of_an_etcd_come_and_go() {
        let three = etcd(&["https://a:2379", "https://b:2379", "https://c:2379"], None);
        check(&three, &etcd(&["https://c:2379/", "https://d:2379"], None), false);
        check(&etcd(&["http://a:2379"], None), &etcd(&["https://a:2379"], None), false);
    }

    #[test]
    fn a_record_that_cannot_be_read_binds_nobody() {
        assert_eq!(Store::settle(Store::Embedded {}, Some("?")).refused, None);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let reason = |config: EtcdConfig| Store::wanted(&config).unwrap_err().reason;
        assert_eq!(reason(etcd(&["etcd:2379"], None)), Refusal::INVALID);
        assert_eq!(reason(etcd(&["https://a:2379,https://b:2379"], None)), Refusal::INVALID);
        assert_eq!(reason(etcd(&[], Some("/kcp"))), Refusal::CONFLICT);
    }
}
