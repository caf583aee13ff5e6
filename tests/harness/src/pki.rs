use kcp_pki::{Algorithm, Authority, Encoding, PrivateKey, Spec, UnixTime, Validity};
use kcp_transport::{KeyPairSource, Source};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3600);

/// A certificate authority of one scenario.
pub struct Ca(Authority);

impl Ca {
    /// A new one.
    ///
    /// # Panics
    /// Keys cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = PrivateKey::generate(Algorithm::default()).expect("a key");
        Self(Authority::self_signed(&Spec::authority(name, fresh()), key).expect("an authority"))
    }

    /// Its certificate, as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.to_issued().root.to_pem()
    }

    /// Writes its certificate to a file.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> PathBuf {
        std::fs::write(path, self.pem()).expect("a file");
        path.to_owned()
    }

    /// A server of this machine.
    #[must_use]
    pub fn server(&self) -> KeyPairSource {
        self.issue(&Spec::server(&["localhost", "127.0.0.1"], fresh()))
    }

    /// A user.
    #[must_use]
    pub fn client(&self, user: &str, groups: &[&str]) -> KeyPairSource {
        self.issue(&Spec::client(user, groups, fresh()))
    }

    /// A user whose certificate has ended a minute ago.
    #[must_use]
    pub fn expired(&self, user: &str, groups: &[&str]) -> KeyPairSource {
        let now = UnixTime::now().as_secs();
        let begun = UnixTime::since_unix_epoch(Duration::from_secs(now) - HOUR);
        self.issue(&Spec::client(user, groups, Validity::starting(begun, HOUR - Duration::from_secs(60))))
    }

    fn issue(&self, spec: &Spec) -> KeyPairSource {
        let key = PrivateKey::generate(Algorithm::default()).expect("a key");
        let issued = self.0.issue(spec, &key.public()).expect("a certificate");
        KeyPairSource {
            certificate: Source::Inline(issued.chain.to_pem().into_bytes()),
            key: Source::Inline(key.to_pem(Encoding::default()).into_bytes()),
        }
    }
}

/// Writes `<name>.crt` and `<name>.key` into a directory.
///
/// # Panics
/// They cannot be written.
pub fn write_pair(directory: &Path, name: &str, pair: &KeyPairSource) -> (PathBuf, PathBuf) {
    let (certificate, key) = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
    std::fs::write(&certificate, pair.certificate.read().expect("PEM")).expect("a file");
    std::fs::write(&key, pair.key.read().expect("PEM")).expect("a file");
    (certificate, key)
}

fn fresh() -> Validity {
    Validity::starting(UnixTime::now(), HOUR)
}
