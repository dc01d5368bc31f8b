//! A run's money over a pool of connections: what is taken for tasks when they are intended, and what they cost in the end.

/// Implements `bind` and `charge`, which `ledger!` calls inside its transactions.
macro_rules! money {
    ($ledger:ty, lock: $lock:literal, each: $each:literal, now: $now:literal) => {
        impl $ledger {
            /// Binds the tasks of a run to their intents, if this worker may send them.
            async fn bind(
                &self,
                connection: &mut Connection,
                work: &Work,
                entries: &[Entry],
                rows: &str,
            ) -> Result<(), LedgerError> {
                let find = concat!(
                    "SELECT budget - committed, cancelled, deadline IS NOT NULL AND deadline <= ",
                    $now,
                    " FROM runs WHERE id = $1 AND account = $2",
                    $lock
                );
                let query = sqlx::query_as(find).bind(work.run.0).bind(self.account);
                let found = query.fetch_optional(&mut *connection).await.map_err(|error| self.failed(error))?;
                let Some((left, cancelled, late)): Option<(i64, bool, bool)> = found else {
                    return Err(LedgerError::because(Refusal::NoRun));
                };
                let total = columns::total(entries)?;
                match (cancelled, late) {
                    (true, _) => return Err(LedgerError::because(Refusal::Cancelled)),
                    (false, true) => return Err(LedgerError::because(Refusal::Late)),
                    _ if total > left => return Err(LedgerError::because(Refusal::Budget)),
                    _ => {}
                }
                // `tag IS NULL` would let SQLite begin with all that waits.
                let bind = concat!(
                    "UPDATE items SET tag = new.tag FROM ",
                    "(SELECT CAST(value->>'number' AS BIGINT) AS number, value->>'tag' AS tag FROM ",
                    $each,
                    ") AS new WHERE items.run = $1 AND items.number = new.number AND coalesce(items.tag, '') = '' ",
                    "AND items.held_by = $3 AND items.held_until > ",
                    $now
                );
                let query = sqlx::query(bind).bind(work.run.0).bind(rows).bind(&work.holder);
                let bound = query.execute(&mut *connection).await.map_err(|error| self.failed(error))?;
                if bound.rows_affected() != entries.len() as u64 {
                    return Err(LedgerError::because(Refusal::Lost));
                }
                let take = "UPDATE runs SET committed = committed + $2 WHERE id = $1";
                let query = sqlx::query(take).bind(work.run.0).bind(total).execute(&mut *connection);
                query.await.map_err(|error| self.failed(error)).map(|_| ())
            }

            /// Puts what tasks have cost in the place of what was taken for them; those that were not made are open again.
            async fn charge(&self, connection: &mut Connection, news: &[(Tag, State)]) -> Result<(), LedgerError> {
                let Some(rows) = columns::charges(news)? else { return Ok(()) };
                let compare = concat!(
                    "SELECT run, CAST(sum(CAST(value->>'cost' AS BIGINT) - cost) AS BIGINT) FROM ",
                    $each,
                    ", entries WHERE account = $1 AND tag = value->>'tag' AND run IS NOT NULL ",
                    "GROUP BY run ORDER BY run"
                );
                let query = sqlx::query_as(compare).bind(self.account).bind(&rows).fetch_all(&mut *connection);
                let changes: Vec<(i64, i64)> = query.await.map_err(|error| self.failed(error))?;
                if changes.is_empty() {
                    return Ok(());
                }
                // The run before its items, as a worker that binds them, or two could wait for each other.
                for (run, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
                    let take = "UPDATE runs SET committed = committed + $2 WHERE id = $1";
                    let query = sqlx::query(take).bind(run).bind(change).execute(&mut *connection);
                    query.await.map_err(|error| self.failed(error))?;
                }
                let pay = concat!(
                    "UPDATE entries SET cost = new.cost FROM ",
                    "(SELECT value->>'tag' AS tag, CAST(value->>'cost' AS BIGINT) AS cost FROM ",
                    $each,
                    ") AS new WHERE entries.account = $1 AND entries.tag = new.tag AND entries.run IS NOT NULL"
                );
                let open = concat!(
                    "UPDATE items SET tag = NULL, ",
                    "held_by = CASE WHEN new.again = 'free' THEN NULL ELSE held_by END, ",
                    "held_until = CASE WHEN new.again = 'free' THEN NULL ELSE held_until END FROM ",
                    "(SELECT value->>'tag' AS tag, value->>'again' AS again FROM ",
                    $each,
                    " WHERE value->>'again' <> 'no') AS new WHERE $1 = $1 AND items.tag = new.tag"
                );
                // What was thought not to have been made, and was: if nobody has posted it again yet, nobody does.
                let close = concat!(
                    "UPDATE items SET tag = new.tag, refused = new.ended, held_by = NULL, held_until = NULL FROM ",
                    "(SELECT entries.run, entries.number, entries.tag, value->>'ended' AS ended FROM ",
                    $each,
                    ", entries WHERE account = $1 AND tag = value->>'tag' AND value->>'again' = 'no') AS new ",
                    "WHERE items.run = new.run AND items.number = new.number ",
                    "AND (items.tag IS NULL OR items.tag = new.tag)"
                );
                for statement in [pay, open, close] {
                    let query = sqlx::query(statement).bind(self.account).bind(&rows).execute(&mut *connection);
                    query.await.map_err(|error| self.failed(error))?;
                }
                Ok(())
            }
        }
    };
}

pub(crate) use money;
