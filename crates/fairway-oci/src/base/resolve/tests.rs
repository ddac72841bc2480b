//! Which packages are chosen.

use std::collections::BTreeSet;

use super::{ResolvePackages, resolve};
use crate::base::packages::Universe;

/// Rows of name, version and further fields.
fn universe(rows: &[(&str, &str, &str)]) -> Universe {
    let mut universe = Universe::default();
    for (name, version, more) in rows {
        let hash = "a".repeat(64);
        let text = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nFilename: {name}.deb\nSize: 1\nSHA256: {hash}\n{more}\n"
        );
        universe.read(text.as_bytes(), "debian").unwrap();
    }
    universe
}

fn chosen(universe: &Universe, wanted: &[&str], without: &[&str]) -> Result<String, String> {
    let wanted: Vec<_> = wanted.iter().map(|it| (*it).to_owned()).collect();
    let without: BTreeSet<_> = without.iter().map(|it| (*it).to_owned()).collect();
    let names = resolve(universe, &wanted, &without).map(|it| it.into_keys().collect::<Vec<_>>().join(" "));
    names.map_err(|it| it.to_string())
}

#[test]
fn what_is_needed_comes_and_what_is_recommended_does_not() {
    let universe = universe(&[
        ("app", "1", "Depends: libc (>= 2)\nPre-Depends: init\nRecommends: manual\n"),
        ("libc", "2.36", "Depends: libgcc\n"),
        ("libgcc", "1", "Depends: libc\n"),
        ("init", "1", "Essential: yes\n"),
        ("manual", "1", ""),
        ("bash", "1", "Essential: yes\n"),
    ]);
    assert_eq!(chosen(&universe, &["app"], &[]).unwrap(), "app init libc libgcc");
    assert_eq!(chosen(&universe, &["app"], &["init", "libgcc"]).unwrap(), "app libc");
}

#[test]
fn of_alternatives_the_one_that_is_there_counts_then_the_first() {
    let rows = [
        ("app", "1", "Depends: mail-a | mail-b | mail-agent, old (>= 2) | new\n"),
        ("mail-a", "1", ""),
        ("mail-b", "1", "Provides: mail-agent\n"),
        ("old", "1", ""),
        ("new", "1", ""),
    ];
    let universe = universe(&rows);
    assert_eq!(chosen(&universe, &["app"], &[]).unwrap(), "app mail-a new");
    assert_eq!(chosen(&universe, &["app", "mail-b"], &[]).unwrap(), "app mail-b new");
    assert_eq!(chosen(&universe, &["app"], &["mail-b"]).unwrap(), "app new");
}

#[test]
fn a_name_that_only_one_package_provides_means_that_package() {
    let universe = universe(&[
        ("app", "1", "Depends: awk, editor (>= 2)\n"),
        ("mawk", "1", "Provides: awk\n"),
        ("vi", "1", "Provides: editor (= 2.1)\n"),
        ("ed", "1", "Provides: editor\n"),
    ]);
    assert_eq!(chosen(&universe, &["app"], &[]).unwrap(), "app mawk vi");
}

#[test]
fn what_does_not_fit_together_is_named() {
    let rows = [
        ("app", "1", "Depends: libc (>= 3) | none\n"),
        ("two", "1", "Depends: awk\n"),
        ("mawk", "1", "Provides: awk\nConflicts: awk\n"),
        ("gawk", "1", "Provides: awk\n"),
        ("libc", "2", ""),
        ("left", "1", "Breaks: libc (<< 3)\n"),
        ("odd", "1", "Depends: ???\n"),
    ];
    let universe = universe(&rows);
    let error = |wanted: &[&str]| chosen(&universe, wanted, &[]).unwrap_err();
    assert_eq!(error(&["app"]), "package app needs libc (>= 3) | none, and the archive has nothing that fits");
    assert!(error(&["two"]).contains("several packages provide: gawk, mawk"));
    assert_eq!(error(&["left", "libc"]), "packages left and libc cannot be together");
    assert_eq!(error(&["mawk", "gawk"]), "packages mawk and gawk cannot be together");
    assert!(error(&["nothing"]).starts_with("the archive has no package \"nothing\""));
    assert_eq!(error(&["odd"]), "package odd");
    assert_eq!(chosen(&universe, &["mawk"], &[]).unwrap(), "mawk", "who provides what it conflicts with means others");
    let without = BTreeSet::new();
    assert!(matches!(resolve(&universe, &["awk".to_owned()], &without), Err(ResolvePackages::NoPackage(_))));
}
