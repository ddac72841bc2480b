use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_key_is_made_once_and_private() {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    let first = SigningKey::open(&folder).unwrap();
    let again = SigningKey::open(&folder).unwrap();
    assert_eq!((&first.id, &first.point), (&again.id, &again.point));
    assert_eq!(std::fs::metadata(folder.file(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(SigningKey::open(&PrivateFolder::open(other.path()).unwrap()).unwrap().id, first.id);
}

#[test]
fn the_published_key_holds_nothing_secret() {
    let home = tempfile::tempdir().unwrap();
    let key = SigningKey::open(&PrivateFolder::open(home.path()).unwrap()).unwrap();
    let public = &key.public()["keys"][0];
    assert_eq!(public.as_object().unwrap().keys().collect::<Vec<_>>(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(public["x"].as_str().unwrap().len(), 43);
}

#[test]
fn another_file_in_its_place_is_an_error_and_no_new_key() {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    for text in ["", "x", &format!("{BEGIN}\n{END}"), &format!("{BEGIN}\nMIIB\n{END}"), &encoded(b"no key")] {
        folder.write(FILE, text).unwrap();
        assert!(matches!(SigningKey::open(&folder), Err(OpenKey::Understand { .. })), "{text}");
        assert_eq!(folder.read(FILE).unwrap().as_deref(), Some(text));
    }
}
