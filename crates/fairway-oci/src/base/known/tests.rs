//! Which of several declarations and locks counts.

use std::fs;

use super::{Base, ReadBase, names, names_with};

#[test]
fn a_lock_of_the_platforms_own_counts_while_it_fits_the_declaration() {
    let folder = tempfile::tempdir().unwrap();
    let known = Base::known("redis").unwrap();
    assert_eq!(Base::find(folder.path(), "redis").unwrap(), known, "an empty folder changes nothing");
    let lock = known.lock.clone().unwrap();
    let date = lock.indexes["bookworm-security"].to_string();
    let later = lock.to_text().replace(&date, "2027-01-01T00:00:00Z");
    fs::write(folder.path().join("redis.lock"), &later).unwrap();
    let found = Base::find(folder.path(), "redis").unwrap();
    assert_eq!(found.lock.unwrap().snapshot().to_string(), "2027-01-01T00:00:00Z");
    let stale = later.replace(&known.declaration.digest().to_string(), &format!("sha256:{}", "0".repeat(64)));
    fs::write(folder.path().join("redis.lock"), stale).unwrap();
    assert_eq!(Base::find(folder.path(), "redis").unwrap(), known, "the program's own counts again");
    fs::write(folder.path().join("redis.lock"), "not a lock").unwrap();
    assert!(matches!(Base::find(folder.path(), "redis"), Err(ReadBase::Lock { .. })));
}

#[test]
fn a_declaration_of_the_platforms_own_counts_and_adds_bases() {
    let folder = tempfile::tempdir().unwrap();
    let text = "description = \"ours\"\nsuite = \"bookworm\"\npackages = [\"dash\"]\n";
    for name in ["redis", "own"] {
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        let base = Base::find(folder.path(), name).unwrap();
        assert_eq!((base.declaration.description.as_str(), base.lock), ("ours", None));
    }
    assert_eq!(names_with(folder.path()).len(), names().len() + 1);
    assert!(matches!(Base::find(folder.path(), "none"), Err(ReadBase::Unknown { .. })));
    assert!(matches!(Base::read(folder.path(), "../own"), Err(ReadBase::Name(_))));
}
