//! Connections to hosts outside: directly, to addresses that were checked, or through the proxy.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::addresses::{Exceptions, InvalidException, why_not};
use crate::proxies::{InvalidProxy, Proxies, Proxy};

/// How long a name may take to be resolved: less than a stub resolver waits for us.
const RESOLVE: Duration = Duration::from_secs(4);
/// How long each address may take to answer.
const CONNECT: Duration = Duration::from_secs(3);
/// How long the proxy may take to open a way.
const PROXY: Duration = Duration::from_secs(10);
/// Addresses of one host that are tried.
const ATTEMPTS: usize = 4;
/// Names that are resolved at a time: each takes a thread, for as long as the machine's resolver likes.
const LOOKUPS: usize = 32;
/// The longest answer of a proxy to `CONNECT`.
const PROXY_ANSWER: usize = 8 * 1024;
/// The variable that lists [`Exceptions`].
const EXCEPTIONS: &str = "FAIRWAY_EGRESS_EXCEPTIONS";

/// The way out of this machine. Clones are the same.
#[derive(Debug, Clone)]
pub struct Outside(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    proxies: Proxies,
    exceptions: Exceptions,
    lookups: Arc<Semaphore>,
}

/// How a host is reached.
#[derive(Debug, Clone)]
pub enum Route {
    /// At one of these addresses, all of them checked.
    Direct(Vec<SocketAddr>),
    /// Through a proxy, which resolves the name and decides what is outside.
    Proxy {
        /// The proxy.
        proxy: Proxy,
        /// The host that it is asked for.
        host: String,
        /// The host's port.
        port: u16,
    },
}

