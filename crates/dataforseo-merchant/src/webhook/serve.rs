//! A server for a receiver: every connection, head and body bounded in size, number and time.

use super::Receiver;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// The most bytes of a head.
const HEAD: usize = 16 << 10;
/// The most fields of a head.
const FIELDS: usize = 64;
/// How long nothing is accepted after the system had no more connections to give.
const PAUSE: Duration = Duration::from_millis(100);

impl Receiver {
    /// Serves webhooks on this port until a future ends, then waits as long as an answer may take for those under way.
    ///
    /// It speaks HTTP/1.1 without TLS: put it behind something that does.
    ///
    /// # Errors
    /// When the port cannot be listened on any more.
    pub async fn serve(self, listener: TcpListener, until: impl Future<Output = ()>) -> io::Result<()> {
        let most = self.settings.connections.clamp(1, Semaphore::MAX_PERMITS);
        let connections = Arc::new(Semaphore::new(most));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.settings.head).max_buf_size(HEAD).max_headers(FIELDS);
        let router = self.router();
        tokio::pin!(until);
        loop {
            let accepted = async {
                let place = connections.clone().acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((place, listener.accept().await?.0))
            };
            let accepted = tokio::select! {
                () = &mut until => break,
                accepted = accepted => accepted,
            };
            let (place, stream) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_lasting(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = serving.await {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        let ended = tokio::time::timeout(self.settings.answer, connections.acquire_many(all)).await;
        tracing::debug!(all = ended.is_ok(), "connections ended");
        Ok(())
    }
}

/// Whether the next call would fail as well: it is not about one connection, or about how many there are.
fn is_lasting(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected | io::ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::receiver::tests::{Shelf, receiver};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::oneshot,
    };

    /// Row S3: a head that never ends is not waited for, one too long is not read, and those who are served first leave.
    #[tokio::test]
    async fn s3_heads_are_bounded_in_time_and_size_and_connections_in_number() {
        let receiver = receiver(&Shelf::default()).with(|settings| {
            (settings.head, settings.connections) = (Duration::from_millis(200), 1);
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(receiver.serve(listener, async move { drop(stopped.await) }));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        let mut waiting = TcpStream::connect(address).await.unwrap();
        waiting.write_all(b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        waiting.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 404 "), "served once the slow one was cut: {said}");
        let mut nothing = Vec::new();
        slow.read_to_end(&mut nothing).await.unwrap();
        assert!(!nothing.starts_with(b"HTTP/1.1 2"));
        let mut long = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /x HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(2 * HEAD));
        long.write_all(head.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let _reset_or_refused = long.read_to_end(&mut said).await;
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"));
        drop(stop);
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "it no longer listens");
    }
}
