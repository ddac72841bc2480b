use std::path::Path;

use fairway_api::conditions::is_true;
use fairway_api::v1alpha1::TemplateRepository;
use fairway_git::{Commit, File, Forge, Host, HostSettings, Initial, Mode, Person, RepositoryId};
use fairway_plan::template::{Folder, MANIFEST, builtin, builtin_names, manifest};
use jiff::Timestamp;

use super::source::{Observed, of_repository};
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

/// A host with one repository whose folder `golden` holds a template.
async fn hosted(place: &Path) -> (Host, Commit) {
    let base_url = "https://hub/git".to_owned();
    let world = fairway_clock::World::system();
    let host = Host::open(HostSettings::usual(place.join("git"), "unused".into(), base_url, world)).await.unwrap();
    let file =
        |path: &str, mode: Mode, text: &str| File { path: path.to_owned(), mode, bytes: text.as_bytes().to_vec() };
    let initial = Initial {
        identity: "u1".to_owned(),
        files: vec![
            file("golden/template.yaml", Mode::File, TEMPLATE),
            file("golden/files/run.sh.jinja", Mode::Executable, "echo {{ parameters.note | quote }}\n"),
            file("goldener/template.yaml", Mode::File, "another"),
            file("README.md", Mode::File, "about all of them"),
        ],
        message: "Begin".to_owned(),
        author: Person::new("Ada", "ada@example.org").unwrap(),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
        pushed_by: "local:1".to_owned(),
        cause: None,
    };
    let commit = host.create(&RepositoryId::parse("shop", "paths").unwrap(), &initial).await.unwrap();
    (host, commit)
}

#[tokio::test]
async fn a_folder_of_a_hosted_repository_is_read_at_a_branch_or_a_commit() {
    let place = tempfile::tempdir().unwrap();
    let (host, commit) = hosted(place.path()).await;
    let source = |r#ref: Option<&str>, path: Option<&str>| TemplateRepository {
        project: "shop".to_owned(),
        component: "paths".to_owned(),
        r#ref: r#ref.map(str::to_owned),
        path: path.map(str::to_owned),
    };
    for name in [None, Some("main"), Some("refs/heads/main"), Some(commit.as_str())] {
        let observed = of_repository(&source(name, Some("golden/")), &host).await.unwrap();
        let Observed::Folder(folder, at) = observed else { panic!("{name:?}") };
        assert_eq!(at.as_deref(), Some(commit.as_str()));
        assert_eq!(folder.files().keys().collect::<Vec<_>>(), ["files/run.sh.jinja", MANIFEST]);
        assert!(folder.files()["files/run.sh.jinja"].executable);
        assert_eq!(fairway_plan::template::lint(&folder), []);
    }
    let nowhere = TemplateRepository { component: "nobody".to_owned(), ..source(None, None) };
    let hostile = TemplateRepository { project: "../shop".to_owned(), ..source(None, None) };
    let option = "--upload-pack=touch x";
    for (source, part) in [
        (source(Some("next"), None), "no branch, tag or commit \"next\""),
        (source(Some(option), None), "no branch, tag or commit \"--upload-pack"),
        (source(Some(&"a".repeat(40)), None), "has no commit aaaaaaaaaa"),
        (source(None, Some("elsewhere")), "there is no template.yaml in \"elsewhere\""),
        (source(None, Some("../golden")), "has a part that is empty"),
        (source(None, Some("golden/template.yaml")), "there is no template.yaml in"),
        (nowhere, "there is no repository shop/nobody"),
        (hostile, "project name \"../shop\""),
    ] {
        match of_repository(&source, &host).await.unwrap() {
            Observed::Nothing(why) => assert!(why.contains(part), "{why}"),
            Observed::Folder(folder, _) => panic!("{source:?} gives {:?}", folder.files().keys()),
        }
    }
}
