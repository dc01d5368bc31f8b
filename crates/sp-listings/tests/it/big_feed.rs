//! Sixty thousand messages: the documents, the uploads and the report go by in pieces.

use crate::{amazon::Amazon, seller, sku};
use async_trait::async_trait;
use core_http::{Pieces, Request, Response, Streamed, Transport, TransportError};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use serde_json::json;
use sp_listings::feeds::{FeedFolder, FeedMessage, ListingsFeed, MessageStatus};
use sp_listings::{ListingsItemPatchRequest, Marketplace, new_price};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const MESSAGES: usize = 60_000;

/// Amazon, whose documents are counted as they arrive and whose reports leave in pieces.
#[derive(Debug)]
struct InPieces {
    amazon: Arc<Amazon>,
    largest: AtomicUsize,
    pieces: AtomicUsize,
}

#[async_trait]
impl Transport for InPieces {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.amazon.send(request).await
    }

    async fn upload(
        &self,
        head: http::request::Parts,
        length: u64,
        mut body: Pieces,
    ) -> Result<Response, TransportError> {
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await {
            let piece = piece?;
            self.largest.fetch_max(piece.len(), Ordering::Relaxed);
            self.pieces.fetch_add(1, Ordering::Relaxed);
            whole.extend_from_slice(&piece);
        }
        assert_eq!(whole.len() as u64, length, "the length is announced");
        self.amazon.send(http::Request::from_parts(head, whole.into())).await
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        let (head, body) = self.amazon.send(request).await?.into_parts();
        let pieces: Vec<_> = body.chunks(16 << 10).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
        Ok(Streamed { head, body: stream::iter(pieces).boxed() })
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_thousand_messages_go_by_in_pieces() {
    let (folder, amazon) = (tempfile::tempdir().unwrap(), Amazon::good());
    // A report whose items are large: they pass without being kept.
    amazon.reports(|document, feed| {
        let mut report = crate::amazon::report(document, feed);
        let items = document["messages"].as_array().unwrap().iter().take(5_000);
        report["items"] =
            items.map(|message| json!({"sku": message["sku"], "attributes": {"a": ["x".repeat(1_000)]}})).collect();
        report.to_string().into_bytes()
    });
    let transport =
        Arc::new(InPieces { amazon: amazon.clone(), largest: AtomicUsize::new(0), pieces: AtomicUsize::new(0) });
    let credentials = sp_listings::Credentials::new("client", "client-secret", "Atzr|r");
    let builder = sp_listings::Builder::new(sp_listings::Region::Europe, credentials).seller(seller());
    let client = builder.transport(transport.clone()).build().unwrap();

    let made = Arc::new(AtomicUsize::new(0));
    let messages = {
        let made = made.clone();
        stream::iter(0..MESSAGES).map(move |number| {
            made.fetch_add(1, Ordering::Relaxed);
            let name = if number % 20_000 == 7 { format!("BAD{number}") } else { format!("S{number}") };
            let price = new_price("TRY", "75.50".parse().unwrap());
            Ok(FeedMessage::patch(sku(&name), ListingsItemPatchRequest::offer([price])))
        })
    };
    let feed = ListingsFeed::new(seller(), [Marketplace::TR]);
    let run = FeedFolder::new(folder.path());
    let outcomes = run.submit(&client, &feed, messages);
    pin_mut!(outcomes);
    let (mut accepted, mut invalid) = (0, Vec::new());
    while let Some(outcome) = outcomes.try_next().await.unwrap() {
        match outcome.status {
            MessageStatus::Accepted => accepted += 1,
            MessageStatus::Invalid => invalid.push((outcome.part, outcome.sku.to_string())),
            other => panic!("{other:?} {outcome:?}"),
        }
    }
    assert_eq!((made.load(Ordering::Relaxed), accepted), (MESSAGES, MESSAGES - 3));
    assert_eq!(invalid, [(1, "BAD7".to_owned()), (1, "BAD20007".to_owned()), (2, "BAD40007".to_owned())]);
    let parts = run.parts().unwrap();
    assert_eq!(parts.iter().map(|part| part.messages).collect::<Vec<_>>(), [25_000, 25_000, 10_000]);
    assert!(parts.iter().all(|part| part.bytes <= 10 << 20));
    assert!(transport.largest.load(Ordering::Relaxed) <= 64 << 10, "a document is never in memory as a whole");
    assert!(transport.pieces.load(Ordering::Relaxed) > 100);
    assert_eq!(amazon.calls("createFeed"), 3);
}
