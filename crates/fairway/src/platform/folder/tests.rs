use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_held_folder_is_private_and_cannot_be_held_twice() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("fairway");
    let folder = Folder::hold(&root).unwrap();
    folder.write("admin.token", b"secret").unwrap();
    let mode = |part: &str| fs::metadata(root.join(part)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("store"), mode("admin.token"), mode("run/lock")), (0o700, 0o700, 0o600, 0o600));
    let second = Folder::hold(&root).err().unwrap().to_string();
    assert!(second.contains("another platform") && second.contains("platform down"), "{second}");
    drop(folder);
    Folder::hold(&root).unwrap();
}

#[test]
fn where_it_runs_is_said_and_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::hold(home.path()).unwrap();
    let running =
        Running { pid: 1, start_ticks: start_ticks(), api_port: 7443, gateway_port: 7080, version: "v".to_owned() };
    folder.say_running(&running).unwrap();
    let text = fs::read_to_string(home.path().join("run/platform.json")).unwrap();
    assert!(text.contains("\"apiPort\": 7443") && running.start_ticks > 0, "{text}");
    folder.forget_running().unwrap();
    folder.forget_running().unwrap();
    assert!(!home.path().join("run/platform.json").exists());
}

#[test]
fn a_folder_that_cannot_be_made_says_which_and_what_to_do() {
    let error = format!("{:#}", Folder::hold(Path::new("/proc/fairway")).err().unwrap());
    assert!(error.contains("/proc/fairway") && error.contains("FAIRWAY_HOME"), "{error}");
}

#[test]
fn a_process_that_is_dead_but_for_its_remains_is_waited_for_and_a_living_one_is_not() {
    assert!(!is_dying(&std::process::id().to_string()));
    let mut child = std::process::Command::new("true").spawn().unwrap();
    while !is_dying(&child.id().to_string()) {
        std::thread::yield_now();
    }
    child.wait().unwrap();
    assert!(is_dying(&child.id().to_string()), "nothing is left of it");
    for nobody in ["", "..", "-1", "1 2"] {
        assert!(!is_dying(nobody), "{nobody:?}");
    }
}
