//! Changes of a collection as they happen, each sent at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairway_schema::Cause;
use fairway_store::{Event, EventKind, ListQuery, ReadError, Revision, Stored, Watch};
use futures::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::body::{Body, BodyError};
use crate::frames::FrameKey;
use crate::object::{api_version, quoted};
use crate::registry::Served;
use crate::request::{Accept, Format, Shape};
use crate::selection::Selection;
use crate::server::{Call, Reply, Shared};
use crate::table::{self, Table};
use crate::{ApiError, server};

/// A bookmark tells how far a quiet watch has come.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// And once more before the server ends the watch.
const LAST_BOOKMARK: Duration = Duration::from_millis(1500);
/// Where the client names no end: half an hour, and up to twice that so that not all end together.
const SHORTEST: u64 = 30 * 60;

/// How a watch begins.
struct Start {
    /// The state is sent first, as ADDED events.
    initial: bool,
    /// A bookmark marks the end of the initial events.
    mark: bool,
    after: Revision,
    items: Vec<Stored>,
}

pub(super) fn watch(call: &Call) -> Result<Reply, ApiError> {
    if call.accept.format == Format::Yaml || call.accept.shape == Shape::Discovery {
        return Err(server::not_acceptable());
    }
    let selection = Selection::parse(call)?;
    let bookmarks = call.query.flag("allowWatchBookmarks");
    let start = plan(call, bookmarks)?;
    let encoder = Encoder::new(call)?;
    let opened = call.shared.store.watch(call.range(), start.after);
    let end = Instant::now() + lifetime(call)?;
    let mut state = State {
        encoder,
        selection,
        ready: VecDeque::new(),
        watch: None,
        bookmark: if bookmarks { next_bookmark(end) } else { None },
        end,
        ended: false,
        sent: start.after,
        shared: Arc::clone(&call.shared),
    };
    if start.initial {
        state.add_initial(start.items, start.mark);
    }
    match opened {
        Ok(watch) => state.watch = Some(watch),
        Err(ReadError::Expired { oldest }) => state.fail(&too_old(start.after, oldest)),
        // It will be there one day: wait for it.
        Err(ReadError::Future { current }) => state.watch = call.shared.store.watch(call.range(), current).ok(),
        Err(ReadError::Closed) => return Err(ApiError::new(503, "ServiceUnavailable", "the store is closed")),
    }
    let mut response = server::bytes_response(StatusCode::OK, "application/json", Bytes::new());
    *response.body_mut() = Body::stream(stream::unfold(state, |mut state| async move {
        let piece = state.next().await?;
        Some((Ok::<_, BodyError>(piece), state))
    }));
    Ok(Reply::ready(response))
}

fn plan(call: &Call, bookmarks: bool) -> Result<Start, ApiError> {
    let query = &call.query;
    let revision = super::parse_revision(query)?;
    let streaming = query.get("sendInitialEvents").map(|_| query.flag("sendInitialEvents"));
    let mut causes = Vec::new();
    match (streaming, query.given("resourceVersionMatch")) {
        (Some(_), Some("NotOlderThan")) | (None, None) => {}
        (Some(_), _) => causes.push(Cause::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )),
        (None, Some(_)) => causes.push(Cause::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )),
    }
    if !causes.is_empty() {
        return Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &causes));
    }
    let initial = streaming.unwrap_or(matches!(revision, None | Some(0)));
    if !initial {
        let after = revision.filter(|it| *it > 0).unwrap_or_else(|| call.shared.store.revision());
        return Ok(Start { initial, mark: false, after, items: Vec::new() });
    }
    super::list::check_not_ahead(call, revision)?;
    let page = call.shared.store.list(&ListQuery::all(call.range()));
    let page = page.map_err(|error| ApiError::new(503, "ServiceUnavailable", error.to_string()))?;
    let mark = streaming == Some(true) && bookmarks;
    Ok(Start { initial, mark, after: page.revision, items: page.items })
}

fn lifetime(call: &Call) -> Result<Duration, ApiError> {
    let asked = call.query.number("timeoutSeconds")?.and_then(|it| u64::try_from(it).ok()).filter(|it| *it > 0);
    let seconds = asked.unwrap_or_else(|| {
        let mut random = [0u8; 2];
        call.shared.world.entropy.fill(&mut random);
        SHORTEST + u64::from(u16::from_le_bytes(random)) % SHORTEST
    });
    Ok(Duration::from_secs(seconds.min(24 * 3600)))
}

/// When the next bookmark is due in a watch that ends then: none after the last one shortly before the end.
fn next_bookmark(end: Instant) -> Option<Instant> {
    let (now, last) = (Instant::now(), end.checked_sub(LAST_BOOKMARK)?);
    (now < last).then(|| last.min(now + BOOKMARK_EVERY))
}

fn too_old(asked: Revision, oldest: Revision) -> ApiError {
    ApiError::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
}

/// One watch between two pieces of its body.
struct State {
    shared: Arc<Shared>,
    encoder: Encoder,
    selection: Selection,
    ready: VecDeque<Bytes>,
    watch: Option<Watch>,
    /// When the next bookmark is due, if bookmarks were asked for.
    bookmark: Option<Instant>,
    end: Instant,
    ended: bool,
    /// Every change up to here was sent or did not concern this watch.
    sent: Revision,
}

