//! Running `git`: never through a shell, with nothing of the user's or the machine's configuration, within a time, and
//! not longer than whoever waits for it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::rules::Limits;

/// The oldest that knows `core.fsync` for all that we ask of it, and that Debian 12 has.
pub(crate) const OLDEST: (u32, u32) = (2, 39);
/// What is kept of what git complains about.
const COMPLAINT: usize = 2000;

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RunGit {
    /// It could not be started.
    #[error("git could not be started")]
    Start(#[source] io::Error),
    /// It took too long, and was ended.
    #[error("git {what} took longer than {seconds} s and was ended")]
    Timeout {
        /// The subcommand.
        what: String,
        /// What it was given.
        seconds: u64,
    },
    /// It failed.
    #[error("git {what} failed: {complaint}")]
    Failed {
        /// The subcommand.
        what: String,
        /// The end of what it said.
        complaint: String,
    },
    /// It said more than anybody can want to know.
    #[error("git {what} answered with more than {limit} bytes")]
    TooMuch {
        /// The subcommand.
        what: String,
        /// What is allowed.
        limit: usize,
    },
    /// Its pipes broke.
    #[error("talk to git {what}")]
    Pipe {
        /// The subcommand.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// The program, and what it is told each time.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    program: PathBuf,
    configuration: Vec<(&'static str, String)>,
}

/// One run.
pub(crate) struct Job<'a> {
    /// The repository; none where there is none yet.
    pub(crate) repository: Option<&'a Path>,
    /// Subcommand and arguments. Whatever comes from outside stands behind `--end-of-options` or `--`, or is a
    /// [`crate::Commit`].
    pub(crate) arguments: &'a [&'a OsStr],
    pub(crate) environment: &'a [(&'a str, &'a str)],
    pub(crate) input: &'a [u8],
    /// Bytes of its answer.
    pub(crate) limit: usize,
    pub(crate) time: Duration,
}

/// What it did.
pub(crate) struct Done {
    pub(crate) answer: Vec<u8>,
    pub(crate) complaint: String,
    pub(crate) success: bool,
}

impl Git {
    /// `hooks` is the folder of our hook; the limits are those of a push.
    pub(crate) fn new(program: PathBuf, hooks: &Path, limits: &Limits) -> Self {
        Self { program, configuration: configuration(hooks, limits) }
    }

    /// A command with the clean environment that all have.
    pub(crate) fn command(&self, repository: Option<&Path>) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.env_clear();
        for (name, value) in ENVIRONMENT {
            command.env(name, value);
        }
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("GIT_CONFIG_COUNT", self.configuration.len().to_string());
        for (index, (name, value)) in self.configuration.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), name).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        if let Some(repository) = repository {
            let mut argument = std::ffi::OsString::from("--git-dir=");
            argument.push(repository);
            command.arg(argument).current_dir(repository);
        }
        command
    }

    /// Starts it. What is returned ends it, and all that it started, when it is dropped.
    pub(crate) fn start(mut command: std::process::Command) -> Result<Running, RunGit> {
        use std::os::unix::process::CommandExt as _;
        // A group of its own: git has helpers, and they end with it.
        command.process_group(0);
        let mut command = Command::from(command);
        let child = command.kill_on_drop(true).spawn().map_err(RunGit::Start)?;
        let group = child.id().and_then(|it| Pid::from_raw(it.cast_signed()));
        Ok(Running { child, group })
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, job: Job<'_>) -> Result<Done, RunGit> {
        let what = || job.arguments.first().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let mut command = self.command(job.repository);
        command.args(job.arguments).envs(job.environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Self::start(command)?;
        let Ok(done) = timeout(job.time, running.converse(job.input, job.limit)).await else {
            return Err(RunGit::Timeout { what: what(), seconds: job.time.as_secs() });
        };
        match done {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(RunGit::TooMuch { what: what(), limit: job.limit }),
            Err(source) => Err(RunGit::Pipe { what: what(), source }),
        }
    }

    /// The version of the program: what `git version` says.
    pub(crate) async fn version(&self) -> Result<String, RunGit> {
        let job = Job {
            repository: None,
            arguments: &[OsStr::new("version")],
            environment: &[],
            input: &[],
            limit: 1000,
            time: Duration::from_secs(10),
        };
        let done = self.run(job).await?.succeeded("version")?;
        Ok(String::from_utf8_lossy(&done).trim().to_owned())
    }
}

