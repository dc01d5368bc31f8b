//! Questions of many at about the same time, asked of the store together.

use dataforseo_merchant::LedgerError;
use std::future::Future;
use tokio::sync::{mpsc, oneshot};

type Asked<I, O> = (I, oneshot::Sender<Result<O, LedgerError>>);

/// Puts what is asked while an answer is awaited into the next question: nobody waits for others to come.
pub(crate) struct Group<I, O>(mpsc::Sender<Asked<I, O>>);

impl<I: Send + 'static, O: Send + 'static> Group<I, O> {
    /// At most so many share a question, which gives an answer to each in their order, or fails for all.
    pub fn new<F>(most: usize, ask: impl Fn(Vec<I>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Vec<O>, LedgerError>> + Send,
    {
        let (sender, mut questions) = mpsc::channel::<Asked<I, O>>(most);
        tokio::spawn(async move {
            let mut asked = Vec::with_capacity(most);
            while questions.recv_many(&mut asked, most).await > 0 {
                let (items, askers): (Vec<I>, Vec<_>) = asked.drain(..).unzip();
                match ask(items).await {
                    Ok(answers) => {
                        askers.into_iter().zip(answers).for_each(|(asker, answer)| drop(asker.send(Ok(answer))))
                    }
                    Err(error) => {
                        let words = error.to_string();
                        askers.into_iter().for_each(|asker| drop(asker.send(Err(LedgerError::new(words.clone())))));
                    }
                }
            }
        });
        Self(sender)
    }

    /// Asks, together with whoever asks now.
    pub async fn ask(&self, item: I) -> Result<O, LedgerError> {
        let ended = || LedgerError::new("the store is asked no more: the runtime has ended");
        let (asker, answer) = oneshot::channel();
        self.0.send((item, asker)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}
