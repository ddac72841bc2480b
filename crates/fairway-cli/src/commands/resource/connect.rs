//! `resource connect`: a port of this machine that leads to the server of a resource, and what to say there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;

use clap::Args;
use fairway_plan::resource::connection_secret;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use tokio::net::TcpListener;

use super::{WhichResource, find};
use crate::commands::port_forward::{Target, accept};
use crate::failure::Failure;
use crate::inside::server;
use crate::session::Session;

/// Reach a resource from this machine
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Connect {
    /// Which resource.
    #[command(flatten)]
    pub which: WhichResource,
    /// The port of this machine; without it one that is free
    #[arg(long, value_name = "PORT", default_value_t)]
    pub port: u16,
    /// Show the password as well
    #[arg(long)]
    pub show_password: bool,
    /// Run this, after --, with the variables that a service gets, and end with it
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// What a service is told, as it is from here.
struct Told {
    values: BTreeMap<String, String>,
    /// The port that the server listens on.
    remote: u16,
}

/// Leads there until it is interrupted, or until the command ends: then its exit code is given.
pub async fn connect(session: &Session, connect: &Connect, mut show: impl FnMut(&str)) -> Result<u8, Failure> {
    let (place, found) = find(session, &connect.which).await?;
    let (name, environment) = (connect.which.name.clone(), place.environment.to_string());
    let namespace = place.namespace();
    let secrets: Api<Secret> = Api::namespaced(session.client.clone(), &namespace);
    let secret = secrets.get_opt(&connection_secret(&name)).await;
    let secret = secret.map_err(Failure::api(format!("read how {name} is reached")))?;
    let never = || {
        Failure::not_ready(format!("{name} was never ready, so nobody can reach it"))
            .hint(format!("platform resource show {name} --env={environment}"))
    };
    let secret = secret.ok_or_else(never)?;
    let values = secret.data.into_iter().flatten();
    let values = values.map(|(key, it)| (key, String::from_utf8_lossy(&it.0).into_owned())).collect();
    // What is wrong is said before anything listens.
    let api: Api<Pod> = Api::namespaced(session.client.clone(), &namespace);
    let _runs = server(&api, &name, &environment).await?;
    let taken = |error: std::io::Error| {
        Failure::failed(format!("cannot listen on port {} of this machine: {error}", connect.port))
            .hint("without --port one that is free is taken")
    };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, connect.port))).await.map_err(taken)?;
    let local = listener.local_addr().map_err(taken)?;
    let told = from_here(values, local).ok_or_else(|| {
        Failure::refused(format!("{name} does not tell on which host and port it is, so no port can lead there"))
    })?;
    let target = Target::Resource { namespace, name: name.clone(), environment: environment.clone() };
    let leading = accept(session.clone(), target, told.remote, listener);
    if connect.command.is_empty() {
        show(&shown(&told.values, &name, &environment, local, connect.show_password));
        leading.await;
        return Ok(0);
    }
    let need = need(&name, found.spec.component_name.as_deref());
    let variables = variables(&need, &told.values);
    tokio::select! {
        () = leading => Ok(0),
        ended = run(&connect.command, &variables) => ended,
    }
}

/// The same values with this machine's address in the place of the server's.
fn from_here(values: BTreeMap<String, String>, local: SocketAddr) -> Option<Told> {
    let (host, port) = (values.get("host")?.clone(), values.get("port")?.clone());
    let remote = port.parse().ok()?;
    let (there, here) = (format!("@{host}:{port}"), format!("@{local}"));
    let change = |(key, value): (String, String)| {
        let value = match key.as_str() {
            "host" => local.ip().to_string(),
            "port" => local.port().to_string(),
            _ => value.replace(&there, &here),
        };
        (key, value)
    };
    Some(Told { values: values.into_iter().map(change).collect(), remote })
}

/// What the service calls it.
fn need(name: &str, component: Option<&str>) -> String {
    let own = component.and_then(|it| name.strip_prefix(it)?.strip_prefix('-'));
    own.unwrap_or(name).to_owned()
}

/// The variables that `resource add` names: `DB_URL`, `DB_HOST`.
fn variables(need: &str, values: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let variable = |key: &str| format!("{need}_{key}").replace('-', "_").to_uppercase();
    values.iter().map(|(key, value)| (variable(key), value.clone())).collect()
}

fn shown(
    values: &BTreeMap<String, String>,
    name: &str,
    environment: &str,
    local: SocketAddr,
    with_password: bool,
) -> String {
    let value = |key: &str| values.get(key).map(String::as_str).unwrap_or_default();
    let password = value("password");
    let mut lines = vec![format!("{local} leads to {name} in {environment}, until Ctrl-C")];
    if let Some(url) = values.get("url") {
        let hidden = if password.is_empty() { url.clone() } else { url.replace(&format!(":{password}@"), "@") };
        lines.push(format!("url       {}", if with_password { url } else { &hidden }));
    }
    if !value("username").is_empty() {
        lines.push(format!("username  {}", value("username")));
    }
    lines.push(if with_password {
        format!("password  {password}")
    } else {
        "password  is not shown; --show-password shows it, and -- COMMAND gets it as a variable".to_owned()
    });
    lines.join("\n") + "\n"
}

async fn run(command: &[String], variables: &[(String, String)]) -> Result<u8, Failure> {
    let mut process = tokio::process::Command::new(&command[0]);
    process.args(&command[1..]).envs(variables.iter().cloned()).kill_on_drop(true);
    let ended = process.status().await.map_err(Failure::io(format!("run {}", command[0])))?;
    Ok(code(ended))
}

fn code(ended: ExitStatus) -> u8 {
    ended.code().and_then(|it| u8::try_from(it & 0xff).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests;
