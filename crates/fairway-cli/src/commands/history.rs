//! `history`: the ledger read as a story: what somebody did, and under it what followed from that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::Which;
use crate::failure::Failure;
use crate::hub::{self, Event};
use crate::output::Report;
use crate::place;
use crate::session::Session;

/// Tell what happened, and why
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct History {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// Only in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// The whole project
    #[arg(long)]
    pub all: bool,
    /// Only what this event led to
    #[arg(long, value_name = "ID")]
    pub cause: Option<String>,
    /// How many events
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

impl Default for History {
    fn default() -> Self {
        Self { which: Which::default(), env: None, all: false, cause: None, limit: 100 }
    }
}

/// Events, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// Newest first.
    pub items: Vec<Event>,
}

impl Report for Story {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "nothing is recorded yet\n".to_owned();
        }
        let ids: BTreeSet<&str> = self.items.iter().map(|it| it.id.as_str()).collect();
        let mut led_to: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        let mut roots = Vec::new();
        // Oldest first under its cause, so that it reads downwards.
        for event in self.items.iter().rev() {
            match event.cause.as_deref().filter(|it| ids.contains(it) && *it != event.id) {
                Some(cause) => led_to.entry(cause).or_default().push(event),
                None => roots.push(event),
            }
        }
        let mut text = String::new();
        let mut told = BTreeSet::new();
        for root in roots.into_iter().rev() {
            tell(root, 0, &led_to, &mut told, &mut text);
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| it.id.clone()).collect()
    }
}

fn tell<'a>(
    event: &'a Event,
    depth: usize,
    led_to: &BTreeMap<&str, Vec<&'a Event>>,
    told: &mut BTreeSet<&'a str>,
    text: &mut String,
) {
    // Ids come from the ledger; a loop in them must not become one here.
    if depth > 16 || !told.insert(&event.id) {
        return;
    }
    let time: String = event.time.chars().take(19).collect::<String>().replace('T', " ");
    let _ = writeln!(text, "{}{time}  {}", "  ".repeat(depth), sentence(event));
    let next = led_to.get(event.id.as_str()).map(Vec::as_slice).unwrap_or_default();
    for (index, it) in next.iter().enumerate() {
        // Of what was on its way, only how far it came.
        if next.get(index + 1).is_none_or(|after| !(is_underway(it) && is_underway(after) && it.object == after.object))
        {
            tell(it, depth + 1, led_to, told, text);
        }
    }
}

/// Whether an event only says that something is on its way.
fn is_underway(event: &Event) -> bool {
    event.data["changed"].is_null() && event.data["summary"].as_str().is_some_and(|it| it.contains(" is rolling out: "))
}

/// One event in words.
pub(crate) fn sentence(event: &Event) -> String {
    let who = event.actor.rsplit(':').next().filter(|_| event.actor.starts_with("system:")).unwrap_or(&event.actor);
    let object = event.object.clone().unwrap_or_default();
    let place = match object.namespace.split_once("--") {
        Some((_, environment)) => format!(" in {environment}"),
        None => String::new(),
    };
    let thing = format!("{} {}{place}", object.kind.to_lowercase(), object.name);
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    let did = match event.kind.rsplit("fairway.").next().unwrap_or_default() {
        "object.created" => format!("{who} created {thing}"),
        "object.deleted" => format!("{who} removed {thing}"),
        "object.updated" if data["deleting"] == true => format!("{who} asked to remove {thing}"),
        "object.updated" if data["changed"].is_object() => format!("{who} changed {thing}{}", changes(data)),
        "object.updated" => thing,
        "bundle.applied" => format!("{who} applied {}{}", event.subject.clone().unwrap_or(thing), applied(data)),
        "bundle.removed" => format!("{who} removed what ran as {}", event.subject.clone().unwrap_or(thing)),
        "pod.entered" if data["program"].is_string() => format!("{who} ran {} in {thing}", text("program")),
        "pod.entered" => format!("{who} connected to ports of {thing}"),
        "request.refused" => format!("{who} was refused to {} {thing}: {}", event.verb, text("message")),
        _ => format!("{who}: {} {}", event.verb, event.subject.clone().unwrap_or(thing)),
    };
    let summary = text("summary");
    if summary.is_empty() { did } else { format!("{did}: {summary}") }
}

fn changes(data: &serde_json::Value) -> String {
    let changes = data["changed"].as_object().into_iter().flatten();
    let said: Vec<String> = changes
        .map(|(path, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{} to {value}", path.trim_start_matches("spec."))
        })
        .collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
}

fn applied(data: &serde_json::Value) -> String {
    let list = |name: &str| {
        let names = data[name].as_array().into_iter().flatten();
        names.filter_map(|it| it.as_str().map(str::to_owned)).collect::<Vec<_>>().join(", ")
    };
    let (changed, pruned) = (list("changed"), list("pruned"));
    match (changed.is_empty(), pruned.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!(" ({changed})"),
        (true, false) => format!(" (removed {pruned})"),
        (false, false) => format!(" ({changed}; removed {pruned})"),
    }
}

/// Reads the ledger.
pub async fn history(session: &Session, history: &History) -> Result<Story, Failure> {
    let project = session.project().await?;
    let mut query = vec![("project", project.to_string()), ("limit", history.limit.to_string())];
    if let Some(name) = &history.env {
        query.push(("environment", place::environment(session, &project, name).await?.environment.to_string()));
    }
    if let Some(cause) = &history.cause {
        if cause.len() > 64 || !cause.bytes().all(|it| it.is_ascii_alphanumeric()) {
            return Err(Failure::usage("--cause is not the id of an event").hint("platform history -o json shows ids"));
        }
        query.push(("cause", cause.clone()));
    }
    let here = place::find_score(&session.folder).is_some();
    if !history.all && (history.which.named()?.is_some() || here) {
        query.push(("component", place::component(session, history.which.named()?)?.to_string()));
    }
    Ok(Story { items: hub::events(session, &query).await? })
}

#[cfg(test)]
mod tests;
