//! The variables of a container: as they stand, or from the connection Secret of what the workload needs. No value of a
//! Secret is known here.

use std::collections::BTreeMap;

use fairway_api::names::ComponentName;
use serde_json::{Value, json};

use super::Binding;
use crate::resource;
use crate::score::{Container, Piece, Workload, pieces};
use crate::{Finding, digest_of};

/// The annotation of a Pod that changes with what its workload is told.
pub(crate) const CONNECTIONS: &str = "fairway.dev/connections";

/// The variables, in the order in which Kubernetes reads them: one that is made of others comes after them.
pub(super) fn env(
    container: &Container,
    component: &ComponentName,
    bindings: &BTreeMap<String, Binding>,
) -> Vec<Value> {
    let mut helpers = BTreeMap::new();
    let mut env = Vec::new();
    for (name, value) in &container.variables {
        let pieces = pieces(value).unwrap_or_else(|_| vec![Piece::Text(value.clone())]);
        match pieces.as_slice() {
            [Piece::Output { need, output }] => env.push(from_secret(name, component, need, output, bindings)),
            pieces => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(it) => text.push_str(it),
                        Piece::Output { need, output } => {
                            let helper = helper(need, output);
                            text.extend(["$(", helper.as_str(), ")"]);
                            let source = from_secret(&helper, component, need, output, bindings);
                            helpers.insert(helper, source);
                        }
                    }
                }
                env.push(json!({ "name": name, "value": text }));
            }
        }
    }
    helpers.into_values().chain(env).collect()
}

/// The variable that a composite one is made of.
fn helper(need: &str, output: &str) -> String {
    format!("FAIRWAY_RESOURCES_{}_{}", need.replace('-', "_"), output).to_uppercase()
}

fn from_secret(
    name: &str,
    component: &ComponentName,
    need: &str,
    output: &str,
    bindings: &BTreeMap<String, Binding>,
) -> Value {
    let assumed = || resource::connection_secret(&resource::name(component.as_str(), need));
    let secret = bindings.get(need).map_or_else(assumed, |it| it.secret_name.clone());
    json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": secret, "key": output } } })
}

/// The outputs that variables name and their resources do not have.
pub(super) fn check(workload: &Workload, bindings: &BTreeMap<String, Binding>, findings: &mut Vec<Finding>) {
    for (container, it) in &workload.containers {
        for (name, value) in &it.variables {
            for piece in pieces(value).unwrap_or_default() {
                let Piece::Output { need, output } = piece else { continue };
                let Some(binding) = bindings.get(&need).filter(|it| !it.outputs.contains(&output)) else { continue };
                let message = format!("resource {need} tells no {output:?}; it tells {}", binding.outputs.join(", "));
                findings.push(Finding::new(format!("containers.{container}.variables.{name}"), message));
            }
        }
    }
}

/// What changes when a workload is to be started anew because what it is told changed.
pub fn connections(bindings: &BTreeMap<String, Binding>) -> Option<String> {
    let of_each: BTreeMap<&String, &String> = bindings.iter().map(|(name, it)| (name, &it.connection)).collect();
    (!of_each.is_empty()).then(|| digest_of(&of_each).short().to_owned())
}
