//! Lists of packages, right and wrong.

use super::{ReadPackages, Universe};

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn stanza(name: &str, version: &str, more: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: long\n and longer\n Version: 9\n\
         Filename: pool/{name}.deb\nSize: 5\nSHA256: {HASH}\n{more}\n"
    )
}

fn read(text: &str) -> Result<Universe, ReadPackages> {
    let mut universe = Universe::default();
    universe.read(text.as_bytes(), "debian").map(|()| universe)
}

#[test]
fn the_latest_version_of_each_package_stays_whichever_list_has_it() {
    let mut universe = read(&(stanza("ab", "1.10", "") + &stanza("ab", "1.9", ""))).unwrap();
    assert_eq!(universe.get("ab").unwrap().version.to_string(), "1.10");
    universe
        .read(stanza("ab", "1.10+deb12u1", "Depends: cd\nPre-Depends: ef\n").as_bytes(), "debian-security")
        .unwrap();
    let package = universe.get("ab").unwrap();
    assert_eq!((package.archive.as_str(), package.depends.as_str()), ("debian-security", "ef, cd"));
    assert_eq!((package.size, package.path.as_str(), package.digest.hex()), (5, "pool/ab.deb", HASH));
    universe.read(stanza("ab", "1.0", "").as_bytes(), "debian").unwrap();
    assert_eq!(universe.get("ab").unwrap().version.to_string(), "1.10+deb12u1");
}

#[test]
fn who_provides_a_name_is_known() {
    let text = stanza("mawk", "1", "Provides: awk\n") + &stanza("gawk", "1", "Provides: awk, posix-awk (= 2)\n");
    let universe = read(&text).unwrap();
    let names: Vec<_> = universe.providers("awk").map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["gawk", "mawk"]);
}

#[test]
fn what_is_missing_or_leads_elsewhere_is_refused() {
    let good = stanza("ab", "1", "");
    let rows = [
        good.replace("Package: ab", "Package: ../ab"),
        good.replace("Version: 1", "Version: one two"),
        good.replace("Filename: pool/ab.deb", "Filename: ../ab.deb"),
        good.replace("Filename: pool/ab.deb", "Filename: /etc/passwd"),
        good.replace("Filename: pool/ab.deb", "Filename: pool/a?b"),
        good.replace(HASH, "abc"),
        good.replace("Size: 5", "Size: -5"),
        good.replace("SHA256", "MD5sum"),
        format!("Package: ab\nVersion: {}\n", "1".repeat(2 << 20)),
    ];
    for text in rows {
        assert!(read(&text).is_err(), "{}", &text[..text.len().min(300)]);
    }
    assert!(read("").unwrap().get("ab").is_none());
}
