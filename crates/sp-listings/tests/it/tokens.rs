//! Tokens without a seller, and tokens that clients share.

use crate::{Unlimited, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Request, Result,
    testing::{Script, response},
};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use sp_listings::{
    Builder, Credentials, GetListingsItem, GrantlessScope, Marketplace, Region, SpClient, StoreError, StoredToken,
    TokenKey, TokenStore, Tokens,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// Answers token calls with tokens that count up, and other calls, until `refuses` says that their token is refused.
fn amazon(refuses: impl Fn(&str) -> bool + Send + 'static) -> Arc<Script> {
    let script = Arc::new(Script::new());
    let mut tokens = 0;
    script.delay(Duration::from_millis(50)).always(move |request| {
        if is_token_call(request) {
            tokens += 1;
            return Ok(response(200, &format!(r#"{{"access_token":"Atza|{tokens}","expires_in":3600}}"#)));
        }
        if refuses(&token_of(request)) {
            return Ok(response(403, r#"{"errors":[{"code":"Unauthorized","message":"expired"}]}"#));
        }
        Ok(response(200, r#"{"sku":"S"}"#))
    });
    script
}

fn token_of(request: &Request) -> String {
    request.headers()["x-amz-access-token"].to_str().unwrap().to_owned()
}

fn token_calls(script: &Script) -> usize {
    script.seen().iter().filter(|request| is_token_call(request)).count()
}

fn client(script: &Arc<Script>, tokens: &Tokens, credentials: Credentials) -> SpClient {
    let builder = Builder::new(Region::Europe, credentials).tokens(tokens.clone()).limits(Arc::new(Unlimited));
    builder.transport(script.clone()).build().unwrap()
}

fn credentials(refresh_token: &str) -> Credentials {
    Credentials::new("client", "secret", refresh_token)
}

async fn call(client: &SpClient) -> Result<()> {
    client.call(GetListingsItem::new(seller(), sku("S"), [Marketplace::TR])).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_application_and_seller_share_a_token() {
    let (script, tokens) = (amazon(|_| false), Tokens::new());
    let clients: Vec<SpClient> = (0..4).map(|_| client(&script, &tokens, credentials("Atzr|a"))).collect();
    for answer in join_all((0..1000).map(|i| call(&clients[i % 4]))).await {
        answer.unwrap();
    }
    assert_eq!(token_calls(&script), 1);
    call(&client(&script, &tokens, credentials("Atzr|b"))).await.unwrap();
    call(&client(&script, &tokens, Credentials::new("other", "secret", "Atzr|a"))).await.unwrap();
    call(&client(&script, &Tokens::new(), credentials("Atzr|a"))).await.unwrap();
    let builder = Builder::new(Region::Europe, credentials("Atzr|a")).tokens(tokens).transport(script.clone());
    let elsewhere = builder.lwa_url("https://lwa.test/auth/o2/token".parse().unwrap()).build().unwrap();
    call(&elsewhere).await.unwrap();
    assert_eq!(token_calls(&script), 5, "another seller, application, store or endpoint has another token");
}

#[tokio::test(start_paused = true)]
async fn without_a_seller_the_grant_is_that_of_the_application() {
    let script = amazon(|_| false);
    let scopes = [GrantlessScope::Notifications, GrantlessScope::ClientCredentialRotation];
    let grantless = Credentials::grantless("client", "a+b&c=d%/|", scopes);
    call(&client(&script, &Tokens::new(), grantless)).await.unwrap();
    let sent = script.seen()[0].clone();
    assert_eq!(sent.headers()["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
    let fields: BTreeMap<String, String> = url::form_urlencoded::parse(sent.body()).into_owned().collect();
    let expected = [
        ("client_id", "client"),
        ("client_secret", "a+b&c=d%/|"),
        ("grant_type", "client_credentials"),
        ("scope", "sellingpartnerapi::notifications sellingpartnerapi::client_credential:rotation"),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

/// What several processes would share.
#[derive(Debug, Default)]
struct Shelf {
    tokens: Mutex<BTreeMap<TokenKey, StoredToken>>,
    broken: bool,
}

#[async_trait::async_trait]
impl TokenStore for Shelf {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, StoreError> {
        if self.broken { Err("no shelf".into()) } else { Ok(self.tokens.lock().unwrap().get(key).cloned()) }
    }
    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), StoreError> {
        if self.broken {
            return Err("no shelf".into());
        }
        self.tokens.lock().unwrap().insert(key.clone(), token.clone());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_is_used_by_the_next_process() {
    let (script, shelf) = (amazon(|_| false), Arc::new(Shelf::default()));
    for _ in 0..3 {
        call(&client(&script, &Tokens::stored_in(shelf.clone()), credentials("Atzr|a"))).await.unwrap();
    }
    assert_eq!(token_calls(&script), 1);
    let keys: Vec<TokenKey> = shelf.tokens.lock().unwrap().keys().cloned().collect();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert_eq!((key.client_id(), key.endpoint(), key.grant().len()), ("client", "https://api.amazon.com", 64));
    assert_eq!(key.to_string(), format!("client/https://api.amazon.com/{}", key.grant()));
    assert!(!format!("{shelf:?}").contains("Atz"), "neither the token nor the refresh token is shown");
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_that_is_refused_or_nearly_expired_is_replaced() {
    let refused = amazon(|token| token == "Atza|stored");
    let shelf = Arc::new(Shelf::default());
    let fill = |lifetime: u64| {
        let access_token = SecretString::from("Atza|stored");
        let token = StoredToken { access_token, expires_at: SystemTime::now() + Duration::from_secs(lifetime) };
        shelf.tokens.lock().unwrap().values_mut().for_each(|stored| *stored = token.clone());
    };
    let next = || client(&refused, &Tokens::stored_in(shelf.clone()), credentials("Atzr|a"));
    call(&next()).await.unwrap();
    for (lifetime, calls_to_amazon) in [(3600, 2), (59, 1)] {
        fill(lifetime);
        let before = refused.sent();
        call(&next()).await.unwrap();
        let sent: BTreeSet<String> =
            refused.seen()[before..].iter().filter(|request| !is_token_call(request)).map(token_of).collect();
        assert_eq!(sent.len(), calls_to_amazon, "{lifetime}: {sent:?}");
        let stored = shelf.tokens.lock().unwrap().values().next().unwrap().access_token.expose_secret().to_owned();
        assert_ne!(stored, "Atza|stored", "the new one is stored in its place");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_broken_holds_nobody_up() {
    let script = amazon(|_| false);
    let shelf = Arc::new(Shelf { broken: true, ..Shelf::default() });
    let client = client(&script, &Tokens::stored_in(shelf), credentials("Atzr|a"));
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    assert_eq!(token_calls(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_is_reported_to_everybody_who_waits() {
    let script = Arc::new(Script::new());
    script.delay(Duration::from_millis(50)).always(|_| Ok(response(400, r#"{"error":"invalid_grant"}"#)));
    let tokens = Tokens::new();
    let clients: Vec<SpClient> = (0..2).map(|_| client(&script, &tokens, credentials("Atzr|a"))).collect();
    for answer in join_all((0..100).map(|i| call(&clients[i % 2]))).await {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Auth);
    }
    assert_eq!(script.sent(), 1);
}
