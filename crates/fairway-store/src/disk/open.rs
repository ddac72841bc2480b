//! Opening: the lock, the schema, and everything that was committed.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};

use super::checkpoint::Checkpointer;
use super::row::{Row, labels_from_json};
use super::{Disk, Head, WriteError, from_sql};
use crate::journal::JournalError;
use crate::model::{Event, EventKind, Key, Stored};
use crate::options::Options;
use crate::state::State;

/// The layout this code writes; a file with a larger number is left alone.
const SCHEMA: u32 = 1;
/// Says that a file is a store (SQLite's `application_id`).
const APPLICATION: u32 = 0x6f72_6576;

const TABLES: &str = "
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL, oldest INTEGER NOT NULL, rows INTEGER NOT NULL, sum INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    previous INTEGER,
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    labels TEXT,
    value BLOB,
    checksum INTEGER NOT NULL
);
CREATE VIEW objects AS
    SELECT resource, namespace, name, revision, labels, CAST(value AS TEXT) AS value FROM revisions
    WHERE kind < 3 AND revision NOT IN (SELECT previous FROM revisions WHERE previous IS NOT NULL);
";

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStore {
    /// The file or its lock cannot be made or read.
    #[error("cannot open {}", path.display())]
    OpenFile {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else has it.
    #[error("{} is in use by another process; stop that process first, or choose another folder", path.display())]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// It was written by a newer version of this program.
    #[error("{} has format {found}, and this version reads up to {supported}; use the newer version that wrote it", path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// The file is something else.
    #[error("{} is not a store; choose another path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{} is damaged: {what}; restore it from a backup", path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// SQLite cannot read or write it.
    #[error("cannot read {}", path.display())]
    Read {
        /// The store's file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The journal cannot use it.
    #[error("prepare the journal in {}", path.display())]
    PrepareJournal {
        /// The store's file.
        path: PathBuf,
        /// What the journal says.
        source: JournalError,
    },
    /// The system gives no thread.
    #[error("cannot start the store's threads")]
    StartWriter(#[source] io::Error),
}

impl OpenStore {
    pub(crate) fn of_journal(path: &Path, error: WriteError) -> Self {
        match error {
            WriteError::Sqlite(source) => read_error(path, source),
            WriteError::Journal(source) => Self::PrepareJournal { path: path.to_owned(), source },
        }
    }
}

/// What opening gives.
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    pub(crate) state: State,
    /// Held as long as the file may be written.
    pub(crate) lock: File,
}

/// Opens the file, or makes it, and reads everything that was committed.
pub(crate) fn open(options: &Options) -> Result<Opened, OpenStore> {
    let path =
        &real_path(&options.path).map_err(|source| OpenStore::OpenFile { path: options.path.clone(), source })?;
    let lock = lock(path)?;
    private_file(path).map_err(|source| OpenStore::OpenFile { path: path.clone(), source })?;
    let connection = connect(path).map_err(|source| read_error(path, source))?;
    prepare(path, &connection)?;
    let (head, state) = load(path, &connection)?;
    let second = connect(path).map_err(|source| read_error(path, source))?;
    let checkpointer = Checkpointer::start(second, options.failpoints.clone()).map_err(OpenStore::StartWriter)?;
    let disk = Disk { connection, checkpointer, head, failpoints: options.failpoints.clone(), logged: 0 };
    Ok(Opened { disk, state, lock })
}

/// The path without links, so that one file has one lock. It must not open the file: closing it again would release
/// the locks that SQLite holds on it in this process.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(folder), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            Ok(folder.canonicalize()?.join(name))
        }
        (found, ..) => found,
    }
}

fn lock(path: &Path) -> Result<File, OpenStore> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = private_file(&name).map_err(|source| OpenStore::OpenFile { path: name.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenStore::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenStore::OpenFile { path: name, source }),
    }
}

/// Opens or makes a file that only its owner can read. SQLite gives `-wal` and `-shm` the same mode.
fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
    }
    Ok(file)
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Checks whose file it is and brings its schema to this version.
fn prepare(path: &Path, connection: &Connection) -> Result<(), OpenStore> {
    let read = |source| read_error(path, source);
    let number = |name: &str| connection.pragma_query_value(None, name, |it| it.get::<_, u32>(0)).map_err(read);
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |it| it.get(0)).map_err(read)?;
    let fresh = application == 0 && found == 0 && tables == 0;
    if !fresh && application != APPLICATION {
        return Err(OpenStore::Foreign { path: path.to_owned() });
    }
    if found > SCHEMA {
        return Err(OpenStore::Newer { path: path.to_owned(), found, supported: SCHEMA });
    }
    let settings = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                    PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192; PRAGMA foreign_keys = ON;";
    connection.execute_batch(settings).map_err(read)?;
    if fresh {
        let first = format!("INSERT INTO head VALUES (1, 0, 0, 0, 0, {});", Head::default().checksum());
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};");
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} {first} {marks} COMMIT;")).map_err(read)?;
    }
    Ok(())
}