/// Settings that cannot be read.
#[derive(Debug, Error)]
pub enum ReadOutside {
    /// The proxy's.
    #[error("use the proxy that is set")]
    Proxy(#[source] InvalidProxy),
    /// The exceptions.
    #[error("read {EXCEPTIONS}")]
    Exceptions(#[source] InvalidException),
}

/// Why a host outside is not reached.
#[derive(Debug, Error)]
pub enum ReachOutside {
    /// The proxy that is set cannot be used.
    #[error(transparent)]
    Proxy(#[from] InvalidProxy),
    /// Its name has no address that this machine can find.
    #[error("resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the machine says.
        source: io::Error,
    },
    /// Nobody answers the question for its name.
    #[error("{host} was not resolved within {} s", RESOLVE.as_secs())]
    ResolveSlowly {
        /// The name.
        host: String,
    },
    /// It is not outside.
    #[error("{host} leads to {address}, which is {why} and not dialled from here")]
    Inside {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        why: &'static str,
    },
    /// It does not take the connection.
    #[error("connect to {target}")]
    Connect {
        /// The address that was tried last.
        target: SocketAddr,
        /// What the machine says.
        source: io::Error,
    },
    /// The proxy cannot be asked.
    #[error("ask the proxy {proxy}")]
    AskProxy {
        /// The proxy.
        proxy: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The proxy says no.
    #[error("the proxy {proxy} answered {status} to CONNECT {host}:{port}")]
    RefusedByProxy {
        /// The proxy.
        proxy: String,
        /// Its status code.
        status: u16,
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Outside {
    /// This way out.
    pub fn new(proxies: Proxies, exceptions: Exceptions) -> Self {
        Self(Arc::new(Parts { proxies, exceptions, lookups: Arc::new(Semaphore::new(LOOKUPS)) }))
    }

    /// No proxy and no exceptions.
    pub fn direct() -> Self {
        Self::new(Proxies::none(), Exceptions::default())
    }

    /// For hosts that were named by whoever uses it, and may be anywhere: nothing is checked.
    pub fn anywhere(proxies: Proxies) -> Self {
        Self::new(proxies, Exceptions::everything())
    }

    /// Reads the proxy's variables and `FAIRWAY_EGRESS_EXCEPTIONS`. What cannot be read is told and opens nothing: without
    /// its proxy no host is reached, and exceptions that are wrong are none.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<ReadOutside>) {
        let mut wrong = Vec::new();
        let exceptions = Exceptions::parse(&variable(EXCEPTIONS).unwrap_or_default()).unwrap_or_else(|why| {
            wrong.push(ReadOutside::Exceptions(why));
            Exceptions::default()
        });
        let proxies = Proxies::read(variable);
        wrong.extend(proxies.proxy().err().map(ReadOutside::Proxy));
        (Self::new(proxies, exceptions), wrong)
    }

    /// The proxies it knows.
    pub fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    /// Finds the way to a host. Without a proxy its name is resolved, and of its addresses only those are kept that are
    /// outside: those very addresses are dialled, so a name that changes in between changes nothing.
    pub async fn route(&self, host: &str, port: u16) -> Result<Route, ReachOutside> {
        let literal = host.parse::<IpAddr>().ok();
        if let Some(proxy) = self.0.proxies.of(host, port)? {
            if let Some(address) = literal {
                self.check(host, SocketAddr::new(address, port))?;
            }
            return Ok(Route::Proxy { proxy: proxy.clone(), host: host.to_owned(), port });
        }
        let found = match literal {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => resolve(host, port, &self.0.lookups).await?,
        };
        let mut refused = None;
        let checked = found.into_iter().filter(|it| self.check(host, *it).map_err(|why| refused = Some(why)).is_ok());
        let targets = in_turn(checked.collect());
        match refused {
            Some(why) if targets.is_empty() => Err(why),
            _ => Ok(Route::Direct(targets)),
        }
    }

    /// A connection to a host.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ReachOutside> {
        self.connect_by(&self.route(host, port).await?).await
    }

    /// A connection by a way that was found.
    pub async fn connect_by(&self, route: &Route) -> Result<TcpStream, ReachOutside> {
        match route {
            Route::Direct(targets) => connect(targets).await,
            Route::Proxy { proxy, host, port } => {
                let failed = |source| ReachOutside::AskProxy { proxy: proxy.to_string(), source };
                // The proxy was named by whoever runs this machine: it may be anywhere.
                let targets = resolve(proxy.host(), proxy.port(), &self.0.lookups).await?;
                let mut stream = connect(&in_turn(targets)).await?;
                let slow = || io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
                let asked = timeout(PROXY, ask(&mut stream, &proxy.connect_request(host, *port))).await;
                match asked.unwrap_or_else(|_| Err(slow())).map_err(failed)? {
                    200..300 => Ok(stream),
                    status => {
                        let (proxy, host) = (proxy.to_string(), host.clone());
                        Err(ReachOutside::RefusedByProxy { proxy, status, host, port: *port })
                    }
                }
            }
        }
    }

    fn check(&self, host: &str, target: SocketAddr) -> Result<(), ReachOutside> {
        let inside = |why| ReachOutside::Inside { host: host.to_owned(), address: target.ip(), why };
        why_not(target, &self.0.exceptions).map_or(Ok(()), |why| Err(inside(why)))
    }
}

/// The addresses of a name, by the machine's own resolver (its hosts file, its DNS, whatever else it is set to).
async fn resolve(host: &str, port: u16, lookups: &Arc<Semaphore>) -> Result<Vec<SocketAddr>, ReachOutside> {
    let failed = |source| ReachOutside::Resolve { host: host.to_owned(), source };
    let (lookups, name) = (Arc::clone(lookups), host.to_owned());
    let looked_up = async move {
        let place = lookups.acquire_owned().await.map_err(io::Error::other)?;
        let found = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
            // Kept until the thread is free again, also when nobody waits for it any more.
            drop(place);
            found
        });
        found.await.map_err(io::Error::other)?
    };
    let slow = |_| ReachOutside::ResolveSlowly { host: host.to_owned() };
    let found = timeout(RESOLVE, looked_up).await.map_err(slow)?.map_err(failed)?;
    if found.is_empty() { Err(failed(io::Error::new(io::ErrorKind::NotFound, "no address"))) } else { Ok(found) }
}

/// Both families by turns: where one leads nowhere, the other is not far.
fn in_turn(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut four, mut six): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
    let mut targets = Vec::new();
    four.reverse();
    six.reverse();
    while let Some(next) = six.pop().into_iter().chain(four.pop()).collect::<Vec<_>>().as_slice().split_first() {
        targets.push(*next.0);
        targets.extend(next.1);
    }
    targets
}

async fn connect(targets: &[SocketAddr]) -> Result<TcpStream, ReachOutside> {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let mut last = ReachOutside::Connect { target: nowhere, source: io::ErrorKind::AddrNotAvailable.into() };
    for target in targets.iter().take(ATTEMPTS) {
        let slow =
            |_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", CONNECT.as_secs())));
        match timeout(CONNECT, TcpStream::connect(target)).await.unwrap_or_else(slow) {
            Ok(stream) => return Ok(stream),
            Err(source) => last = ReachOutside::Connect { target: *target, source },
        }
    }
    Err(last)
}

/// Sends a request and reads the head of its answer, not a byte more: what follows belongs to the host behind. The status.
async fn ask(stream: &mut TcpStream, request: &str) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.peek(&mut buffer).await?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"));
        }
        let before = head.len();
        head.extend(&buffer[..count]);
        let end = head.windows(4).position(|it| it == b"\r\n\r\n").map(|it| it + 4);
        head.truncate(end.unwrap_or(head.len()));
        let taken = head.len() - before;
        stream.read_exact(&mut buffer[..taken]).await?;
        if end.is_some() {
            return status(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it does not speak HTTP"));
        }
        if head.len() > PROXY_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its answer has no end"));
        }
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
