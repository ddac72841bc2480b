//! What is said of bases, and what is found without a network.

use std::sync::Arc;

use fairway_clock::World;
use fairway_oci::base::Change;

use super::report::{BaseBuilt, BaseChanges, BaseVerified};
use super::{Room, Which, list, sbom};
use crate::failure::Exit;
use crate::home::Home;
use crate::output::{Format, Report, render};
use crate::progress::{Progress, Quiet};

fn with_room<T>(act: impl FnOnce(&Room<'_>, &std::path::Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let (home, world) = (Home::new(folder.path()), World::system());
    let progress: Arc<dyn Progress> = Arc::new(Quiet);
    act(&Room { home: &home, world: &world, progress: &progress }, folder.path())
}

fn which(name: &str) -> Which {
    Which { name: name.to_owned(), folder: None }
}

#[test]
fn the_list_has_what_comes_with_the_program_and_what_the_platform_declares_itself() {
    with_room(|room, home| {
        std::fs::create_dir(home.join("bases")).unwrap();
        let own = "description = \"ours\"\nsuite = \"bookworm\"\npackages = [\"dash\"]\n";
        std::fs::write(home.join("bases/own.toml"), own).unwrap();
        let list = list(room).unwrap();
        let row = |name: &str| list.items.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(row("postgres-15").packages.unwrap() > 20 && row("postgres-15").image.is_none());
        assert_eq!((row("own").packages, row("own").description.as_str()), (None, "ours"));
        assert!(list.table().starts_with("BASE"));
    });
}

#[test]
fn a_base_that_nobody_knows_is_not_found() {
    with_room(|room, _| {
        for name in ["cobol", "../etc/passwd", ""] {
            let failure = sbom(room, &which(name)).unwrap_err();
            assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::NotFound, Some("platform base list")), "{name}");
        }
    });
}

#[test]
fn what_a_base_is_made_of_is_one_document() {
    with_room(|room, _| {
        let bill: serde_json::Value = serde_json::from_str(&sbom(room, &which("postgres-15")).unwrap()).unwrap();
        let names: Vec<_> =
            bill["components"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
        assert!(names.contains(&"postgresql-15") && names.contains(&"libc6"));
    });
}

#[test]
fn a_check_that_finds_something_wrong_says_so_to_programs_too() {
    let good = BaseVerified {
        name: "redis".to_owned(),
        cached: 9,
        missing: Vec::new(),
        digest: Some("sha256:a".to_owned()),
        rebuilt: Some("sha256:a".to_owned()),
    };
    assert_eq!(good.exit(), Exit::Done);
    let rows = [
        BaseVerified { missing: vec!["dash".to_owned()], ..good.clone() },
        BaseVerified { digest: None, ..good.clone() },
        BaseVerified { rebuilt: Some("sha256:b".to_owned()), ..good.clone() },
    ];
    for bad in rows {
        assert_eq!(bad.exit(), Exit::NotReady);
    }
    assert!(good.table().ends_with("built once more it is sha256:a: the same\n"));
}

#[test]
fn what_was_built_and_what_is_newer_is_said_in_one_look() {
    let built = BaseBuilt {
        name: "redis".to_owned(),
        image: "bases/redis@sha256:a".to_owned(),
        digest: "sha256:a".to_owned(),
        size: 14_030_563,
        packages: 26,
        took: std::time::Duration::from_millis(4_200),
    };
    assert_eq!(built.table(), "redis: 26 packages, 14.0 MB, in 4.2 s\nbases/redis@sha256:a\n");
    let change =
        Change { package: "dash".to_owned(), architecture: "amd64".to_owned(), from: Some("1".to_owned()), to: None };
    let changes = BaseChanges { name: "redis".to_owned(), changes: vec![change] };
    assert!(changes.table().starts_with("PACKAGE  FOR    FROM  TO\ndash     amd64  1     -\n"));
    assert!(render(&changes, Format::Json).unwrap().contains("\"package\": \"dash\""));
    assert_eq!(BaseChanges { changes: Vec::new(), ..changes }.table(), "redis: Debian has nothing newer\n");
}
