//! Probes: is a container started, ready, alive?
//!
//! Until the first success a startup or readiness probe is asked more often than its period says, so that a container is
//! known to be ready soon after it is; failures count only once in each period, as the period promises.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::PodSockets as _;
use crate::runner::Pod;

/// The first pause between two tries before the first success; doubled each time, up to the period.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Commands cost more than connections.
const FIRST_EXEC_PAUSE: Duration = Duration::from_millis(50);
/// How much of an answer is read.
const ANSWER: usize = 1024;

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Startup,
    Readiness,
    Liveness,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness => "Readiness",
            Self::Liveness => "Liveness",
        }
    }
}

/// What a probe says.
#[derive(Debug)]
pub(crate) enum Said {
    /// Enough successes in a row.
    Yes,
    /// Enough failures in a row.
    No,
    /// One failure, with what was seen: for people.
    Failed(String),
}

/// A probe's word about one run of a container.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) run: (String, u32),
    pub(crate) kind: Kind,
    pub(crate) said: Said,
}

/// Where probes go.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) pod: Arc<Pod>,
    pub(crate) ip: IpAddr,
    pub(crate) node: IpAddr,
}

/// Runs all probes of one run of a container, until it is dropped or nobody listens.
pub(crate) async fn watch(target: Target, container: Container, attempt: u32, reports: mpsc::Sender<Report>) {
    let course = |kind| Course {
        target: &target,
        container: &container,
        run: (container.name.clone(), attempt),
        kind,
        reports: &reports,
    };
    if let Some(probe) = &container.startup_probe
        && !course(Kind::Startup).until_first_yes(probe).await
    {
        return;
    }
    let (ready, alive) = (course(Kind::Readiness), course(Kind::Liveness));
    let readiness = async {
        if let Some(probe) = &container.readiness_probe {
            ready.for_ever(probe).await;
        }
    };
    let liveness = async {
        if let Some(probe) = &container.liveness_probe {
            alive.for_ever(probe).await;
        }
    };
    tokio::join!(readiness, liveness);
}

struct Course<'a> {
    target: &'a Target,
    container: &'a Container,
    run: (String, u32),
    kind: Kind,
    reports: &'a mpsc::Sender<Report>,
}

impl Course<'_> {
    async fn say(&self, said: Said) -> bool {
        self.reports.send(Report { run: self.run.clone(), kind: self.kind, said }).await.is_ok()
    }

    /// True once the probe said yes; false when it failed for good.
    async fn until_first_yes(&self, probe: &Probe) -> bool {
        let mut count = Count::new(probe, self.kind);
        tokio::time::sleep(seconds(probe.initial_delay_seconds, 0)).await;
        loop {
            match self.once(probe, &mut count).await {
                Some(Said::Yes) => return self.say(Said::Yes).await,
                Some(Said::No) => {
                    self.say(Said::No).await;
                    return false;
                }
                _ => {}
            }
            tokio::time::sleep(count.pause(probe)).await;
        }
    }

    async fn for_ever(&self, probe: &Probe) {
        let mut count = Count::new(probe, self.kind);
        tokio::time::sleep(seconds(probe.initial_delay_seconds, 0)).await;
        loop {
            if let Some(said) = self.once(probe, &mut count).await
                && !self.say(said).await
            {
                return;
            }
            tokio::time::sleep(count.pause(probe)).await;
        }
    }

    /// One try: what follows from it, if anything.
    async fn once(&self, probe: &Probe, count: &mut Count) -> Option<Said> {
        let patience = seconds(probe.timeout_seconds, 1);
        let tried = ask(self.target, self.container, probe, patience);
        let outcome = match tokio::time::timeout(patience + Duration::from_millis(500), tried).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
        };
        match outcome {
            Ok(()) => count.success(probe),
            Err(why) => {
                let (counted, said) = count.failure(probe);
                if counted {
                    self.say(Said::Failed(why)).await;
                }
                said
            }
        }
    }
}

/// Successes and failures in a row.
struct Count {
    successes: i32,
    failures: i32,
    has_succeeded: bool,
    pause: Duration,
    /// Time since a failure was last counted.
    uncounted: Duration,
    last: Option<bool>,
}

impl Count {
    fn new(probe: &Probe, kind: Kind) -> Self {
        let first = if probe.exec.is_some() { FIRST_EXEC_PAUSE } else { FIRST_PAUSE };
        Self {
            successes: 0,
            failures: 0,
            has_succeeded: kind == Kind::Liveness,
            pause: first,
            uncounted: Duration::ZERO,
            last: None,
        }
    }

    fn success(&mut self, probe: &Probe) -> Option<Said> {
        self.has_succeeded = true;
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        let is_news = self.last != Some(true) && self.successes >= probe.success_threshold.unwrap_or(1).max(1);
        is_news.then(|| {
            self.last = Some(true);
            Said::Yes
        })
    }

