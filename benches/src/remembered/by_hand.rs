//! What one would do without a ledger.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use rusqlite::{Connection, params};

use super::{Step, pages};

/// Writes a file of JSON lines for each snapshot. A difference reads the older file into memory.
pub(super) fn in_files(folder: &Path, step: Step, tokens: u64) -> Result<u64, Box<dyn Error>> {
    let file = |step: Step| folder.join(format!("{}.ndjson", step as u64));
    if step == Step::Diff {
        let lines = |step| Ok::<_, std::io::Error>(BufReader::new(File::open(file(step))?).lines());
        let mut before = HashMap::new();
        for line in lines(Step::Unchanged)? {
            let line = line?;
            before.insert(id_of(&line)?, line);
        }
        let mut changes = 0;
        for line in lines(Step::Changed)? {
            let line = line?;
            changes += u64::from(before.remove(&id_of(&line)?).as_deref() != Some(&line));
        }
        return Ok(changes + before.len() as u64);
    }
    fs::create_dir_all(folder)?;
    let mut file = BufWriter::new(File::create(file(step))?);
    for token in pages(step, tokens).flatten() {
        serde_json::to_writer(&mut file, &token)?;
        file.write_all(b"\n")?;
    }
    file.into_inner()?.sync_all()?;
    Ok(0)
}

fn id_of(line: &str) -> serde_json::Result<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    Ok(serde_json::from_str::<Id>(line)?.id)
}

/// Writes a row for each token and snapshot, in one transaction.
pub(super) fn in_rows(path: &Path, step: Step, tokens: u64) -> Result<u64, Box<dyn Error>> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full;
         create table if not exists row (
             at integer not null, id text not null, record text not null, primary key (at, id)
         ) without rowid",
    )?;
    if step == Step::Diff {
        let count = "select count(*) from row as later
            left join row as before on before.at = ?1 and before.id = later.id
            where later.at = ?2 and before.record is not later.record";
        let times = params![Step::Unchanged as i64, Step::Changed as i64];
        let count: i64 = connection.query_one(count, times, |row| row.get(0))?;
        return Ok(u64::try_from(count)?);
    }
    let transaction = connection.transaction()?;
    {
        let mut statement = transaction.prepare("insert into row values (?1, ?2, ?3)")?;
        for token in pages(step, tokens).flatten() {
            let record = serde_json::to_string(&token)?;
            statement.execute(params![step as i64, token.id.as_str(), record])?;
        }
    }
    transaction.commit()?;
    Ok(0)
}
