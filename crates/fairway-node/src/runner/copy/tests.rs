use std::os::unix::fs::PermissionsExt as _;

use super::*;

const LIMITS: CopyLimits = CopyLimits { entries: 100, bytes: 1 << 20, depth: 5 };

/// A volume with a folder `out`, as `make` fills it, copied.
fn copied(limits: CopyLimits, make: impl Fn(&Path)) -> Result<tempfile::TempDir, String> {
    let (volume, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(volume.path().join("out")).unwrap();
    make(&volume.path().join("out"));
    let result = copy_beneath(volume.path(), Path::new("out"), &into.path().join("copy"), limits);
    result.map(|()| into).map_err(|it| it.to_string())
}

#[test]
fn files_folders_links_and_who_may_execute_come_along() {
    let into = copied(LIMITS, |out| {
        fs::create_dir_all(out.join("app/deep")).unwrap();
        fs::write(out.join("app/run"), "program").unwrap();
        fs::set_permissions(out.join("app/run"), fs::Permissions::from_mode(0o6711)).unwrap();
        fs::write(out.join("app/deep/data"), "data").unwrap();
        symlink("../run", out.join("app/deep/link")).unwrap();
    });
    let copy = into.as_ref().unwrap().path().join("copy");
    assert_eq!(fs::read_to_string(copy.join("app/deep/link")).unwrap(), "program");
    assert_eq!(fs::read_to_string(copy.join("app/deep/data")).unwrap(), "data");
    let mode = |path: &str| fs::metadata(copy.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("app/run") & 0o100, mode("app/run") & 0o6000, mode("app/deep/data") & 0o111), (0o100, 0, 0));
}

#[test]
fn links_that_lead_out_are_refused() {
    for (target, refused) in
        [("/etc/passwd", true), ("../../x", true), ("a/../../../x", true), ("..", false), ("./a/../b", false)]
    {
        let result = copied(LIMITS, |out| {
            fs::create_dir(out.join("app")).unwrap();
            symlink(target, out.join("app/link")).unwrap();
        });
        let wanted = refused.then(|| "app/link is a link that leads out of the folder".to_owned());
        assert_eq!(result.err(), wanted, "{target}");
    }
}

#[test]
fn what_is_no_file_folder_or_link_is_refused() {
    let result = copied(LIMITS, |out| drop(std::os::unix::net::UnixListener::bind(out.join("socket")).unwrap()));
    assert_eq!(result.unwrap_err(), "socket is neither file, folder nor link");
}

#[test]
fn no_more_than_the_limits_is_taken() {
    let cases: [(CopyLimits, &str); 3] = [
        (CopyLimits { entries: 2, ..LIMITS }, "is one more than the 2 files"),
        (CopyLimits { bytes: 1 << 10, ..LIMITS }, "is more than the 0 MiB"),
        (CopyLimits { depth: 1, ..LIMITS }, "lies in more than 1 folders"),
    ];
    for (limits, wanted) in cases {
        let result = copied(limits, |out| {
            fs::create_dir_all(out.join("a/b")).unwrap();
            fs::write(out.join("a/b/large"), vec![0; 2048]).unwrap();
        });
        let said = result.unwrap_err();
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn the_folder_itself_is_beneath_and_a_folder() {
    let (volume, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), volume.path().join("away")).unwrap();
    fs::write(volume.path().join("file"), "").unwrap();
    for path in ["away", "..", "/", "nothing", "file"] {
        let result = copy_beneath(volume.path(), Path::new(path), &into.path().join("copy"), LIMITS);
        assert!(result.is_err(), "{path}");
    }
}
