//! The ledger over a pool of connections: the same statements for every database, but for how each begins a transaction,
//! locks rows and reads a JSON array.

/// Implements [`Ledger`](dataforseo_merchant::Ledger) for a type with `pool`, `account` and `store`.
macro_rules! ledger {
    (
        $ledger:ty, write: $write:literal, read: $read:literal, lock: $lock:literal, each: $each:literal
    ) => {
        #[async_trait::async_trait]
        impl dataforseo_merchant::Ledger for $ledger {
            async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
                let rows = columns::intents(entries, self.work.as_ref())?;
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.failed(error))?;
                if let Some(work) = &self.work {
                    self.bind(&mut transaction, work, entries, &rows).await?;
                }
                // In one order for everybody, or two processes could wait for each other.
                let insert = concat!(
                    "INSERT INTO entries (account, tag, stage, intent, state, run, number, cost) ",
                    "SELECT $1, value->>'tag', value->>'stage', value->>'intent', value->>'state', ",
                    "CAST(value->>'run' AS BIGINT), CAST(value->>'number' AS BIGINT), ",
                    "CAST(value->>'cost' AS BIGINT) FROM ",
                    $each,
                    " ORDER BY 2"
                );
                let stored = sqlx::query(insert).bind(self.account).bind(rows).execute(&mut *transaction).await;
                match stored {
                    Ok(_) => transaction.commit().await.map_err(|error| self.failed(error)),
                    Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
                        Err(LedgerError::new(format!("{}: a tag of this batch is there already", self.store)))
                    }
                    Err(error) => Err(self.failed(error)),
                }
            }

            async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.failed(error))?;
                let news = self.note(&mut transaction, changes).await?;
                transaction.commit().await.map_err(|error| self.failed(error))?;
                Ok(news)
            }

            async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
                let find = "SELECT intent, state FROM entries WHERE account = $1 AND tag = $2";
                let found: Option<(String, String)> = sqlx::query_as(find)
                    .bind(self.account)
                    .bind(tag.as_str())
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(|error| self.failed(error))?;
                found.map(|(intent, state)| columns::entry(&intent, &state)).transpose()
            }

            async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
                // The greatest text of all stands for the end.
                let (find, end) = match page.order {
                    Order::OldestFirst => (
                        "SELECT tag, intent, state FROM entries \
                         WHERE account = $1 AND stage = $2 AND tag > $3 ORDER BY tag LIMIT $4",
                        "",
                    ),
                    Order::NewestFirst => (
                        "SELECT tag, intent, state FROM entries \
                         WHERE account = $1 AND stage = $2 AND tag < $3 ORDER BY tag DESC LIMIT $4",
                        "\u{10ffff}",
                    ),
                };
                let after = page.after.map_or(end, Tag::as_str);
                let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
                // One moment's picture: what moves to another stage meanwhile is neither missed nor seen twice.
                let mut transaction = self.pool.begin_with($read).await.map_err(|error| self.failed(error))?;
                let mut rows: Vec<(String, String, String)> = Vec::new();
                for stage in page.stages {
                    let query = sqlx::query_as(find).bind(self.account).bind(stage.as_str()).bind(after).bind(limit);
                    let found = query.fetch_all(&mut *transaction).await;
                    rows.extend(found.map_err(|error| self.failed(error))?);
                }
                transaction.commit().await.map_err(|error| self.failed(error))?;
                rows.sort();
                if page.order == Order::NewestFirst {
                    rows.reverse();
                }
                rows.truncate(page.limit);
                rows.iter().map(|(_, intent, state)| columns::entry(intent, state)).collect()
            }

            async fn counts(&self) -> Result<Counts, LedgerError> {
                let count = "SELECT stage, count(*) FROM entries WHERE account = $1 GROUP BY stage";
                let counted: Vec<(String, i64)> = sqlx::query_as(count)
                    .bind(self.account)
                    .fetch_all(&self.pool)
                    .await
                    .map_err(|error| self.failed(error))?;
                let stage = |name: &str| Stage::ALL.into_iter().find(|stage| stage.as_str() == name);
                let counted = counted.into_iter().filter_map(|(name, count)| Some((stage(&name)?, count)));
                Ok(counted.map(|(stage, count)| (stage, count.unsigned_abs())).collect())
            }
        }

        impl $ledger {
            /// Writes changes down inside a transaction; gives those that were news.
            async fn note(
                &self,
                connection: &mut Connection,
                changes: &[(Tag, State)],
            ) -> Result<Vec<(Tag, State)>, LedgerError> {
                let wanted = columns::states(changes)?;
                let find = concat!(
                    "SELECT tag, state, run FROM entries WHERE account = $1 AND tag IN (SELECT value->>'tag' FROM ",
                    $each,
                    ") ORDER BY tag",
                    $lock
                );
                let known: Vec<(String, String, Option<i64>)> = sqlx::query_as(find)
                    .bind(self.account)
                    .bind(wanted)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(|error| self.failed(error))?;
                let mut states = std::collections::HashMap::new();
                for (tag, state, _) in &known {
                    states.insert(tag.as_str(), columns::read(state)?);
                }
                let news = dataforseo_merchant::news(changes, |tag| states.get(tag.as_str()));
                let update = concat!(
                    "UPDATE entries SET stage = new.stage, state = new.state FROM ",
                    "(SELECT value->>'tag' AS tag, value->>'stage' AS stage, value->>'state' AS state FROM ",
                    $each,
                    ") AS new WHERE entries.account = $1 AND entries.tag = new.tag"
                );
                let rows = columns::states(&news)?;
                let stored = sqlx::query(update).bind(self.account).bind(rows).execute(&mut *connection).await;
                stored.map_err(|error| self.failed(error))?;
                // Where it is known already what it has cost, nothing is new.
                let is_known = |(tag, state): &&(Tag, State)| match states.get(tag.as_str()) {
                    Some(known @ State::Created { .. }) => run::cost(known) == run::cost(state),
                    _ => false,
                };
                let charged: Vec<_> = news.iter().filter(|change| !is_known(change)).cloned().collect();
                if known.iter().any(|(_, _, run)| run.is_some()) {
                    self.charge(connection, &charged).await?;
                }
                Ok(news)
            }

            fn failed(&self, error: sqlx::Error) -> LedgerError {
                LedgerError::new(format!("{}: {error}", self.store))
            }
        }
    };
}

pub(crate) use ledger;
