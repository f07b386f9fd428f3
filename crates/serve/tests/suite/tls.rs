//! Encrypted connections.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use sentimeter_serve::{Certificate, Limits, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use crate::server::{Server, local};

#[tokio::test]
async fn with_a_certificate_everything_is_encrypted_and_cookies_say_so() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let limits = Limits { head: Duration::from_millis(500), ..Limits::default() };
    let server = Server::new(Settings { tls: Some(Arc::new(tls)), limits, ..local() }).await;
    let mut listening = server.listen().await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, listening.connect().await).await.unwrap();
    stream.write_all(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told).await;
    let told = String::from_utf8_lossy(&told);
    assert!(told.starts_with("HTTP/1.1 200"), "{told:.300}");
    assert!(told.contains("strict-transport-security: max-age="), "{told:.900}");

    // Plain HTTP, and silence, get nothing, and the server goes on.
    let plain = listening.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(!plain.contains("200"), "{plain}");
    let mut silent = listening.connect().await;
    let mut nothing = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), silent.read_to_end(&mut nothing)).await;
    assert!(ended.is_ok() && nothing.is_empty());
    listening.stop();
    listening.ended().await.unwrap();
}

/// The certificate that the server shows on a new connection.
async fn shown(listening: &crate::server::Listening, roots: &rustls::RootCertStore) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, listening.connect().await).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_renewed_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let [first, second] =
        [1, 2].map(|_| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let mut roots = rustls::RootCertStore::empty();
    for issued in [&first, &second] {
        roots.add(issued.cert.der().clone()).unwrap();
    }
    std::fs::write(&cert, first.cert.pem()).unwrap();
    std::fs::write(&key, first.signing_key.serialize_pem()).unwrap();
    let certificate = Certificate::open(&cert, &key).unwrap();
    let server = Server::new(Settings { tls: Some(certificate.config().unwrap()), ..local() }).await;
    let mut listening = server.listen().await;
    assert_eq!(shown(&listening, &roots).await, first.cert.der().to_vec());
    assert!(!certificate.renew().unwrap(), "nothing has changed");

    // The one file is there before the other: what does not fit is not used.
    std::fs::write(&cert, second.cert.pem()).unwrap();
    assert!(certificate.renew().unwrap_err().to_string().contains("does not fit"));
    assert_eq!(shown(&listening, &roots).await, first.cert.der().to_vec());
    std::fs::write(&key, "no key").unwrap();
    assert!(certificate.renew().unwrap_err().to_string().contains("key.pem"));
    std::fs::remove_file(&key).unwrap();
    assert!(certificate.renew().is_err());
    assert_eq!(shown(&listening, &roots).await, first.cert.der().to_vec());

    let watching = tokio::spawn(certificate.clone().watch(Duration::from_millis(20)));
    std::fs::write(&key, second.signing_key.serialize_pem()).unwrap();
    let begun = std::time::Instant::now();
    while shown(&listening, &roots).await != second.cert.der().to_vec() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the former certificate is used on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    watching.abort();
    listening.stop();
    listening.ended().await.unwrap();
}
