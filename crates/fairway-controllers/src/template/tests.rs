use fairway_api::conditions::is_true;
use fairway_plan::template::{Folder, MANIFEST, builtin, builtin_names, manifest};
use jiff::Timestamp;

use super::source::Observed;
use super::*;

const TEMPLATE: &str = "\
apiVersion: fairway.dev/v1alpha1
kind: Template
metadata: { name: sample }
spec:
  version: v1.0.0
  parameters: [{ name: note }]
  source: { repository: { project: shop, component: paths } }
";

fn folder(manifest: &str, text: &str) -> Folder {
    let mut folder = Folder::default();
    folder.add(MANIFEST, manifest.as_bytes().to_vec(), false);
    folder.add("files/a.jinja", text.as_bytes().to_vec(), false);
    folder
}

fn written(text: &str) -> Template {
    manifest(&folder(text, "{{ parameters.note }}")).0.unwrap()
}

/// One pass over a folder at a commit.
fn pass(template: &mut Template, folder: Folder, commit: &str) -> TemplateStatus {
    let verdict = validate(template, Observed::Folder(folder, Some(commit.to_owned())));
    let status = status(template, verdict, Timestamp::UNIX_EPOCH);
    template.status = Some(status.clone());
    status
}

fn reason(status: &TemplateStatus) -> (&str, bool) {
    let ready = status.conditions.iter().find(|it| it.type_ == READY).unwrap();
    assert_ne!(is_true(&status.conditions, READY), is_true(&status.conditions, STALLED));
    (ready.reason.as_str(), ready.status == "True")
}

#[test]
fn what_is_in_use_changes_only_with_the_version() {
    let mut template = written(TEMPLATE);
    let first = pass(&mut template, folder(TEMPLATE, "{{ parameters.note }}"), "c1");
    assert_eq!((reason(&first), first.commit.as_deref()), (("Usable", true), Some("c1")));
    // The files change, and the version does not.
    let status = pass(&mut template, folder(TEMPLATE, "new {{ parameters.note }}"), "c2");
    assert_eq!((reason(&status), status.commit.as_deref()), (("VersionDiffers", true), Some("c1")));
    assert_eq!(status.digest, first.digest);
    // The file has the next version, the object not yet.
    let next = TEMPLATE.replace("v1.0.0", "v1.1.0");
    let status = pass(&mut template, folder(&next, "new {{ parameters.note }}"), "c3");
    assert_eq!((reason(&status), status.version.as_deref()), (("VersionDiffers", true), Some("v1.0.0")));
    // Now it has.
    template.spec.version = "v1.1.0".to_owned();
    let status = pass(&mut template, folder(&next, "new {{ parameters.note }}"), "c3");
    assert_eq!((reason(&status), status.version.as_deref()), (("Usable", true), Some("v1.1.0")));
    // A commit with mistakes takes nothing away.
    let status = pass(&mut template, folder(&next, "{{ parameters.nota }}"), "c4");
    assert_eq!((reason(&status), status.commit.as_deref()), (("InvalidTemplate", true), Some("c3")));
    assert_eq!(status.findings[0].place, "files/a.jinja:1");
    assert!(status.explanation.summary.contains("parameters.nota is not known"));
}

#[test]
fn a_template_that_never_was_good_is_not_ready() {
    let good = || folder(TEMPLATE, "{{ parameters.note }}");
    let other = TEMPLATE.replace("name: sample", "name: other");
    let wider = TEMPLATE.replace("[{ name: note }]", "[{ name: note, maximum: 9 }]");
    for (text, folder, wanted) in [
        (TEMPLATE, Folder::default(), "InvalidTemplate"),
        (TEMPLATE, folder(TEMPLATE, "{% set x = 1 %}"), "InvalidTemplate"),
        (other.as_str(), good(), "InvalidTemplate"),
        (wider.as_str(), good(), "VersionDiffers"),
    ] {
        let status = pass(&mut written(text), folder, "c1");
        assert_eq!((reason(&status), status.commit.as_deref()), ((wanted, false), None));
        assert!(status.explanation.fixed_by.is_some());
    }
    let mut template = written(TEMPLATE);
    template.metadata.name = Some("kube-x".to_owned());
    assert_eq!(reason(&pass(&mut template, good(), "c1")), ("InvalidName", false));
    let verdict = validate(&written(TEMPLATE), Observed::Nothing("no such folder".to_owned()));
    assert_eq!(verdict.reason, TemplateReason::SourceNotFound);
}

#[test]
fn those_that_come_with_the_platform_are_usable_and_an_unchanged_world_gives_an_equal_status() {
    for mut template in crate::bootstrap::templates() {
        let name = template.spec.source.builtin.clone().unwrap();
        let observed = || Observed::Folder(builtin(&name).unwrap(), None);
        let first = status(&template, validate(&template, observed()), Timestamp::UNIX_EPOCH);
        assert_eq!(reason(&first), ("Usable", true));
        template.status = Some(first.clone());
        assert_eq!(status(&template, validate(&template, observed()), Timestamp::MAX), first);
        // A newer platform brings other files: they count, whatever was before.
        template.status = Some(TemplateStatus { digest: Some("sha256:old".to_owned()), ..first.clone() });
        assert_eq!(status(&template, validate(&template, observed()), Timestamp::MAX).digest, first.digest);
    }
    assert_eq!(crate::bootstrap::templates().len(), builtin_names().count());
}
