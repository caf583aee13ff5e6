//! Lists: one page at a time, at one revision, with tokens that say where to go on.

use crate::{Error, Registry};
use kcp_apimachinery::{Map, Value, value::decode};
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Identity, Key, ObjectName, Range, Record, ResourceKey, Resources, Scope};

/// Objects read from the store at a time while a list is filtered.
const CHUNK: usize = 500;

/// Which objects of a range are wanted.
pub trait Selection: Send + Sync {
    /// Whether everything is.
    fn is_everything(&self) -> bool;
    /// Whether this one is.
    fn selects(&self, object: &Value) -> bool;
}

/// A page of a list.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects.
    pub items: Vec<(Key, Record)>,
    /// The revision that all pages of the list show.
    pub revision: Revision,
    /// Where the next page begins, if there is one.
    pub next: Option<Token>,
    /// How many more there are, when that is known: of lists without selection, inside of a logical cluster.
    pub remaining: Option<u64>,
}

/// Where a list goes on: a revision, and the last key that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The list's revision; `None` to go on with what there is now, after the history expired.
    pub revision: Option<Revision>,
    /// The last key of the page before.
    pub last: Key,
    /// How many objects came behind it when the list began, if that was counted.
    pub behind: Option<u64>,
}

impl Registry {
    /// One page of a list: at most `limit` objects that `selection` wants (0: all).
    ///
    /// # Errors
    /// The revision is too old or in the future, or the store cannot be read.
    pub async fn list(
        &self,
        range: &Range,
        selection: &dyn Selection,
        limit: usize,
        from: Option<&Token>,
        at: Option<Revision>,
    ) -> Result<Listing, Error> {
        let mut after = from.map(|token| token.last.clone());
        let mut revision = from.map_or(at, |token| token.revision);
        let mut listing = Listing::default();
        loop {
            let wanted = if limit == 0 { CHUNK } else { (limit - listing.items.len()).min(CHUNK) };
            let page = self.store.range(range, after.as_ref(), wanted, revision).await;
            let page = page.map_err(|error| expired(error, from))?;
            listing.revision = page.revision;
            // Later chunks show the revision of the first.
            revision = Some(page.revision);
            after = page.items.last().map(|(key, _)| key.clone()).or(after);
            if selection.is_everything() {
                listing.items.extend(page.items);
            } else {
                for (key, record) in page.items {
                    if selection.selects(&crate::codec::open(&key, &record)?) {
                        listing.items.push((key, record));
                    }
                }
            }
            if !page.more {
                return Ok(listing);
            }
            if limit > 0 && listing.items.len() >= limit {
                if selection.is_everything() {
                    listing.remaining = self.remaining(range, from, listing.items.len()).await?;
                }
                let behind = listing.remaining;
                listing.next = after.map(|last| Token { revision: Some(listing.revision), last, behind });
                return Ok(listing);
            }
        }
    }

    /// How many objects come behind a page of `shown`. They are counted once, with the first page, and at that
    /// moment: it is an estimate, as it is in Kubernetes. Nobody counts the objects of all logical clusters.
    async fn remaining(
        &self,
        range: &Range,
        from: Option<&Token>,
        shown: usize,
    ) -> Result<Option<u64>, Error> {
        let before = match (from, &range.scope) {
            (Some(token), _) => token.behind,
            (None, Scope::Everywhere) => None,
            (None, Scope::Cluster(_) | Scope::Namespace(..) | Scope::Object(..)) => {
                Some(self.store.count(range).await?)
            }
        };
        // There is a next page, so there is at least one more.
        Ok(before.map(|count| count.saturating_sub(shown as u64).max(1)))
    }
}

/// Whoever lost the history between two pages may go on with what there is now.
fn expired(error: kcp_storage::Error, from: Option<&Token>) -> Error {
    match (error, from) {
        (kcp_storage::Error::Compacted { .. }, Some(token)) => {
            Error::PageExpired { fresh: Box::new(Token { revision: None, ..token.clone() }) }
        }
        (error, _) => error.into(),
    }
}

