//! Bad input and faults, tried on the real binary: each gives an error that says what, where and what to do next, and
//! nothing that was acknowledged is lost.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::{Home, can_run_containers, text};

#[test]
fn a_second_up_on_one_folder_says_that_it_runs_and_a_second_process_is_refused() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    assert!(home.ok(&["up"]).contains("runs already"));
    let (_, said) = home.fails(&["up", "--foreground", "--port=0", "--gateway-port=0"]);
    assert!(said.contains("another platform") && said.contains("platform down"), "{said}");
    home.ok(&["whoami"]);
}

#[test]
fn a_port_in_use_names_the_flag_that_chooses_another() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    for flag in ["--port", "--gateway-port"] {
        let other = if flag == "--port" { "--gateway-port=0" } else { "--port=0" };
        let (_, said) = home.fails(&["up", &format!("{flag}={port}"), other]);
        assert!(said.contains(&port.to_string()) && said.contains(flag), "{flag}: {said}");
    }
}

#[test]
fn a_home_that_cannot_be_written_says_which_and_how_to_choose_another() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    let output = home.command(&["up", "--port=0", "--gateway-port=0"]).env("FAIRWAY_HOME", "/proc/fairway").output();
    let output = output.expect("the binary runs");
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("/proc/fairway"), "{said}");
}

#[test]
fn a_platform_that_does_not_run_is_named_with_the_command_that_starts_it() {
    let home = Home::new();
    let (code, said) = home.fails(&["status", "hello"]);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("platform up"), "{said}");
}

#[test]
fn what_does_not_exist_is_named_with_what_there_is() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    home.ok(&["create-service", "--name=hello", "--from", &example(&home)]);
    let (_, said) = home.fails(&["create-service", "--name=hello", "--from", &example(&home)]);
    assert!(said.contains("has a service hello already"), "{said}");
    for name in ["Hello", "a", "a.b", "../x", "a--b", "-x", "default", "rocket🚀", &"a".repeat(41)] {
        let (code, said) = home.fails(&["create-service", &format!("--name={name}"), "--from", &example(&home)]);
        assert!(code == 2 && said.contains("name"), "{name}: {code} {said}");
    }
    let (_, said) = home.fails(&["rollback", "hello", "--env=staging", "--to-version=v9.9.9"]);
    assert!(said.contains("v9.9.9") || said.contains("hello"), "{said}");
    let (code, said) = home.fails(&["status", "hello", "--env=nowhere"]);
    assert!(code == 3 && said.contains("nowhere"), "{code} {said}");
}

/// A copy of the example's folder.
fn example(home: &Home) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello");
    let to = home.work().join("hello");
    if !to.exists() {
        let copied = Command::new("cp").arg("-r").arg(&from).arg(&to).status().expect("cp runs");
        assert!(copied.success());
    }
    to.to_string_lossy().into_owned()
}

#[test]
fn a_broken_score_file_is_told_whole_and_nothing_is_built() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let folder = example(&home);
    home.ok(&["create-service", "--name=hello", "--from", &folder]);
    let deep = "[".repeat(50_000);
    let huge = format!("a: {}", "x".repeat(1 << 20));
    for (score, part) in [
        ("not: [closed", "score.yaml"),
        ("apiVersion: score.dev/v1b1\nmetadata: { name: hello }\ncontainers: {}\n", "containers"),
        (deep.as_str(), "score.yaml"),
        (huge.as_str(), "score.yaml"),
    ] {
        std::fs::write(Path::new(&folder).join("score.yaml"), score).expect("write score.yaml");
        let output = home.command(&["deploy", "hello", "--env=staging"]).current_dir(&folder).output();
        let output = output.expect("the binary runs");
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(part) && said.len() < 4000, "{score:.40}: {said:.2000}");
        assert!(!Path::new(&folder).join("target").exists(), "it was built all the same");
    }
}

#[test]
fn a_full_disk_refuses_writes_loses_nothing_and_goes_on_when_there_is_room() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    std::fs::create_dir_all(home.path()).expect("the home");
    let disk = SmallDisk::mount(&home.path());
    if disk.is_none() {
        eprintln!("skipped: only root can mount a small disk");
        return;
    }
    home.up();
    home.ok(&["create-service", "--name=before", "--from", &home.service("before")]);
    let filler = home.path().join("filler");
    let mut chunk = 1 << 20;
    let mut file = std::fs::File::create(&filler).expect("a file");
    while chunk > 0 {
        use std::io::Write;
        if file.write_all(&vec![1; chunk]).is_err() {
            chunk /= 2;
        }
    }
    let (_, said) = home.fails(&["create-service", "--name=meanwhile", "--from", &home.service("meanwhile")]);
    assert!(
        said.to_lowercase().contains("disk") || said.to_lowercase().contains("space") || said.contains("full"),
        "{said}"
    );
    assert!(home.ok(&["get", "components", "-o", "name"]).contains("before"), "reads go on");
    drop(file);
    std::fs::remove_file(&filler).expect("make room");
    let mut made = false;
    for _ in 0..50 {
        if home.run(&["create-service", "--name=after", "--from", &home.service("after")]).status.success() {
            made = true;
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(made, "it did not go on: {}", home.log());
    home.ok(&["ledger", "verify"]);
    home.ok(&["down"]);
}

/// A file system of 64 MiB, unmounted at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs"]).arg(at).output().ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}
