//! Opening: the lock, the schema, and everything that was committed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::checkpoint::Checkpointer;
use super::load::load;
use super::{Disk, Head, WriteError};
use crate::journal::JournalError;
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

/// What a failed read says about the file.
pub(super) fn read_error(path: &Path, source: rusqlite::Error) -> OpenStore {
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
