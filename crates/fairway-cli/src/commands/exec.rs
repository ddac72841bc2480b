//! `exec`: a command in an instance of a service.

mod terminal;

use std::io::{Read as _, Write as _};

use clap::Args;
use futures::SinkExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess, TerminalSize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::Which;
use crate::failure::Failure;
use crate::inside::{Whose, instance};
use crate::output::print_bytes;
use crate::session::Session;

/// Bytes that are on their way in one direction.
const BUFFER: usize = 64 << 10;

/// Run a command in an instance of a service
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Exec {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// Which instance.
    #[command(flatten)]
    pub whose: Whose,
    /// The container; without it the only one
    #[arg(long, short = 'c', value_name = "CONTAINER")]
    pub container: Option<String>,
    /// Hand on what is typed or piped in; without it the command has nothing to read
    #[arg(long, short = 'i')]
    pub stdin: bool,
    /// Give it a terminal
    #[arg(long, short = 't')]
    pub tty: bool,
    /// What to run, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs it; gives its exit code.
pub async fn exec(session: &Session, exec: &Exec) -> Result<u8, Failure> {
    let found = instance(session, exec.which.named()?, &exec.whose).await?;
    let process =
        Process { container: exec.container.clone(), command: exec.command.clone(), stdin: exec.stdin, tty: exec.tty };
    attach(session, &found.api, &found.pod, process).await
}

/// A process that is to run in a pod.
pub(crate) struct Process {
    /// The container; without it the only one.
    pub(crate) container: Option<String>,
    pub(crate) command: Vec<String>,
    /// Whether it reads what is typed or piped in here.
    pub(crate) stdin: bool,
    /// Whether it gets a terminal.
    pub(crate) tty: bool,
}

/// Runs it there as if it ran here; gives its exit code.
pub(crate) async fn attach(session: &Session, api: &Api<Pod>, pod: &str, process: Process) -> Result<u8, Failure> {
    let Process { container, command, stdin, tty } = process;
    let parameters = AttachParams {
        container,
        stdin,
        stdout: true,
        stderr: !tty,
        tty,
        max_stdin_buf_size: Some(BUFFER),
        max_stdout_buf_size: Some(BUFFER),
        max_stderr_buf_size: Some(BUFFER),
    };
    let begun = api.exec(pod, &command, &parameters).await;
    let process = begun.map_err(Failure::api(format!("run {} in {pod}", command[0])))?;
    session.progress.end();
    let _as_it_was = if tty && stdin { terminal::Raw::enter() } else { None };
    outcome(carry(process).await, pod)
}

/// Carries input and output until it ends. Nothing, if it broke off.
async fn carry(mut process: AttachedProcess) -> Option<Status> {
    let ended = process.take_status()?;
    let (stdin, sizes) = (process.stdin(), process.terminal_size());
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let input = async move {
        if let Some(mut stdin) = stdin {
            let mut typed = typed();
            while let Some(bytes) = typed.recv().await {
                if stdin.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            // The end of what is typed is the end of what it reads.
            let _gone = stdin.shutdown().await;
            drop(stdin);
        }
        std::future::pending::<()>().await;
    };
    let sizing = async move {
        if let Some(mut sizes) = sizes {
            let mut changes = terminal::Sizes::watch();
            while let Some((width, height)) = changes.next().await {
                if sizes.send(TerminalSize { width, height }).await.is_err() {
                    break;
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let output = async move {
        tokio::join!(show(stdout, print_bytes), show(stderr, complain));
        ended.await
    };
    tokio::select! {
        status = output => status,
        () = input => None,
        () = sizing => None,
    }
}

/// What is typed or piped in. Read by a thread that ends with the program: nothing can call it back from waiting.
fn typed() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(8);
    std::thread::spawn(move || {
        let mut piece = vec![0; BUFFER];
        while let Ok(count @ 1..) = std::io::stdin().read(&mut piece) {
            if sender.blocking_send(piece[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn show(from: Option<impl AsyncRead + Unpin>, write: impl Fn(&[u8])) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; BUFFER];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        write(&piece[..count]);
    }
}

fn complain(bytes: &[u8]) {
    let _nobody_listens = std::io::stderr().write_all(bytes);
}

/// The exit code that a Status tells.
fn outcome(status: Option<Status>, pod: &str) -> Result<u8, Failure> {
    let Some(status) = status else {
        return Err(Failure::not_running(format!("the session in {pod} broke off")));
    };
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.and_then(|it| it.causes).unwrap_or_default();
    let code = causes.into_iter().find(|it| it.reason.as_deref() == Some("ExitCode")).and_then(|it| it.message);
    match code.and_then(|it| it.parse::<i32>().ok()) {
        Some(code) => Ok(u8::try_from(code & 0xff).unwrap_or(1).max(1)),
        None => Err(Failure::failed(status.message.unwrap_or_else(|| format!("the session in {pod} failed")))),
    }
}

#[cfg(test)]
mod tests;
