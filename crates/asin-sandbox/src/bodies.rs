//! Bodies that faults spoil: half of one, and a slow one.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header;

use crate::call::Reply;
use crate::server::{Wire, cut};

/// In how many pieces a slow body comes.
const PIECES: u32 = 16;

/// Promises the whole body, sends half of it, and cuts.
pub(crate) fn half(reply: Reply, wire: Wire) -> Response {
    let length = reply.body.len();
    let first = reply.body.slice(..length / 2);
    let body = stream::unfold(Some(first), move |first| {
        let wire = wire.clone();
        async move {
            match first {
                Some(bytes) => Some((Ok::<Bytes, io::Error>(bytes), None)),
                None => {
                    // The pause lets the first half leave before the connection ends.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    wire.end();
                    Some((Err(cut()), None))
                }
            }
        }
    });
    let mut response = reply.into_response(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

/// Sends the body in pieces, with a pause before each.
pub(crate) fn slow(reply: Reply, over: Duration) -> Response {
    let length = reply.body.len();
    let size = length.div_ceil(PIECES as usize).max(1);
    let pause = over / u32::try_from(length.div_ceil(size)).unwrap_or(PIECES).max(1);
    let body = stream::unfold(reply.body.clone(), move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok::<Bytes, io::Error>(piece), rest))
    });
    let mut response = reply.into_response(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}
