//! A program that used more memory than its limit.

use super::Found;
use crate::why::CauseKind;
use crate::why::observations::Observations;

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let killed = seen.failing().into_iter().find(|(_, it)| {
        let ends = [it.end(), it.last_end.as_ref()];
        ends.into_iter().flatten().any(|it| it.reason == "OOMKilled")
    });
    let (name, evidence) = match killed {
        Some((instance, container)) => (container.name.clone(), super::told::state(instance, container)),
        None => {
            let failure = seen.failure()?;
            let (before, _) = failure.text.split_once(" used more memory than its limit")?;
            (before.rsplit(' ').next().unwrap_or_default().to_owned(), Some(failure))
        }
    };
    let limit = seen.asked(&name).and_then(|it| it.memory.clone());
    let limit = limit.map(|it| format!(" of {it}")).unwrap_or_default();
    let sentence = format!("container {name} used more memory than its limit{limit} and was killed");
    let last = seen.said().next().map(|it| it.evidence());
    Some(
        Found::new(CauseKind::OutOfMemory, sentence)
            .by(evidence)
            .by(last)
            .mend("raise resources.limits.memory in score.yaml, or let it use less")
            .next(format!("platform logs {} --previous", seen.here())),
    )
}

#[cfg(test)]
mod tests;
