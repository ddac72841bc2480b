//! `tests/*.yaml` of a template: what is chosen, and what must be in the result.
//!
//! ```yaml
//! description: Another port is in every file that names it
//! facts: { component: orders, project: shop }
//! parameters: { port: 9000 }
//! expect:
//!   files: [Cargo.toml]
//!   absent: [Dockerfile]
//!   contains: { score.yaml: ["port: 9000"] }
//!   refused: []   # parameters that must be refused; then nothing is rendered
//! ```

use std::collections::BTreeMap;

use fairway_schema::decode_yaml;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Facts, Files, Folder, documents, render};
use crate::Finding;

/// Where tests are.
const TESTS: &str = "tests/";
/// What is shown of one test.
const MAX_FINDINGS: usize = 50;

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// Its file.
    pub name: String,
    /// What it says it shows.
    pub description: String,
    /// Why it failed; it passed if there is nothing.
    pub findings: Vec<Finding>,
}

/// A test.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expectation {
    description: String,
    facts: Given,
    pub(super) parameters: Map<String, Value>,
    expect: Expected,
}

/// The facts of a test; what it does not say is made up.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    component: String,
    description: String,
    project: String,
    team: String,
    repository: String,
}

impl Default for Given {
    fn default() -> Self {
        let given = |it: &str| it.to_owned();
        Self {
            component: given("sample"),
            description: given("A sample"),
            project: given("sandbox"),
            team: given("sandbox"),
            repository: given("https://127.0.0.1:7443/git/sandbox/sample.git"),
        }
    }
}

/// What must be so.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Expected {
    files: Vec<String>,
    absent: Vec<String>,
    contains: BTreeMap<String, Vec<String>>,
    lacks: BTreeMap<String, Vec<String>>,
    refused: Vec<String>,
}

impl Expectation {
    /// The facts that it is rendered with.
    pub(super) fn facts(&self) -> Facts {
        let given = &self.facts;
        Facts {
            component: given.component.clone(),
            description: given.description.clone(),
            project: given.project.clone(),
            team: given.team.clone(),
            repository_url: given.repository.clone(),
        }
    }

    /// Whether it is about a repository, and not about what is refused.
    pub(super) fn renders(&self) -> bool {
        self.expect.refused.is_empty()
    }
}

/// The tests of a folder that can be read, and the mistakes in the others.
pub(super) fn expectations(folder: &Folder) -> Vec<(&str, Result<Expectation, Finding>)> {
    let files = folder.files().iter().filter(|(path, _)| path.starts_with(TESTS));
    files
        .map(|(path, file)| {
            let read = decode_yaml(&file.bytes, None).map_err(|it| it.to_string()).and_then(|decoded| {
                match decoded.findings.first() {
                    Some(finding) => Err(finding.to_string()),
                    None => serde_json::from_value(decoded.value).map_err(|it| it.to_string()),
                }
            });
            let error = |it: String| it.lines().next().unwrap_or_default().chars().take(300).collect::<String>();
            (path.as_str(), read.map_err(|it| Finding::new(path, format!("cannot be read: {}", error(it)))))
        })
        .collect()
}

/// Runs the tests of a template.
pub fn test(folder: &Folder) -> Vec<TestResult> {
    let run = |(path, read): (&str, Result<Expectation, Finding>)| {
        let name = path.to_owned();
        match read {
            Err(finding) => TestResult { name, description: String::new(), findings: vec![finding] },
            Ok(test) => {
                let mut findings = judge(folder, &test);
                findings.truncate(MAX_FINDINGS);
                TestResult { name, description: test.description, findings }
            }
        }
    };
    expectations(folder).into_iter().map(run).collect()
}

fn judge(folder: &Folder, test: &Expectation) -> Vec<Finding> {
    let facts = test.facts();
    let (files, findings) = render(folder, &test.parameters, &facts);
    if !test.renders() {
        return refused(&test.expect.refused, &findings);
    }
    if !findings.is_empty() {
        return findings;
    }
    let mut found = documents::check(&files, &facts);
    let expect = &test.expect;
    let there = |path: &String| files.contains_key(path);
    found.extend(expect.files.iter().filter(|it| !there(it)).map(|it| Finding::new(it, "is not there")));
    found.extend(expect.absent.iter().filter(|it| there(it)).map(|it| Finding::new(it, "is there, and should not be")));
    contents(&files, &expect.contains, true, &mut found);
    contents(&files, &expect.lacks, false, &mut found);
    found
}

/// What files hold, or do not.
fn contents(files: &Files, wanted: &BTreeMap<String, Vec<String>>, held: bool, found: &mut Vec<Finding>) {
    for (path, texts) in wanted {
        let Some(file) = files.get(path) else {
            found.push(Finding::new(path, "is not there"));
            continue;
        };
        let content = String::from_utf8_lossy(&file.bytes);
        let word = if held { "lacks" } else { "has" };
        let wrong = texts.iter().filter(|it| content.contains(it.as_str()) != held);
        found.extend(wrong.map(|it| Finding::new(path, format!("{word} {it:?}"))));
    }
}

/// Exactly these parameters are refused.
fn refused(wanted: &[String], findings: &[Finding]) -> Vec<Finding> {
    let path = |name: &str| format!("parameters.{name}");
    let is = |name: &&String| findings.iter().any(|it| it.path == path(name));
    let mut found: Vec<Finding> =
        wanted.iter().filter(|it| !is(it)).map(|it| Finding::new(path(it), "is not refused")).collect();
    let other = findings.iter().filter(|it| wanted.iter().all(|name| path(name) != it.path));
    found.extend(other.cloned());
    found
}