    /// Whether this failure counts, and what follows.
    fn failure(&mut self, probe: &Probe) -> (bool, Option<Said>) {
        self.successes = 0;
        if !self.has_succeeded && self.uncounted < seconds(probe.period_seconds, 10) {
            return (false, None);
        }
        self.uncounted = Duration::ZERO;
        self.failures = self.failures.saturating_add(1);
        let is_news = self.last != Some(false) && self.failures >= probe.failure_threshold.unwrap_or(3).max(1);
        let said = is_news.then(|| {
            self.last = Some(false);
            Said::No
        });
        (true, said)
    }

    fn pause(&mut self, probe: &Probe) -> Duration {
        let period = seconds(probe.period_seconds, 10);
        if self.has_succeeded {
            return period;
        }
        let pause = self.pause.min(period);
        self.pause = pause.saturating_mul(2).min(Duration::from_millis(250)).min(period);
        self.uncounted += pause;
        pause
    }
}

fn seconds(value: Option<i32>, default: u64) -> Duration {
    Duration::from_secs(value.and_then(|it| u64::try_from(it).ok()).unwrap_or(default))
}

/// Asks once.
pub(crate) async fn ask(
    target: &Target,
    container: &Container,
    probe: &Probe,
    patience: Duration,
) -> Result<(), String> {
    if let Some(exec) = &probe.exec {
        let argv = exec.command.clone().unwrap_or_default();
        return command(target, container, &argv, patience).await;
    }
    let reached = async {
        if let Some(http) = &probe.http_get {
            get(target, container, http).await
        } else if let Some(tcp) = &probe.tcp_socket {
            dial(target, container, tcp.host.as_deref(), &tcp.port).await.map(|_| ())
        } else {
            Ok(())
        }
    };
    let late = |_| Err(format!("no answer within {} s", patience.as_secs()));
    tokio::time::timeout(patience, reached).await.unwrap_or_else(late)
}

/// Runs a command in the container.
pub(crate) async fn command(
    target: &Target,
    container: &Container,
    argv: &[String],
    patience: Duration,
) -> Result<(), String> {
    match target.pod.exec(&container.name, argv, patience).await {
        Ok(result) if result.exit_code == Some(0) => Ok(()),
        Ok(result) if result.exit_code.is_none() => Err(format!("command timed out after {} s", patience.as_secs())),
        Ok(result) => Err(result.output.trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn dial(
    target: &Target,
    container: &Container,
    host: Option<&str>,
    port: &IntOrString,
) -> Result<TcpStream, String> {
    let named = container.ports.iter().flatten();
    let port = match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(text) => text.parse().ok().or_else(|| {
            let found = named.clone().find(|it| it.name.as_deref() == Some(text))?;
            u16::try_from(found.container_port).ok()
        }),
    };
    let port = port.ok_or_else(|| "the port is neither a number nor the name of a port".to_owned())?;
    let ip = match host.filter(|it| !it.is_empty()) {
        Some(host) => host.parse().map_err(|_| format!("host {host:?} is not an address"))?,
        None => target.ip,
    };
    let address = SocketAddr::new(ip, port);
    let failed = |error: std::io::Error| format!("dial tcp {address}: {error}");
    let socket = target.pod.connect(target.node, address).await.map_err(failed)?;
    TcpStream::from_std(socket.into()).map_err(failed)
}

/// An HTTP request as probes make it: any answer from 200 to 399 is good.
pub(crate) async fn get(target: &Target, container: &Container, http: &HTTPGetAction) -> Result<(), String> {
    let mut stream = dial(target, container, http.host.as_deref(), &http.port).await?;
    let request = request(target.ip, http);
    let failed = |error: std::io::Error| format!("Get \"http://{}{}\": {error}", target.ip, path(http));
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::with_capacity(ANSWER);
    while answer.len() < ANSWER && !answer.contains(&b'\n') {
        if stream.read_buf(&mut answer).await.map_err(failed)? == 0 {
            break;
        }
    }
    match code(&answer) {
        Some(200..=399) => Ok(()),
        Some(code) => Err(format!("HTTP probe failed with statuscode: {code}")),
        None => Err("the answer is not HTTP".to_owned()),
    }
}

fn path(http: &HTTPGetAction) -> String {
    let path = http.path.as_deref().unwrap_or("/");
    let clean: String = path.chars().filter(|it| !it.is_control() && *it != ' ').collect();
    if clean.starts_with('/') { clean } else { format!("/{clean}") }
}

fn request(ip: IpAddr, http: &HTTPGetAction) -> String {
    let mut headers = vec![
        ("Host".to_owned(), ip.to_string()),
        ("User-Agent".to_owned(), "kube-probe/1.34".to_owned()),
        ("Accept".to_owned(), "*/*".to_owned()),
        ("Connection".to_owned(), "close".to_owned()),
    ];
    for header in http.http_headers.iter().flatten() {
        // A line break in a header would make two of it.
        if header.name.chars().chain(header.value.chars()).any(char::is_control) {
            continue;
        }
        headers.retain(|it| !it.0.eq_ignore_ascii_case(&header.name));
        headers.push((header.name.clone(), header.value.clone()));
    }
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {} HTTP/1.1\r\n{lines}\r\n", path(http))
}

fn code(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.split(|it| *it == b'\n').next()?).ok()?;
    let mut words = line.split(' ');
    words.next().filter(|it| it.starts_with("HTTP/1."))?;
    words.next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
