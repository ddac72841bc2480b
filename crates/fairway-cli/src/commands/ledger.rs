//! `ledger`: verify the record, take it out, look at one event.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::hub::{self, Event};
use crate::output::{Report, to_yaml};
use crate::session::Session;

/// The record of everything that happened
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum LedgerCommand {
    /// Check that nothing in it was changed, removed or inserted
    Verify,
    /// Print all of it, one JSON event a line
    Export,
    /// Show one event and what it led to
    Show(ShowEvent),
}

/// Which event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ShowEvent {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
}

/// What a check of the ledger found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Verified(pub Value);

impl Report for Verified {
    fn table(&self) -> String {
        let (events, head) = (&self.0["events"], self.0["head"].as_str().unwrap_or_default());
        if self.exit() == Exit::Done {
            return format!("the ledger is whole: {events} events, the last is {head}\n");
        }
        let why = self.0["bad"]["message"].as_str().unwrap_or("it does not say where");
        format!("the ledger is broken: {why}\nnext: platform ledger export, and compare it with a copy\n")
    }

    fn names(&self) -> Vec<String> {
        vec![self.0["head"].as_str().unwrap_or_default().to_owned()]
    }

    fn exit(&self) -> Exit {
        if self.0["verified"] == true { Exit::Done } else { Exit::Failed }
    }
}

/// An event and what followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownEvents {
    /// The event first.
    pub items: Vec<Event>,
}

impl Report for ShownEvents {
    fn table(&self) -> String {
        to_yaml(&self.items).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| it.id.clone()).collect()
    }
}

/// Checks the ledger.
pub async fn verify(session: &Session) -> Result<Verified, Failure> {
    let text = hub::get(session, "/hub/v1/ledger/verify", "verify the ledger").await?;
    let report = serde_json::from_str(&text);
    report.map(Verified).map_err(|it| Failure::failed(format!("the ledger's answer cannot be read: {it}")))
}

/// All of the ledger as JSON lines.
pub async fn export(session: &Session) -> Result<String, Failure> {
    hub::get(session, "/hub/v1/ledger/export", "read the ledger").await
}

/// One event and what it led to.
pub async fn show(session: &Session, show: &ShowEvent) -> Result<ShownEvents, Failure> {
    if show.id.is_empty() || show.id.len() > 64 || !show.id.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Err(Failure::usage("that is not the id of an event").hint("platform history -o json shows ids"));
    }
    let mut items = hub::events(session, &[("cause", show.id.clone()), ("limit", "1000".to_owned())]).await?;
    items.reverse();
    if items.is_empty() {
        return Err(Failure::not_found(format!("the ledger has no event {}", show.id)).hint("platform history -o json"));
    }
    Ok(ShownEvents { items })
}
