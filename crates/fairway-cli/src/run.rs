//! From the command line to the exit code: parse, do, print.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser as _;
use fairway_clock::World;

use crate::arguments::{Cli, Command, Global, command};
#[cfg(target_os = "linux")]
use crate::commands::base;
use crate::commands::db::DbCommand;
use crate::commands::pipeline::PipelineCommand;
use crate::commands::repo::RepoCommand;
use crate::commands::resource::ResourceCommand;
use crate::commands::template::TemplateCommand;
use crate::commands::{self, db, kubeconfig, ledger, logs, pipeline, release, repo, resource, template, up};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::output::{Format, Report, hint_text, print, print_bytes, print_error, print_failure, render, to_yaml};
use crate::progress::{Progress, Shown};
use crate::session::Session;

/// What the binary does that a command line alone cannot.
#[async_trait]
pub trait PlatformHost: Send + Sync + 'static {
    /// Runs the platform until it is told to stop (SIGTERM).
    async fn serve(&self, options: ServeOptions) -> anyhow::Result<()>;
    /// What the machine offers, for `doctor`: `{"checks": [{name, state: ok|warning|missing, says, advice}]}`.
    fn machine(&self) -> serde_json::Value;
    /// Removes a folder of a platform that is stopped: some of it may belong to users of its pods.
    fn remove(&self, folder: &Path) -> std::io::Result<()>;
    /// Shows the main job on a platform of its own.
    async fn tour(&self, options: TourOptions) -> anyhow::Result<ExitCode>;
}

/// How the platform is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeOptions {
    /// Its folder.
    pub home: PathBuf,
    /// The port of the API; 0 picks one.
    pub api_port: u16,
    /// The port of the gateway; 0 picks one.
    pub gateway_port: u16,
    /// Keep what pipelines fetch for the user's other projects and platforms.
    pub keep_packages: bool,
}

/// How the tour is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TourOptions {
    /// Leave the platform running at the end.
    pub keep: bool,
    /// How the table of timings is printed.
    pub output: Format,
}

/// Runs the command line of this process.
pub fn run(host: Arc<dyn PlatformHost>) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            print_error(&misspelt(&error, std::env::args().skip(1)));
            return ExitCode::from(Exit::Usage.code());
        }
        Err(asked) => {
            let _ = asked.print();
            return ExitCode::SUCCESS;
        }
    };
    let format = cli.global.output;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(execute(host, cli))),
        Err(error) => Err(Failure::failed(format!("cannot start threads: {error}"))),
    };
    done.unwrap_or_else(|failure| {
        print_failure(&failure);
        // A program that asked for a document gets one.
        match format {
            Format::Json => print(&format!("{:#}\n", failure.to_json())),
            Format::Yaml => print(&to_yaml(&failure.to_json()).unwrap_or_default()),
            Format::Table | Format::Name => {}
        }
        ExitCode::from(failure.exit.code())
    })
}

/// What the parser says of a command line, with the next command as everywhere.
fn misspelt(error: &clap::Error, arguments: impl Iterator<Item = String>) -> String {
    let said = error.render().ansi().to_string();
    let said = said.split("For more information").next().unwrap_or_default().trim_end();
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return format!("{said}\n");
    }
    let mut command = &command();
    let mut words = vec!["platform".to_owned()];
    for word in arguments.filter(|it| !it.starts_with('-')) {
        let Some(found) = command.find_subcommand(&word) else { break };
        command = found;
        words.push(word);
    }
    format!("{said}\n{}", hint_text(&format!("{} --help", words.join(" "))))
}

/// What a command gets.
struct Context {
    host: Arc<dyn PlatformHost>,
    global: Global,
    progress: Arc<dyn Progress>,
    interactive: bool,
}

impl Context {
    async fn session(&self) -> Result<Session, Failure> {
        let folder = std::env::current_dir().map_err(Failure::io("find the current folder"))?;
        let home = Home::from_environment()?;
        let mut session = Session::open(home, &self.global.session(), folder, Arc::clone(&self.progress)).await?;
        session.interactive = self.interactive;
        session.verbose = self.global.verbose;
        Ok(session)
    }

    fn show(&self, report: &impl Report) -> Result<ExitCode, Failure> {
        self.progress.end();
        print(&render(report, self.global.output)?);
        Ok(ExitCode::from(report.exit().code()))
    }
}

async fn execute(host: Arc<dyn PlatformHost>, cli: Cli) -> Result<ExitCode, Failure> {
    let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let context = Context { host, global: cli.global, progress: Shown::on_stderr(), interactive };
    let done = match cli.command {
        Command::Up(_)
        | Command::Down(_)
        | Command::Tour(_)
        | Command::Doctor
        | Command::Kubeconfig(_)
        | Command::Completions { .. }
        | Command::Version
        | Command::GitCredential(_)
        | Command::Pipeline(PipelineCommand::Lint(_) | PipelineCommand::Run(_))
        | Command::Template(TemplateCommand::Lint(_) | TemplateCommand::Test(_) | TemplateCommand::Render(_))
        | Command::Access(_) => Box::pin(machine(&context, cli.command)).await,
        #[cfg(target_os = "linux")]
        Command::Base(it) => Box::pin(base_command(&context, it)).await,
        other => Box::pin(service(&context, other)).await,
    };
    context.progress.end();
    done
}

