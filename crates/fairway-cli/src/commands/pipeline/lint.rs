//! `pipeline lint`: everything that is to be mended in a pipeline file, with its line.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use fairway_plan::pipeline::file::{self, Pipeline};
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::output::Report;

/// Which file to check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Lint {
    /// The folder of the repository; without it the current one or the nearest above with a pipeline file
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// What was found in a pipeline file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linted {
    /// The file.
    pub file: String,
    /// What is to be mended, with its line.
    pub findings: Vec<String>,
    /// What the file says, where nothing is to be mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Pipeline>,
}

impl Report for Linted {
    fn table(&self) -> String {
        let Some(pipeline) = &self.pipeline else {
            return self.findings.iter().map(|it| format!("{it}\n")).collect();
        };
        let names: Vec<&str> = pipeline.steps.iter().map(|it| it.name.as_str()).collect();
        let mut text = format!("{}: nothing to mend; steps {}\n", self.file, names.join(", "));
        for rule in &pipeline.refs {
            let leads_to = match (rule.release, rule.deliver_to.as_slice()) {
                (false, _) => "is tested and built".to_owned(),
                (true, []) => "makes a release".to_owned(),
                (true, places) => format!("makes a release and delivers it to {}", places.join(", ")),
            };
            let _ = writeln!(text, "  {} {leads_to}", rule.r#match);
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.file.clone()]
    }

    fn exit(&self) -> Exit {
        if self.pipeline.is_some() { Exit::Done } else { Exit::Failed }
    }
}

/// Checks the file.
pub fn lint(lint: &Lint, here: &Path) -> Result<Linted, Failure> {
    let folder = find(lint.folder.as_deref(), here)?;
    let (pipeline, findings) = file::parse(&read(&folder)?);
    let findings = findings.iter().map(|it| it.in_file(file::PATH)).collect();
    Ok(Linted { file: file::PATH.to_owned(), findings, pipeline })
}

/// The folder of a repository with a pipeline file: the named one, or the nearest.
pub(super) fn find(named: Option<&Path>, here: &Path) -> Result<PathBuf, Failure> {
    let start = named.map_or_else(|| here.to_owned(), |it| here.join(it));
    let has = |it: &&Path| it.join(file::PATH).is_file();
    let found = if named.is_some() { Some(start.as_path()).filter(has) } else { start.ancestors().find(has) };
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::not_found(format!("there is no {} in {}", file::PATH, start.display()))
            .hint("a repository made by platform create-service has one")
    })
}

/// The text of the file, or a little more than it may have.
pub(super) fn read(folder: &Path) -> Result<String, Failure> {
    let path = folder.join(file::PATH);
    let reading = || format!("read {}", path.display());
    let opened = fs::File::open(&path).map_err(Failure::io(reading()))?;
    let mut bytes = Vec::new();
    opened.take(file::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Failure::io(reading()))?;
    String::from_utf8(bytes).map_err(|_| Failure::failed(format!("cannot {}: it is not UTF-8 text", reading())))
}

#[cfg(test)]
mod tests;
