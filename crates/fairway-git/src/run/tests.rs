use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Git, Job, RunGit, is_new_enough};
use crate::rules::Limits;

fn git(program: &str) -> Git {
    Git::new(PathBuf::from(program), Path::new("/nonexistent"), &Limits::default())
}

fn job<'a>(arguments: &'a [&'a OsStr]) -> Job<'a> {
    Job { repository: None, arguments, environment: &[], input: &[], limit: 100, time: Duration::from_secs(60) }
}

#[test]
fn versions_are_compared_as_numbers() {
    for (said, enough) in [
        ("git version 2.39.5", true),
        ("git version 2.39.5 (Apple Git-154)", true),
        ("git version 2.100.0.rc1", true),
        ("git version 3.0.0", true),
        ("git version 2.9.9", false),
        ("git version 1.99.0", false),
        ("something else", false),
        ("", false),
    ] {
        assert_eq!(is_new_enough(said), enough, "{said}");
    }
}

#[tokio::test]
async fn nothing_of_the_users_configuration_or_environment_reaches_git() {
    let env = git("/usr/bin/env");
    let done = Git::run(&env, Job { limit: 100_000, ..job(&[]) }).await.expect("it runs");
    let text = String::from_utf8_lossy(&done.answer).into_owned();
    for line in text.lines() {
        let name = line.split('=').next().unwrap_or_default();
        assert!(name.starts_with("GIT_") || ["HOME", "PATH", "LC_ALL"].contains(&name), "{line}");
    }
    assert!(text.contains("HOME=/nonexistent") && text.contains("GIT_CONFIG_GLOBAL=/dev/null"), "{text}");
}

#[tokio::test]
async fn a_git_that_hangs_talks_without_end_or_is_missing_is_an_error_with_its_name() {
    let missing = git("/nonexistent/git").version().await;
    assert!(matches!(missing, Err(RunGit::Start(_))), "{missing:?}");
    let arguments = [OsStr::new("30")];
    let hangs = git("/bin/sleep").run(Job { time: Duration::from_millis(50), ..job(&arguments) }).await;
    assert!(matches!(hangs.err(), Some(RunGit::Timeout { .. })));
    let talks = git("/usr/bin/yes").run(job(&[])).await;
    assert!(matches!(talks.err(), Some(RunGit::TooMuch { limit: 100, .. })));
    let arguments = [OsStr::new("--no-such-option")];
    let fails = git("git").run(job(&arguments)).await.expect("it runs").succeeded("x");
    assert!(matches!(fails, Err(RunGit::Failed { .. })));
}
