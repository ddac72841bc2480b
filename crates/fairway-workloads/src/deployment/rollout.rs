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
