use kcp_pki::{Algorithm, Authority, Encoding, PrivateKey, Spec, UnixTime, Validity};
use kcp_transport::{KeyPairSource, Source};
use std::time::Duration;

/// A certificate authority for one test.
pub struct Ca(Authority);

impl Ca {
    pub fn new(name: &str) -> Self {
        let key = PrivateKey::generate(Algorithm::default()).expect("key");
        Self(Authority::self_signed(&Spec::authority(name, validity()), key).expect("authority"))
    }

    pub fn bundle(&self) -> Source {
        Source::Inline(self.0.to_issued().root.to_pem().into_bytes())
    }

    pub fn server(&self) -> KeyPairSource {
        self.issue(&Spec::server(&["localhost", "127.0.0.1"], validity()))
    }

    pub fn client(&self, user: &str, groups: &[&str]) -> KeyPairSource {
        self.issue(&Spec::client(user, groups, validity()))
    }

    fn issue(&self, spec: &Spec) -> KeyPairSource {
        let key = PrivateKey::generate(Algorithm::default()).expect("key");
        let issued = self.0.issue(spec, &key.public()).expect("certificate");
        KeyPairSource {
            certificate: Source::Inline(issued.chain.to_pem().into_bytes()),
            key: Source::Inline(key.to_pem(Encoding::default()).into_bytes()),
        }
    }
}

fn validity() -> Validity {
    Validity::starting(UnixTime::now(), Duration::from_secs(3600))
}
