//! Runs over a pool of connections: the same statements for every database, beside `ledger!`.

/// What was agreed to of runs that an earlier version made: all of one that is sealed, of any other what was posted of it
/// before it became larger.
pub(crate) const AGREED: &str = "UPDATE runs SET agreed = (SELECT coalesce(max(number) + 1, 0) FROM items \
                                 WHERE items.run = runs.id AND (runs.sealed OR items.tag IS NOT NULL))";

/// Implements [`Runs`] beside `ledger!`, and what that needs of it.
macro_rules! runs {
    (
        $ledger:ty, write: $write:literal, among: ($among:literal, $end:literal), skip: $skip:literal,
        skip_items: $skip_items:literal, lock: $lock:literal, each: $each:literal, numbers: $numbers:literal, now: $now:literal,
        alone: $alone:literal
    ) => {
        impl $ledger {
            fn refused(&self, source: sqlx::Error) -> StoreError {
                StoreError::database(&self.store, source)
            }

            /// Holds a run's row until the transaction ends: those who fill it and agree to it take turns.
            async fn locked(&self, connection: &mut Connection, run: RunId) -> Result<(), StoreError> {
                let find = concat!("SELECT 1 FROM runs WHERE id = $1 AND account = $2", $lock);
                let query = sqlx::query(find).bind(run.0).bind(self.account).fetch_optional(connection);
                let found = query.await.map_err(|error| self.refused(error))?;
                found.map(|_| ()).ok_or(StoreError::NoRun(run))
            }

            /// Whether a change has found the run that it is of.
            fn changed(&self, run: RunId, done: sqlx::Result<QueryResult>) -> Result<(), StoreError> {
                match done.map_err(|error| self.refused(error))?.rows_affected() {
                    0 => Err(StoreError::NoRun(run)),
                    _ => Ok(()),
                }
            }
        }

        #[async_trait::async_trait]
        impl Runs for $ledger {
            async fn begin(&self, run: &NewRun) -> Result<RunId, StoreError> {
                let insert = concat!(
                    "INSERT INTO runs (account, name, budget, deadline) VALUES ($1, $2, $3, ",
                    $now,
                    " + $4) ON CONFLICT (account, name) DO UPDATE SET name = excluded.name RETURNING id"
                );
                let lifetime = run.lifetime.map(|lifetime| lifetime.as_secs_f64());
                let query = sqlx::query_scalar(insert).bind(self.account).bind(&run.name);
                let query = query.bind(run::nanos(run.budget)?).bind(lifetime).fetch_one(&self.pool);
                query.await.map(RunId).map_err(|error| self.refused(error))
            }

            async fn add(&self, run: RunId, first: i64, tasks: &[TaskRequest]) -> Result<(), StoreError> {
                let insert = concat!(
                    "INSERT INTO items (run, number, request) ",
                    "SELECT $1, CAST(value->>'number' AS BIGINT), value->>'request' FROM ",
                    $each,
                    " WHERE true ON CONFLICT (run, number) DO NOTHING"
                );
                let differs = concat!(
                    "SELECT min(items.number) FROM items JOIN (SELECT CAST(value->>'number' AS BIGINT) AS number, ",
                    "value->>'request' AS request FROM ",
                    $each,
                    ") AS new ON items.number = new.number AND items.request <> new.request WHERE items.run = $1"
                );
                let rows = columns::items(first, tasks)?;
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.refused(error))?;
                self.locked(&mut transaction, run).await?;
                let query = sqlx::query(insert).bind(run.0).bind(&rows).execute(&mut *transaction);
                query.await.map_err(|error| self.refused(error))?;
                let query = sqlx::query_scalar(differs).bind(run.0).bind(&rows).fetch_one(&mut *transaction);
                let other: Option<i64> = query.await.map_err(|error| self.refused(error))?;
                if let Some(other) = other {
                    return Err(StoreError::Differs { run, number: other });
                }
                transaction.commit().await.map_err(|error| self.refused(error))
            }

            async fn status(&self, run: RunId) -> Result<RunStatus, StoreError> {
                let count = concat!(
                    "SELECT count(*), ",
                    "count(CASE WHEN tag IS NULL AND refused IS NULL AND (held_until IS NULL OR held_until <= ",
                    $now,
                    ") THEN 1 END), count(CASE WHEN tag IS NULL AND refused IS NULL AND held_until > ",
                    $now,
                    " THEN 1 END), count(CASE WHEN tag IS NOT NULL AND refused IS NULL AND results.number IS NULL THEN 1 END), ",
                    "(SELECT count(*) FROM items AS open JOIN entries ON entries.account = $2 AND entries.tag = open.tag ",
                    "WHERE open.run = $1 AND entries.stage IN ('intended', 'unknown')), ",
                    "count(results.number), count(refused) FROM items ",
                    "LEFT JOIN results ON results.run = items.run AND results.number = items.number WHERE items.run = $1"
                );
                let query = sqlx::query_as(count).bind(run.0).bind(self.account).fetch_one(&self.pool);
                let counted: (i64, i64, i64, i64, i64, i64, i64) = query.await.map_err(|error| self.refused(error))?;
                let find = concat!(
                    "SELECT committed, budget, cancelled, deadline IS NOT NULL AND deadline <= ",
                    $now,
                    ", agreed FROM runs WHERE id = $1 AND account = $2"
                );
                let query = sqlx::query_as(find).bind(run.0).bind(self.account).fetch_optional(&self.pool);
                let found = query.await.map_err(|error| self.refused(error))?;
                let (committed, budget, cancelled, late, agreed) = found.ok_or(StoreError::NoRun(run))?;
                let (tasks, waiting, held, pending, unknown, done, refused) = counted;
                let counts = [tasks, waiting, held, pending, unknown, done, refused, agreed];
                Ok(RunStatus::of(counts, committed, budget, [cancelled, late]))
            }

            async fn agree(&self, run: RunId, tasks: u64) -> Result<(), StoreError> {
                let agreed = i64::try_from(tasks).unwrap_or(i64::MAX);
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.refused(error))?;
                self.locked(&mut transaction, run).await?;
                let count = "SELECT count(*) FROM items WHERE run = $1 AND number < $2";
                let query = sqlx::query_scalar(count).bind(run.0).bind(agreed).fetch_one(&mut *transaction);
                let found: i64 = query.await.map_err(|error| self.refused(error))?;
                if found != agreed {
                    return Err(StoreError::Filled { run, found: found.unsigned_abs(), tasks });
                }
                let agree = "UPDATE runs SET agreed = $2 WHERE id = $1 AND agreed < $2";
                let query = sqlx::query(agree).bind(run.0).bind(agreed).execute(&mut *transaction);
                query.await.map_err(|error| self.refused(error))?;
                transaction.commit().await.map_err(|error| self.refused(error))
            }

            async fn cancel(&self, run: RunId) -> Result<(), StoreError> {
                let cancel = "UPDATE runs SET cancelled = true WHERE id = $1 AND account = $2";
                self.changed(run, sqlx::query(cancel).bind(run.0).bind(self.account).execute(&self.pool).await)
            }

            async fn amend(
                &self,
                run: RunId,
                budget: Option<rust_decimal::Decimal>,
                lifetime: Option<Duration>,
            ) -> Result<(), StoreError> {
                let amend = concat!(
                    "UPDATE runs SET budget = coalesce($2, budget), deadline = coalesce(",
                    $now,
                    " + $3, deadline) WHERE id = $1 AND account = $4"
                );
                let query = sqlx::query(amend).bind(run.0).bind(budget.map(crate::run::nanos).transpose()?);
                let query = query.bind(lifetime.map(|lifetime| lifetime.as_secs_f64())).bind(self.account);
                self.changed(run, query.execute(&self.pool).await)
            }

            async fn repeated(&self, run: RunId) -> Result<u64, StoreError> {
                let count = "SELECT count(*) - count(DISTINCT items.request) FROM items \
                             JOIN runs ON runs.id = items.run AND runs.account = $2 WHERE items.run = $1";
                let query = sqlx::query_scalar(count).bind(run.0).bind(self.account).fetch_one(&self.pool);
                let counted: i64 = query.await.map_err(|error| self.refused(error))?;
                Ok(counted.unsigned_abs())
            }

            async fn unknown(&self, run: RunId) -> Result<Vec<Entry>, StoreError> {
                let find = "SELECT intent, state FROM entries WHERE account = $2 AND run = $1 \
                            AND stage IN ('intended', 'unknown') ORDER BY tag";
                let query = sqlx::query_as(find).bind(run.0).bind(self.account).fetch_all(&self.pool);
                let found: Vec<(String, String)> = query.await.map_err(|error| self.refused(error))?;
                Ok(found.iter().map(|(intent, state)| columns::entry(intent, state)).collect::<Result<_, _>>()?)
            }

            async fn results(
                &self,
                run: RunId,
                after: Option<i64>,
                limit: u32,
            ) -> Result<Vec<RunResult>, StoreError> {
                let find = "SELECT items.number, items.request, items.refused, results.body FROM items \
                            JOIN runs ON runs.id = items.run LEFT JOIN results \
                            ON results.run = items.run AND results.number = items.number \
                            WHERE items.run = $1 AND items.number > $2 AND account = $4 \
                            AND (results.body IS NOT NULL OR items.refused IS NOT NULL) \
                            ORDER BY items.number LIMIT $3";
                let query = sqlx::query_as(find).bind(run.0).bind(after.unwrap_or(-1)).bind(i64::from(limit));
                let query = query.bind(self.account);
                let found: Vec<(i64, String, Option<String>, Option<String>)> =
                    query.fetch_all(&self.pool).await.map_err(|error| self.refused(error))?;
                let read = |(number, request, refused, body): (_, String, _, Option<String>)| match body {
                    Some(body) => columns::read(&body),
                    None => Ok(RunResult::refused(number, columns::read(&request)?, refused)),
                };
                Ok(found.into_iter().map(read).collect::<Result<_, _>>()?)
            }

            async fn runs(&self) -> Result<Vec<(RunId, String)>, StoreError> {
                let query = sqlx::query_as("SELECT id, name FROM runs WHERE account = $1 ORDER BY name");
                let found: Result<Vec<(i64, String)>, _> = query.bind(self.account).fetch_all(&self.pool).await;
                let found = found.map_err(|error| self.refused(error))?;
                Ok(found.into_iter().map(|(id, name)| (RunId(id), name)).collect())
            }

            fn holder(&self) -> String {
                format!("{}/{}", self.opened, Tag::unique())
            }

            fn working(&self, run: RunId, holder: &str) -> Arc<dyn dataforseo_merchant::Ledger> {
                let work = Some(Work { run, holder: holder.to_owned() });
                Arc::new(Self { work, ..self.clone() })
            }

            async fn claim(
                &self,
                run: RunId,
                holder: &str,
                most: u32,
                lease: Duration,
            ) -> Result<Vec<(i64, TaskRequest)>, StoreError> {
                let claim = concat!(
                    "UPDATE items SET held_by = $2, held_until = ",
                    $now,
                    " + $3 WHERE run = $1 AND number ",
                    $among,
                    "SELECT number FROM items WHERE run = $1 AND tag IS NULL ",
                    "AND refused IS NULL AND (held_until IS NULL OR held_until <= ",
                    $now,
                    ") AND number < (SELECT agreed FROM runs WHERE id = $1 AND account = $5 AND NOT cancelled ",
                    "AND (deadline IS NULL OR deadline > ",
                    $now,
                    ")) ORDER BY number LIMIT $4",
                    $skip,
                    $end,
                    " RETURNING number, request"
                );
                let query = sqlx::query_as(claim).bind(run.0).bind(holder).bind(lease.as_secs_f64());
                let claimed = query.bind(i64::from(most)).bind(self.account).fetch_all(&self.pool).await;
                let mut claimed: Vec<(i64, String)> = claimed.map_err(|error| self.refused(error))?;
                claimed.sort_unstable();
                let read = |(number, request): (i64, String)| Ok((number, columns::read(&request)?));
                claimed.into_iter().map(read).collect()
            }

            async fn claim_pending(
                &self,
                run: RunId,
                holder: &str,
                after: Option<&Tag>,
                most: u32,
                lease: Duration,
            ) -> Result<Vec<Entry>, StoreError> {
                // An earlier tag of a task counts, too: it was taken for not made, and was. What this one holds itself it may have
                // failed to give back.
                let find = concat!(
                    "SELECT items.number, entries.intent, entries.state FROM entries ",
                    "JOIN items ON items.run = entries.run AND items.number = entries.number ",
                    "WHERE entries.account = $4 AND entries.stage = 'created' AND entries.run = $1 AND entries.tag > $5 ",
                    "AND (items.held_until IS NULL OR items.held_until <= ",
                    $now,
                    " OR items.held_by = $2) ORDER BY entries.tag LIMIT $3",
                    $skip_items
                );
                let hold = concat!(
                    "UPDATE items SET held_by = $3, held_until = ",
                    $now,
                    " + $4 FROM (SELECT CAST(value AS BIGINT) AS number FROM ",
                    $numbers,
                    ") AS new WHERE items.run = $1 AND items.number = new.number"
                );
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.refused(error))?;
                let query = sqlx::query_as(find).bind(run.0).bind(holder).bind(i64::from(most)).bind(self.account);
                let query = query.bind(after.map_or("", Tag::as_str));
                let found: Vec<(i64, String, String)> =
                    query.fetch_all(&mut *transaction).await.map_err(|error| self.refused(error))?;
                let numbers: Vec<i64> = found.iter().map(|(number, ..)| *number).collect();
                let query = sqlx::query(hold).bind(run.0).bind(columns::text(&numbers)?).bind(holder);
                let query = query.bind(lease.as_secs_f64()).execute(&mut *transaction);
                query.await.map_err(|error| self.refused(error))?;
                transaction.commit().await.map_err(|error| self.refused(error))?;
                Ok(found.iter().map(|(_, intent, state)| columns::entry(intent, state)).collect::<Result<_, _>>()?)
            }

            async fn pends(&self, run: RunId) -> Result<bool, StoreError> {
                let find = "SELECT EXISTS (SELECT 1 FROM entries WHERE account = $2 AND stage = 'created' AND run = $1)";
                let query = sqlx::query_scalar(find).bind(run.0).bind(self.account).fetch_one(&self.pool);
                query.await.map_err(|error| self.refused(error))
            }

            async fn waits(&self, run: RunId) -> Result<bool, StoreError> {
                let find = concat!(
                    "SELECT EXISTS (SELECT 1 FROM items WHERE run = $1 AND tag IS NULL AND refused IS NULL AND number < ",
                    "(SELECT agreed FROM runs WHERE id = $1 AND NOT cancelled AND (deadline IS NULL OR deadline > ",
                    $now,
                    ")))"
                );
                let query = sqlx::query_scalar(find).bind(run.0).fetch_one(&self.pool);
                query.await.map_err(|error| self.refused(error))
            }

            // What somebody binds or ends at this moment is not waited for.
            async fn hold(&self, run: RunId, holder: &str, lease: Duration) -> Result<(), StoreError> {
                let hold = concat!(
                    "UPDATE items SET held_until = ",
                    $now,
                    " + $3 WHERE run = $1 AND number ",
                    $among,
                    "SELECT number FROM items ",
                    "WHERE run = $1 AND held_by = $2 AND refused IS NULL AND held_until > ",
                    $now,
                    $skip,
                    $end
                );
                let query = sqlx::query(hold).bind(run.0).bind(holder).bind(lease.as_secs_f64()).execute(&self.pool);
                query.await.map(|_| ()).map_err(|error| self.refused(error))
            }

            async fn inherit(&self, run: RunId) -> Result<(), StoreError> {
                if $alone {
                    let free = "UPDATE items SET held_until = NULL \
                                WHERE run = $1 AND held_by IS NOT NULL AND substr(held_by, 1, length($2)) <> $2";
                    let query = sqlx::query(free).bind(run.0).bind(&*self.opened).execute(&self.pool);
                    query.await.map_err(|error| self.refused(error))?;
                }
                Ok(())
            }

            async fn refuse(&self, run: RunId, holder: &str, number: i64, why: &str) -> Result<(), StoreError> {
                let refuse = "UPDATE items SET refused = $4 \
                              WHERE run = $1 AND number = $2 AND held_by = $3 AND tag IS NULL";
                let query = sqlx::query(refuse).bind(run.0).bind(number).bind(holder).bind(why).execute(&self.pool);
                query.await.map(|_| ()).map_err(|error| self.refused(error))
            }

            async fn keep(&self, ended: &[Ended]) -> Result<Vec<bool>, StoreError> {
                // In one order for everybody, or two processes could wait for each other.
                let insert = concat!(
                    "INSERT INTO results (run, number, body) SELECT new.run, new.number, new.body FROM ",
                    "(SELECT CAST(value->>'run' AS BIGINT) AS run, CAST(value->>'number' AS BIGINT) AS number, ",
                    "value->>'body' AS body FROM ",
                    $each,
                    ") AS new JOIN runs ON runs.id = new.run AND runs.account = $1 WHERE true ORDER BY 1, 2 ",
                    "ON CONFLICT DO NOTHING RETURNING run, number"
                );
                // Whoever holds it to collect it does so no longer.
                let free = concat!(
                    "UPDATE items SET held_by = NULL, held_until = NULL FROM ",
                    "(SELECT CAST(value->>'run' AS BIGINT) AS run, CAST(value->>'number' AS BIGINT) AS number FROM ",
                    $each,
                    ") AS new WHERE $1 = $1 AND items.run = new.run AND items.number = new.number ",
                    "AND items.held_by IS NOT NULL AND items.tag IS NOT NULL"
                );
                let collected = |one: &Ended| {
                    (one.tag.clone(), State::Collected { id: one.id.clone(), cost: one.cost })
                };
                let changes: Vec<_> = ended.iter().map(collected).collect();
                let rows = columns::results(ended)?;
                let mut transaction = self.pool.begin_with($write).await.map_err(|error| self.refused(error))?;
                let query = sqlx::query_as(insert).bind(self.account).bind(&rows).fetch_all(&mut *transaction);
                let mut stored: std::collections::HashSet<(i64, i64)> =
                    query.await.map_err(|error| self.refused(error))?.into_iter().collect();
                self.note(&mut transaction, &changes).await?;
                let query = sqlx::query(free).bind(self.account).bind(columns::places(ended)?);
                query.execute(&mut *transaction).await.map_err(|error| self.refused(error))?;
                transaction.commit().await.map_err(|error| self.refused(error))?;
                Ok(ended.iter().map(|one| stored.remove(&(one.run.0, one.result.number))).collect())
            }

            async fn entries(&self, tags: &[Tag]) -> Result<Vec<Option<Entry>>, StoreError> {
                let find = concat!(
                    "SELECT tag, intent, state FROM entries WHERE account = $1 AND tag IN (SELECT value->>'tag' FROM ",
                    $each,
                    ")"
                );
                let query = sqlx::query_as(find).bind(self.account).bind(columns::tags(tags)?).fetch_all(&self.pool);
                let found: Vec<(String, String, String)> = query.await.map_err(|error| self.refused(error))?;
                let mut entries = std::collections::HashMap::new();
                for (tag, intent, state) in found {
                    entries.insert(tag, columns::entry(&intent, &state)?);
                }
                Ok(tags.iter().map(|tag| entries.get(tag.as_str()).cloned()).collect())
            }
        }
    };
}

pub(crate) use runs;
