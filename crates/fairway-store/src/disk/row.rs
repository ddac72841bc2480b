//! One row of the log.

use std::borrow::Cow;

use crate::model::{Event, EventKind, Labels, Revision};

/// A change as it stands in the file.
pub(super) struct Row<'a> {
    pub(super) revision: Revision,
    pub(super) kind: u8,
    pub(super) previous: Option<Revision>,
    pub(super) resource: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    /// A JSON object; none where there are no labels.
    pub(super) labels: Option<String>,
    /// None in a delete: its last bytes are those of `previous`.
    pub(super) value: Option<Cow<'a, [u8]>>,
}

/// The numbers of the kinds in the file; never reuse one.
const KINDS: [(EventKind, u8); 3] = [(EventKind::Created, 1), (EventKind::Updated, 2), (EventKind::Deleted, 3)];

impl<'a> Row<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let object = &event.object;
        let deleted = event.kind == EventKind::Deleted;
        Self {
            revision: object.revision,
            kind: KINDS.iter().find(|it| it.0 == event.kind).map_or(0, |it| it.1),
            previous: event.before.as_ref().map(|it| it.revision),
            resource: Cow::Borrowed(&object.key.resource),
            namespace: Cow::Borrowed(&object.key.namespace),
            name: Cow::Borrowed(&object.key.name),
            labels: (!deleted).then(|| labels_to_json(&object.labels)).flatten(),
            value: (!deleted).then_some(Cow::Borrowed(&*object.value)),
        }
    }

    /// What happened, if the number means anything.
    pub(super) fn event_kind(&self) -> Option<EventKind> {
        KINDS.iter().find(|it| it.1 == self.kind).map(|it| it.0)
    }

    /// Over every column, each with its length before it.
    pub(super) fn checksum(&self) -> u64 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.revision.to_le_bytes());
        crc.update(&[self.kind]);
        crc.update(&self.previous.unwrap_or(0).to_le_bytes());
        let labels = self.labels.as_ref().map(String::as_bytes);
        let texts = [Some(self.resource.as_bytes()), Some(self.namespace.as_bytes()), Some(self.name.as_bytes())];
        for column in texts.into_iter().chain([labels, self.value.as_deref()]) {
            let length = column.map_or(u64::MAX, |it| it.len() as u64);
            crc.update(&length.to_le_bytes());
            crc.update(column.unwrap_or_default());
        }
        u64::from(crc.finalize())
    }
}

/// The rows that nobody needs once this change and all before it are the beginning of history.
pub(super) fn obsolete_after(event: &Event) -> impl Iterator<Item = Revision> {
    let tombstone = (event.kind == EventKind::Deleted).then_some(event.object.revision);
    event.before.as_ref().map(|it| it.revision).into_iter().chain(tombstone)
}

fn labels_to_json(labels: &Labels) -> Option<String> {
    if labels.is_empty() {
        return None;
    }
    let pairs = labels.iter().map(|(key, value)| (key.to_string(), value.to_string().into()));
    Some(serde_json::Value::Object(pairs.collect()).to_string())
}

/// The labels of a column, sorted by key as they were.
pub(super) fn labels_from_json(text: Option<&str>) -> Result<Labels, serde_json::Error> {
    let Some(text) = text else { return Ok(Labels::default()) };
    let pairs: std::collections::BTreeMap<Box<str>, Box<str>> = serde_json::from_str(text)?;
    Ok(pairs.into_iter().collect())
}