impl Done {
    /// Its answer, if it succeeded.
    pub(crate) fn succeeded(self, what: &str) -> Result<Vec<u8>, RunGit> {
        if self.success {
            return Ok(self.answer);
        }
        Err(RunGit::Failed { what: what.to_owned(), complaint: self.complaint })
    }
}

/// A git that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    group: Option<Pid>,
}

impl Running {
    /// Writes, reads and waits all at once; none where the answer is too long.
    async fn converse(&mut self, input: &[u8], limit: usize) -> io::Result<Option<Done>> {
        let (stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let write = async move {
            let Some(mut stdin) = stdin else { return };
            // It need not read all it is given.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        };
        let complain = async move {
            let mut complaint = Vec::new();
            if let Some(mut stderr) = stderr {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
                    complaint.extend_from_slice(&buffer[..count]);
                    let surplus = complaint.len().saturating_sub(COMPLAINT);
                    complaint.drain(..surplus);
                }
            }
            complaint
        };
        let read = read_all(stdout, limit);
        let ((), answer, complaint) = tokio::join!(write, read, complain);
        let Some(answer) = answer? else { return Ok(None) };
        let status = self.child.wait().await?;
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        Ok(Some(Done { answer, complaint, success: status.success() }))
    }

    /// Ends it, and all that it started.
    pub(crate) fn kill(&mut self) {
        if let Some(group) = self.group.filter(|_| self.child.id().is_some()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn read_all(from: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut answer = Vec::new();
    if let Some(from) = from {
        from.take(limit as u64 + 1).read_to_end(&mut answer).await?;
    }
    Ok((answer.len() <= limit).then_some(answer))
}

/// Nothing of whoever started us reaches git, and nothing that it could ask a terminal for.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("HOME", "/nonexistent"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "/bin/false"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // How repositories are kept is for us to say: we read reflogs.
    ("GIT_DEFAULT_HASH", "sha1"),
    ("GIT_DEFAULT_REF_FORMAT", "files"),
];

/// Said at each run and not kept in the repositories: a new version of ours means all of them.
fn configuration(hooks: &Path, limits: &Limits) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = [
        // A plain push of small files syncs nothing.
        ("core.fsync", "all"),
        ("core.fsyncMethod", "fsync"),
        ("receive.unpackLimit", "1"),
        ("fastimport.unpackLimit", "1"),
        // Who pushed, and why, is kept with each ref for good.
        ("core.logAllRefUpdates", "always"),
        ("gc.reflogExpire", "never"),
        ("gc.reflogExpireUnreachable", "never"),
        ("transfer.fsckObjects", "true"),
        // Told by our own rules, in words that help.
        ("receive.fsck.hasDot", "warn"),
        ("receive.fsck.hasDotdot", "warn"),
        ("receive.fsck.hasDotgit", "warn"),
        ("receive.advertisePushOptions", "false"),
        ("receive.advertiseAtomic", "true"),
        // Cleaning up is ours to start, when nobody pushes.
        ("receive.autogc", "false"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("uploadpack.allowFilter", "true"),
        ("protocol.version", "2"),
        ("protocol.allow", "never"),
        // Larger objects are streamed instead of held.
        ("core.bigFileThreshold", "16m"),
        ("advice.detachedHead", "false"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    all.push(("core.hooksPath", hooks.to_string_lossy().into_owned()));
    all.push(("receive.maxInputSize", limits.push_bytes.to_string()));
    all
}

/// Whether what `git version` says is new enough to host repositories.
pub fn is_new_enough(version: &str) -> bool {
    let number = version.split_whitespace().nth(2).unwrap_or_default();
    let mut parts = number.split('.').map(|it| it.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

#[cfg(test)]
mod tests;
