//! What connections are encrypted with: read again when the files change, so that a renewed certificate needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why there is no encryption.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("cannot read a certificate (PEM) from {path}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The key's file.
    #[error("cannot read a private key (PEM) from {path}")]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// Both are sound, each by itself.
    #[error("{key} does not fit {certificate}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
    /// The protocol.
    #[error("TLS cannot be set up")]
    Protocol(#[from] rustls::Error),
}

/// When the two files were written, and how long they are.
type Stamps = [Option<(SystemTime, u64)>; 2];

/// A certificate and its key, from two files of PEM.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    /// What the current one was read of.
    seen: Mutex<Stamps>,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads the certificate, with those that it rests on behind it, and its key.
    ///
    /// # Errors
    /// Files that cannot be read, are no PEM, or do not belong together.
    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let stamps = stamps([certificate, key]);
        let current = ArcSwap::from_pointee(read(certificate, key, &provider)?);
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Arc::new(Self { certificate, key, provider, seen: Mutex::new(stamps), current }))
    }

    /// What connections are made with: each by the certificate that is the current one when it begins.
    ///
    /// # Errors
    /// None that is known of.
    pub fn config(self: &Arc<Self>) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let mut config = rustls::ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads the files again where they have changed; whether they hold another certificate, which new connections
    /// are made with from now on.
    ///
    /// # Errors
    /// As for [`open`](Self::open); the former certificate stays, and the next call tries again.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let found = stamps([&self.certificate, &self.key]);
        if found == *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(false);
        }
        let renewed = read(&self.certificate, &self.key, &self.provider)?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = found;
        if renewed.cert == self.current.load().cert {
            return Ok(false);
        }
        self.current.store(Arc::new(renewed));
        Ok(true)
    }

    /// Looks at the files every `pause`, for ever.
    pub async fn watch(self: Arc<Self>, pause: Duration) {
        let mut refused = String::new();
        loop {
            tokio::time::sleep(pause).await;
            let own = self.clone();
            let Ok(renewed) = tokio::task::spawn_blocking(move || own.renew()).await else { return };
            match renewed {
                Ok(false) => {}
                Ok(true) => tracing::info!(file = %self.certificate.display(), "another certificate is used"),
                Err(error) => {
                    // Two files are not replaced at once: the next look may find both.
                    let said = error.to_string();
                    if said != refused {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "the former certificate is used on");
                        refused = said;
                    }
                    continue;
                }
            }
            refused.clear();
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn stamps(paths: [&Path; 2]) -> Stamps {
    paths.map(|path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    })
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let unreadable = |source| TlsError::Certificate { path: certificate.to_owned(), source };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|source| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })
}
