//! Login with Amazon: refresh tokens into access tokens that live an hour.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::call::{Call, Reply, form_fields};
use crate::world::{CLIENT_ID, CLIENT_SECRET, World, refresh_token};

/// How long an access token lives, in sandbox time.
const LIFE: Duration = Duration::from_secs(3600);

/// How long an expired token is still known as one that has expired.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// The access tokens that were given out.
#[derive(Debug, Default)]
pub(crate) struct AccessTokens {
    issued: HashMap<String, Issued>,
}

#[derive(Debug)]
struct Issued {
    /// None: a token without a seller, of the `client_credentials` grant.
    seller: Option<String>,
    expires: Duration,
}

/// Answers the token endpoint.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let reply = if call.method == Method::POST && call.uri.path() == "/auth/o2/token" {
        token(world, call)
    } else {
        refusal(StatusCode::NOT_FOUND, "invalid_request", "No such endpoint.")
    };
    super::identified(call, reply).operation("token")
}

fn token(world: &mut World, call: &Call) -> Reply {
    let field = fields(call);
    let [Some(grant), Some(id), Some(secret)] = ["grant_type", "client_id", "client_secret"].map(&field) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid_request", "The request is missing a required parameter.");
    };
    if id != CLIENT_ID || secret != CLIENT_SECRET {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed");
    }
    let refresh = field("refresh_token");
    let seller = match grant.as_str() {
        "refresh_token" => {
            let owner =
                |token: &String| world.accounts.iter().find(|account| &refresh_token(&account.seller_id) == token);
            let Some(account) = refresh.as_ref().and_then(owner) else { return invalid_grant() };
            Some(account.seller_id.clone())
        }
        "client_credentials" => match field("scope").as_deref() {
            Some("sellingpartnerapi::notifications" | "sellingpartnerapi::client_credential:rotation") => None,
            _ => return refusal(StatusCode::BAD_REQUEST, "invalid_scope", "The requested scope is invalid."),
        },
        "authorization_code" => return invalid_grant(),
        _ => {
            let text = "The authorization grant type is not supported by the authorization server";
            return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
        }
    };
    let access = format!("Atza|{}", world.hex(40));
    let now = world.clock.now();
    let expires = now + LIFE;
    world.access_tokens.issued.retain(|_, issued| issued.expires + KEPT > now);
    world.access_tokens.issued.insert(access.clone(), Issued { seller: seller.clone(), expires });
    let mut body = json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": world.clock.wall(LIFE).as_secs().max(1),
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    let whose = seller.unwrap_or_else(|| "no seller".to_owned());
    Reply::json(StatusCode::OK, &body).did(format!("token issued for {whose}"))
}

/// The fields of the body, which may be a form or JSON.
fn fields(call: &Call) -> impl Fn(&str) -> Option<String> + use<> {
    let json = call.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let pairs: Vec<(String, String)> = if json {
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        call.json()
            .and_then(Value::as_object)
            .map(|object| object.iter().filter_map(text).collect())
            .unwrap_or_default()
    } else {
        form_fields(&call.body)
    };
    move |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

/// Lets a call pass whose access token is alive and its seller's.
pub(super) fn authorise(world: &World, call: &Call, seller: &str) -> Result<(), Reply> {
    if caller(world, call)? == seller { Ok(()) } else { Err(super::denied("")) }
}

/// The seller whose access token a call bears, if it is alive.
pub(super) fn caller(world: &World, call: &Call) -> Result<String, Reply> {
    let Some(token) = call.header("x-amz-access-token") else {
        return Err(super::denied("Access token is missing in the request header."));
    };
    match world.access_tokens.issued.get(token) {
        None => Err(super::denied("The access token you provided is revoked, malformed or invalid.")),
        Some(issued) if issued.expires <= world.clock.now() => Err(super::expired()),
        Some(issued) => issued.seller.clone().ok_or_else(|| super::denied("")),
    }
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

/// The refusal of a refresh token.
pub(crate) fn invalid_grant() -> Reply {
    let text = "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission.";
    refusal(StatusCode::BAD_REQUEST, "invalid_grant", text)
}

/// The vendor's own failure.
pub(crate) fn server_error(status: u16) -> Reply {
    if status == 503 {
        refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The service is temporarily unavailable.")
    } else {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The server ran into an unexpected error.")
    }
}
