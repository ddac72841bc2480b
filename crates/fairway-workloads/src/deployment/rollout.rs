//! The arithmetic of a rolling update: how far the new may grow and the old must shrink in one step.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What a rolling update is held to, in Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// How many are wanted.
    pub(super) desired: i32,
    /// How many more there may be.
    pub(super) surge: i32,
    /// How many fewer may be available.
    pub(super) unavailable: i32,
}

impl Limits {
    /// From the Deployment's fields: percentages of `desired`, surge rounded up, unavailable down; never both nothing.
    pub(super) fn of(desired: i32, surge: Option<&IntOrString>, unavailable: Option<&IntOrString>) -> Self {
        let quarter = IntOrString::String("25%".to_owned());
        let surge = resolve(surge.unwrap_or(&quarter), desired, true);
        let mut unavailable = resolve(unavailable.unwrap_or(&quarter), desired, false).min(desired);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        Self { desired, surge, unavailable }
    }
}

fn resolve(value: &IntOrString, of: i32, up: bool) -> i32 {
    match value {
        IntOrString::Int(number) => (*number).max(0),
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let product = i64::from(of) * percent.max(0);
            let rounded = if up { (product + 99) / 100 } else { product / 100 };
            i32::try_from(rounded).unwrap_or(i32::MAX)
        }
    }
}

/// One ReplicaSet in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) name: String,
    /// Asked for.
    pub(super) replicas: i32,
    /// There and ready long enough.
    pub(super) available: i32,
}

/// The size the new ReplicaSet should have now.
pub(super) fn grow(limits: Limits, new: &Size, old: &[Size]) -> i32 {
    if new.replicas >= limits.desired {
        return limits.desired;
    }
    let total = new.replicas + old.iter().map(|it| it.replicas).sum::<i32>();
    let room = (limits.desired + limits.surge - total).max(0);
    new.replicas + room.min(limits.desired - new.replicas)
}

/// A ReplicaSet in the middle of a rollout whose Deployment is scaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) replicas: i32,
    /// The most Pods that the Deployment might have when this size was chosen.
    pub(super) most: i32,
}

/// The sizes that ReplicaSets should have once their Deployment was scaled, in the order in which they are given (from the
/// one that takes what rounding leaves): each keeps its part of the whole.
pub(super) fn proportions(limits: Limits, shares: &[Share]) -> Vec<i32> {
    let allowed = if limits.desired > 0 { limits.desired + limits.surge } else { 0 };
    let to_add = allowed - shares.iter().map(|it| it.replicas).sum::<i32>();
    let mut added = 0;
    let mut sizes = Vec::new();
    for share in shares {
        let part = part(limits, share, to_add, to_add - added);
        added += part;
        sizes.push(share.replicas + part);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sizes
}

/// By how much one ReplicaSet changes of `to_add`, of which `left` is not given away yet.
fn part(limits: Limits, share: &Share, to_add: i32, left: i32) -> i32 {
    if share.replicas == 0 || to_add == 0 || left == 0 {
        return 0;
    }
    if limits.desired == 0 {
        return (-share.replicas).max(left);
    }
    let scaled = f64::from(share.replicas) * f64::from(limits.desired + limits.surge) / f64::from(share.most.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float stops at the bounds")]
    let change = (scaled.round() as i32).saturating_sub(share.replicas);
    if to_add > 0 { change.min(left) } else { change.max(left) }
}

/// The sizes the old ReplicaSets should have now, oldest first. What does not work goes first, then what does, but
/// never so much that fewer than `desired - unavailable` are available.
pub(super) fn shrink(limits: Limits, new: &Size, old: &[Size]) -> Vec<(String, i32)> {
    let mut sizes: Vec<Size> = old.to_vec();
    let all = new.replicas + old.iter().map(|it| it.replicas).sum::<i32>();
    let floor = limits.desired - limits.unavailable;
    let new_unavailable = (new.replicas - new.available).max(0);
    let mut may_go = (all - floor - new_unavailable).max(0);
    for it in &mut sizes {
        let broken = (it.replicas - it.available).max(0).min(may_go);
        it.replicas -= broken;
        may_go -= broken;
    }
    let available = new.available + old.iter().map(|it| it.available).sum::<i32>();
    let mut may_go = (available - floor).max(0);
    for it in &mut sizes {
        let going = it.replicas.min(may_go);
        it.replicas -= going;
        may_go -= going;
    }
    sizes.into_iter().map(|it| (it.name, it.replicas)).collect()
}

#[cfg(test)]
mod tests;
