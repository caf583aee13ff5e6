//! Shards.

use crate::rejection::Rejection;
use kcp_apimachinery::Value;

/// Fills in the URLs that a shard does not name.
///
/// # Errors
/// A shard without a base URL.
pub fn prepare(shard: &mut Value) -> Result<(), Rejection> {
    let url = |shard: &Value, field| shard.str_at(&["spec", field]).unwrap_or_default().to_owned();
    let base = url(shard, "baseURL");
    if base.is_empty() {
        return Err(Rejection::Unjudged("spec.baseURL is required".to_owned()));
    }
    for field in ["externalURL", "virtualWorkspaceURL"] {
        if url(shard, field).is_empty() {
            shard.set_at(&["spec", field], base.as_str().into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    #[test]
    fn the_base_url_stands_in_for_the_others() {
        let mut shard = value!({"spec": {"baseURL": "https://a", "externalURL": "https://b"}});
        prepare(&mut shard).expect("a base URL");
        let expected =
            value!({"baseURL": "https://a", "externalURL": "https://b", "virtualWorkspaceURL": "https://a"});
        assert_eq!(shard.get("spec"), Some(&expected));
        let text = Rejection::Unjudged("spec.baseURL is required".into());
        assert_eq!(prepare(&mut value!({"spec": {}})), Err(text));
    }
}
