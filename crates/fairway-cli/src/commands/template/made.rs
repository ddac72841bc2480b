//! `template render`, and what is chosen with `--set`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use fairway_api::names::{ComponentName, ProjectName};
use fairway_api::v1alpha1::TemplateParameter;
use fairway_plan::Finding;
use fairway_plan::template::{self, Facts, File, Files};
use serde::Serialize;
use serde_json::{Map, Value};

use super::folder;
use crate::failure::Failure;
use crate::output::Report;

/// A parameter that is chosen: `port=9000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// Reads `name=value`; the value may be empty and may have more `=`.
pub fn parse_setting(text: &str) -> Result<Setting, String> {
    let shown: String = text.chars().take(60).collect();
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Setting { name: name.trim().to_owned(), value: value.to_owned() })
        }
        Some(_) => Err(format!("{shown:?} has no name before \"=\"; write it like port=9000")),
        None => Err(format!("{shown:?} has no \"=\"; write it like port=9000")),
    }
}

/// What was chosen, in the types of the parameters; every mistake at once.
pub fn chosen(
    template: &str,
    parameters: &[TemplateParameter],
    settings: &[Setting],
) -> Result<Map<String, Value>, Failure> {
    let mut given = Map::new();
    let mut findings = Vec::new();
    for it in settings {
        if given.insert(it.name.clone(), it.value.clone().into()).is_some() {
            findings.push(Finding::new(format!("parameters.{}", it.name), "is given twice"));
        }
    }
    let (values, more) = template::resolve(parameters, &given);
    findings.extend(more);
    if !findings.is_empty() {
        return Err(mistakes(&format!("what is chosen does not fit template {template}"), &findings)
            .hint(format!("platform template show {template}")));
    }
    Ok(values.into_iter().filter(|(name, _)| given.contains_key(name)).collect())
}

fn mistakes(what: &str, findings: &[Finding]) -> Failure {
    Failure::usage(what).details(findings.iter().map(ToString::to_string))
}

/// What is rendered, and where to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Render {
    /// A folder with template.yaml, or one that comes with the platform; without it the current folder
    #[arg(value_name = "TEMPLATE")]
    pub template: Option<PathBuf>,
    /// The name of the service
    #[arg(long, value_name = "NAME", default_value = "sample")]
    pub name: String,
    /// What it is for, in a sentence
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// The team that owns it; without it one called like the project
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
    /// A parameter, like port=9000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    pub settings: Vec<Setting>,
    /// The folder to write to, which must be empty or missing; without it the files are only named
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
}

/// What was rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Which template.
    pub template: String,
    /// The folder it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The paths of its files.
    pub files: Vec<String>,
}

impl Report for Made {
    fn table(&self) -> String {
        let paths: String = self.files.iter().map(|it| format!("{it}\n")).collect();
        match &self.folder {
            Some(folder) => format!("{} files are in {folder}\n", self.files.len()),
            None => paths,
        }
    }

    fn names(&self) -> Vec<String> {
        self.files.clone()
    }
}

/// Renders a template into a folder.
pub fn render(render: &Render, project: Option<&str>) -> Result<Made, Failure> {
    let name = ComponentName::parse(&render.name).map_err(|it| Failure::usage(it.to_string()))?;
    let project = ProjectName::parse(project.unwrap_or("sandbox")).map_err(|it| Failure::usage(it.to_string()))?;
    let (shown, folder) = folder::find(render.template.as_deref())?;
    let (template, findings) = template::manifest(&folder);
    let broken = |findings: &[Finding]| {
        mistakes(&format!("{shown} has mistakes"), findings).hint(format!("platform template lint {shown}"))
    };
    let Some(template) = template else { return Err(broken(&findings)) };
    let parameters = chosen(&shown, &template.spec.parameters, &render.settings)?;
    let facts = Facts {
        component: name.to_string(),
        description: render.description.clone(),
        project: project.to_string(),
        team: render.team.clone().unwrap_or_else(|| project.to_string()),
        repository_url: format!("https://127.0.0.1:7443/git/{project}/{name}.git"),
    };
    let (files, findings) = template::render(&folder, &parameters, &facts);
    if !findings.is_empty() {
        return Err(broken(&findings));
    }
    if let Some(into) = &render.into {
        write(into, &files)?;
    }
    let folder = render.into.as_ref().map(|it| it.display().to_string());
    Ok(Made { template: shown, folder, files: files.into_keys().collect() })
}

/// Writes the files into an empty folder: nothing that is there is ever written over.
fn write(into: &Path, files: &Files) -> Result<(), Failure> {
    let failed = |path: &Path| Failure::io(format!("write {}", path.display()));
    fs::create_dir_all(into).map_err(failed(into))?;
    if fs::read_dir(into).map_err(failed(into))?.next().is_some() {
        let what = format!("{} is not empty", into.display());
        return Err(Failure::usage(what).hint("name another folder: --into=FOLDER"));
    }
    for (path, file) in files {
        let path = into.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        fs::write(&path, &file.bytes).map_err(failed(&path))?;
        mark(&path, file).map_err(failed(&path))?;
    }
    Ok(())
}

#[cfg(unix)]
fn mark(path: &Path, file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.executable { fs::set_permissions(path, fs::Permissions::from_mode(0o755)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn mark(_: &Path, _: &File) -> std::io::Result<()> {
    Ok(())
}
