//! Absolute, signed addresses: where schemas and feed documents are, outside the gateway.
//!
//! As a presigned URL does, one refuses our credentials beside its own signature (400), and anything after five minutes
//! of sandbox time or with a changed signature (403). An upload must name the media type that the document was made with.

use http::{Method, StatusCode, header};

use super::product_types;
use crate::call::{Call, Reply};
use crate::world::World;

/// Where these addresses begin.
pub(super) const PREFIX: &str = "/sp-documents/";

/// The address of a document on this sandbox, with what stands in its query.
pub(super) fn address(call: &Call, path: &str, query: &str) -> String {
    let host = call.header("host").unwrap_or("127.0.0.1");
    format!("http://{host}{PREFIX}{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={}{query}", signature(path))
}

/// Answers a request to such an address.
pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    let operation = if call.method == Method::PUT { "upload" } else { "download" };
    serve(world, call).unwrap_or_else(|refusal| refusal).operation(operation)
}

fn serve(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    if call.headers.contains_key("x-amz-access-token") || call.headers.contains_key(header::AUTHORIZATION) {
        let message = "Only one auth mechanism allowed; this address bears its own signature";
        return Err(refusal(StatusCode::BAD_REQUEST, "InvalidArgument", message));
    }
    let path = call.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    if call.query("X-Amz-Signature").as_deref() != Some(signature(path).as_str()) {
        return Err(refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "The signature is another one"));
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let missing = || refusal(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    match (&call.method, segments.as_slice()) {
        (&Method::GET, ["schemas", rest @ ..]) => {
            let document = product_types::document(rest).ok_or_else(missing)?;
            Ok(Reply::new(StatusCode::OK, "application/json", document))
        }
        (&Method::GET, ["feeds", id, _]) => {
            let now = world.clock.now();
            let document = world.feeds.readable(id).ok_or_else(missing)?;
            if document.expires < now {
                return Err(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"));
            }
            let content = document.content.clone().ok_or_else(missing)?;
            let reply = Reply::new(StatusCode::OK, "application/octet-stream", content);
            let inflates = document.compressed && call.query("encoded").is_some();
            Ok(if inflates { reply.header("content-encoding", "gzip") } else { reply })
        }
        (&Method::PUT, ["feeds", id, _]) => {
            let now = world.clock.now();
            let document = world.feeds.writable(id).ok_or_else(missing)?;
            if document.expires < now {
                return Err(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"));
            }
            if call.header("content-type") != Some(document.content_type.as_str()) {
                let message = "The media type is not the one that the document was made with";
                return Err(refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message));
            }
            document.content = Some(call.body.clone());
            let did = format!("{} bytes uploaded to document {id}", call.body.len());
            Ok(Reply::new(StatusCode::OK, "application/xml", "").did(did))
        }
        _ => Err(missing()),
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply::new(status, "application/xml", body)
}

/// Changes with the path, so that an address cannot be made from another one.
fn signature(path: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", path.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}
