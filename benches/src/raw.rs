//! The same call without us: what it is measured against.

use crate::Outcome;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::{client::legacy::Client, client::legacy::connect::HttpConnector, rt::TokioExecutor, rt::TokioIo};
use serde_json::Value;
use sp_listings::Item;
use tokio::net::TcpStream;

/// One way of making the call; each worker has its own.
#[derive(Debug)]
pub enum Way {
    /// One connection of hyper for each worker, the answer's bytes dropped.
    Hyper(hyper::client::conn::http1::SendRequest<Empty<Bytes>>, String),
    /// hyper-util's pool, and the same decode.
    HyperUtil(Box<Client<HttpConnector, Empty<Bytes>>>),
    /// reqwest, and the same decode.
    Reqwest(reqwest::Client),
}

/// What every call sends.
#[derive(Debug, Clone)]
pub struct Target {
    /// The whole URL.
    pub url: String,
    /// `host:port`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The access token.
    pub token: String,
}

impl Target {
    /// The URL of the call, and a token to make it with.
    ///
    /// # Errors
    /// When the server does not give one.
    pub async fn prepare(demo: &asin_sandbox::Demo) -> Outcome<Self> {
        let account =
            demo.accounts.iter().find(|account| account.seller_id == crate::SELLER).ok_or("no such account")?;
        let sp = &demo.sp_api;
        let form = format!(
            "grant_type=refresh_token&refresh_token={}&client_id={}&client_secret={}",
            escaped(&account.refresh_token),
            escaped(&sp.client_id),
            escaped(&sp.client_secret)
        );
        let request = http::Request::post(&sp.lwa_url)
            .header("content-type", "application/x-www-form-urlencoded;charset=UTF-8")
            .body(Full::new(Bytes::from(form)))?;
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await?.into_body().collect().await?.to_bytes();
        let answer: Value = serde_json::from_slice(&answer)?;
        let token = answer["access_token"].as_str().ok_or("no access token")?.to_owned();
        let path = format!(
            "/listings/2021-08-01/items/{}/{}?marketplaceIds={}&includedData=summaries,attributes,issues,offers",
            crate::SELLER,
            crate::SKU,
            crate::STORE
        );
        let base = sp.base_url.trim_end_matches('/');
        let authority = base.trim_start_matches("http://").to_owned();
        Ok(Self { url: format!("{base}{path}"), authority, path, token })
    }
}

fn escaped(text: &str) -> String {
    core_http::encode::encode(text).to_string()
}

impl Way {
    /// By name: `hyper`, `hyper-util`, `reqwest`.
    ///
    /// # Errors
    /// When it cannot connect, or there is no such way.
    pub async fn new(name: &str, target: &Target) -> Outcome<Self> {
        match name {
            "hyper" => {
                let stream = TcpStream::connect(&target.authority).await?;
                stream.set_nodelay(true)?;
                let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                Ok(Self::Hyper(sender, target.path.clone()))
            }
            "hyper-util" => {
                let mut connector = HttpConnector::new();
                connector.set_nodelay(true);
                Ok(Self::HyperUtil(Box::new(Client::builder(TokioExecutor::new()).build(connector))))
            }
            "reqwest" => {
                let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
                Ok(Self::Reqwest(builder.build()?))
            }
            other => Err(format!("there is no way `{other}`").into()),
        }
    }

    /// Makes the call once.
    ///
    /// # Errors
    /// When it fails.
    pub async fn call(&mut self, target: &Target) -> Outcome<usize> {
        match self {
            Self::Hyper(sender, path) => {
                let request = http::Request::get(path.as_str())
                    .header("host", &target.authority)
                    .header("x-amz-access-token", &target.token)
                    .body(Empty::new())?;
                Ok(sender.send_request(request).await?.into_body().collect().await?.to_bytes().len())
            }
            Self::HyperUtil(client) => {
                let request =
                    http::Request::get(&target.url).header("x-amz-access-token", &target.token).body(Empty::new())?;
                let body = client.request(request).await?.into_body().collect().await?.to_bytes();
                decoded(&body)
            }
            Self::Reqwest(client) => {
                let request = client.get(&target.url).header("x-amz-access-token", &target.token);
                decoded(&request.send().await?.bytes().await?)
            }
        }
    }
}

fn decoded(body: &[u8]) -> Outcome<usize> {
    let item: Item = serde_json::from_slice(body)?;
    if item.sku.as_str() == crate::SKU { Ok(body.len()) } else { Err("another listing".into()) }
}
