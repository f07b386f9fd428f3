//! Connections, from the first to the last.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use sentimeter_inference::telemetry;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::client::Peer;
use crate::linger::Lingering;
use crate::router::router;

/// Bytes of a request's head.
const HEAD: usize = 64 << 10;

/// Headers of a request.
const HEADERS: usize = 64;

/// How long to wait when the system has no connection to give (too many open files).
const PAUSE: Duration = Duration::from_millis(50);

/// Serves `listener` until `stop` is done; then takes no connection any more, ends what was accepted, and writes
/// down what was predicted.
///
/// # Errors
/// What has begun did not end within the time that the settings leave it.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> io::Result<()> {
    let service = TowerToHyperService::new(router(app.clone()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // Whoever sends its head byte by byte, and whoever keeps a connection without using it.
        .header_read_timeout(app.inner.limits.head)
        .max_buf_size(HEAD)
        .max_headers(HEADERS);
    let places = Arc::new(Semaphore::new(app.inner.limits.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let tls = app.inner.tls.clone().map(TlsAcceptor::from);
    let hello = app.inner.limits.head;
    let mut stop = std::pin::pin!(stop);
    loop {
        // Without a place, further connections wait in the system's own line.
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (stream, address, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accepted => match accepted {
                (Ok((stream, address)), place) => (stream, address.ip(), place),
                (Err(error), _) => {
                    tracing::debug!(%error, "no connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        prepare(&stream);
        let (http, service, watcher) = (http.clone(), service.clone(), graceful.watcher());
        let tls = tls.clone();
        tokio::spawn(async move {
            let _place = place;
            let _open = Open::begin();
            let peer = Peer { address, tls: tls.is_some() };
            match tls {
                None => converse(&http, stream, peer, service, watcher).await,
                Some(tls) => match tokio::time::timeout(hello, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(&http, stream, peer, service, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                    Err(_) => tracing::debug!("TLS took too long to begin"),
                },
            }
        });
    }
    drop(listener);
    app.end();
    let drained = tokio::time::timeout(app.inner.limits.drain, graceful.shutdown()).await;
    app.rest().await;
    app.flush().await;
    drained.map_err(|_| {
        let seconds = app.inner.limits.drain.as_secs();
        io::Error::new(io::ErrorKind::TimedOut, format!("some requests were not answered within {seconds} s"))
    })
}

/// Answers on one connection until it ends, or until the server does and what was asked is answered.
async fn converse(
    http: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    service: TowerToHyperService<Router>,
    watcher: Watcher,
) {
    let known = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    if let Err(error) =
        watcher.watch(http.serve_connection(TokioIo::new(Lingering::new(stream)), known)).await
    {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn prepare(stream: &TcpStream) {
    // An answer is written at once: waiting for more would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
}

/// Counts a connection for as long as it is open.
struct Open;

impl Open {
    fn begin() -> Self {
        metrics::gauge!(telemetry::CONNECTIONS).increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!(telemetry::CONNECTIONS).decrement(1.0);
    }
}
