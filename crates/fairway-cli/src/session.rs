//! What every command works with: the API, the project, the folder, time, and where progress goes.

mod through;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fairway_api::names::ProjectName;
use fairway_api::v1alpha1::Project;
use fairway_clock::World;
use fairway_outside::proxies::Proxies;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config, ResourceExt};

use crate::build::chain;
use crate::failure::{Exit, Failure};
use crate::home::{Home, Running, ended};
use crate::progress::Progress;

/// How long a process may take from closing its sockets to its end.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// How to reach a platform, and as part of which project.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// Another cluster than the local platform.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig.
    pub context: Option<String>,
    /// The project, where there are several.
    pub project: Option<String>,
}

/// An open session with a platform.
#[derive(Clone)]
pub struct Session {
    /// The folder of the local platform.
    pub home: Home,
    /// The process of the local platform, where it is that one.
    pub process: Option<Running>,
    /// The API; the hub's own routes are behind the same address.
    pub client: Client,
    /// The project that was named, if one was.
    pub project: Option<String>,
    /// The current folder.
    pub folder: PathBuf,
    /// Where progress goes.
    pub progress: Arc<dyn Progress>,
    /// Time and randomness.
    pub world: World,
    /// Whether there is somebody to ask.
    pub interactive: bool,
    /// Whether to say more: the cause of each write.
    pub verbose: bool,
}

impl Session {
    /// Opens a session. The local platform must run unless another cluster is named.
    pub async fn open(
        home: Home,
        options: &SessionOptions,
        folder: PathBuf,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, Failure> {
        let (config, process) = match (&options.kubeconfig, &options.context) {
            (None, None) => {
                let process = local(&home)?;
                (connection(&home, process.api_port)?, Some(process))
            }
            (path, context) => (elsewhere(path.as_ref(), context.as_ref()).await?, None),
        };
        let client = through::client(config, Proxies::read(|name| std::env::var(name).ok()))?;
        Ok(Self {
            home,
            process,
            client,
            project: options.project.clone(),
            folder,
            progress,
            world: World::system(),
            interactive: false,
            verbose: false,
        })
    }

    /// The project to work in: the one that was named, or the only one there is.
    pub async fn project(&self) -> Result<ProjectName, Failure> {
        let projects: Api<Project> = Api::all(self.client.clone());
        if let Some(name) = &self.project {
            let name =
                ProjectName::parse(name).map_err(|it| Failure::usage(it.to_string()).hint("platform get projects"))?;
            return match projects.get_metadata_opt(name.as_str()).await {
                Ok(None) => {
                    Err(Failure::not_found(format!("there is no project {name}")).hint("platform get projects"))
                }
                // Who may not see projects may work in one nevertheless.
                Err(kube::Error::Api(status)) if status.code == 403 => Ok(name),
                other => other.map(|_| name).map_err(Failure::api("read the project")),
            };
        }
        let found = projects.list(&ListParams::default()).await.map_err(Failure::api("list projects"))?;
        let names: Vec<String> = found.items.iter().map(ResourceExt::name_any).collect();
        let chosen = match names.as_slice() {
            [] => {
                return Err(Failure::not_found("there is no project yet, or none that you may see")
                    .hint("ask the platform team for one; platform whoami shows who you are"));
            }
            [only] => only.clone(),
            several => self.choose("project", several, "--project=NAME or FAIRWAY_PROJECT")?,
        };
        ProjectName::parse(&chosen).map_err(|it| Failure::failed(it.to_string()))
    }

    /// Asks which one is meant, or says which there are.
    pub(crate) fn choose(&self, what: &str, names: &[String], flag: &str) -> Result<String, Failure> {
        if !self.interactive {
            let known = names.join(", ");
            return Err(
                Failure::usage(format!("there are several {what}s: {known}")).hint(format!("say which with {flag}"))
            );
        }
        self.progress.end();
        let asked = inquire::Select::new(&format!("Which {what}?"), names.to_vec()).prompt();
        asked.map_err(|_| Failure::usage(format!("no {what} was chosen")))
    }

    /// Asks yes or no; `--yes` answers it, and off a terminal nobody does.
    pub(crate) fn confirm(&self, yes: bool, question: &str) -> Result<(), Failure> {
        confirm(self.interactive, yes, question)
    }

    /// Does something for as long as the local platform's process lives. Nobody waits for one that has ended: not for an
    /// answer, not for a change, not for a line of a log.
    pub async fn while_it_lives<T>(&self, doing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let Some(process) = &self.process else {
            let elsewhere = |it: Failure| match it.exit {
                Exit::NotRunning => it.hint("check that the cluster of the kubeconfig runs and can be reached"),
                _ => it,
            };
            return doing.await.map_err(elsewhere);
        };
        let done = tokio::select! {
            biased;
            done = doing => done,
            () = ended(process) => return Err(self.has_ended(process)),
        };
        match done {
            // The sockets of a process close a moment before it is gone.
            Err(failure) if failure.exit == Exit::NotRunning => {
                let ended = tokio::time::timeout(LAST_MOMENT, ended(process)).await;
                Err(ended.map_or(failure, |()| self.has_ended(process)))
            }
            done => done,
        }
    }

    fn has_ended(&self, process: &Running) -> Failure {
        self.progress.end();
        let log = self.home.path("log/platform.log");
        Failure::not_running(format!("the platform (process {}) ended before this was done", process.pid))
            .hint(format!("platform up starts it again, with all it acknowledged; its log is {}", log.display()))
    }

    /// A fresh id for the writes of one command.
    pub(crate) fn new_cause(&self) -> String {
        let cause = self.world.entropy.hex(16);
        if self.verbose {
            self.progress.note(&format!("cause: {cause}"));
        }
        cause
    }
}

pub(crate) fn confirm(interactive: bool, yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !interactive {
        return Err(Failure::refused(format!("this needs a confirmation: {question}")).hint("say it with --yes"));
    }
    match inquire::Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        _ => Err(Failure::refused("it was not confirmed, so nothing was done")),
    }
}

