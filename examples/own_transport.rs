//! Brings a transport of one's own: here one that tells every request that leaves, resends and token calls included.
//!
//! The client decides what is sent and whether again; a transport only carries. With `default-features = false` on the vendor's
//! crate there is no reqwest and no TLS in the program, and the transport is all that has to be written.

use async_trait::async_trait;
use core_http::{Request, ReqwestTransport, Response, Streamed, Transport, TransportError};
use examples::{Failure, sandbox};
use sp_listings::{Builder, Credentials, GetListingsItem, Marketplace, Region, SellerId, Sku};
use std::{sync::Arc, time::Instant};

/// Tells what passes through.
#[derive(Debug)]
struct Telling<T>(T);

#[async_trait]
impl<T: Transport> Transport for Telling<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let begun = Instant::now();
        let answer = self.0.send(request).await;
        let ended = answer.as_ref().map_or_else(ToString::to_string, |answer| answer.status().to_string());
        println!("{method} {path}: {ended} in {} ms", begun.elapsed().as_millis());
        answer
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        self.0.open(request).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let demo = sandbox.demo();
    let account = demo.accounts.iter().find(|account| account.name == "europe").ok_or("no such account")?;
    let credentials = Credentials::new(demo.sp_api.client_id, demo.sp_api.client_secret, account.refresh_token.clone());
    let client = Builder::new(Region::Europe, credentials)
        .transport(Arc::new(Telling(ReqwestTransport::new()?)))
        .base_url(demo.sp_api.base_url.parse()?)
        .lwa_url(demo.sp_api.lwa_url.parse()?)
        .build()?;

    // The first answer is thrown away: reading is safe, so the client asks again.
    sandbox.fault(asin_sandbox::Fault::on("GET", "/listings/*").call(1).cut_after_work());
    let seller = SellerId::new(&account.seller_id)?;
    let answer = client.exchange(GetListingsItem::new(seller, Sku::new("SHOES")?, [Marketplace::TR])).await?;
    println!("{} after {} attempt(s)", answer.value.sku, answer.attempts);
    Ok(())
}
