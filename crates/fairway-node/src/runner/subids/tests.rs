use super::*;

fn ann() -> Person {
    Person { user: 1000, name: Some("ann".into()) }
}

fn looked(subuid: &str, subgid: &str, helpers: [Option<&str>; 2]) -> Result<[u32; 2], String> {
    look(&ann(), &[subuid, subgid].map(str::to_owned), helpers.map(|it| it.map(PathBuf::from))).map(|it| it.first)
}

const BOTH: [Option<&str>; 2] = [Some("/usr/bin/newuidmap"), Some("/usr/bin/newgidmap")];

#[test]
fn the_largest_range_of_a_person_is_taken_by_name_or_number() {
    let lines = "# lent\nbob:100000:65536\nann:165536:1000\nann:200000:65536\n";
    assert_eq!(looked(lines, "1000:300000:70000\n", BOTH), Ok([200_000, 300_000]));
}

#[test]
fn what_is_missing_is_said_with_the_way_to_get_it() {
    let enough = "ann:100000:65536\n";
    for (subuid, subgid, helpers, told) in [
        (enough, enough, [BOTH[0], None], "newuidmap or newgidmap is missing; install the package `uidmap`"),
        (
            "bob:100000:65536\n",
            "",
            BOTH,
            "/etc/subuid gives none to ann and /etc/subgid gives none to ann; run `usermod --add-subuids 165536-231071 \
             --add-subgids 165536-231071 ann` as root",
        ),
        (
            "ann:100000:1000\nnot a line\nann:x:y\n",
            enough,
            [None, None],
            "/etc/subuid gives 1000 to ann, and 65536 are needed and newuidmap or newgidmap is missing; run `usermod \
             --add-subuids 165536-231071 ann` as root and install the package `uidmap`",
        ),
    ] {
        assert_eq!(looked(subuid, subgid, helpers).unwrap_err(), told);
    }
}

#[test]
fn a_person_is_called_as_the_machine_does() {
    let passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n";
    assert_eq!(name_of(1000, passwd).as_deref(), Some("ann"));
    assert_eq!(name_of(7, passwd), None);
}

#[test]
fn what_nobody_lent_is_removed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("node/deep")).unwrap();
    for _ in 0..2 {
        remove(&folder.path().join("node"), Path::new("/no/such/program")).unwrap();
    }
    assert!(!folder.path().join("node").exists());
}
