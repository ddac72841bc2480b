//! Rendering: every path and every `.jinja` file.

use std::collections::{BTreeMap, BTreeSet};

use fairway_api::v1alpha1::TemplateParameter;
use serde_json::{Map, Value, json};

use super::engine::Engine;
use super::folder::{MAX_FILE, MAX_FILES, MAX_TOTAL};
use super::language::Words;
use super::{File, Files, Folder, language, manifest, path, resolve};
use crate::Finding;

/// The folder below which is rendered.
pub(super) const FILES: &str = "files/";
/// The ending of a file that is rendered.
const ENDING: &str = ".jinja";

/// What a template is told beside its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The Component's name.
    pub component: String,
    /// What it is for.
    pub description: String,
    /// Its Project.
    pub project: String,
    /// The Team that owns the Project.
    pub team: String,
    /// Where the repository will be cloned from.
    pub repository_url: String,
}

/// Renders a template with what was chosen. There are files only where nothing is to be mended.
pub fn render(folder: &Folder, parameters: &Map<String, Value>, facts: &Facts) -> (Files, Vec<Finding>) {
    let (template, mut findings) = manifest(folder);
    findings.extend(folder.findings().iter().cloned());
    let Some(template) = template.filter(|_| findings.is_empty()) else { return (Files::new(), findings) };
    findings.extend(read(folder, &template.spec.parameters).0);
    let (chosen, more) = resolve(&template.spec.parameters, parameters);
    findings.extend(more);
    if !findings.is_empty() {
        return (Files::new(), findings);
    }
    let name = template.metadata.name.as_deref().unwrap_or_default();
    let context = json!({
        "parameters": chosen,
        "component": { "name": facts.component, "description": one_line(&facts.description) },
        "project": { "name": facts.project },
        "team": { "name": facts.team },
        "repository": { "url": facts.repository_url },
        "template": { "name": name, "version": template.spec.version },
    });
    let files = Rendering { engine: Engine::new(&context), files: Files::new(), bytes: 0, findings: Vec::new() };
    files.all(folder)
}

/// A description may be of several lines; in a file it is one.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|it| if super::parameters::is_hidden(it) { ' ' } else { it }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is rendered: the path in the folder, below `files/`, and whether its content is a template.
fn sources(folder: &Folder) -> impl Iterator<Item = (&str, &str, bool, &File)> {
    folder.files().iter().filter_map(|(whole, file)| {
        let below = whole.strip_prefix(FILES)?;
        let (below, rendered) = below.strip_suffix(ENDING).map_or((below, false), |it| (it, true));
        Some((whole.as_str(), below, rendered, file))
    })
}

/// The mistakes in all paths and texts that are rendered, and the parameters they use.
pub(super) fn read(folder: &Folder, parameters: &[TemplateParameter]) -> (Vec<Finding>, BTreeSet<String>) {
    let names: BTreeSet<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
    let words = Words::of_template(&names);
    let (mut findings, mut used, mut any) = (Vec::new(), BTreeSet::new(), false);
    for (whole, below, rendered, _) in sources(folder) {
        any = true;
        for part in below.split('/') {
            let reading = language::read(part, &words);
            used.extend(reading.used);
            findings
                .extend(reading.mistakes.into_iter().map(|it| Finding::new(whole, format!("in its path: {}", it.1))));
        }
        if !rendered {
            continue;
        }
        let Some(text) = folder.text(whole) else {
            findings.push(Finding::new(whole, "is not text; without the ending \".jinja\" it is taken as it is"));
            continue;
        };
        let reading = language::read(text, &words);
        used.extend(reading.used);
        findings.extend(reading.mistakes.into_iter().map(|(line, it)| Finding::new(format!("{whole}:{line}"), it)));
    }
    if !any {
        findings.push(Finding::new(FILES, "is missing or empty; what is rendered stands there"));
    }
    findings.truncate(100);
    (findings, used)
}

struct Rendering {
    engine: Engine,
    files: Files,
    bytes: usize,
    findings: Vec<Finding>,
}

impl Rendering {
    fn all(mut self, folder: &Folder) -> (Files, Vec<Finding>) {
        let mut origins = BTreeMap::new();
        for (whole, below, rendered, file) in sources(folder) {
            match self.one(whole, below, rendered, file) {
                Ok(Some(path)) => self.place(whole, &path, &mut origins),
                Ok(None) => {}
                Err(finding) => self.findings.push(finding),
            }
            if self.findings.len() >= 20 {
                break;
            }
        }
        if self.bytes > MAX_TOTAL || self.files.len() > MAX_FILES {
            let message = format!("what is rendered is more than {MAX_TOTAL} bytes or {MAX_FILES} files");
            self.findings.push(Finding::new(FILES, message));
        }
        if self.findings.is_empty() && self.files.is_empty() {
            self.findings.push(Finding::new(FILES, "nothing is left of it with these parameters"));
        }
        (if self.findings.is_empty() { self.files } else { Files::new() }, self.findings)
    }

    /// Renders one file; its path, unless it is left out.
    fn one(&mut self, whole: &str, below: &str, rendered: bool, file: &File) -> Result<Option<String>, Finding> {
        let mut parts = Vec::new();
        for part in below.split('/') {
            let part = self.engine.render(part).map_err(|(_, it)| Finding::new(whole, format!("in its path: {it}")))?;
            let part = String::from_utf8_lossy(&part).into_owned();
            if part.is_empty() {
                return Ok(None);
            }
            if part.contains('/') {
                return Err(Finding::new(whole, format!("in its path: {part:?} is one part of it and has a \"/\"")));
            }
            parts.push(part);
        }
        let path = parts.join("/");
        if let Some(why) = path::refused(&path) {
            return Err(Finding::new(whole, why));
        }
        let bytes = if rendered {
            let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
            self.engine.render(text).map_err(|(line, it)| {
                Finding::new(line.map_or_else(|| whole.to_owned(), |line| format!("{whole}:{line}")), it)
            })?
        } else {
            file.bytes.clone()
        };
        self.bytes += bytes.len();
        // A template that renders too much is not rendered on.
        if self.bytes > MAX_TOTAL || bytes.len() > MAX_FILE {
            return Err(Finding::new(whole, format!("with it more than {MAX_TOTAL} bytes are rendered")));
        }
        self.files.insert(path.clone(), File { bytes, executable: file.executable });
        Ok(Some(path))
    }

    /// No two files may be at one place, also where upper and lower case are the same.
    fn place(&mut self, whole: &str, path: &str, origins: &mut BTreeMap<String, (String, bool)>) {
        let lower = path.to_lowercase();
        let mut above = lower.as_str();
        let mut taken = origins.get(&lower).cloned();
        while let Some((folder, _)) = above.rsplit_once('/') {
            match origins.get(folder) {
                Some((other, true)) => taken = Some((other.clone(), true)),
                Some(_) => {}
                None => drop(origins.insert(folder.to_owned(), (whole.to_owned(), false))),
            }
            above = folder;
        }
        if let Some((other, _)) = taken {
            self.findings.push(Finding::new(whole, format!("becomes {path:?}, which {other} takes")));
        } else {
            origins.insert(lower, (whole.to_owned(), true));
        }
    }
}
