use super::*;

const SCORE: &str = "apiVersion: score.dev/v1b1\nmetadata: { name: hello }\ncontainers: { web: { image: . } }\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read_folder(files: &[(&str, &str)]) -> Result<Source, Failure> {
    load(&folder(files).path().join("score.yaml"))
}

#[test]
fn a_folder_is_its_workload_and_its_settings() {
    let source = read_folder(&[
        ("score.yaml", SCORE),
        ("config/default.yaml", "GREETING: hello\nPORT: 8080\nDEBUG: true\n"),
        ("config/production.yaml", "GREETING: good day\n"),
        ("config/empty.yaml", ""),
        ("config/notes.txt", "not read"),
    ])
    .unwrap();
    assert_eq!(source.component.as_str(), "hello");
    assert_eq!(source.settings["default"]["PORT"], "8080");
    assert_eq!(source.settings["default"]["DEBUG"], "true");
    assert_eq!(source.settings["production"]["GREETING"], "good day");
    assert!(source.settings["empty"].is_empty() && source.settings.len() == 3);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_file() {
    let failure = read_folder(&[
        ("score.yaml", "apiVersion: score.dev/v1b1\nmetadata: { name: Hello }\ncontainers: {}\nodd: 1\n"),
        ("config/default.yaml", "A-B: x\nLIST: [1]\n"),
        ("config/staging.yml", "A: b\n"),
        ("config/Nowhere.yaml", "A: b\n"),
        ("config/broken.yaml", "a: [\n"),
    ])
    .unwrap_err();
    let said = failure.details.join("\n");
    for part in [
        "score.yaml: metadata.name",
        "score.yaml: containers",
        "score.yaml: odd",
        "config/default.yaml: config.default.A-B",
        "config/default.yaml: LIST",
        "config/staging.yml: is not read; call it staging.yaml",
        "config/Nowhere.yaml",
        "config/broken.yaml: is not valid YAML",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert!(failure.hint.is_some());
}

#[test]
fn hostile_files_are_refused_and_never_followed_far() {
    let bomb =
        format!("a: &a [{}]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n", "x,".repeat(500));
    let deep = "[".repeat(100_000);
    let huge = "x".repeat(score::MAX_BYTES + 10);
    for text in [bomb.as_str(), &deep, &huge, "", "\u{0}", "- a\n- b\n", "metadata: { name: \"../../etc\" }"] {
        assert!(read_folder(&[("score.yaml", text)]).is_err());
    }
    let failure = load(Path::new("/proc/does-not-exist/score.yaml")).unwrap_err();
    assert!(failure.what.contains("/proc/does-not-exist/score.yaml"));
    assert!(load(Path::new("/dev/zero")).is_err(), "a device is no file");
}

#[test]
fn the_name_is_known_whatever_else_is_wrong() {
    let folder = folder(&[("score.yaml", "apiVersion: other\nmetadata: { name: hello }\n")]);
    assert_eq!(name_in(&folder.path().join("score.yaml")).unwrap(), "hello");
}
