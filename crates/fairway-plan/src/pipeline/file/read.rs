//! From the tree to a pipeline, with everything that is wrong on the way.

use fairway_schema::destinations::destination;

use super::fields::Fields;
use super::tree::{Node, Value};
use super::{
    FolderImage, GIB, ImageOf, MAX_REFS, MAX_STEPS, MIB, Pipeline, ProgramImage, RefRule, Step, relations, units,
};
use crate::Finding;

const MAX_RUN: usize = 16 * 1024;
const MAX_LIST: usize = 100;
const MAX_COMMAND: usize = 50;

pub(super) fn document(root: &Node, findings: &mut Vec<Finding>) -> Option<Pipeline> {
    let mut top = Fields::of(root, "", findings)?;
    for (field, wanted) in [("apiVersion", "fairway.dev/v1alpha1"), ("kind", "Pipeline")] {
        match top.text(field).as_deref() {
            Some(it) if it == wanted => {}
            Some(other) => {
                let other: String = other.chars().take(80).collect();
                top.find(field, format!("is {other:?}; {wanted:?} is understood"));
            }
            None if top.has(field) => {}
            None => top.find(field, format!("is missing; write \"{field}: {wanted}\"")),
        }
    }
    let steps = list(&mut top, "steps", MAX_STEPS);
    if steps.is_empty() {
        top.find("steps", "is missing or empty; a pipeline has at least one step");
    }
    let refs = list(&mut top, "refs", MAX_REFS);
    top.end();
    let steps: Vec<(Step, u32)> =
        steps.iter().enumerate().filter_map(|(index, it)| Some((step(it, index, findings)?, it.line))).collect();
    relations::check(&steps, findings);
    let refs = refs.iter().enumerate().filter_map(|(index, it)| rule(it, index, findings)).collect();
    Some(Pipeline { steps: steps.into_iter().map(|it| it.0).collect(), refs })
}

/// The entries of a list of maps.
fn list<'n>(top: &mut Fields<'n, '_>, field: &'static str, most: usize) -> &'n [Node] {
    let Some(node) = top.any(field) else { return &[] };
    let Value::List(items) = &node.value else {
        top.find_on(field, node.line, format!("must be a list, and is {}", node.value.what()));
        return &[];
    };
    if items.len() > most {
        top.find(field, format!("has {} entries; at most {most} are allowed", items.len()));
    }
    &items[..items.len().min(most)]
}

fn step(node: &Node, index: usize, findings: &mut Vec<Finding>) -> Option<Step> {
    let mut fields = Fields::of(node, &format!("steps[{index}]"), findings)?;
    let name = required(&mut fields, "name", "a word such as \"test\"").unwrap_or_default();
    if !name.is_empty() && !is_step_name(&name) {
        fields.find("name", "is no name of a step; use lower-case letters, digits and \"-\", at most 30");
    }
    let toolchain = required(&mut fields, "toolchain", "\"rust@1.95\"").unwrap_or_default();
    if !toolchain.is_empty() && !is_toolchain(&toolchain) {
        fields.find("toolchain", "is no name of a toolchain; write it like \"rust@1.95\"");
    }
    let run = required(&mut fields, "run", "the command").unwrap_or_default();
    if run.len() > MAX_RUN || run.contains('\0') {
        fields.find("run", format!("must have at most {MAX_RUN} bytes and no NUL; put more into a script"));
    }
    let needs = fields.texts("needs", MAX_STEPS).into_iter().map(|it| it.0).collect();
    let network = network(&mut fields);
    let image = fields.any("image");
    let cpu =
        fields.text("cpu").map_or(Some(2000), |it| units::millicores(&it)).filter(|it| (10..=64_000).contains(it));
    if cpu.is_none() {
        fields.find("cpu", "must be a number of processors such as \"2\" or \"500m\", from 10m to 64");
    }
    let step = Step {
        name,
        needs,
        toolchain,
        run,
        network,
        timeout: fields.seconds("timeout", 30 * 60, 6 * 3600),
        workspace: fields.bytes("workspace", 4 * GIB, MIB, 64 * GIB),
        memory: fields.bytes("memory", 2 * GIB, 16 * MIB, 256 * GIB),
        cpu: cpu.unwrap_or(2000),
        log: fields.bytes("log", 50 * MIB, 1024, GIB),
        environment: fields.variables("environment", MAX_LIST),
        inputs: inputs(&mut fields),
        image: None,
    };
    fields.end();
    let image = image.and_then(|it| image_of(it, index, findings));
    Some(Step { image, ..step })
}

fn required(fields: &mut Fields<'_, '_>, field: &'static str, such_as: &str) -> Option<String> {
    let text = fields.text(field).filter(|it| !it.trim().is_empty());
    if text.is_none() && fields.any(field).is_none_or(|it| it.value == Value::Text(String::new())) {
        fields.find(field, format!("is missing; write {such_as}"));
    }
    text
}

