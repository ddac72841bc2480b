use std::fs;

use fairway_clock::World;

use super::*;
use crate::failure::Exit;
use crate::progress::Quiet;

async fn ran(steps: &str, only: Option<&str>) -> (Result<Ran, Failure>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".fairway")).unwrap();
    let text = format!("apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n{steps}");
    fs::write(folder.path().join(file::PATH), text).unwrap();
    let local = Local { folder: None, step: only.map(str::to_owned) };
    let mut printed = Vec::new();
    let show = |bytes: &[u8]| printed.extend_from_slice(bytes);
    let ran = run(&local, folder.path(), &World::system(), &Quiet, show).await;
    (ran, String::from_utf8_lossy(&printed).into_owned())
}

#[tokio::test]
async fn steps_run_one_after_the_other_as_they_need_each_other() {
    let steps = "  - { name: build, needs: [test], toolchain: sh, run: 'cat made' }\n  - { name: test, toolchain: sh, run: 'echo $WHO >made; echo oh >&2', environment: { WHO: ada } }\n";
    let (ran, printed) = ran(steps, None).await;
    let names: Vec<String> = ran.unwrap().steps.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["test", "build"]);
    assert_eq!(printed, "oh\nada\n");
}

#[tokio::test]
async fn a_failed_step_stops_what_needs_it_and_its_test_is_named() {
    let steps = "  - { name: test, toolchain: sh, run: 'echo test tests::adds ... FAILED; false' }\n  - { name: build, needs: [test], toolchain: sh, run: 'echo never' }\n";
    let (ran, printed) = ran(steps, None).await;
    assert_eq!(ran.unwrap_err().what, "step test failed: test tests::adds failed");
    assert!(!printed.contains("never"));
}

#[tokio::test]
async fn a_step_that_hangs_is_ended() {
    let (ran, _) = ran("  - { name: test, toolchain: sh, timeout: 1s, run: 'sleep 60' }\n", None).await;
    assert_eq!(ran.unwrap_err().what, "step test failed: it took longer than 1 s");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_step_that_is_ended_takes_along_what_it_started() {
    let step = "  - { name: test, toolchain: sh, timeout: 1s, run: 'sleep 60 & echo $!; wait' }\n";
    let (ran, printed) = ran(step, None).await;
    assert_eq!(ran.unwrap_err().exit, Exit::Failed);
    let stat = format!("/proc/{}/stat", printed.trim());
    let lives = || fs::read_to_string(&stat).is_ok_and(|it| !it.contains(") Z "));
    while lives() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_step_runs_with_what_it_needs() {
    let steps = "  - { name: a, toolchain: sh, run: 'echo a' }\n  - { name: b, needs: [a], toolchain: sh, run: 'echo b' }\n  - { name: c, toolchain: sh, run: 'echo c' }\n";
    assert_eq!(ran(steps, Some("b")).await.1, "a\nb\n");
    assert!(ran(steps, Some("d")).await.0.unwrap_err().what.contains("there are a, b, c"));
}

#[tokio::test]
async fn a_broken_file_is_told_line_by_line() {
    let failure = ran("  - { name: A }\n", None).await.0.unwrap_err();
    assert!(failure.details.iter().all(|it| it.starts_with(".fairway/pipeline.yaml:4: ")), "{:?}", failure.details);
}
