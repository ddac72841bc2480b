use super::*;

const GOOD: &str = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n  - { name: test, toolchain: rust, run: x }\nrefs:\n  - { match: main, release: true, deliverTo: [staging] }\n  - { match: work, release: false }\n";

fn repository(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".fairway")).unwrap();
    fs::write(folder.path().join(file::PATH), text).unwrap();
    folder
}

#[test]
fn a_good_file_says_what_its_refs_lead_to() {
    let folder = repository(GOOD);
    let deeper = folder.path().join("src");
    fs::create_dir(&deeper).unwrap();
    let linted = lint(&Lint::default(), &deeper).unwrap();
    assert_eq!(linted.exit(), Exit::Done);
    assert_eq!(
        linted.table(),
        ".fairway/pipeline.yaml: nothing to mend; steps test\n  main makes a release and delivers it to staging\n  work is tested and built\n"
    );
}

#[test]
fn findings_are_lines_that_editors_understand() {
    let folder = repository("steps: 3\n");
    let linted = lint(&Lint { folder: Some(folder.path().to_owned()) }, Path::new("/")).unwrap();
    assert_eq!(linted.exit(), Exit::Failed);
    assert!(
        linted.table().contains(".fairway/pipeline.yaml:1: steps: must be a list, and is a number\n"),
        "{}",
        linted.table()
    );
}

#[test]
fn a_folder_without_a_file_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let failure = lint(&Lint { folder: Some(folder.path().to_owned()) }, folder.path()).unwrap_err();
    assert_eq!(failure.exit, Exit::NotFound);
    assert!(failure.what.contains(".fairway/pipeline.yaml"));
}
