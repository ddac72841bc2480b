//! Declarations, right and wrong.

use super::Declaration;
use crate::base::{Base, names};

const GOOD: &str = "description = \"x\"\nsuite = \"bookworm\"\npackages = [\"dash\"]\n";

#[test]
fn every_base_that_comes_with_the_program_is_declared_and_locked_for_both_processors() {
    assert!(names().len() >= 4);
    for name in names() {
        let base = Base::known(name).unwrap();
        let lock = base.lock.unwrap_or_else(|| panic!("{name} has no lock for its declaration"));
        for architecture in ["amd64", "arm64"] {
            let packages = lock.of(architecture).unwrap();
            for wanted in &base.declaration.packages {
                assert!(packages.iter().any(|it| it.name == *wanted), "{name}: {wanted}");
            }
            assert!(packages.is_sorted(), "{name}");
        }
    }
}

#[test]
fn the_python_of_services_has_no_shell() {
    let base = Base::known("python-3.11").unwrap();
    let packages = base.lock.unwrap();
    let shells = ["dash", "bash", "busybox", "coreutils", "perl-base"];
    assert!(!packages.of("amd64").unwrap().iter().any(|it| shells.contains(&it.name.as_str())));
}

#[test]
fn what_a_declaration_must_not_say_is_refused() {
    assert!(Declaration::parse(GOOD).is_ok());
    let rows = [
        "suite = \"bookworm\"\npackages = [\"dash\"]\n".to_owned(),
        GOOD.replace("bookworm", "../x"),
        GOOD.replace("\"dash\"", ""),
        GOOD.replace("dash", "Dash"),
        format!("{GOOD}without = [\"dash\"]\n"),
        format!("{GOOD}folders = [\"/a/../b\"]\n"),
        format!("{GOOD}folders = [\"a\"]\n"),
        format!("{GOOD}leave-out = [\"/\"]\n"),
        format!("{GOOD}user = {{ name = \"root\", home = \"/\" }}\n"),
        format!("{GOOD}user = {{ name = \"a:b\", home = \"/a\" }}\n"),
        format!("{GOOD}[links]\n\"/a\" = \"\"\n"),
        format!("{GOOD}colour = \"red\"\n"),
    ];
    for text in rows {
        assert!(Declaration::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn how_it_is_written_does_not_change_its_digest() {
    let one = Declaration::parse(GOOD).unwrap();
    let two =
        Declaration::parse(&format!("# A comment\npackages=['dash']\n{}", GOOD.replace("packages = [\"dash\"]\n", "")))
            .unwrap();
    assert_eq!(one.digest(), two.digest());
    assert_ne!(one.digest(), Declaration::parse(&GOOD.replace("dash", "bash")).unwrap().digest());
}
