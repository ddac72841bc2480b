//! What is wrong between steps.

use std::collections::{BTreeMap, BTreeSet};

use super::{Step, cycle};
use crate::Finding;

/// Names given twice, needs that are not there, cycles, more than one image.
pub(super) fn check(steps: &[(Step, u32)], findings: &mut Vec<Finding>) {
    let names: BTreeSet<&str> = steps.iter().map(|it| it.0.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut image: Option<&str> = None;
    for (index, (step, line)) in steps.iter().enumerate() {
        let path = format!("steps[{index}]");
        if !step.name.is_empty() && !seen.insert(&step.name) {
            let message = format!("{:?} is the name of another step too; give it one of its own", step.name);
            findings.push(Finding::new(format!("{path}.name"), message).on_line(*line));
        }
        for need in step.needs.iter().filter(|it| !names.contains(it.as_str())) {
            let need: String = need.chars().take(60).collect();
            let message = format!("{need:?} is no step of this file; there are {}", spoken(&names));
            findings.push(Finding::new(format!("{path}.needs"), message).on_line(*line));
        }
        match (&step.image, image) {
            (Some(_), Some(first)) => {
                let message = format!("a component has one image, and step {first:?} makes it already; remove one");
                findings.push(Finding::new(format!("{path}.image"), message).on_line(*line));
            }
            (Some(_), None) => image = Some(&step.name),
            (None, _) => {}
        }
    }
    let needs: BTreeMap<&str, &[String]> = steps.iter().map(|it| (it.0.name.as_str(), it.0.needs.as_slice())).collect();
    if let Some(cycle) = cycle::find(&needs) {
        let line = steps.iter().find(|it| Some(it.0.name.as_str()) == cycle.first().copied()).map_or(0, |it| it.1);
        let message =
            format!("steps wait for each other in a circle: {}; remove one of these needs", cycle.join(" → "));
        findings.push(Finding::new("steps", message).on_line(line));
    }
}

fn spoken(names: &BTreeSet<&str>) -> String {
    names.iter().filter(|it| !it.is_empty()).copied().collect::<Vec<_>>().join(", ")
}
