//! `port-forward`: ports of this machine that lead into an instance of a service.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::inside::{Whose, instance, server};
use crate::place::named;
use crate::session::Session;

/// Let ports of this machine lead into an instance of a service
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct PortForward {
    /// The service, and ports as LOCAL:REMOTE or one number for both; 0 as LOCAL picks one
    #[arg(required = true, value_name = "[SERVICE] PORT")]
    pub words: Vec<String>,
    /// The service, spelled as an option
    #[arg(long = "service", value_name = "SERVICE")]
    pub service: Option<String>,
    /// Which instance.
    #[command(flatten)]
    pub whose: Whose,
}

/// A port here and the one that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    local: u16,
    remote: u16,
}

/// Forwards until it is interrupted. Each connection goes to an instance that runs then.
pub async fn port_forward(session: &Session, forward: &PortForward, mut show: impl FnMut(&str)) -> Result<(), Failure> {
    let (service, pairs) = forward.read()?;
    // What is wrong is said before anything listens.
    let found = instance(session, service.as_deref(), &forward.whose).await?;
    let mut listening = JoinSet::new();
    for pair in pairs {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pair.local));
        let listener = TcpListener::bind(address).await.map_err(taken(pair))?;
        let address = listener.local_addr().map_err(taken(pair))?;
        show(&format!("{address} leads to port {} of {} in {}\n", pair.remote, found.pod, found.environment));
        let target = Target::Service(service.clone(), forward.whose.clone());
        listening.spawn(accept(session.clone(), target, pair.remote, listener));
    }
    while listening.join_next().await.is_some() {}
    Ok(())
}

fn taken(pair: Pair) -> impl Fn(io::Error) -> Failure {
    move |error| {
        let what = format!("cannot listen on port {} of this machine: {error}", pair.local);
        Failure::failed(what).hint(format!("another port, like 0:{}, picks one that is free", pair.remote))
    }
}

impl PortForward {
    fn read(&self) -> Result<(Option<String>, Vec<Pair>), Failure> {
        let first = self.words.first().filter(|it| !it.starts_with(|it: char| it.is_ascii_digit() || it == ':'));
        let service = named(first.map(String::as_str), self.service.as_deref())?.map(str::to_owned);
        let pairs = self.words.iter().skip(usize::from(first.is_some())).map(|it| pair(it));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        if pairs.is_empty() {
            return Err(Failure::usage("no port is named").hint("name one after the service, like 5432 or 15432:5432"));
        }
        Ok((service, pairs))
    }
}

fn pair(word: &str) -> Result<Pair, Failure> {
    let (local, remote) = word.split_once(':').unwrap_or((word, word));
    let remote = remote.parse().ok().filter(|it| *it > 0);
    let local = if local.is_empty() { Some(0) } else { local.parse().ok() };
    let wrong =
        || Failure::usage(format!("{word:?} is no port")).hint("ports are LOCAL:REMOTE or one number, like 15432:5432");
    let (local, remote) = local.zip(remote).ok_or_else(wrong)?;
    Ok(Pair { local, remote })
}

/// Where a port leads.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Into an instance of a service.
    Service(Option<String>, Whose),
    /// Into the server of a resource in an environment.
    Resource { namespace: String, name: String, environment: String },
}

impl Target {
    async fn pod(&self, session: &Session) -> Result<(Api<Pod>, String), Failure> {
        match self {
            Self::Service(service, whose) => {
                let found = instance(session, service.as_deref(), whose).await?;
                Ok((found.api, found.pod))
            }
            Self::Resource { namespace, name, environment } => {
                let api: Api<Pod> = Api::namespaced(session.client.clone(), namespace);
                let pod = server(&api, name, environment).await?;
                Ok((api, pod))
            }
        }
    }
}

/// Lets every connection to a listener lead to a port there.
pub(crate) async fn accept(session: Session, target: Target, port: u16, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files are open: some will be closed.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let (session, target) = (session.clone(), target.clone());
        connections.spawn(async move {
            if let Err(failure) = connect(&session, &target, port, stream).await {
                session.progress.note(&format!("a connection to port {port} failed: {failure}"));
            }
        });
    }
}

async fn connect(session: &Session, target: &Target, port: u16, mut stream: TcpStream) -> Result<(), Failure> {
    let (api, pod) = target.pod(session).await?;
    let opened = api.portforward(&pod, &[port]).await;
    let mut forwarder = opened.map_err(Failure::api(format!("connect to port {port} of {pod}")))?;
    let Some(mut inside) = forwarder.take_stream(port) else { return Ok(()) };
    let error = forwarder.take_error(port);
    let refused = async move {
        match error {
            Some(error) => match error.await {
                Some(why) => why,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        why = refused => Err(Failure::failed(why)),
        // Its end, in order or not, is told by its own ends.
        _ = copy_bidirectional(&mut stream, &mut inside) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
