//! Commands that somebody is attached to, in real containers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program")]

#[path = "support/bench.rs"]
mod bench;

use bench::Bench;
use fairway_node::runner::{AskPod, Pod, Session};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// A pod in which a container sleeps.
async fn pod(ip: &str) -> Option<(Bench, Pod)> {
    let bench = Bench::new(ip)?;
    let pod = bench.pod().await;
    bench.run(&pod, &["sleep"]).await;
    bench.said(&pod, "app", "sleeping").await;
    Some((bench, pod))
}

fn words(words: &[&str]) -> Vec<String> {
    std::iter::once("/bin/program").chain(words.iter().copied()).map(str::to_owned).collect()
}

async fn attach(pod: &Pod, command: &[&str], stdin: bool, terminal: bool) -> Session {
    pod.attach("app", &words(command), stdin, terminal).await.unwrap()
}

async fn all(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    let _a_terminal_ends_with_an_error = from.unwrap().read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_command_reads_prints_and_ends_with_its_code() {
    let Some((bench, pod)) = pod("10.244.0.60").await else { return };
    let mut session = attach(&pod, &["copy"], true, false).await;
    let (mut stdin, stdout) = (session.stdin.take().unwrap(), session.stdout.take());
    // More than pipes hold: both ways go at once.
    let much = "0123456789abcde\n".repeat(200_000);
    let (sent, copied) = (much.clone(), all(stdout));
    let (copied, ()) = tokio::join!(copied, async move {
        stdin.write_all(sent.as_bytes()).await.unwrap();
    });
    assert!(copied == much, "{} of {} bytes came back", copied.len(), much.len());
    assert_eq!(all(session.stderr.take()).await, format!("copied {}\n", much.len()));
    assert_eq!(session.exit_code().await, Some(3));
    // Without an input there is nothing to read.
    let mut session = attach(&pod, &["copy"], false, false).await;
    assert!(session.stdin.is_none());
    assert_eq!(all(session.stderr.take()).await, "copied 0\n");
    assert_eq!(session.exit_code().await, Some(3));
    bench.clean().await;
}

#[tokio::test]
async fn a_terminal_is_the_commands_own_and_has_the_size_that_it_is_given() {
    let Some((bench, pod)) = pod("10.244.0.61").await else { return };
    let mut session = attach(&pod, &["terminal"], true, true).await;
    assert!(session.stderr.is_none());
    session.resize().unwrap().unwrap().to(132, 43);
    session.stdin.as_mut().unwrap().write_all(b"hello\n").await.unwrap();
    let said = all(session.stdout.take()).await;
    assert!(said.contains("terminal: 1 1 own: 1\r\n"), "{said:?}");
    assert!(said.ends_with("132 columns, 43 rows, heard hello\r\n"), "{said:?}");
    assert_eq!(session.exit_code().await, Some(0));
    // As everywhere, the interrupt key ends what does not mind it.
    let mut session = attach(&pod, &["copy"], true, true).await;
    let stdin = session.stdin.as_mut().unwrap();
    // Echoed by the terminal, and by the command: so it runs.
    stdin.write_all(b"x\n").await.unwrap();
    let mut echoes = [0; 6];
    session.stdout.as_mut().unwrap().read_exact(&mut echoes).await.unwrap();
    assert_eq!(&echoes, b"x\r\nx\r\n");
    stdin.write_all(b"\x03").await.unwrap();
    assert_eq!(session.exit_code().await, Some(130));
    bench.clean().await;
}

#[tokio::test]
async fn what_cannot_be_run_says_so() {
    let Some((bench, pod)) = pod("10.244.0.62").await else { return };
    let not_there = pod.attach("app", &["/bin/nothing".into()], false, false).await;
    let mut session = not_there.unwrap();
    let said = all(session.stderr.take()).await;
    assert!(said.contains("/bin/nothing") && said.contains("No such file"), "{said}");
    assert_eq!(session.exit_code().await, Some(127));
    let mut session = pod.attach("app", &["/bin".into()], false, false).await.unwrap();
    assert_eq!(session.exit_code().await, Some(126), "{}", all(session.stderr.take()).await);
    let Err(AskPod::Refused { message, .. }) = pod.attach("other", &words(&["exit"]), false, false).await else {
        panic!("there is no such container");
    };
    assert!(message.starts_with("find container other running"), "{message}");
    let too_long = vec!["x".repeat(200_000)];
    assert!(matches!(pod.attach("app", &too_long, false, false).await, Err(AskPod::Refused { .. })));
    // As many as there may be at a time, and room again after one.
    let mut many = Vec::new();
    let refused = loop {
        match pod.attach("app", &words(&["sleep"]), false, false).await {
            Ok(session) => many.push(session),
            Err(error) => break error,
        }
    };
    assert!(refused.to_string().contains("more than 64 commands"), "{refused}");
    assert_eq!(many.len(), 64);
    drop(many);
    while pod.attach("app", &words(&["exit"]), false, false).await.is_err() {
        tokio::task::yield_now().await;
    }
    bench.clean().await;
}

#[tokio::test]
async fn a_command_ends_when_nobody_is_attached_to_it_any_more() {
    let Some((bench, pod)) = pod("10.244.0.63").await else { return };
    let processes = || {
        let state = bench.runner.state_folder().join("pods").join(&bench.uid);
        assert!(state.exists());
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|it| {
                let line = std::fs::read(it.path().join("cmdline")).unwrap_or_default();
                line == b"/bin/program\0stubborn\0nobody-63\0"
            })
            .count()
    };
    let mut session = attach(&pod, &["stubborn", "nobody-63"], false, false).await;
    let mut said = [0; 9];
    session.stdout.as_mut().unwrap().read_exact(&mut said).await.unwrap();
    assert_eq!(processes(), 1);
    drop(session);
    bench.until(|| processes() == 0).await;
    // Whoever runs the node goes, and with it all that was attached through it.
    let another = bench.again(std::time::Duration::from_secs(10));
    let found = another.find().await.unwrap();
    let Some(fairway_node::runner::Found::Running(again)) = found.into_iter().next() else { panic!("it runs") };
    let mut session = attach(&again, &["stubborn", "nobody-63"], false, false).await;
    session.stdout.as_mut().unwrap().read_exact(&mut said).await.unwrap();
    std::mem::forget(session.resize());
    drop(again);
    drop(session);
    bench.until(|| processes() == 0).await;
    // The pod itself goes.
    let mut session = attach(&pod, &["sleep"], false, false).await;
    pod.kill().await;
    assert_eq!(session.exit_code().await, None);
    bench.clean().await;
}

#[test]
fn everything_holds_without_root_too() {
    bench::again_without_root();
}