/// Commands about this machine: they do not need a platform that runs.
async fn machine(context: &Context, command: Command) -> Result<ExitCode, Failure> {
    let world = World::system();
    let home = Home::from_environment;
    match command {
        Command::Up(up) if up.foreground => serve(context, &up).await,
        Command::Up(it) => context.show(&up::up(&home()?, &it, &world, context.progress.as_ref()).await?),
        Command::Down(it) => {
            let progress = context.progress.as_ref();
            let remove = |folder: &Path| context.host.remove(folder);
            let done = commands::down::down(&home()?, &it, context.interactive, &world, progress, &remove).await?;
            context.show(&done)
        }
        Command::Tour(tour) => {
            let options = TourOptions { keep: tour.keep, output: context.global.output };
            context.host.tour(options).await.map_err(of_host)
        }
        Command::Doctor => context.show(&commands::doctor::doctor(&home()?, &context.host.machine()).await),
        Command::Kubeconfig(it) => kubeconfig_command(context, &it),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut crate::arguments::command(), "platform", &mut text);
            print(&String::from_utf8_lossy(&text));
            Ok(ExitCode::SUCCESS)
        }
        Command::Pipeline(PipelineCommand::Lint(it)) => context.show(&pipeline::lint(&it, &here()?)?),
        Command::Pipeline(PipelineCommand::Run(it)) => {
            let ran = pipeline::run(&it, &here()?, &world, context.progress.as_ref(), print_bytes).await?;
            context.show(&ran)
        }
        Command::Template(TemplateCommand::Lint(it)) => context.show(&template::lint(&it)?),
        Command::Template(TemplateCommand::Test(it)) => context.show(&template::test(&it)?),
        Command::Template(TemplateCommand::Render(it)) => {
            context.show(&template::render(&it, context.global.project.as_deref())?)
        }
        Command::GitCredential(it) => {
            print(&commands::git_credential::git_credential(&it)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Access(_) => Err(not_yet("platform access", "access requests")),
        _ => context.show(&commands::version::version(home().ok().as_ref())),
    }
}

/// Commands about services: they speak with a platform.
async fn service(context: &Context, command: Command) -> Result<ExitCode, Failure> {
    let session = context.session().await?;
    session.while_it_lives(Box::pin(speak(context, &session, command))).await
}

