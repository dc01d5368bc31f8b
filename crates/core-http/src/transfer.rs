//! Files: streamed from an operation or an absolute address into a file, and from a file to an absolute address.
//!
//! The memory is bounded whatever the size. An address that came in an answer (a schema, a feed document) never gets our
//! credentials, and its query, which may be a signature, is in no message.

use crate::{
    Client, Error, ErrorKind, Operation, Pieces, Request, Response, Result, Safety, Streamed, TransportError,
    TransportErrorKind, Vendor, answer,
    builder::may_send_to,
    client::{Failed, Intake, Sending, in_time},
    plan::Plan,
    records::{BEGINNING, assemble, beginning},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, header, response::Parts};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

/// A file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download {
    /// Where it is.
    pub path: PathBuf,
    /// Its size, after decompression.
    pub bytes: u64,
    /// Its media type, as the server says.
    pub content_type: Option<String>,
}

/// What is uploaded.
#[derive(Debug, Clone)]
pub enum Content {
    /// A file, read while it is sent.
    File(PathBuf),
    /// Bytes in memory.
    Bytes(Bytes),
}

impl<V: Vendor> Client<V> {
    /// Streams the answer of an operation into a file. The operation's own `Wire` and `output` are not used.
    ///
    /// The file gets its name when everything has arrived; until then it stands beside it under a temporary one. An
    /// answer that breaks off, an HTML page, an empty answer or the vendor's refusal leaves what was there untouched.
    /// The call's deadline holds to the end of the body.
    ///
    /// # Errors
    /// As [`call`](Client::call), and [`ErrorKind::Request`] when the file cannot be written.
    pub async fn download<O: Operation<Vendor = V>>(&self, operation: O, to: impl AsRef<Path>) -> Result<Download> {
        let mut plan = self.plan(&operation)?;
        accept_anything(&mut plan.request);
        self.receive(plan, to.as_ref(), answer::refused::<V>, V::refusal).await
    }

    /// Streams what is at an absolute address into a file, without our credentials; else as [`download`](Client::download).
    ///
    /// # Errors
    /// As [`download`](Client::download); [`ErrorKind::Request`] if the address is not https (loopback excepted).
    pub async fn download_url(&self, url: &url::Url, to: impl AsRef<Path>) -> Result<Download> {
        let plan = self.elsewhere("download", Method::GET, url, Safety::ReadOnly)?;
        self.receive(plan, to.as_ref(), |response| answer::gateway(response).into(), |_| None).await
    }

    /// Fetches what is at an absolute address, without our credentials; as much as the transport takes into memory.
    ///
    /// # Errors
    /// As [`download_url`](Client::download_url).
    pub async fn fetch_url(&self, url: &url::Url) -> Result<Bytes> {
        let plan = self.elsewhere("fetch", Method::GET, url, Safety::ReadOnly)?;
        Ok(self.run(plan, &Body { content: None }).await?.value)
    }

    /// Puts a file or bytes to an absolute address, without our credentials.
    ///
    /// # Errors
    /// As [`download_url`](Client::download_url), and [`ErrorKind::Request`] when the file cannot be read or the media
    /// type cannot stand in a header.
    pub async fn upload_url(&self, url: &url::Url, content_type: &str, content: Content) -> Result<()> {
        let mut plan = self.elsewhere("upload", Method::PUT, url, Safety::Idempotent)?;
        let content_type = HeaderValue::from_str(content_type).map_err(|error| Error::new(ErrorKind::Request, error));
        plan.request.headers_mut().insert(header::CONTENT_TYPE, content_type?);
        // The answer comes when everything has been sent, which may take as long as the call.
        plan.time_out = Duration::MAX;
        self.run(plan, &Body { content: Some(content) }).await?;
        Ok(())
    }

    fn elsewhere(&self, name: &'static str, method: Method, url: &url::Url, safety: Safety) -> Result<Plan> {
        let refused = |reason| Error::new(ErrorKind::Request, reason).at(name, 0, false);
        may_send_to(url, false).map_err(refused)?;
        let uri: http::Uri = url.as_str().parse().map_err(|_| refused("it is no URL that can be sent to"))?;
        let mut request = Request::new(Bytes::new());
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        request.headers_mut().insert(header::USER_AGENT, self.shared.user_agent.clone());
        accept_anything(&mut request);
        let (limits, time_out) = (Vec::new(), Duration::from_secs(30));
        Ok(Plan { name, safety, limits, time_out, request, changes: None, credentials: false })
    }

    async fn receive(
        &self,
        plan: Plan,
        to: &Path,
        refused: fn(&Response) -> Error,
        refusal: fn(&Response) -> Option<crate::Fault>,
    ) -> Result<Download> {
        let got = self.run(plan, &IntoFile { to, refused, refusal }).await?;
        let content_type = got.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Download { path: to.to_owned(), bytes: got.value, content_type: content_type.map(str::to_owned) })
    }
}

