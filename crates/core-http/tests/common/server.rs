//! Servers on this machine that misbehave on purpose.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A whole answer.
pub fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

type Handler = Box<dyn FnMut(TcpStream, State) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

#[derive(Clone)]
pub struct State {
    seen: Arc<Mutex<Vec<String>>>,
    closed: Arc<watch::Sender<usize>>,
}

impl State {
    /// Reads one request with its body; `None` when the other side has closed.
    async fn request(&self, stream: &mut TcpStream) -> Option<usize> {
        let (mut bytes, mut piece) = (Vec::new(), [0; 65536]);
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0_usize) {
                    let mut seen = self.seen.lock().expect("no panic");
                    seen.push(text.into_owned());
                    return Some(seen.len() - 1);
                }
            }
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => bytes.extend_from_slice(&piece[..length]),
            }
        }
    }
}

pub struct Server {
    pub address: SocketAddr,
    state: State,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(limit: usize, mut handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = State { seen: Arc::default(), closed: Arc::new(watch::channel(0).0) };
        let shared = state.clone();
        let task = tokio::spawn(async move {
            for _ in 0..limit {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (handled, shared) = (handler(stream, shared.clone()), shared.clone());
                let connection = async move {
                    handled.await;
                    shared.closed.send_modify(|closed| *closed += 1);
                };
                if limit == 1 { connection.await } else { drop(tokio::spawn(connection)) }
            }
        });
        Self { address, state, task }
    }

    /// The requests so far, heads and bodies.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen.lock().expect("no panic").clone()
    }

    /// How many requests have arrived whole.
    pub fn count(&self) -> usize {
        self.seen().len()
    }

    /// Waits until so many connections have been closed by this side.
    pub async fn closed(&self, count: usize) {
        let mut closed = self.state.closed.subscribe();
        closed.wait_for(|closed| *closed >= count).await.expect("the server runs");
    }

    /// Waits until neither a connection nor the port is open.
    pub async fn gone(&self) {
        self.closed(1).await;
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Answers every request on a connection that stays open.
    pub async fn answering(reply: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let reply = Arc::new(reply);
        let handler = move |mut stream: TcpStream, state: State| {
            let reply = reply.clone();
            Box::pin(async move {
                while let Some(number) = state.request(&mut stream).await {
                    if stream.write_all(&reply(number)).await.is_err() {
                        return;
                    }
                }
            }) as Pin<Box<dyn Future<Output = ()> + Send>>
        };
        Self::start(usize::MAX, Box::new(handler)).await
    }

    /// Answers one request on each connection and closes it.
    pub async fn raw(reply: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::limited(usize::MAX, move |number| Some(reply(number))).await
    }

    /// Answers one request on each connection, as if it stayed open, and closes it.
    pub async fn closing_each(reply: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::limited(usize::MAX, move |_| Some(reply())).await
    }

    /// As [`closing_each`](Server::closing_each), for so many connections; then the port is closed, too.
    pub async fn closing_after(count: usize, reply: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::limited(count, move |_| Some(reply())).await
    }

    /// Reads each request and closes its connection, with an answer or without.
    pub async fn cutting(reply: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::limited(usize::MAX, reply).await
    }

    async fn limited(limit: usize, reply: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let reply = Arc::new(reply);
        let handler = move |mut stream: TcpStream, state: State| {
            let reply = reply.clone();
            Box::pin(async move {
                if let Some(number) = state.request(&mut stream).await
                    && let Some(bytes) = reply(number)
                {
                    let _client_may_be_gone = stream.write_all(&bytes).await;
                    let _also = stream.shutdown().await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + Send>>
        };
        Self::start(limit, Box::new(handler)).await
    }

    /// Reads each request, says this much, and then nothing any more.
    pub async fn silent(beginning: &'static [u8]) -> Self {
        let handler = move |mut stream: TcpStream, state: State| {
            Box::pin(async move {
                if state.request(&mut stream).await.is_some() && stream.write_all(beginning).await.is_ok() {
                    std::future::pending::<()>().await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + Send>>
        };
        Self::start(usize::MAX, Box::new(handler)).await
    }

    /// Says one byte of its body every 20 ms.
    pub async fn dripping() -> Self {
        let handler = move |mut stream: TcpStream, state: State| {
            Box::pin(async move {
                let _request = state.request(&mut stream).await;
                let mut next: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
                while stream.write_all(next).await.is_ok() {
                    next = b" ";
                    ticks.tick().await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + Send>>
        };
        Self::start(usize::MAX, Box::new(handler)).await
    }
}

/// A port at which nobody listens.
pub async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address")
}

/// A port whose queue of connections is full.
pub struct FullBacklog {
    pub address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<std::net::TcpStream>,
}

pub fn full_backlog() -> FullBacklog {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let connect = || std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(200)).ok();
    let waiting = std::iter::from_fn(connect).take(64).collect();
    FullBacklog { address, _listener: listener, _waiting: waiting }
}
