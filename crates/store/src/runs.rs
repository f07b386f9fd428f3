//! Runs: found, listed, and told dead from alive.

use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{get, text};
use crate::run::Origin;
use crate::store::{built, query};
use crate::{Input, Run, RunFilter, RunId, Store, StoreError};

const COLUMNS: &str = "id, name, parent, kind, status, started, ended, heartbeat, os_user, host, pid, process_start, \
                       git_commit, git_dirty, code, command, plan, data_hash, split_hash, seed, kernel, error";

fn run(row: &AnyRow) -> Result<Run, StoreError> {
    Ok(Run {
        id: RunId::from_stored(get::<String>(row, "id")?),
        name: get(row, "name")?,
        parent: get::<Option<String>>(row, "parent")?.map(RunId::from_stored),
        kind: get(row, "kind")?,
        status: get::<String>(row, "status")?.parse()?,
        started: get(row, "started")?,
        ended: get(row, "ended")?,
        heartbeat: get(row, "heartbeat")?,
        origin: Origin {
            user: get(row, "os_user")?,
            host: get(row, "host")?,
            pid: get(row, "pid")?,
            process_start: get(row, "process_start")?,
            git_commit: get(row, "git_commit")?,
            git_dirty: get::<Option<i64>>(row, "git_dirty")?.map(|dirty| dirty != 0),
            code: get(row, "code")?,
            command: get(row, "command")?,
        },
        plan: get(row, "plan")?,
        data_hash: get(row, "data_hash")?,
        split_hash: get(row, "split_hash")?,
        seed: get::<Option<i64>>(row, "seed")?.map(i64::cast_unsigned),
        kernel: get(row, "kernel")?,
        error: get(row, "error")?,
    })
}