fn accept_anything(request: &mut Request) {
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
}

/// What goes wrong with a file of this machine.
fn file(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Request, format!("{}: {error}", path.display()))
}

/// Sends a body if there is one and reads the whole answer.
struct Body {
    content: Option<Content>,
}

impl Intake for Body {
    type Got = Bytes;

    async fn take(&self, sending: Sending) -> Result<(Parts, Bytes), Failed> {
        let Sending { transport, request, until, permit, .. } = sending;
        let (head, _) = request.into_parts();
        let response = match &self.content {
            None => in_time(until, transport.send(Request::from_parts(head, Bytes::new()))).await?,
            Some(Content::Bytes(bytes)) => {
                in_time(until, transport.send(Request::from_parts(head, bytes.clone()))).await?
            }
            Some(Content::File(path)) => {
                let opened = File::open(path).await.map_err(|error| file(path, &error))?;
                let length = opened.metadata().await.map_err(|error| file(path, &error))?.len();
                in_time(until, transport.upload(head, length, pieces(opened))).await?
            }
        };
        drop(permit);
        if !response.status().is_success() {
            let error = answer::gateway(&response).into();
            return Err(Failed { head: Some(Box::new(response.into_parts().0)), error });
        }
        Ok(response.into_parts())
    }
}

/// A file's content in pieces.
fn pieces(opened: File) -> Pieces {
    let read = |mut opened: File| async move {
        let mut piece = Vec::with_capacity(64 << 10);
        let length = opened.read_buf(&mut piece).await;
        let length = length.map_err(|error| TransportError::new(TransportErrorKind::Other, error))?;
        Ok((length > 0).then(|| (Bytes::from(piece), opened)))
    };
    stream::try_unfold(opened, read).boxed()
}

/// Streams a good answer into a file.
struct IntoFile<'a> {
    to: &'a Path,
    refused: fn(&Response) -> Error,
    refusal: fn(&Response) -> Option<crate::Fault>,
}

impl Intake for IntoFile<'_> {
    type Got = u64;

    async fn take(&self, sending: Sending) -> Result<(Parts, u64), Failed> {
        let Sending { transport, request, until, deadline, permit } = sending;
        let Streamed { head, mut body } = in_time(until, transport.open(request)).await?;
        let result = if head.status.is_success() {
            self.write(&head, &mut body, deadline).await
        } else {
            Err((self.refused)(&assemble(&head, beginning(&mut body, until).await)))
        };
        drop(permit);
        match result {
            Ok(bytes) => Ok((head, bytes)),
            Err(error) => Err(Failed { head: Some(Box::new(head)), error }),
        }
    }
}

impl IntoFile<'_> {
    async fn write(&self, head: &Parts, body: &mut Pieces, deadline: Instant) -> Result<u64> {
        let write_error = |error: io::Error| file(self.to, &error);
        let part = Part::beside(self.to)?;
        let mut opened = File::create(&part.0).await.map_err(write_error)?;
        let (mut bytes, mut start) = (0, Vec::new());
        loop {
            let piece = match timeout_at(deadline, body.next()).await {
                Err(_) => return Err(Error::new(ErrorKind::Timeout, format!("incomplete after {bytes} bytes"))),
                Ok(Some(piece)) => piece?,
                Ok(None) => break,
            };
            bytes += piece.len() as u64;
            start.extend_from_slice(&piece[..piece.len().min(BEGINNING - start.len())]);
            opened.write_all(&piece).await.map_err(write_error)?;
        }
        self.judge(head, bytes, start)?;
        opened.sync_all().await.map_err(write_error)?;
        drop(opened);
        tokio::fs::rename(&part.0, self.to).await.map_err(write_error)?;
        Ok(bytes)
    }

    /// Whether what has arrived is a file at all.
    fn judge(&self, head: &Parts, bytes: u64, start: Vec<u8>) -> Result<()> {
        let no_file = |what: &str| Err(Error::new(ErrorKind::Decode, format!("{what} instead of a file")));
        let content_type = head.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        let text = String::from_utf8_lossy(&start[..start.len().min(64)]).trim_start().to_ascii_lowercase();
        if content_type.is_some_and(|kind| kind.starts_with(b"text/html"))
            || ["<!doctype html", "<html"].iter().any(|html| text.starts_with(html))
        {
            return no_file("an HTML page");
        }
        if bytes == 0 {
            return no_file("an empty answer");
        }
        // A refusal is short: what is longer than its beginning is none.
        let whole = bytes == start.len() as u64;
        let fault = whole.then(|| (self.refusal)(&assemble(head, start))).flatten();
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }
}

/// A file under its temporary name; gone when it is dropped, unless it got another name.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::Request, format!("{} names no file", path.display())));
        };
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{:08x}.part", fastrand::u32(..)));
        Ok(Self(path.with_file_name(temporary)))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _renamed_or_gone = std::fs::remove_file(&self.0);
    }
}
