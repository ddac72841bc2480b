use std::process::{Command, Stdio};

use super::*;

#[test]
fn files_and_processes_are_found_and_the_folder_goes() {
    let place = Place::make("left-behind").unwrap();
    assert_eq!(place.left().unwrap(), Vec::<String>::new());
    let file = place.path().join("forgotten");
    fs::write(&file, "").unwrap();
    let mut process = Command::new("tail").arg("-f").arg(&file).stdout(Stdio::null()).spawn().unwrap();
    // A program has begun before its arguments can be read.
    let arguments = format!("/proc/{}/cmdline", process.id());
    while fs::read(&arguments).unwrap().is_empty() {
        std::thread::yield_now();
    }
    let file = file.display().to_string();
    let left = place.left().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(left, [format!("file {file}"), format!("process {} tail -f {file}", process.id())]);
    let path = place.path().to_owned();
    drop(place);
    assert!(!path.exists());
}
