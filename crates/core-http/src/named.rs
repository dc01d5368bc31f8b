//! Operations that are called by name: arguments and answers as JSON, for command lines and tables of operations.

use crate::{
    Answer, Client, Drift, Error, ErrorKind, Head, Operation, Response, Result, Vendor, answer,
    client::{Failed, Got, Intake, Sending, receive},
    plan::Plan,
};
use bytes::Bytes;
use http::response::Parts;

impl<V: Vendor> Client<V> {
    /// Sends an operation whose arguments come as JSON, named as the vendor names them; the value is the body as it came.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] names the argument that is missing, unknown or unfit; else as [`call`](Client::call).
    pub async fn exchange_json<O>(&self, arguments: serde_json::Value) -> Result<Answer<serde_json::Value>>
    where
        O: Operation<Vendor = V> + serde::de::DeserializeOwned,
    {
        let unfit = |error| Error::new(ErrorKind::Request, error).at(O::NAME, 0, false);
        let operation: O = serde_path_to_error::deserialize(arguments).map_err(unfit)?;
        let plan = self.plan(&operation)?;
        let judge = move |response: &Response| {
            answer::read::<O::Vendor, O::Wire>(response).and_then(|wire| operation.output(wire)).map(drop)
        };
        self.exchange_judged(plan, &judge, answer::drift_of::<O>).await
    }

    /// One loop for all operations that are called by name, so that the table of them is quick to compile.
    async fn exchange_judged(
        &self,
        plan: Plan,
        judge: &(dyn Fn(&Response) -> Result<()> + Sync),
        compare: fn(&[u8]) -> Result<Vec<Drift>>,
    ) -> Result<Answer<serde_json::Value>> {
        let name = plan.name;
        let Got { head, value: body, attempts, elapsed } = self.run(plan, &Judged(judge)).await?;
        let value = answer::json(&body).map_err(|error| error.at(name, attempts, true))?;
        let request_id = V::request_id(&Head { status: head.status, headers: &head.headers });
        let (status, headers) = (head.status, head.headers);
        Ok(Answer { value, status, request_id, headers, attempts, elapsed, body, compare })
    }
}

/// Reads the whole body and has it judged; the value is the body itself.
struct Judged<'a>(&'a (dyn Fn(&Response) -> Result<()> + Sync));

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
