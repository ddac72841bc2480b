//! `.fairway/pipeline.yaml`: steps, what they need, and what each ref leads to.
//!
//! [`parse`] gives every finding at once, each with its line. What it gives beside them is a [`Pipeline`] only if there
//! is no finding.

mod read;

mod relations;

mod cycle;

mod fields;

mod tree;

mod units;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Finding;
use tree::Node;

/// Where the file is in a repository.
pub const PATH: &str = ".fairway/pipeline.yaml";
/// A file larger than this is not a pipeline.
pub const MAX_BYTES: usize = 64 * 1024;
/// A pipeline has at most this many steps.
pub const MAX_STEPS: usize = 50;
/// A pipeline has at most this many rules for refs.
pub const MAX_REFS: usize = 50;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What is to be done with a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// The steps, in the order in which they are shown.
    #[schemars(length(min = 1, max = 50))]
    pub steps: Vec<Step>,
    /// What refs lead to; the first that matches counts. Without any, `main`, `release/*` and `hotfix/*` make releases.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub refs: Vec<RefRule>,
}

/// One step: a command in a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// A name of its own: lower-case letters, digits and `-`, at most 30.
    #[schemars(regex(pattern = r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"))]
    pub name: String,
    /// The steps that must succeed before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub needs: Vec<String>,
    /// What it is run with: `rust@1.95`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*(@[0-9A-Za-z.+-]+)?$"))]
    pub toolchain: String,
    /// The command: a script of `sh`, run with `-eu` in the workspace.
    #[schemars(length(min = 1, max = 16384))]
    pub run: String,
    /// What the component's image is made of when the step succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageOf>,
    /// The addresses it may reach, `host:port`, of those that the platform allows; without it all of those, empty none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub network: Option<Vec<String>>,
    /// How long it may take; `30m` where nothing is said, at most `6h`.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "30m"))]
    pub timeout: Seconds,
    /// How large its workspace may grow; `4Gi` where nothing is said. The largest of all steps counts.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "4Gi"))]
    pub workspace: Bytes,
    /// How much memory it may have; `2Gi` where nothing is said.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "2Gi"))]
    pub memory: Bytes,
    /// How many processors it may have; `2` where nothing is said.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "2"))]
    pub cpu: Millicores,
    /// How much of what it prints is kept; `50Mi` where nothing is said.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "50Mi"))]
    pub log: Bytes,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The files that it depends on, `src/**`; without it all. Where none of them changed, it need not run again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub inputs: Vec<String>,
}

/// A number of seconds.
pub type Seconds = u32;
/// A number of bytes.
pub type Bytes = u64;
/// Thousandths of a processor.
pub type Millicores = u32;

/// What an image is made of: a program on nothing, or a folder on a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ImageOf {
    /// `{ program: out/app }`
    Program(ProgramImage),
    /// `{ base: python-3.11, folder: out, entrypoint: [python3, -m, app] }`
    Folder(FolderImage),
}

/// One program, which needs nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramImage {
    /// The program, below the workspace: one file, linked statically.
    #[schemars(length(min = 1, max = 500))]
    pub program: String,
}

/// A folder, which is `/app` of an image on a base.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FolderImage {
    /// The base image: `python-3.11`; `platform base list` shows which there are.
    #[schemars(length(min = 1, max = 60))]
    pub base: String,
    /// The folder, below the workspace.
    #[schemars(length(min = 1, max = 500))]
    pub folder: String,
    /// The command and its fixed arguments, run in `/app`.
    #[schemars(length(min = 1, max = 50))]
    pub entrypoint: Vec<String>,
    /// Environment variables, beside those of the base.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

impl ImageOf {
    /// The base that the image stands on.
    pub fn base(&self) -> Option<&str> {
        match self {
            Self::Program(_) => None,
            Self::Folder(it) => Some(&it.base),
        }
    }
}

/// What a ref leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefRule {
    /// The branch, where `*` stands for anything: `release/*`.
    #[schemars(length(min = 1, max = 200))]
    pub r#match: String,
    /// Whether a Release is made when all steps ended well.
    #[serde(default)]
    pub release: bool,
    /// The Environments that the Release is delivered to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub deliver_to: Vec<String>,
}

impl Pipeline {
    /// A step by its name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|it| it.name == name)
    }

    /// How large the workspace may grow.
    pub fn workspace(&self) -> Bytes {
        self.steps.iter().map(|it| it.workspace).max().unwrap_or(4 * GIB)
    }

    /// The step whose program becomes the component's image.
    pub fn image_step(&self) -> Option<&Step> {
        self.steps.iter().find(|it| it.image.is_some())
    }
}

/// Reads the file. `None` where there is anything to correct.
pub fn parse(text: &str) -> (Option<Pipeline>, Vec<Finding>) {
    if text.len() > MAX_BYTES {
        let message = format!("has {} bytes; a pipeline file has at most {MAX_BYTES}", text.len());
        return (None, vec![Finding::new("", message)]);
    }
    let root: Node = match serde_saphyr::from_str(text) {
        Ok(root) => root,
        Err(error) => {
            let line = error.location().map_or(0, |it| u32::try_from(it.line()).unwrap_or(0));
            let first: String = error.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
            return (None, vec![Finding::new("", format!("is not valid YAML: {first}")).on_line(line)]);
        }
    };
    let mut findings = Vec::new();
    let pipeline = read::document(&root, &mut findings);
    findings.sort_by_key(|it| it.line.unwrap_or(0));
    (pipeline.filter(|_| findings.is_empty()), findings)
}

/// The schema of the file, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Pipeline).to_value();
    schema["title"] = serde_json::json!("Pipeline");
    schema["properties"]["apiVersion"] = serde_json::json!({ "const": "fairway.dev/v1alpha1" });
    schema["properties"]["kind"] = serde_json::json!({ "const": "Pipeline" });
    schema["required"] = serde_json::json!(["apiVersion", "kind", "steps"]);
    close(&mut schema);
    schema
}

/// Nothing but the named fields is allowed in maps that name fields.
fn close(node: &mut serde_json::Value) {
    if node.get("properties").is_some_and(serde_json::Value::is_object) && node.get("additionalProperties").is_none() {
        node["additionalProperties"] = serde_json::json!(false);
    }
    match node {
        serde_json::Value::Object(map) => map.values_mut().for_each(close),
        serde_json::Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
