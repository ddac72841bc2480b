use super::*;

#[test]
fn our_entries_are_replaced_and_others_stay() {
    let before = json!({
        "clusters": [{ "name": "work", "cluster": {} }, { "name": "fairway", "cluster": { "server": "old" } }],
        "users": [{ "name": "me" }],
        "preferences": { "colors": true },
        "current-context": "work",
    });
    let merged = merged(before, document(7443, b"ca", "token"));
    let names: Vec<&str> = merged["clusters"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["work", "fairway"]);
    assert_eq!(merged["clusters"][1]["cluster"]["server"], "https://127.0.0.1:7443");
    assert_eq!((&merged["users"][0]["name"], &merged["users"][1]["user"]["token"]), (&json!("me"), &json!("token")));
    assert_eq!((&merged["preferences"]["colors"], &merged["current-context"]), (&json!(true), &json!("fairway")));
}

#[test]
#[cfg(unix)]
fn a_file_with_a_token_is_private_and_written_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/config");
    replace(&path, b"one").unwrap();
    replace(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
