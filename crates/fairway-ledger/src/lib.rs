//! Append-only, hash-chained record of every event.
//!
//! An [`Event`] is a CloudEvent with who did what to which object and why. The [`Appender`] writes events into a
//! transaction of somebody else, each with the hash of itself and of everything before it, and signs the head now and
//! then. Whoever has the public key, and a checkpoint from outside, can [`verify`](verify::verify) all of it offline.

mod append;
mod chain;
mod checkpoint;
mod event;
mod export;
mod query;
mod signer;
mod verify;

pub use append::{AppendEvent, Appender, PrepareLedger, Settings};
pub use chain::{Hash, Head, Sequence};
pub use checkpoint::{Checkpoint, ReadCheckpoint};
pub use event::{Event, ObjectRef, Record, new_id, types};
pub use export::{WriteExport, export};
pub use query::{ObjectFilter, Query, ReadLedger, after, by_id, checkpoints, head, open_reader, query};
pub use signer::{OpenSigner, PublicKey, ReadPublicKey, Signer};
pub use verify::{Bad, Fault, Report, Trust, verify, verify_export};
