use fairway_clock::SeededEntropy;

use super::*;

#[test]
fn a_folder_keeps_its_node_id_and_refuses_other_users() {
    let folder = tempfile::tempdir().unwrap();
    let open = |seed| Runner::open(folder.path(), Path::new("/bin/true"), &SeededEntropy::new(seed));
    open(1).unwrap();
    let id = fs::read_to_string(folder.path().join("node.id")).unwrap();
    open(2).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("node.id")).unwrap(), id);
    for other in ["user 4242", "user 4242 with the range of 65536 users from 100000", "\u{7}what\nis this"] {
        fs::write(folder.path().join("node.user"), other).unwrap();
        let error = open(3).err().unwrap().to_string();
        let other = other.replace(char::is_control, "");
        assert!(error.contains(&format!("was made by {other} and this is ")), "{error}");
        assert!(
            error.contains(&folder.path().display().to_string()) && error.contains("use another folder"),
            "{error}"
        );
    }
}