/// Reads the log from its beginning and checks that all of it is there.
fn load(path: &Path, connection: &Connection) -> Result<(Head, State), OpenStore> {
    let read = |source| read_error(path, source);
    let damaged = |what: String| OpenStore::Damaged { path: path.to_owned(), what };
    let select = "SELECT revision, oldest, rows, sum, checksum FROM head";
    let (expected, checksum) = connection.query_row(select, [], head_from_sql).map_err(read)?;
    if expected.checksum() != checksum {
        return Err(damaged("its head does not match its checksum".into()));
    }
    let mut state = State::starting(expected.oldest);
    let mut found = Head { revision: expected.revision, oldest: expected.oldest, rows: 0, sum: 0 };
    let mut select = connection.prepare("SELECT * FROM revisions ORDER BY revision").map_err(read)?;
    let mut rows = select.query([]).map_err(read)?;
    while let Some(sql) = rows.next().map_err(read)? {
        let (row, checksum) = row_from_sql(sql).map_err(read)?;
        if row.checksum() != checksum {
            return Err(damaged(format!("revision {} does not match its checksum", row.revision)));
        }
        found.rows += 1;
        found.sum = found.sum.wrapping_add(checksum);
        replay(&mut state, &row).map_err(|what| damaged(format!("revision {} {what}", row.revision)))?;
    }
    if found != expected || state.revision > expected.revision {
        return Err(damaged(format!("it should hold {} revisions and holds {}", expected.rows, found.rows)));
    }
    state.revision = expected.revision;
    Ok((expected, state))
}

/// Does once more what the row tells.
fn replay(state: &mut State, row: &Row<'_>) -> Result<(), String> {
    let kind = row.event_kind().ok_or("has a kind that does not exist")?;
    let labels = labels_from_json(row.labels.as_deref()).map_err(|_| "has labels that cannot be read")?;
    let key = state.intern(&Key::new(&*row.resource, &*row.namespace, &*row.name));
    let before = state.get(&key).cloned();
    if row.revision <= state.oldest {
        // History begins later: what is left from before is an object that still was there then.
        let value = row.value.as_deref().ok_or("is a delete before the beginning of history")?;
        state.restore(Stored { key, revision: row.revision, value: Bytes::copy_from_slice(value), labels });
        return match before {
            None => Ok(()),
            Some(_) => Err("is the second of its object before the beginning of history".into()),
        };
    }
    if before.as_ref().map(|it| it.revision) != row.previous {
        return Err("does not follow the revision it replaced".into());
    }
    let object = match (kind, row.value.as_deref(), &before) {
        (EventKind::Deleted, None, Some(before)) => Stored { revision: row.revision, ..before.clone() },
        (EventKind::Created, Some(value), None) | (EventKind::Updated, Some(value), Some(_)) => {
            Stored { key, revision: row.revision, value: Bytes::copy_from_slice(value), labels }
        }
        _ => return Err("does not fit what was there before".into()),
    };
    state.apply(Arc::new(Event { kind, object, before }));
    Ok(())
}

fn head_from_sql(row: &rusqlite::Row<'_>) -> Result<(Head, u64), rusqlite::Error> {
    let number = |index| row.get(index).map(from_sql);
    Ok((Head { revision: number(0)?, oldest: number(1)?, rows: number(2)?, sum: number(3)? }, number(4)?))
}

fn row_from_sql<'a>(row: &'a rusqlite::Row<'_>) -> Result<(Row<'a>, u64), rusqlite::Error> {
    let text = |index| row.get_ref(index).and_then(|it| Ok(Cow::Borrowed(it.as_str()?)));
    let read = Row {
        revision: row.get(0).map(from_sql)?,
        kind: row.get(1)?,
        previous: row.get::<_, Option<i64>>(2)?.map(from_sql),
        resource: text(3)?,
        namespace: text(4)?,
        name: text(5)?,
        labels: row.get(6)?,
        value: row.get_ref(7)?.as_blob_or_null()?.map(Cow::Borrowed),
    };
    Ok((read, row.get(8).map(from_sql)?))
}

fn read_error(path: &Path, source: rusqlite::Error) -> OpenStore {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match &source {
        rusqlite::Error::SqliteFailure(it, _) if it.code == NotADatabase => {
            OpenStore::Foreign { path: path.to_owned() }
        }
        rusqlite::Error::SqliteFailure(it, _) if it.code == DatabaseCorrupt => {
            OpenStore::Damaged { path: path.to_owned(), what: source.to_string() }
        }
        // A column that is not of the type that was written into it.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::QueryReturnedNoRows => {
            OpenStore::Damaged { path: path.to_owned(), what: "a row does not have the form it was written in".into() }
        }
        _ => OpenStore::Read { path: path.to_owned(), source },
    }
}
