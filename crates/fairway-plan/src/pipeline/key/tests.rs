use super::super::file::FolderImage;
use super::*;

fn pipeline() -> Pipeline {
    let step = |name: &str, needs: &[&str], inputs: &[&str]| Step {
        name: name.to_owned(),
        needs: needs.iter().map(|it| (*it).to_owned()).collect(),
        inputs: inputs.iter().map(|it| (*it).to_owned()).collect(),
        toolchain: "rust@1.95".to_owned(),
        run: "true".to_owned(),
        ..Step::default()
    };
    // A step may stand above what it needs.
    let steps = vec![step("build", &["test"], &[]), step("test", &[], &["src/**"]), step("pages", &[], &["docs"])];
    Pipeline { steps, ..Pipeline::default() }
}

fn file(path: &str, id: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), mode: "100644".to_owned(), id: id.to_owned() }
}

fn keys_of(pipeline: &Pipeline, tree: &str, files: &[SourceFile], toolchain: &str) -> BTreeMap<String, String> {
    let toolchains = [("rust@1.95".to_owned(), toolchain.to_owned())].into();
    let bases = [("python-3.11".to_owned(), "b1".to_owned())].into();
    keys(pipeline, &Source { tree, files, toolchains: &toolchains, bases: &bases, cache: "cache" })
}

/// Which keys differ from those of the first look.
fn changed(tree: &str, files: &[SourceFile], toolchain: &str, change: impl Fn(&mut Pipeline)) -> Vec<String> {
    let first = keys_of(&pipeline(), "t1", &[file("src/main.rs", "1"), file("docs/a.md", "1")], "one");
    let mut other = pipeline();
    change(&mut other);
    let now = keys_of(&other, tree, files, toolchain);
    first.iter().filter(|(name, key)| now.get(*name) != Some(key)).map(|it| it.0.clone()).collect()
}

#[test]
fn a_key_changes_with_what_its_step_depends_on_and_with_nothing_else() {
    let files = [file("docs/a.md", "1"), file("src/main.rs", "1")];
    let same = |_: &mut Pipeline| {};
    assert!(changed("t1", &files, "one", same).is_empty(), "the order of files does not count");
    assert_eq!(changed("t2", &[file("src/main.rs", "2"), files[0].clone()], "one", same), ["build", "test"]);
    assert_eq!(changed("t2", &[file("docs/a.md", "2"), files[1].clone()], "one", same), ["build", "pages"]);
    assert_eq!(changed("t1", &files, "two", same), ["build", "pages", "test"]);
    assert_eq!(changed("t1", &files, "one", |it| it.steps[1].run = "false".to_owned()), ["build", "test"]);
    assert!(changed("t1", &files, "one", |it| it.steps[1].log = 1).is_empty());
}

#[test]
fn what_was_made_with_another_cache_is_made_again() {
    let toolchains = [("rust@1.95".to_owned(), "one".to_owned())].into();
    let of = |cache| {
        keys(&pipeline(), &Source { tree: "t1", files: &[], toolchains: &toolchains, bases: &BTreeMap::new(), cache })
    };
    assert!(of("one").iter().all(|(name, key)| of("other")[name] != *key));
    assert_eq!(of("one"), of("one"));
}

#[test]
fn a_step_whose_toolchain_is_not_known_has_no_key_and_neither_has_what_needs_it() {
    let mut pipeline = pipeline();
    pipeline.steps[1].toolchain = "cobol@85".to_owned();
    assert_eq!(keys_of(&pipeline, "t1", &[], "one").into_keys().collect::<Vec<_>>(), ["pages"]);
}

#[test]
fn an_image_of_a_folder_is_another_one_on_another_base() {
    let on = |base: &str| {
        let mut pipeline = pipeline();
        let folder = FolderImage { base: base.to_owned(), folder: "out".to_owned(), ..FolderImage::default() };
        pipeline.steps[1].image = Some(ImageOf::Folder(folder));
        pipeline
    };
    let keys_with = |pipeline: &Pipeline, digest: &str| {
        let toolchains = [("rust@1.95".to_owned(), "one".to_owned())].into();
        let bases = [("python-3.11".to_owned(), digest.to_owned())].into();
        keys(pipeline, &Source { tree: "t1", files: &[], toolchains: &toolchains, bases: &bases, cache: "cache" })
    };
    let python = on("python-3.11");
    assert_eq!(keys_with(&python, "b1"), keys_with(&python, "b1"));
    assert_ne!(keys_with(&python, "b1")["test"], keys_with(&python, "b2")["test"]);
    let unknown = keys_with(&on("python-4"), "b1");
    assert_eq!(unknown.keys().collect::<Vec<_>>(), ["pages"], "what nobody knows always runs, and what needs it too");
}
