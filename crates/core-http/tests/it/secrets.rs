//! No secret in `Debug`, `Display` or errors; for traces see `traces.rs`.

use crate::common::{OK, ask, builder, read, script};
use core_http::{
    Authorize, Client, Credential, Error, ErrorKind, Request, Result, Safety,
    auth::{ApiKey, Basic, TokenCache, sensitive},
    testing::response,
};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt::Debug, io, sync::Arc, time::Duration};

/// A token vendor as the crates build them.
#[derive(Debug)]
struct Tokens {
    cache: TokenCache,
    secret: SecretString,
}

#[async_trait::async_trait]
impl Authorize for Tokens {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let fetch = async || Ok((self.secret.clone(), Duration::from_secs(3600)));
        let (value, credential) = self.cache.get_or_fetch(fetch).await?;
        request.headers_mut().insert("x-amz-access-token", value);
        Ok(credential)
    }
    async fn refused(&self, credential: Credential) -> bool {
        self.cache.forget(credential);
        true
    }
}

fn assert_hidden(secret: &str, shown: &dyn Debug) -> Result<(), TestCaseError> {
    let encoded = base64(&format!("login:{secret}"));
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        prop_assert!(!text.contains(secret) && !text.contains(&encoded), "{text}");
    }
    Ok(())
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Long enough that no other text holds it by chance; some of them cannot stand in a header.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{16,60}", "[a-zA-Z0-9|_-]{16,60}", "[!-~]{16,20}[\\x01-\\x08\\n\\r][!-~]{16,20}"]
        .prop_filter("a secret that Debug would escape is not found again", |text| !text.contains(['"', '\\', '\'']))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn s1_nothing_that_holds_a_secret_shows_it(secret in secret()) {
        let hidden = SecretString::from(secret.clone());
        let shows = |error: Error| {
            prop_assert!(!error.to_string().contains(&secret), "{error}");
            prop_assert_eq!(error.kind(), ErrorKind::Auth);
            assert_hidden(&secret, &error)
        };
        match sensitive(&secret) {
            Ok(value) => assert_hidden(&secret, &value)?,
            Err(error) => shows(error)?,
        }
        assert_hidden(&secret, &Basic::new("login", &hidden).expect("base64 can always stand in a header"))?;
        match ApiKey::new(http::header::AUTHORIZATION, "Token ", &hidden) {
            Ok(key) => {
                assert_hidden(&secret, &key)?;
                let script = script();
                script.answer(200, OK);
                let client = builder(script.clone()).authorize(Arc::new(key));
                assert_hidden(&secret, &client)?;
                let client = client.build().expect("a client");
                assert_hidden(&secret, &client)?;
                runtime()?.block_on(client.call(read())).expect("an answer");
                let seen = script.seen();
                let value = &seen[0].headers()["authorization"];
                prop_assert_eq!(value.to_str().expect("text"), format!("Token {secret}"), "it was sent");
                assert_hidden(&secret, &script.seen())?;
            }
            Err(error) => shows(error)?,
        }
    }

    #[test]
    fn s1_tokens_are_not_shown(secret in secret()) {
        let cache = TokenCache::new(Duration::from_secs(60));
        let tokens = Arc::new(Tokens { cache, secret: secret.clone().into() });
        let script = script();
        script.always(|_| Ok(response(401, "no")));
        let client = builder(script.clone()).authorize(tokens.clone()).build().expect("a client");
        let error = runtime()?.block_on(client.call(read())).expect_err("refused");
        assert_hidden(&secret, &error)?;
        prop_assert!(!error.to_string().contains(&secret));
        assert_hidden(&secret, &tokens)?;
        assert_hidden(&secret, &client)?;
        assert_hidden(&secret, &script.seen())?;
        prop_assert_eq!(tokens.secret.expose_secret(), secret);
    }

    #[test]
    fn s1_an_answer_with_a_token_shows_neither_body_nor_headers(secret in "[a-zA-Z0-9|_-]{16,60}") {
        let script = script();
        let body = serde_json::json!({"code": 200, "data": 1, "access_token": secret}).to_string();
        let cookie = secret.parse::<http::HeaderValue>().expect("a header value");
        script.then(move |_| {
            let mut answer = response(200, &body);
            answer.headers_mut().insert("set-cookie", cookie.clone());
            Ok(answer)
        });
        let answer = runtime()?.block_on(crate::common::client(script).exchange(read())).expect("an answer");
        prop_assert!(answer.body.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert_hidden(&secret, &answer)?;
    }

    #[test]
    fn s1_a_damaged_answer_with_a_token_shows_no_token(secret in "[a-zA-Z0-9|_-]{16,60}", cut in 1..20_usize) {
        let body = serde_json::json!({"access_token": secret, "code": 200}).to_string();
        for status in [200, 400, 502] {
            let (script, body) = (script(), body[..body.len() - cut].to_owned());
            script.always(move |_| Ok(response(status, &body)));
            let error = runtime()?.block_on(crate::common::client(script).call(ask(Safety::Once))).expect_err("damaged");
            prop_assert!(!error.to_string().contains(&secret), "{error}");
            assert_hidden(&secret, &error)?;
        }
    }

    #[test]
    fn s1_urls_with_logins_are_not_shown(secret in "[a-zA-Z0-9_-]{16,60}") {
        let base: url::Url = format!("https://user:{secret}@api.test/").parse()?;
        let builder = Client::<crate::common::Shop>::builder(base.clone(), script());
        assert_hidden(&secret, &builder)?;
        let error = builder.build().expect_err("a login has no place there");
        assert_hidden(&secret, &error)?;
        prop_assert!(!error.to_string().contains(&secret));
        #[cfg(feature = "rustls")]
        {
            let proxied = core_http::ReqwestTransport::builder().proxy(base);
            assert_hidden(&secret, &proxied)?;
        }
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn s1_a_proxys_login_is_not_shown() {
    let secret = "hunter2hunter2hunter2";
    let proxy = format!("http://user:{secret}@127.0.0.1:9/").parse().expect("a URL");
    let transport = core_http::ReqwestTransport::builder().proxy(proxy).build().expect("a transport");
    assert!(!format!("{transport:?}").contains(secret), "{transport:?}");
    let client = crate::common::local(transport, "127.0.0.1:9").with(|options| options.retry.max_attempts = 1);
    let error = client.call(read()).await.expect_err("nobody listens");
    assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
}