async fn speak(context: &Context, session: &Session, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Whoami => context.show(&commands::whoami::whoami(session).await?),
        Command::CreateService(it) => context.show(&commands::create_service::create_service(session, &it).await?),
        Command::Deploy(it) => context.show(&commands::deploy::deploy(session, &it).await?),
        Command::Promote(it) => context.show(&commands::promote::promote(session, &it).await?),
        Command::Rollback(it) => context.show(&commands::rollback::rollback(session, &it).await?),
        Command::Status(it) => context.show(&commands::status::status(session, &it).await?),
        Command::Why(it) => context.show(&commands::why::why(session, &it).await?),
        Command::Scale(it) => context.show(&commands::scale::scale(session, &it).await?),
        Command::Restart(it) => context.show(&commands::restart::restart(session, &it).await?),
        Command::Exec(it) => Ok(ExitCode::from(commands::exec::exec(session, &it).await?)),
        Command::PortForward(it) => {
            commands::port_forward::port_forward(session, &it, print).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::History(it) => context.show(&commands::history::history(session, &it).await?),
        Command::Open(it) => context.show(&commands::open::open(session, &it).await?),
        Command::Get(it) => context.show(&commands::get::get(session, &it).await?),
        Command::Delete(it) => context.show(&commands::delete::delete(session, &it).await?),
        Command::Release(release::ReleaseCommand::List(it)) => context.show(&release::list(session, &it).await?),
        Command::Release(release::ReleaseCommand::Show(it)) => context.show(&release::show(session, &it).await?),
        Command::Release(release::ReleaseCommand::Create(it)) => context.show(&release::create(session, &it).await?),
        Command::Db(it) => db_command(context, session, it).await,
        Command::Resource(it) => resource_command(context, session, it).await,
        Command::Pipeline(it) => pipeline_command(context, session, it).await,
        Command::Repo(RepoCommand::List) => context.show(&repo::list(session).await?),
        Command::Repo(RepoCommand::Show(it)) => context.show(&repo::show(session, &it).await?),
        Command::Repo(RepoCommand::Clone(it)) => context.show(&repo::clone(session, &it).await?),
        Command::Template(TemplateCommand::List) => context.show(&template::list(session).await?),
        Command::Template(TemplateCommand::Show(it)) => context.show(&template::show(session, &it).await?),
        Command::Ledger(ledger::LedgerCommand::Verify) => context.show(&ledger::verify(session).await?),
        Command::Ledger(ledger::LedgerCommand::Show(it)) => context.show(&ledger::show(session, &it).await?),
        Command::Ledger(ledger::LedgerCommand::Export) => {
            print(&ledger::export(session).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Logs(it) => {
            logs::logs(session, &it, |line, several| print(&logs::shown(line, several))).await?;
            Ok(ExitCode::SUCCESS)
        }
        // The rest was done without a session.
        _ => Ok(ExitCode::SUCCESS),
    }
}

async fn db_command(context: &Context, session: &Session, command: DbCommand) -> Result<ExitCode, Failure> {
    match command {
        DbCommand::Shell(it) => Ok(ExitCode::from(db::shell(session, &it).await?)),
        DbCommand::Migrate(it) => context.show(&db::migrate(session, &it).await?),
        DbCommand::Backup(it) => context.show(&db::backup(session, &it).await?),
        DbCommand::Backups(it) => context.show(&db::backups(session, &it).await?),
        DbCommand::Restore(it) => context.show(&db::restore(session, &it).await?),
    }
}

async fn resource_command(context: &Context, session: &Session, command: ResourceCommand) -> Result<ExitCode, Failure> {
    match command {
        ResourceCommand::List(it) => context.show(&resource::list(session, &it).await?),
        ResourceCommand::Show(it) => context.show(&resource::show(session, &it).await?),
        ResourceCommand::Add(it) => context.show(&resource::add(session, &it).await?),
        ResourceCommand::Connect(it) => Ok(ExitCode::from(resource::connect(session, &it, print).await?)),
        ResourceCommand::Rotate(it) => context.show(&resource::rotate(session, &it).await?),
        ResourceCommand::Remove(it) => context.show(&resource::remove(session, &it).await?),
    }
}

async fn pipeline_command(context: &Context, session: &Session, command: PipelineCommand) -> Result<ExitCode, Failure> {
    match command {
        PipelineCommand::Runs(it) => context.show(&pipeline::list(session, &it).await?),
        PipelineCommand::Rerun(it) => context.show(&pipeline::rerun(session, &it).await?),
        PipelineCommand::Cancel(it) => context.show(&pipeline::cancel(session, &it).await?),
        PipelineCommand::Logs(it) => {
            pipeline::logs(session, &it, print).await?;
            Ok(ExitCode::SUCCESS)
        }
        // The rest was done without a session.
        PipelineCommand::Lint(_) | PipelineCommand::Run(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Base images are files: no platform needs to run.
#[cfg(target_os = "linux")]
async fn base_command(context: &Context, command: base::BaseCommand) -> Result<ExitCode, Failure> {
    let (home, world) = (Home::from_environment()?, World::system());
    let room = base::Room { home: &home, world: &world, progress: &context.progress };
    match command {
        base::BaseCommand::List => context.show(&base::list(&room)?),
        base::BaseCommand::Resolve(it) => context.show(&base::resolve(&room, &it).await?),
        base::BaseCommand::Build(it) => context.show(&base::build(&room, &it).await?),
        base::BaseCommand::Verify(it) => context.show(&base::verify(&room, &it).await?),
        base::BaseCommand::Diff(it) => context.show(&base::diff(&room, &it).await?),
        base::BaseCommand::Sbom(it) => {
            print(&base::sbom(&room, &it)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The current folder.
fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(Failure::io("find the current folder"))
}

async fn serve(context: &Context, up: &up::Up) -> Result<ExitCode, Failure> {
    #[cfg(unix)]
    if up.detached {
        // A process that already leads a group cannot, and need not.
        let _ = rustix::process::setsid();
    }
    let home = Home::from_environment()?.root().to_owned();
    let keep_packages = up.keep_packages;
    let options = ServeOptions { home, api_port: up.port, gateway_port: up.gateway_port, keep_packages };
    context.host.serve(options).await.map_err(of_host)?;
    Ok(ExitCode::SUCCESS)
}

fn kubeconfig_command(context: &Context, it: &kubeconfig::KubeconfigArgs) -> Result<ExitCode, Failure> {
    let home = Home::from_environment()?;
    if it.write {
        let path = kubeconfig::write(&home)?;
        context.progress.note(&format!("{} has a context \"fairway\" now, and it is the current one", path.display()));
    } else if context.global.output == Format::Json {
        print(&format!("{:#}\n", kubeconfig::kubeconfig(&home)?));
    } else {
        print(&to_yaml(&kubeconfig::kubeconfig(&home)?)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// The host's own failures keep their code; others are told with all their causes.
fn of_host(error: anyhow::Error) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::failed(format!("{error:#}")),
    }
}

fn not_yet(what: &str, arrives: &str) -> Failure {
    Failure::usage(format!("{what} is not there yet: it arrives with {arrives}")).hint("platform --help lists what is")
}

#[cfg(test)]
mod tests;