impl Token {
    /// The token as text for clients, opaque to them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let key = &self.last;
        let mut object = Map::new();
        object.insert("v", "meta.k8s.io/v1");
        object.insert("rv", Value::Int(self.revision.map_or(-1, |r| i64::try_from(r.0).unwrap_or(i64::MAX))));
        object.insert("c", key.cluster.as_str());
        object.insert("n", key.name.as_str());
        if let Some(namespace) = &key.namespace {
            object.insert("ns", namespace.as_str());
        }
        if let Some(behind) = self.behind {
            object.insert("r", Value::Int(i64::try_from(behind).unwrap_or(i64::MAX)));
        }
        match &key.resource.identity {
            Identity::BuiltIn => object.insert("i", "b"),
            Identity::Custom => object.insert("i", "c"),
            Identity::Bound(hash) => object.insert("i", format!("={hash}")),
        };
        base64(&kcp_apimachinery::value::encode(&Value::Object(object)))
    }

    /// Reads a token that a client gave back for a list of `range`.
    ///
    /// # Errors
    /// It is not one of ours, or not of this range.
    pub fn parse(text: &str, range: &Range) -> Result<Self, Error> {
        let bad = |why: &str| Error::BadToken(why.to_owned());
        let bytes = unbase64(text).ok_or_else(|| bad("illegal base64 data"))?;
        let object = decode(&bytes).map_err(|e| Error::BadToken(e.to_string()))?;
        let text = |name: &str| object.str_at(&[name]);
        let (group, resource) = match &range.resources {
            Resources::One(key) => (key.group.clone(), key.resource.clone()),
            Resources::EveryIdentity { group, resource } => (group.clone(), resource.clone()),
            Resources::Every => return Err(bad("no client lists every kind")),
        };
        let identity = match text("i") {
            Some("b") => Identity::BuiltIn,
            Some("c") => Identity::Custom,
            Some(hash) if hash.starts_with('=') => Identity::Bound(hash[1..].into()),
            Some(_) | None => return Err(bad("no such kind")),
        };
        let name = |text: &str| ObjectName::parse(text).map_err(|e| Error::BadToken(e.to_string()));
        let last = Key {
            resource: ResourceKey { group, resource, identity },
            cluster: ClusterName::parse(text("c").unwrap_or_default())
                .map_err(|e| Error::BadToken(e.to_string()))?,
            namespace: text("ns").map(name).transpose()?,
            name: name(text("n").unwrap_or_default())?,
        };
        if !range.contains(&last) {
            return Err(bad("it is of another list"));
        }
        let revision = object.get("rv").and_then(Value::as_int).ok_or_else(|| bad("no revision"))?;
        let behind = object.get("r").and_then(Value::as_int).and_then(|count| u64::try_from(count).ok());
        Ok(Self { revision: u64::try_from(revision).ok().map(Revision), last, behind })
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding, as Kubernetes' tokens are.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * at)) as usize & 63]));
        }
    }
    out
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut word, mut bits) = (0_u32, 0);
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|&a| a == byte)?;
        word = word << 6 | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(word >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_only_for_its_own_list() {
        let kind = ResourceKey::built_in("", "configmaps");
        let red = ClusterName::parse("red").expect("a name");
        let name = |text| ObjectName::parse(text).expect("a name");
        let last = Key {
            resource: kind.clone(),
            cluster: red.clone(),
            namespace: Some(name("ns")),
            name: name("a"),
        };
        let token = Token { revision: Some(Revision(9)), last, behind: Some(3) };
        let text = token.to_text();
        assert_eq!(Token::parse(&text, &Range::cluster(kind.clone(), red)), Ok(token.clone()));
        assert_eq!(Token::parse(&text, &Range::everywhere(kind.clone())), Ok(token));
        assert!(Token::parse(&text, &Range::cluster(kind.clone(), ClusterName::root())).is_err());
        assert!(Token::parse("?", &Range::everywhere(kind)).is_err());
    }

    /// Selects nothing away.
    struct Everything;

    impl Selection for Everything {
        fn is_everything(&self) -> bool {
            true
        }
        fn selects(&self, _object: &Value) -> bool {
            true
        }
    }

    fn key(cluster: &str, name: &str) -> Key {
        Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::parse(cluster).expect("a name"),
            namespace: None,
            name: ObjectName::parse(name).expect("a name"),
        }
    }

    async fn put(registry: &Registry, name: &str) {
        let mut object =
            kcp_apimachinery::value!({"apiVersion": "v1", "metadata": {"name": name, "uid": "u"}});
        let write = kcp_storage::Write {
            key: key("red", name),
            expect: kcp_storage::Expect::Anything,
            change: kcp_storage::Change::Put(crate::codec::seal(&mut object, crate::codec::Seal::default())),
            requires: Vec::new(),
        };
        registry.store().commit(vec![write]).await.expect("a sound write");
    }

    async fn with(names: &[&str]) -> std::sync::Arc<Registry> {
        let store = std::sync::Arc::new(kcp_storage::memory::MemoryStore::default());
        let registry = Registry::new(store, Vec::new());
        for name in names {
            put(&registry, name).await;
        }
        registry
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing.items.iter().map(|(key, _)| key.name.as_str()).collect()
    }

    fn red() -> Range {
        Range::cluster(key("red", "a").resource, key("red", "a").cluster)
    }

    #[tokio::test]
    async fn pages_tell_how_many_objects_are_still_to_come() {
        let registry = with(&["a", "b", "c", "d", "e"]).await;
        let first = registry.list(&red(), &Everything, 2, None, None).await.expect("a page");
        assert_eq!((names(&first), first.remaining), (vec!["a", "b"], Some(3)));
        put(&registry, "aa").await;
        let next = first.next.expect("a token");
        let next = Token::parse(&next.to_text(), &red()).expect("our own");
        let second = registry.list(&red(), &Everything, 2, Some(&next), None).await.expect("a page");
        assert_eq!((names(&second), second.remaining), (vec!["c", "d"], Some(1)));
        let last = registry.list(&red(), &Everything, 2, second.next.as_ref(), None).await.expect("a page");
        assert_eq!((names(&last), last.remaining, &last.next), (vec!["e"], None, &None));
        let all = Range::everywhere(key("red", "a").resource);
        let wildcard = registry.list(&all, &Everything, 2, None, None).await.expect("a page");
        assert_eq!(wildcard.remaining, None, "nobody counts the objects of all logical clusters");
    }

    #[tokio::test]
    async fn whoever_waited_too_long_with_the_next_page_goes_on_with_what_there_is() {
        let registry = with(&["a", "b", "c", "d"]).await;
        let first = registry.list(&red(), &Everything, 2, None, None).await.expect("a page");
        let begun = first.revision;
        put(&registry, "bb").await;
        put(&registry, "e").await;
        registry.store().compact(registry.store().revision()).await.expect("it can");
        let lost = registry.list(&red(), &Everything, 2, first.next.as_ref(), None).await;
        let Err(Error::PageExpired { fresh }) = lost else { panic!("{lost:?}") };
        let fresh = Token::parse(&fresh.to_text(), &red()).expect("our own");
        let now = registry.list(&red(), &Everything, 9, Some(&fresh), None).await.expect("a page");
        assert_eq!(names(&now), ["bb", "c", "d", "e"]);
        let old = registry.list(&red(), &Everything, 2, None, Some(begun)).await;
        assert!(matches!(old, Err(Error::Expired(_))), "{old:?}");
    }
}
