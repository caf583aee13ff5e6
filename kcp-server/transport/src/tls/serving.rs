use super::{KeyPairSource, Source, generate_self_signed};
use crate::{Error, Upkeep};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

/// The certificate that a server shows, read anew when its files change.
///
/// A pair that cannot be used (half written, a key of another certificate) is logged and not taken; the
/// pair before it stays. Connections that exist keep what they were opened with.
#[derive(Debug)]
pub struct ServingCertificate {
    source: KeyPairSource,
    current: ArcSwap<CertifiedKey>,
    seen: Mutex<[u8; 32]>,
}

impl ServingCertificate {
    /// A given pair.
    ///
    /// # Errors
    /// A pair that cannot be used.
    pub fn load(source: KeyPairSource) -> Result<Arc<Self>, Error> {
        let seen = source.digest()?;
        let current = ArcSwap::from_pointee(source.load()?);
        Ok(Arc::new(Self { source, current, seen: Mutex::new(seen) }))
    }

    /// A pair that lives in memory and is signed by itself, for `localhost`, this host's name and `names`
    /// (DNS names or IP addresses).
    ///
    /// # Errors
    /// A name that no certificate can hold.
    pub fn self_signed(names: &[String]) -> Result<Arc<Self>, Error> {
        let (certificate, key) = generate_self_signed(names)?;
        Self::load(KeyPairSource {
            certificate: Source::Inline(certificate.into_bytes()),
            key: Source::Inline(key.into_bytes()),
        })
    }

    /// The pair `<name>.crt`, `<name>.key` in `directory`, made and written there if neither exists.
    ///
    /// # Errors
    /// A pair that cannot be used or written, or a name that no certificate can hold.
    pub fn load_or_generate(directory: &Path, name: &str, names: &[String]) -> Result<Arc<Self>, Error> {
        let certificate = directory.join(format!("{name}.crt"));
        let key = directory.join(format!("{name}.key"));
        if !certificate.exists() && !key.exists() {
            let (certificate_pem, key_pem) = generate_self_signed(names)?;
            std::fs::create_dir_all(directory)
                .map_err(|source| Error::Write { path: directory.to_owned(), source })?;
            write(&key, key_pem.as_bytes(), 0o600)?;
            write(&certificate, certificate_pem.as_bytes(), 0o644)?;
        }
        Self::load(KeyPairSource::files(certificate, key))
    }

    /// The certificates shown now, as PEM: the server's own, then who signed it.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn pem(&self) -> Result<Vec<u8>, Error> {
        self.source.certificate.read()
    }

    /// Reads the files again if they changed. Whether a new pair is in use.
    ///
    /// # Errors
    /// A new pair that cannot be used. It is told once, and tried again when the files change.
    pub fn reload(&self) -> Result<bool, Error> {
        let mut seen = self.seen.lock();
        let now = self.source.digest()?;
        if now == *seen {
            return Ok(false);
        }
        *seen = now;
        self.current.store(Arc::new(self.source.load()?));
        Ok(true)
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Upkeep for ServingCertificate {
    fn upkeep(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(certificate = %self.source.certificate, "serving certificate reloaded")
            }
            Err(error) => tracing::error!(%error, "new serving certificate not usable; keeping the old one"),
        }
    }
}

/// Writes a file that is complete or not there, with the given mode from its first byte on.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let draft = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&draft)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| std::fs::rename(&draft, path));
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pair_keeps_the_old_one() {
        let directory = tempfile::tempdir().expect("directory");
        let serving =
            ServingCertificate::load_or_generate(directory.path(), "apiserver", &[]).expect("generated");
        let shown = |serving: &ServingCertificate| serving.current.load().cert[0].clone();
        let first = shown(&serving);
        assert!(!serving.reload().expect("unchanged"));

        let (certificate, key) = generate_self_signed(&["other".into()]).expect("pair");
        std::fs::write(directory.path().join("apiserver.crt"), &certificate).expect("write");
        serving.reload().expect_err("the key is of the old certificate");
        assert_eq!(shown(&serving), first);

        std::fs::write(directory.path().join("apiserver.key"), key).expect("write");
        assert!(serving.reload().expect("a whole pair"));
        assert_ne!(shown(&serving), first);
    }

    #[test]
    fn a_generated_pair_is_kept() {
        let directory = tempfile::tempdir().expect("directory");
        let pem = || {
            ServingCertificate::load_or_generate(directory.path(), "apiserver", &[])
                .and_then(|pair| pair.pem())
        };
        assert_eq!(pem().expect("made"), pem().expect("read"));
    }
}
