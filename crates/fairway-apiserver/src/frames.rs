//! Watch events as bytes, made once however many watchers get them.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use fairway_store::Revision;

/// How many encoded events are remembered; watchers that are further behind encode for themselves.
const REMEMBERED: usize = 512;

/// What tells two encodings apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FrameKey {
    /// The event: each has a revision of its own.
    pub(crate) revision: Revision,
    /// `ADDED`, `MODIFIED`, `DELETED`: a selector may turn one into another.
    pub(crate) r#type: &'static str,
    /// The group version it is served as.
    pub(crate) version: std::sync::Arc<str>,
    pub(crate) group: std::sync::Arc<str>,
}

/// The encodings of the latest events.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    frames: HashMap<FrameKey, Bytes>,
    order: VecDeque<FrameKey>,
}

impl Frames {
    /// The encoding of an event, made by `encode` if nobody made it before.
    pub(crate) fn get(&self, key: FrameKey, encode: impl FnOnce() -> Vec<u8>) -> Bytes {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = kept.frames.get(&key) {
            return frame.clone();
        }
        let frame = Bytes::from(encode());
        if kept.order.len() == REMEMBERED
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.frames.remove(&oldest);
        }
        kept.order.push_back(key.clone());
        kept.frames.insert(key, frame.clone());
        frame
    }
}