/// The platform that runs in this home.
pub(crate) fn local(home: &Home) -> Result<Running, Failure> {
    home.running().ok_or_else(|| {
        let what = match home.announced() {
            Some(_) => format!("the platform in {} stopped unexpectedly", home.root().display()),
            None => format!("the platform is not running in {}", home.root().display()),
        };
        Failure::not_running(what).hint("platform up")
    })
}

/// How the platform in this home is reached on a port.
pub(crate) fn connection(home: &Home, port: u16) -> Result<Config, Failure> {
    let token = home.path("admin.token");
    let token = std::fs::read_to_string(&token).map_err(Failure::io(format!("read {}", token.display())))?;
    let address = format!("https://127.0.0.1:{port}").parse();
    let mut config = Config::new(address.map_err(|it| Failure::failed(format!("cannot address port {port}: {it}")))?);
    config.root_cert_file = Some(home.path("pki/ca.crt"));
    config.auth_info.token = Some(token.trim().to_owned().into());
    Ok(config)
}

async fn elsewhere(path: Option<&PathBuf>, context: Option<&String>) -> Result<Config, Failure> {
    let options = KubeConfigOptions { context: context.cloned(), ..KubeConfigOptions::default() };
    let failed = |it: kube::config::KubeconfigError| {
        let what = match &it {
            KubeconfigError::ReadConfig(error, path) => {
                format!("cannot read the kubeconfig {}: {error}", path.display())
            }
            other => format!("cannot use the kubeconfig: {}", chain(other)),
        };
        Failure::usage(what).hint("check --kubeconfig=FILE and --context=NAME")
    };
    match path {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)
        }
        None => Config::from_kubeconfig(&options).await.map_err(failed),
    }
}

#[cfg(test)]
mod tests;
