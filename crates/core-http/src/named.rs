//! Operations that are called by name: arguments and answers as JSON, for command lines and tables of operations.

use crate::{
    Answer, Client, Drift, Error, ErrorKind, Head, Operation, Request, Response, Result, Safety, Vendor, answer,
    client::{Failed, Got, Intake, Sending, receive},
    plan::Plan,
};
use bytes::Bytes;
use http::response::Parts;
use std::{fmt, marker::PhantomData};

type Judge = dyn Fn(&Response) -> Result<()> + Send + Sync;

/// An operation whose arguments came as JSON, ready to be sent: what can be shown, and asked about, before it is.
#[must_use = "an operation does nothing until a client sends it"]
pub struct Named<V: Vendor> {
    plan: Plan,
    judge: Box<Judge>,
    compare: fn(&[u8]) -> Result<Vec<Drift>>,
    vendor: PhantomData<fn() -> V>,
}

impl<V: Vendor> fmt::Debug for Named<V> {
    /// Without the arguments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named")
            .field("name", &self.plan.name)
            .field("safety", &self.plan.safety)
            .finish_non_exhaustive()
    }
}

impl<V: Vendor> Named<V> {
    /// The vendor's own name for it.
    pub fn name(&self) -> &'static str {
        self.plan.name
    }

    /// What sending it twice would do, by these arguments.
    pub fn safety(&self) -> Safety {
        self.plan.safety
    }

    /// The request as it will be sent, without credentials.
    pub fn request(&self) -> &Request {
        &self.plan.request
    }
}

impl<V: Vendor> Client<V> {
    /// An operation whose arguments come as JSON, named as the vendor names them; nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] names the argument that is missing, unknown or unfit.
    pub fn named<O>(&self, arguments: serde_json::Value) -> Result<Named<V>>
    where
        O: Operation<Vendor = V> + serde::de::DeserializeOwned + 'static,
    {
        let unfit = |error| Error::new(ErrorKind::Request, error).at(O::NAME, 0, false);
        let operation: O = serde_path_to_error::deserialize(arguments).map_err(unfit)?;
        let plan = self.plan(&operation)?;
        let judge = move |response: &Response| {
            answer::read::<O::Vendor, O::Wire>(response).and_then(|wire| operation.output(wire)).map(drop)
        };
        Ok(Named { plan, judge: Box::new(judge), compare: answer::drift_of::<O>, vendor: PhantomData })
    }

    /// Sends an operation that was called by name; the value is the body as it came, as a text where it is no JSON.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn exchange_named(&self, operation: Named<V>) -> Result<Answer<serde_json::Value>> {
        let Named { plan, judge, compare, .. } = operation;
        let Got { head, value: body, attempts, elapsed } = self.run(plan, &Judged(&*judge)).await?;
        let value = match &*body {
            [] => serde_json::Value::Null,
            body => answer::json(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
        };
        let request_id = V::request_id(&Head { status: head.status, headers: &head.headers });
        let (status, headers) = (head.status, head.headers);
        Ok(Answer { value, status, request_id, headers, attempts, elapsed, body, compare })
    }
}

/// Reads the whole body and has it judged; the value is the body itself.
struct Judged<'a>(&'a Judge);

impl Intake for Judged<'_> {
    type Got = Bytes;

    async fn take(&self, sending: Sending) -> Result<(Parts, Bytes), Failed> {
        let response = receive(sending).await?;
        let result = (self.0)(&response);
        let (head, body) = response.into_parts();
        match result {
            Ok(()) => Ok((head, body)),
            Err(error) => Err(Failed { head: Some(Box::new(head)), error }),
        }
    }
}
