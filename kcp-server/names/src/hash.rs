//! Names derived from other names, bit for bit as kcp derives them (`kcp-server.md` §0.2).

use crate::ClusterName;
use rand::RngCore;
use sha2::{Digest, Sha224, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// base36 over the SHA-224 digest, one leading `0` per leading zero byte.
#[must_use]
pub fn base36_sha224(text: &[u8]) -> String {
    padded(&Sha224::digest(text), 36)
}

/// base62 over the SHA-224 digest, leading zero bytes dropped.
#[must_use]
pub fn base62_sha224(text: &[u8]) -> String {
    encode(&Sha224::digest(text), 62)
}

/// Lower-case hex of the SHA-224 digest.
#[must_use]
pub fn hex_sha224(text: &[u8]) -> String {
    hex(&Sha224::digest(text))
}

/// Lower-case hex of the SHA-256 digest: the hash of an API identity.
#[must_use]
pub fn hex_sha256(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// The logical cluster of a user's home workspace.
#[must_use]
pub fn home_cluster(user: &str) -> String {
    padded(&Sha224::digest(user.as_bytes())[..8], 36)
}

/// A fresh name for a workspace's logical cluster: 16 characters, random.
#[must_use]
pub fn fresh_cluster() -> ClusterName {
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    cluster_from_seed(&seed)
}

/// The name that 32 random bytes stand for.
#[must_use]
pub fn cluster_from_seed(seed: &[u8; 32]) -> ClusterName {
    let text = base36_sha224(seed);
    // base36 of a digest is lower-case letters and digits only, so 16 of them are a name.
    ClusterName::parse(&text[..16.min(text.len())]).unwrap_or_else(|_| ClusterName::root())
}

/// The deprecated shard hash annotation: 8 characters.
#[must_use]
pub fn shard_hash(shard: &str) -> String {
    base36_sha224(shard.as_bytes()).chars().take(8).collect()
}

/// Label key and value that mark a logical cluster which still has `initializer`.
#[must_use]
pub fn initializer_label(initializer: &str) -> (String, String) {
    lifecycle_label("initializer.internal.kcp.io/", initializer)
}

/// Label key and value that mark a logical cluster which still has `terminator`.
#[must_use]
pub fn terminator_label(terminator: &str) -> (String, String) {
    lifecycle_label("terminator.internal.kcp.io/", terminator)
}

/// Name of the binding that a workspace type's default export gets in `cluster`.
#[must_use]
pub fn default_binding_name(cluster: &ClusterName, export_path: &str, export: &str) -> String {
    let hash = base62_sha224(format!("{cluster}|{export_path}|{export}").as_bytes());
    let prefix: String = export.chars().take(247).collect();
    format!("{prefix}-{}", hash.chars().take(5).collect::<String>().to_lowercase())
}

/// Hash of an export, as labels on bindings and claimed objects carry it.
#[must_use]
pub fn export_hash(cluster: &ClusterName, export: &str) -> String {
    base62_sha224(format!("{cluster}:{export}").as_bytes())
}

fn lifecycle_label(prefix: &str, id: &str) -> (String, String) {
    let value = hex_sha224(id.as_bytes());
    // A label's name has at most 63 characters, which upstream counts with the prefix.
    let name: String = value.chars().take(63 - prefix.len()).collect();
    (format!("{prefix}{name}"), value)
}

fn padded(bytes: &[u8], base: u32) -> String {
    let zeros = bytes.iter().take_while(|&&b| b == 0).count();
    let digits = if zeros == bytes.len() { String::new() } else { encode(bytes, base) };
    format!("{}{digits}", "0".repeat(zeros))
}

/// Big-endian bytes as an unsigned number in `base`.
fn encode(bytes: &[u8], base: u32) -> String {
    let mut number = bytes.to_vec();
    let mut digits = Vec::new();
    while number.iter().any(|&b| b != 0) {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            // The quotient of a value below 256 × base by base fits a byte.
            *byte = u8::try_from(value / base).unwrap_or(u8::MAX);
            rest = value % base;
        }
        digits.push(char::from(ALPHABET[rest as usize]));
    }
    if digits.is_empty() {
        digits.push('0');
    }
    digits.iter().rev().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_specification() {
        assert_eq!(base36_sha224(b"hello"), "2yfg0ibsewngbzapgs5fesiord507vsncfiw4jd5c2oj");
        assert_eq!(base62_sha224(b"hello"), "bPWFAjMdldrWYheSsV0t7VkdTNtgGHBplr6qLF");
        assert_eq!(base36_sha224(b""), "2n6a5vwpk9ckyxi5x87i7768t4bpqmp64qi0556ih35b");
        for (user, cluster) in [
            ("", "36ks9xj4a2n61"),
            ("alice", "v1u4alow0iv9"),
            ("bob", "2okdry95y5lkv"),
            ("user-with-dash", "1e25681jymk1l"),
            ("user:with:colons", "2bqfj6xlthg3t"),
            ("user172", "0f9mt7goyif7"),
        ] {
            assert_eq!(home_cluster(user), cluster, "{user}");
        }
        assert_eq!(shard_hash("root"), "1pfxsevk");
        assert_eq!(
            default_binding_name(&ClusterName::root(), "root", "tenancy.kcp.io"),
            "tenancy.kcp.io-by23s"
        );
        assert_eq!(
            export_hash(&ClusterName::root(), "tenancy.kcp.io"),
            "bmCdly9xXiUpEHe3ypvDwvXMTfoVZUE92mqAQf"
        );
        let (key, value) = initializer_label("root:universal");
        assert_eq!(key, "initializer.internal.kcp.io/d1d6459a03641b6fd7560fc2849f6c66fa9");
        assert_eq!(value, "d1d6459a03641b6fd7560fc2849f6c66fa971a0afeded6ba2d2743f2");
    }

    #[test]
    fn padding_counts_zero_bytes() {
        assert_eq!(padded(&[0, 0, 1], 36), "001");
        assert_eq!(padded(&[0, 0], 36), "00");
        assert_eq!(padded(&[], 36), "");
    }
}
