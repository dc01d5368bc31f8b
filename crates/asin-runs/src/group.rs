//! Questions of many at about the same time, asked of the store together.

use crate::StoreError;
use dataforseo_merchant::LedgerError;
use std::{future::Future, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How long an answer may take: those who ask meanwhile wait behind it, and a server that has vanished never gives one.
const LONGEST: Duration = Duration::from_secs(60);

type Asked<I, O> = (I, oneshot::Sender<Result<O, LedgerError>>);

/// Puts what is asked while an answer is awaited into the next question: nobody waits for others to come.
pub(crate) struct Group<I, O>(mpsc::Sender<Asked<I, O>>);

impl<I: Send + 'static, O: Send + 'static> Group<I, O> {
    /// At most so many share a question, which gives an answer to each in their order, or fails for all.
    pub fn new<F>(most: usize, ask: impl Fn(Vec<I>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Vec<O>, StoreError>> + Send,
    {
        let (sender, mut questions) = mpsc::channel::<Asked<I, O>>(most);
        tokio::spawn(async move {
            let mut asked = Vec::with_capacity(most);
            while questions.recv_many(&mut asked, most).await > 0 {
                let (items, askers): (Vec<I>, Vec<_>) = asked.drain(..).unzip();
                let answers = timeout(LONGEST, ask(items)).await;
                match answers.unwrap_or(Err(StoreError::NoAnswer(LONGEST))) {
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
        let ended =
            || LedgerError::new("the store is asked no more: its task has ended, by a panic or with the runtime");
        let (asker, answer) = oneshot::channel();
        self.0.send((item, asker)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunId;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn those_who_ask_at_once_share_a_question_and_what_comes_of_it() {
        let group = Group::new(8, |asked: Vec<i32>| async move {
            let share = i32::try_from(asked.len()).unwrap();
            if asked.contains(&13) {
                return Err(StoreError::NoRun(RunId(13)));
            }
            Ok(asked.into_iter().map(|number| (number, share)).collect())
        });
        let answers: Vec<(i32, i32)> =
            join_all((0..8).map(|number| group.ask(number))).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..8).map(|number| (number, 8)).collect::<Vec<_>>(), "each its own, of eight together");
        for failed in join_all([12, 13].map(|number| group.ask(number))).await {
            let told = failed.unwrap_err().to_string();
            assert_eq!(told, "ledger of paid tasks: the account has no run 13", "nobody is told that it was done");
        }
        assert_eq!(group.ask(7).await.unwrap(), (7, 1), "the next question is asked all the same");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_says_nothing_is_given_up_and_asked_again() {
        let group = Group::new(8, |asked: Vec<u8>| async move {
            if asked == [0] {
                std::future::pending::<()>().await;
            }
            Ok(asked)
        });
        let begun = tokio::time::Instant::now();
        assert!(group.ask(0).await.unwrap_err().to_string().ends_with("the store gave no answer within 60s"));
        assert_eq!(begun.elapsed(), LONGEST);
        assert_eq!(group.ask(1).await.unwrap(), 1);
    }
}
