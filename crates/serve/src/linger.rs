//! A connection that is closed without tearing the answer away.
//!
//! Whoever is refused in the middle of sending (a body that is too large, a server that is busy) goes on sending for a
//! moment. Were the connection closed on them, the system would answer what comes by a reset, and that takes the
//! answer, which may not have been read yet, away with it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long nothing may come before the other side is taken to have noticed.
const QUIET: Duration = Duration::from_millis(500);

/// How long it may go on sending at all.
const MOST: Duration = Duration::from_secs(5);

/// Reads over what still comes once it is shut down.
pub(crate) struct Lingering<S> {
    stream: S,
    /// Since when it is shut down, and when it ends.
    ending: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Lingering<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ending: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            let now = Instant::now();
            self.ending = Some((now, Box::pin(sleep_until(now + QUIET))));
        }
        let Self { stream, ending: Some((since, end)) } = &mut *self else { return Poll::Ready(Ok(())) };
        loop {
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = [0; 8 << 10];
            let mut over = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut over)) {
                Ok(()) if !over.filled().is_empty() => {
                    let until = (Instant::now() + QUIET).min(*since + MOST);
                    end.as_mut().reset(until);
                }
                // It has ended, this way or that.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn it_ends_when_nothing_comes_and_at_last_when_too_much_does() {
        // Nothing comes.
        let (ours, _theirs) = tokio::io::duplex(64);
        let begun = Instant::now();
        Lingering::new(ours).shutdown().await.unwrap();
        assert!((QUIET..MOST).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        // The other side goes at once.
        let (ours, theirs) = tokio::io::duplex(64);
        drop(theirs);
        let begun = Instant::now();
        Lingering::new(ours).shutdown().await.unwrap();
        assert!(begun.elapsed() < QUIET);
        // It sends for ever.
        let (ours, mut theirs) = tokio::io::duplex(64);
        let sending = tokio::spawn(async move {
            while theirs.write_all(b"more and more").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let mut nothing = Vec::new();
            drop(theirs.read_to_end(&mut nothing).await);
        });
        let begun = Instant::now();
        let mut ours = Lingering::new(ours);
        ours.shutdown().await.unwrap();
        assert!((MOST - QUIET..MOST * 3).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        drop(ours);
        sending.await.unwrap();
    }
}
