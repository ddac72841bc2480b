use super::*;

#[test]
fn the_score_file_is_looked_for_up_to_the_root_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let deep = root.join("repository/service/src");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir_all(root.join("repository/.git")).unwrap();
    std::fs::write(root.join("score.yaml"), "").unwrap();
    assert_eq!(find_score(&deep), None, "what is above the repository is somebody else's");
    std::fs::write(root.join("repository/service/score.yaml"), "").unwrap();
    assert_eq!(find_score(&deep), Some(root.join("repository/service/score.yaml")));
}

#[test]
fn two_names_for_a_service_must_agree() {
    assert_eq!(named(Some("a"), None).unwrap(), Some("a"));
    assert_eq!(named(None, Some("a")).unwrap(), Some("a"));
    assert_eq!(named(Some("a"), Some("a")).unwrap(), Some("a"));
    assert!(named(Some("a"), Some("b")).is_err());
}
