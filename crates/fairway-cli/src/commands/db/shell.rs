//! `db shell`: what the class of a database is spoken with through, inside its server, with the rights of a workload.

use std::io::IsTerminal as _;

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use super::WhichDatabase;
use super::choose::{Ability, find};
use crate::commands::exec::{Process, attach};
use crate::failure::Failure;
use crate::inside::server;
use crate::session::Session;

/// Speak with a database
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Shell {
    /// Which database.
    #[command(flatten)]
    pub database: WhichDatabase,
    /// What its program is told, after --, like -c 'select 1'
    #[arg(last = true, value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
}

/// Runs it; gives its exit code. With a terminal where there is one, else it reads what is piped in.
pub async fn shell(session: &Session, shell: &Shell) -> Result<u8, Failure> {
    let ability = Ability { what: "shell", has: |class| !class.shell.is_empty() };
    let database = find(session, &shell.database, ability).await?;
    let api: Api<Pod> = Api::namespaced(session.client.clone(), &database.place.namespace());
    let pod = server(&api, &database.name(), &database.environment()).await?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let command = database.class.shell.iter().chain(&shell.arguments).cloned().collect();
    attach(session, &api, &pod, Process { container: None, command, stdin: true, tty: terminal }).await
}
