//! What is settled before a call's first attempt: its request, its limits, and what it must not overtake.

use crate::{Client, Error, ErrorKind, Limits, Operation, Quota, Request, Result, Safety, Vendor, client::Base};
use http::{HeaderValue, header};
use std::{fmt, sync::Arc, time::Duration};

/// What the loop knows of a call.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) safety: Safety,
    pub(crate) limits: Limits,
    pub(crate) time_out: Duration,
    pub(crate) request: Request,
    /// What it changes, if changes of it go one after another.
    pub(crate) changes: Option<String>,
    /// Whether our credentials go with it: never to an address that came in an answer.
    pub(crate) credentials: bool,
}

/// `Err` says why a request must not be sent.
type Rule = dyn Fn(&Request) -> Result<(), String> + Send + Sync;

/// What every operation's request must pass.
#[derive(Clone)]
pub(crate) struct Check(pub(crate) Arc<Rule>);

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}

impl<V: Vendor> Client<V> {
    /// 1. Builds the request once: a resent body is the same bytes.
    pub(crate) fn plan<O: Operation<Vendor = V>>(&self, operation: &O) -> Result<Plan> {
        let refused = |error: Error| error.at(O::NAME, 0, false);
        let request = operation.request().map_err(refused)?;
        if let Some(Check(check)) = &self.shared.check {
            check(&request).map_err(|reason| refused(Error::new(ErrorKind::Request, reason)))?;
        }
        let safety = operation.safety();
        let changes = V::changes(&request, safety).map(|what| format!("{}{what}", self.base()));
        let mut limits = operation.limits();
        for limit in &mut limits {
            limit.quota = self.quota(limit.name).unwrap_or(limit.quota);
        }
        let (time_out, request) = (operation.time_out(), self.complete(request).map_err(refused)?);
        Ok(Plan { name: O::NAME, safety, limits, time_out, request, changes, credentials: true })
    }

    /// The user's own quota of a bucket.
    pub(crate) fn quota(&self, limit: &str) -> Option<Quota> {
        self.shared.quotas.iter().find(|(name, _)| name == limit).map(|(_, quota)| *quota)
    }

    /// Puts the base URL before the relative path, and the headers that every request has.
    fn complete(&self, mut request: Request) -> Result<Request> {
        let Base { scheme, authority, path } = &self.shared.base;
        let relative = request.uri().path_and_query();
        let Some(relative) = relative.filter(|relative| relative.as_str().starts_with('/')) else {
            return Err(Error::new(ErrorKind::Request, "the path of an operation begins with `/`"));
        };
        let target = http::Uri::builder().scheme(scheme.clone()).authority(authority.clone());
        let target = match path.as_str() {
            "" => target.path_and_query(relative.clone()),
            path => target.path_and_query(format!("{path}{relative}")),
        };
        *request.uri_mut() = target.build().map_err(|error| Error::new(ErrorKind::Request, error))?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.shared.user_agent.clone());
        if !headers.contains_key(header::ACCEPT) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }
}
