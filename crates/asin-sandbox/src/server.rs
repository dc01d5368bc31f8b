//! The port: connections that can be cut, and the one handler behind which all vendors stand.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::{Connected, IntoMakeServiceWithConnectInfo};
use axum::extract::{ConnectInfo, FromRequest, Multipart, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use http::{StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::bodies;
use crate::call::{Call, Form, Reply};
use crate::faults::{Action, Strike};
use crate::ports::{Door, Ports};
use crate::vendor::Vendor;
use crate::world::World;

/// The largest request body that is read.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The world behind the port, shared by its handler and the library's own view.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    pub(crate) ports: Ports,
    /// DataForSEO's requests under way: it is the one vendor that counts them.
    in_flight: Arc<AtomicUsize>,
}

impl Shared {
    pub(crate) fn new(world: World, ports: Ports) -> Self {
        Self { world: Arc::new(Mutex::new(world)), ports, in_flight: Arc::default() }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the work of a call and writes it into the ledger.
    fn work(&self, vendor: Vendor, call: &Call, fault: Option<&Strike>) -> Reply {
        let mut world = self.world();
        world.settle();
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let reply = vendor.answer(&mut world, call, in_flight);
        world.note(vendor, call, Some(&reply), fault);
        for errand in std::mem::take(&mut world.tasks.errands) {
            tokio::spawn(crate::delivery::deliver(Arc::downgrade(&self.world), errand));
        }
        reply
    }
}

/// Counts a call in flight until it is dropped.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn enter(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What answers behind a door.
pub(crate) fn service(shared: Shared, door: Door) -> IntoMakeServiceWithConnectInfo<axum::Router, Wire> {
    axum::Router::new().fallback(serve).with_state((shared, door)).into_make_service_with_connect_info()
}

async fn serve(
    State((shared, door)): State<(Shared, Door)>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    answer(shared, door, wire, request).await
}

/// Answers one request that came without a connection.
pub(crate) async fn unconnected(shared: Shared, request: http::Request<Bytes>) -> io::Result<http::Response<Bytes>> {
    let wire = Wire::default();
    let (head, body) = answer(shared, Door::Everybody, wire.clone(), request.map(Body::from)).await.into_parts();
    let body = body.collect().await.map_err(|_| cut())?.to_bytes();
    wire.alive()?;
    Ok(http::Response::from_parts(head, body))
}

/// Answers one request.
async fn answer(shared: Shared, door: Door, wire: Wire, mut request: Request) -> Response {
    if request.uri().path().starts_with("/_sandbox") {
        return crate::control::serve(&shared, request).await;
    }
    let asked = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let (vendor, path) = door.vendor(request.uri().path());
    let strike = shared.world().strike(request.method().as_str(), &path);
    if path != request.uri().path() {
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        if let Ok(rooted) = Uri::try_from(format!("{path}{query}")) {
            *request.uri_mut() = rooted;
        }
    }
    let _in_flight = (vendor == Vendor::DataForSeo).then(|| InFlight::enter(&shared.in_flight));
    if let Some(strike) = &strike
        && strike.action == Action::Refuse
    {
        let call = shared.world().call(request.into_parts().0, asked, Bytes::new(), Form::new());
        shared.world().note(vendor, &call, None, Some(strike));
        return wire.cut().await;
    }
    let Some((parts, body, form)) = read(request).await else { return wire.cut().await };
    let call = shared.world().call(parts, asked, body, form);
    let Some(strike) = strike else {
        return shared.work(vendor, &call, None).complete();
    };
    struck(shared, vendor, call, strike, wire).await
}

async fn struck(shared: Shared, vendor: Vendor, call: Call, strike: Strike, wire: Wire) -> Response {
    let replaced = |reply: Reply| {
        if strike.after_work {
            shared.work(vendor, &call, Some(&strike));
        } else {
            shared.world().note(vendor, &call, None, Some(&strike));
        }
        let body = Body::from(reply.body.clone());
        reply.into_response(body)
    };
    match strike.action {
        Action::Refuse | Action::CutBeforeWork => {
            shared.world().note(vendor, &call, None, Some(&strike));
            wire.cut().await
        }
        Action::CutAfterWork => {
            shared.work(vendor, &call, Some(&strike));
            wire.cut().await
        }
        // The work is a task of its own: a handler is dropped when its client leaves.
        Action::Delay { ms } => {
            let work = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                shared.work(vendor, &call, Some(&strike))
            });
            match work.await {
                Ok(reply) => {
                    let body = Body::from(reply.body.clone());
                    reply.into_response(body)
                }
                Err(_) => wire.cut().await,
            }
        }
        Action::ApplyLate { ms } => {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                shared.work(vendor, &call, Some(&strike));
            });
            wire.cut().await
        }
        Action::HalfBody => {
            let reply = shared.work(vendor, &call, Some(&strike));
            bodies::half(reply, wire)
        }
        Action::Garbage => {
            shared.work(vendor, &call, Some(&strike));
            let reply = Reply::new(StatusCode::OK, "application/json", &b"\x00\xffnot what you asked for{{{"[..]);
            let body = Body::from(reply.body.clone());
            reply.into_response(body)
        }
        Action::SlowBody { ms } => bodies::slow(shared.work(vendor, &call, Some(&strike)), Duration::from_millis(ms)),
        Action::WrongContentType => {
            let mut reply = shared.work(vendor, &call, Some(&strike));
            reply.content_type = "text/plain";
            reply.complete()
        }
        Action::HtmlError { status } => {
            replaced(Reply::html(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)))
        }
        Action::Code { code } => replaced(vendor.coded(&call, code)),
        Action::ClockJump { seconds } => {
            shared.world().clock.jump(Duration::from_secs(seconds));
            shared.work(vendor, &call, Some(&strike)).complete()
        }
        Action::ServerError { status } => replaced(vendor.server_error(&call, status)),
        // Something is delivered twice only where the sandbox itself sends.
        Action::DeliverTwice => shared.work(vendor, &call, Some(&strike)).complete(),
        Action::TooManyRequests => replaced(vendor.throttled(&call)),
        Action::ExpiredToken => replaced(vendor.expired(&call)),
    }
}

/// Reads the request whole; a multipart form also by its parts. None when the client left in the middle.
async fn read(request: Request) -> Option<(http::request::Parts, Bytes, Form)> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut form = Form::new();
    if content_type.starts_with("multipart/form-data") {
        let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
        if let Ok(mut multipart) = Multipart::from_request(again, &()).await {
            while let Ok(Some(field)) = multipart.next_field().await {
                let name = field.name().unwrap_or_default().to_owned();
                form.push((name, field.bytes().await.unwrap_or_default()));
            }
        }
    }
    Some((parts, body, form))
}

/// One accepted connection, which a fault can cut.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    dead: Arc<AtomicBool>,
}

impl Wire {
    /// Ends the connection without another byte: the answer given here can never be written.
    async fn cut(&self) -> Response {
        self.end();
        Response::new(Body::empty())
    }

    /// Nothing is read or written any more.
    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::Release);
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead.load(Ordering::Acquire) { Err(cut()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Port>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        stream.io().wire.clone()
    }
}

pub(crate) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault")
}

/// The listening port.
#[derive(Debug)]
pub(crate) struct Port(pub(crate) TcpListener);

/// A connection's stream.
#[derive(Debug)]
pub(crate) struct Stream {
    inner: TcpStream,
    wire: Wire,
}

impl Listener for Port {
    type Io = Stream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (inner, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = inner.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        (Stream { inner, wire: Wire::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.wire.alive()?;
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.alive()?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.alive()?;
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.alive()?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