/// `text` within LIKE, meaning itself; the pattern's escape is a backslash.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl Store {
    /// The run of this id.
    ///
    /// # Errors
    /// There is none.
    pub async fn run(&self, id: &RunId) -> Result<Run, StoreError> {
        let row = built(format!("SELECT {COLUMNS} FROM runs WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self.pool())
            .await
            .map_err(sql("find a run"))?;
        match row {
            Some(row) => run(&row),
            None => Err(StoreError::Missing { what: "run", name: id.to_string(), hint: String::new() }),
        }
    }

    /// The run that a person means: by its id, the beginning or the end of one, its name, or `latest`,
    /// which is the one started last that is a part of no other.
    ///
    /// # Errors
    /// None fits, or several do.
    pub async fn find_run(&self, reference: &str) -> Result<Run, StoreError> {
        let cannot = || sql("find a run");
        if reference == "latest" {
            let newest = RunFilter { top: true, limit: Some(1), ..RunFilter::default() };
            return self.runs(&newest).await?.pop().ok_or_else(|| StoreError::Missing {
                what: "run",
                name: reference.to_owned(),
                hint: ": nothing has been recorded here yet".to_owned(),
            });
        }
        let rows = built(format!("SELECT {COLUMNS} FROM runs WHERE id = $1 OR name = $1 ORDER BY id DESC"))
            .bind(text(reference))
            .fetch_all(self.pool())
            .await
            .map_err(cannot())?;
        let mut fitting = rows.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        if fitting.is_empty() && reference.len() >= 4 {
            let part = literal(&text(reference));
            let rows = built(format!(
                "SELECT {COLUMNS} FROM runs WHERE id LIKE $1 ESCAPE '\\' OR id LIKE $2 ESCAPE '\\' \
                 ORDER BY id DESC LIMIT 100"
            ))
            .bind(format!("{part}%"))
            .bind(format!("%{part}"))
            .fetch_all(self.pool())
            .await
            .map_err(cannot())?;
            fitting = rows.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        }
        if fitting.len() > 1 {
            let some: Vec<&str> = fitting.iter().take(4).map(|run| run.id.as_str()).collect();
            return Err(StoreError::Ambiguous {
                name: reference.to_owned(),
                count: fitting.len(),
                some: some.join(", "),
            });
        }
        fitting.pop().ok_or_else(|| StoreError::Missing {
            what: "run",
            name: reference.to_owned(),
            hint: "; `sentimeter runs list` shows them: name one by its id, four or more characters of the \
                   id's beginning or end, its name, or `latest`"
                .to_owned(),
        })
    }

    /// The runs that `filter` lets through, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
        enum Value {
            Text(String),
            Number(i64),
        }
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        let mut ask = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace("$#", &format!("${}", values.len())));
        };
        if let Some(status) = filter.status {
            ask("status = $#", Value::Text(status.to_string()));
        }
        if let Some(kind) = &filter.kind {
            ask("kind = $#", Value::Text(text(kind)));
        }
        if let Some(parent) = &filter.parent {
            ask("parent = $#", Value::Text(parent.to_string()));
        }
        if let Some(name) = &filter.name {
            let part = format!("%{}%", literal(&text(&name.to_lowercase())));
            ask("(LOWER(name) LIKE $# ESCAPE '\\' OR id LIKE $# ESCAPE '\\')", Value::Text(part));
        }
        if let Some(data) = &filter.data {
            let pattern = format!("{}%", literal(&text(data)));
            let exact = if data.contains('@') { pattern } else { pattern.replace('%', "@%") };
            ask("id IN (SELECT run FROM inputs WHERE snapshot LIKE $# ESCAPE '\\')", Value::Text(exact));
        }
        if let Some(since) = filter.since {
            ask("started >= $#", Value::Number(since));
        }
        if let Some(until) = filter.until {
            ask("started < $#", Value::Number(until));
        }
        if filter.top {
            conditions.push("parent IS NULL".to_owned());
        }
        let whose =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        let limit = filter.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let mut select =
            built(format!("SELECT {COLUMNS} FROM runs {whose} ORDER BY started DESC, id DESC{limit}"));
        for value in values {
            select = match value {
                Value::Text(text) => select.bind(text),
                Value::Number(number) => select.bind(number),
            };
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("list runs"))?;
        rows.iter().map(run).collect()
    }

    /// What a run read, in the order of the command line.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn inputs(&self, id: &RunId) -> Result<Vec<Input>, StoreError> {
        let rows = query(
            "SELECT role, name, path, snapshot, hash, size, row_count FROM inputs WHERE run = $1 ORDER BY position",
        )
        .bind(id.to_string())
        .fetch_all(self.pool())
        .await
        .map_err(sql("read a run's data"))?;
        let input = |row: &AnyRow| -> Result<Input, StoreError> {
            Ok(Input {
                role: get(row, "role")?,
                name: get(row, "name")?,
                path: get(row, "path")?,
                snapshot: get(row, "snapshot")?,
                hash: get(row, "hash")?,
                size: get(row, "size")?,
                rows: get(row, "row_count")?,
            })
        };
        rows.iter().map(input).collect()
    }

    /// Marks a running run as killed, unless it has given a sign of life since `heartbeat`, which is
    /// then the time of its end. Gives whether it was marked.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn mark_killed(&self, id: &RunId, heartbeat: i64) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let marked = query(
            "UPDATE runs SET status = 'killed', ended = heartbeat \
             WHERE id = $1 AND status = 'running' AND heartbeat = $2",
        )
        .bind(id.to_string())
        .bind(heartbeat)
        .execute(writing.on())
        .await
        .map_err(sql("mark a run as killed"))?
        .rows_affected();
        writing.commit().await?;
        Ok(marked > 0)
    }

    /// Deletes a run with its parts and all that is recorded of them; blobs stay. A run that a
    /// registered version names cannot go.
    ///
    /// # Errors
    /// No such run, or a version that names it.
    pub async fn delete_run(&self, id: &RunId) -> Result<(), StoreError> {
        self.run(id).await?;
        let mut all = vec![id.clone()];
        let mut next = 0;
        while next < all.len() {
            let parent = Some(all[next].clone());
            let parts = self.runs(&RunFilter { parent, ..RunFilter::default() }).await?;
            all.extend(parts.into_iter().map(|part| part.id));
            next += 1;
        }
        let mut writing = self.write().await?;
        for run in all.iter().rev() {
            let named = query("SELECT model, version FROM versions WHERE run = $1 LIMIT 1")
                .bind(run.to_string())
                .fetch_optional(writing.on())
                .await
                .map_err(sql("look for versions of a run"))?;
            if let Some(row) = named {
                let (model, version): (String, i64) = (get(&row, "model")?, get(&row, "version")?);
                return Err(StoreError::Conflict {
                    what: "run",
                    name: run.to_string(),
                    why: format!(
                        "stays: it made {model}@{version}, which would no longer know where it is from"
                    ),
                });
            }
            for table in
                ["inputs", "params", "tags", "metrics", "artifacts", "corrections_used", "outbox", "runs"]
            {
                let key = if table == "runs" { "id" } else { "run" };
                built(format!("DELETE FROM {table} WHERE {key} = $1"))
                    .bind(run.to_string())
                    .execute(writing.on())
                    .await
                    .map_err(sql("delete a run"))?;
            }
        }
        writing.commit().await
    }
}