fn network(fields: &mut Fields<'_, '_>) -> Option<Vec<String>> {
    fields.any("network")?;
    let listed = fields.texts("network", MAX_LIST);
    let mut network = Vec::new();
    for (address, line) in &listed {
        match destination(address) {
            Ok(address) => network.push(address),
            Err(why) => {
                let shown: String = address.chars().take(80).collect();
                fields.find_on("network", *line, format!("{shown:?}: {why}; write \"host:port\""));
            }
        }
    }
    Some(network)
}

fn inputs(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let listed = fields.texts("inputs", MAX_LIST);
    for (pattern, line) in &listed {
        let outside = pattern.starts_with('/') || pattern.split('/').any(|it| it == "..");
        if pattern.is_empty() || pattern.len() > 500 || outside {
            let shown: String = pattern.chars().take(80).collect();
            let message = format!("{shown:?} is no path in the repository; write it like \"src/**\"");
            fields.find_on("inputs", *line, message);
        }
    }
    listed.into_iter().map(|it| it.0).collect()
}

fn image_of(node: &Node, index: usize, findings: &mut Vec<Finding>) -> Option<ImageOf> {
    let mut fields = Fields::of(node, &format!("steps[{index}].image"), findings)?;
    let image = if fields.has("base") || fields.has("folder") {
        ImageOf::Folder(folder_image(&mut fields))
    } else {
        let program = required(
            &mut fields,
            "program",
            "the path of the program, such as \"out/app\", or \"base\" and \"folder\"",
        );
        let program = program.unwrap_or_default();
        if leads_out(&program) {
            fields.find("program", "must be a path below the workspace, such as \"out/app\"");
        }
        ImageOf::Program(ProgramImage { program })
    };
    fields.end();
    Some(image)
}

fn folder_image(fields: &mut Fields<'_, '_>) -> FolderImage {
    let base = required(fields, "base", "a base image such as \"python-3.11\"").unwrap_or_default();
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
    if !base.is_empty() && (base.len() > 60 || !base.bytes().all(plain)) {
        fields.find("base", "is no name of a base image; write it like \"python-3.11\"");
    }
    let folder = required(fields, "folder", "the path of the folder, such as \"out\"").unwrap_or_default();
    if leads_out(&folder) {
        fields.find("folder", "must be a path below the workspace, such as \"out\"");
    }
    let entrypoint: Vec<String> = fields.texts("entrypoint", MAX_COMMAND).into_iter().map(|it| it.0).collect();
    if entrypoint.iter().any(|it| it.contains('\0') || it.len() > 4096)
        || entrypoint.first().is_none_or(String::is_empty)
    {
        fields.find("entrypoint", "must be the command and its arguments, such as [python3, -m, app]");
    }
    if fields.any("program").is_some() {
        fields.find("program", "stands beside \"base\" or \"folder\"; an image is made of one or the other");
    }
    FolderImage { base, folder, entrypoint, environment: fields.variables("environment", MAX_LIST) }
}

/// Whether a path is none below the workspace.
fn leads_out(path: &str) -> bool {
    let odd = path.starts_with('/') || path.len() > 500 || path.contains('\0');
    odd || path.split('/').any(|it| it == "..")
}

fn rule(node: &Node, index: usize, findings: &mut Vec<Finding>) -> Option<RefRule> {
    let mut fields = Fields::of(node, &format!("refs[{index}]"), findings)?;
    let pattern = required(&mut fields, "match", "a branch, such as \"main\"").unwrap_or_default();
    if pattern.len() > 200 {
        fields.find("match", "has more than 200 characters");
    }
    let release = fields.truth("release");
    let listed = fields.texts("deliverTo", 20);
    for (environment, line) in &listed {
        if let Err(error) = fairway_api::names::EnvironmentName::parse(environment) {
            fields.find_on("deliverTo", *line, error.to_string());
        }
    }
    if !release && !listed.is_empty() {
        fields.find("deliverTo", "delivers what is not released; write \"release: true\" beside it");
    }
    fields.end();
    Some(RefRule { r#match: pattern, release, deliver_to: listed.into_iter().map(|it| it.0).collect() })
}

fn is_step_name(name: &str) -> bool {
    name.len() <= 30
        && name.starts_with(|it: char| it.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}

fn is_toolchain(text: &str) -> bool {
    let (name, version) = text.split_once('@').unwrap_or((text, "0"));
    let named = name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    let versioned = !version.is_empty() && version.bytes().all(|it| it.is_ascii_alphanumeric() || b".+-".contains(&it));
    named && versioned && text.len() <= 60
}
