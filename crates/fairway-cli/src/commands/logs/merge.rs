//! Lines of several instances in the order in which they were printed.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Line, Wanted, instances, read};
use crate::failure::Failure;

/// Lines of one instance that are read ahead.
const AHEAD: usize = 64;

/// Shows what the instances printed until now; gives whether there are any.
pub(super) async fn in_order(wanted: &Wanted, show: &mut impl FnMut(&Line, bool)) -> Result<bool, Failure> {
    let found = instances(wanted).await?;
    let several = found.len() > 1;
    let mut readers = JoinSet::new();
    let mut sources = Vec::new();
    for it in found {
        let (sender, lines) = mpsc::channel(AHEAD);
        readers.spawn(read(wanted.api.clone(), it, Arc::clone(&wanted.logs), sender));
        sources.push(lines);
    }
    let any = !sources.is_empty();
    merge(sources, &mut |it| show(it, several)).await;
    while let Some(done) = readers.join_next().await {
        if let Ok(Err(failure)) = done {
            return Err(failure);
        }
    }
    Ok(any)
}

/// Always the oldest of those that come next. A line without a time comes with the one before it.
async fn merge(mut sources: Vec<mpsc::Receiver<Line>>, show: &mut impl FnMut(&Line)) {
    let mut heads: VecDeque<(Timestamp, Line, mpsc::Receiver<Line>)> = VecDeque::new();
    for mut lines in sources.drain(..) {
        if let Some(line) = lines.recv().await {
            heads.push_back((line.at.unwrap_or(Timestamp::MIN), line, lines));
        }
    }
    while let Some(oldest) = (0..heads.len()).min_by_key(|at| heads[*at].0) {
        let (time, line, lines) = &mut heads[oldest];
        show(line);
        match lines.recv().await {
            Some(next) => (*time, *line) = (next.at.unwrap_or(*time), next),
            None => {
                heads.remove(oldest);
            }
        }
    }
}

/// A line and the time that stands before it.
pub(super) fn timed(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((time, rest)) => match time.parse() {
            Ok(at) => (Some(at), rest),
            Err(_) => (None, line),
        },
        None => line.parse().map_or((None, line), |at| (Some(at), "")),
    }
}

#[cfg(test)]
mod tests;
