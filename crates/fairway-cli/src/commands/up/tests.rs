use super::*;
use crate::Exit;

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_with_a_way_out() {
    let world = fairway_clock::World::system();
    let home = Home::new("/proc/fairway");
    let failure = up(&home, &Up::default(), &world, &crate::progress::Quiet).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.what.contains("/proc/fairway") && failure.hint.unwrap().contains("FAIRWAY_HOME"));
}

#[test]
fn the_last_words_of_the_platform_are_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    fs::create_dir_all(home.path("log")).unwrap();
    fs::write(home.path("log/platform.log"), "error: an old one\n").unwrap();
    let before = home.log_length();
    let log = "error: an old one\n2026 INFO starting\nerror: listen on 127.0.0.1:7443: in use\nhint: --port=0\n";
    fs::write(home.path("log/platform.log"), log).unwrap();
    let failure = log_of(&home, before, Failure::failed("it ended"));
    assert_eq!(failure.what, "the platform did not start: listen on 127.0.0.1:7443: in use");
    assert_eq!((failure.hint.as_deref(), failure.details.len()), (Some("--port=0"), 0));
    let silent = log_of(&home, home.log_length(), Failure::failed("it ended"));
    assert!(silent.what == "it ended" && silent.hint.unwrap().contains("platform.log"));
}
