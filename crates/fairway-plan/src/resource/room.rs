//! Room of claims: it may grow, and never shrinks.

use std::collections::BTreeMap;

use fairway_schema::quantity::Quantity;
use serde_json::{Value, json};

/// A claim that is to have less room than it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrinks {
    /// The claim.
    pub claim: String,
    /// What is wanted.
    pub wanted: String,
    /// What it has.
    pub has: String,
}

/// Lets each claim among the objects keep the room that it has, by its name, where that is more than is wanted: somebody
/// may have given it more by hand. Refused where another plan asks for less, `another_plan`.
pub fn keep_room(objects: &mut [Value], has: &BTreeMap<String, String>, another_plan: bool) -> Result<(), Shrinks> {
    for claim in objects.iter_mut().filter(|it| it["kind"] == "PersistentVolumeClaim") {
        let name = claim["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let Some(has) = has.get(&name) else { continue };
        let Some(wanted) = claim.pointer_mut("/spec/resources/requests/storage") else { continue };
        let (Ok(room), Ok(asked)) = (amount(has), amount(wanted.as_str().unwrap_or_default())) else { continue };
        if asked >= room {
            continue;
        }
        if another_plan {
            let wanted = wanted.as_str().unwrap_or_default().to_owned();
            return Err(Shrinks { claim: name, wanted, has: has.clone() });
        }
        *wanted = json!(has);
    }
    Ok(())
}

fn amount(text: &str) -> Result<Quantity, <Quantity as std::str::FromStr>::Err> {
    text.parse()
}

#[cfg(test)]
mod tests;