impl State {
    fn add_initial(&mut self, items: Vec<Stored>, mark: bool) {
        let items = items.into_iter().filter(|it| self.selection.matches(it));
        for it in items.collect::<Vec<_>>() {
            self.ready.push_back(self.encoder.frame("ADDED", &it, it.revision).into());
        }
        if mark {
            self.ready.push_back(self.encoder.bookmark(self.sent, true));
        }
    }

    fn fail(&mut self, error: &ApiError) {
        self.ready.push_back(format!("{}\n", json!({ "type": "ERROR", "object": error.to_status() })).into());
        self.ended = true;
    }

    /// The next piece: everything that is ready.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.take() {
                return Some(piece);
            }
            if self.ended {
                return None;
            }
            self.wait().await;
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        if self.ready.len() <= 1 {
            return self.ready.pop_front();
        }
        let size = self.ready.iter().map(Bytes::len).sum();
        let mut piece = Vec::with_capacity(size);
        self.ready.drain(..).for_each(|it| piece.extend_from_slice(&it));
        Some(piece.into())
    }

    async fn wait(&mut self) {
        let shared = Arc::clone(&self.shared);
        let due = self.bookmark.unwrap_or(self.end);
        let Some(watch) = self.watch.as_mut() else {
            self.ended = true;
            return;
        };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => self.ended = true,
            events = watch.next_many() => match events {
                Ok(events) => events.iter().for_each(|it| self.push(it)),
                Err(ReadError::Expired { oldest }) => self.fail(&too_old(self.sent, oldest)),
                Err(_) => self.ended = true,
            },
            () = sleep_until(self.end) => self.ended = true,
            () = sleep_until(due), if self.bookmark.is_some() => self.add_bookmark(),
        }
    }

    fn add_bookmark(&mut self) {
        self.bookmark = next_bookmark(self.end);
        if let Some(watch) = self.watch.as_mut()
            && let Ok(Some(revision)) = watch.caught_up()
        {
            self.sent = self.sent.max(revision);
        }
        self.ready.push_back(self.encoder.bookmark(self.sent, false));
    }

    /// Turns a change into the event that this watch's selectors make of it.
    fn push(&mut self, event: &Event) {
        let revision = event.object.revision;
        self.sent = revision;
        let (selection, before) = (&self.selection, event.before.as_ref());
        let is = event.kind != EventKind::Deleted && selection.matches(&event.object);
        let was = before.is_some_and(|it| selection.matches(it));
        let (r#type, object) = match (was, is) {
            (false, true) => ("ADDED", &event.object),
            (true, true) => ("MODIFIED", &event.object),
            // The last content it had while it matched, with the revision of what ended that.
            (true, false) => ("DELETED", before.unwrap_or(&event.object)),
            (false, false) => return,
        };
        self.ready.push_back(self.encoder.shared_frame(&self.shared, r#type, object, revision));
    }
}

/// Events in the form the client asked for.
struct Encoder {
    served: Arc<Served>,
    accept: Accept,
    /// An empty table to start each event's from.
    table: Option<Table>,
    /// Whether the columns were sent.
    told_columns: bool,
}

impl Encoder {
    fn new(call: &Call) -> Result<Self, ApiError> {
        let table = if call.accept.shape == Shape::Table { Some(Table::start(call)?) } else { None };
        Ok(Self { served: Arc::clone(&call.served), accept: call.accept, table, told_columns: false })
    }

    /// The event as every watcher of this form gets it.
    fn shared_frame(&mut self, shared: &Shared, r#type: &'static str, object: &Stored, revision: Revision) -> Bytes {
        if self.accept.shape != Shape::Object {
            return self.frame(r#type, object, revision).into();
        }
        let (group, version) = (Arc::clone(&self.served.group), Arc::clone(&self.served.version));
        shared.frames.get(FrameKey { revision, r#type, version, group }, || self.frame(r#type, object, revision))
    }

    fn frame(&mut self, r#type: &str, object: &Stored, revision: Revision) -> Vec<u8> {
        let mut out = Vec::with_capacity(object.value.len() + 128);
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(r#type.as_bytes());
        out.extend_from_slice(b"\",\"object\":");
        match self.accept.shape {
            Shape::Object => self.served.write(&mut out, &object.value, Some(revision)),
            _ => out.extend_from_slice(self.reshaped(object, revision).to_string().as_bytes()),
        }
        out.extend_from_slice(b"}\n");
        out
    }

    fn reshaped(&mut self, object: &Stored, revision: Revision) -> Value {
        let object = Stored { revision, ..object.clone() };
        let tree = self.served.decode(&object);
        match &self.table {
            Some(table) => {
                let mut table = table.fresh();
                table.add(&tree);
                let columns = !std::mem::replace(&mut self.told_columns, true);
                table.finish(json!({ "resourceVersion": revision.to_string() }), columns)
            }
            None => table::partial(&tree),
        }
    }

    /// An object that says only how far the watch has come.
    fn bookmark(&self, revision: Revision, end_of_initial: bool) -> Bytes {
        let annotations = if end_of_initial { ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" } else { "" };
        let (kind, version) = match self.accept.shape {
            Shape::Metadata => (quoted("PartialObjectMetadata"), quoted("meta.k8s.io/v1")),
            Shape::Table => (quoted("Table"), quoted("meta.k8s.io/v1")),
            _ => (quoted(&self.served.kind), quoted(&api_version(&self.served))),
        };
        format!(
            "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":{kind},\"apiVersion\":{version},\
             \"metadata\":{{\"resourceVersion\":\"{revision}\"{annotations}}}}}}}\n"
        )
        .into()
    }
}
