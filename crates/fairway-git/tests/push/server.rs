//! A host behind a plain HTTP server, and people with git.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fairway_git::rules::Limits;
use fairway_git::{Call, Caller, Commit, Forge as _, Host, Mode, Push, RefusedPush, Witness};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{Place, file, initial, orders};

/// Groups of everybody who pushes here.
pub(crate) const GROUPS: [&str; 2] = ["makers of: things", "system:authenticated"];

/// What the platform would know.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) revoked: AtomicBool,
    pub(crate) unwritable: AtomicBool,
    pub(crate) pushes: Mutex<Vec<Push>>,
    pub(crate) refused: Mutex<Vec<RefusedPush>>,
}

#[async_trait]
impl Witness for Record {
    fn may_go_on(&self) -> bool {
        !self.revoked.load(Ordering::SeqCst)
    }

    async fn record(&self, push: &Push) -> Result<(), String> {
        if self.unwritable.load(Ordering::SeqCst) {
            return Err("the ledger is full".to_owned());
        }
        self.pushes.lock().expect("a list").push(push.clone());
        Ok(())
    }

    async fn record_refused(&self, refused: &RefusedPush) -> Result<(), String> {
        self.refused.lock().expect("a list").push(refused.clone());
        Ok(())
    }
}

/// A host that is served, with one repository.
pub(crate) struct Served {
    pub(crate) place: Place,
    pub(crate) record: Arc<Record>,
    pub(crate) first: Commit,
    pub(crate) port: u16,
    _server: JoinSet<()>,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let place = Place::with(limits).await;
        Self::around(place).await
    }

    pub(crate) async fn around(place: Place) -> Self {
        let files =
            vec![file("README.md", Mode::File, "# Orders\n"), file("src/main.rs", Mode::File, "fn main() {}\n")];
        let first = place.host.create(&orders(), &initial(files)).await.expect("it is made");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let record = Arc::new(Record::default());
        let mut server = JoinSet::new();
        server.spawn(accept(listener, place.host.clone(), Arc::clone(&record)));
        Self { place, record, first, port, _server: server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/git/shop/orders.git", self.port)
    }

    pub(crate) fn recorded(&self) -> Vec<Push> {
        self.record.pushes.lock().expect("a list").clone()
    }

    /// Why pushes were refused, and takes that off the record.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.record.refused.lock().expect("a list").drain(..).map(|it| it.why).collect()
    }

    /// Where `main` is.
    pub(crate) async fn main(&self) -> Commit {
        self.place.host.refs(&orders()).await.expect("refs")["refs/heads/main"].commit.clone()
    }

    /// A clone of somebody's own.
    pub(crate) async fn clone_as(&self, name: &str) -> Person {
        let folder = self.place.folder.path().join(name);
        let person = Person { folder: self.place.folder.path().to_owned() };
        person.ok(&["clone", "--quiet", &self.url(), name]).await;
        Person { folder }
    }

    /// The repository is sound, and nothing half done lies in it.
    pub(crate) fn is_sound(&self) {
        self.place.git(&orders(), &["fsck", "--strict", "--full"]);
        let left = Command::new("find")
            .arg(self.place.bare(&orders()))
            .args(["-name", "*.lock", "-not", "-name", "fairway.lock", "-o", "-name", "tmp_*"])
            .output()
            .expect("find runs");
        assert_eq!(String::from_utf8_lossy(&left.stdout), "", "something half done stays");
    }
}

async fn accept(listener: TcpListener, host: Host, record: Arc<Record>) {
    let mut connections = JoinSet::new();
    let count = Arc::new(AtomicU64::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let (host, record, count) = (host.clone(), Arc::clone(&record), Arc::clone(&count));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (host, witness) = (host.clone(), Arc::clone(&record) as Arc<dyn Witness>);
            let cause = format!("{:032x}", count.fetch_add(1, Ordering::SeqCst));
            async move {
                let uri = request.uri().clone();
                let path = uri.path().strip_prefix("/git/").unwrap_or_default();
                let answer = match Call::parse(request.method(), path, uri.query().unwrap_or_default()) {
                    Ok(call) => {
                        host.serve(
                            &call,
                            request,
                            Caller {
                                user: "local:1000".to_owned(),
                                groups: GROUPS.map(str::to_owned).into(),
                                cause,
                                witness,
                            },
                        )
                        .await
                    }
                    Err(refusal) => *refusal,
                };
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        connections.spawn(async move {
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Somebody with git and a folder.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) folder: PathBuf,
}

impl Person {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY").env_remove("http_proxy");
        for part in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
        }
        command
    }

    /// Runs git on a thread that may wait.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().expect("git runs")).await.expect("git ends")
    }

    pub(crate) async fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let said = said(&output);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs git, which must fail, and gives what it said.
    pub(crate) async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(!output.status.success(), "git {arguments:?} succeeded");
        said(&output)
    }

    /// Commits a file.
    pub(crate) async fn commit(&self, path: &str, bytes: &[u8]) -> String {
        let at = self.folder.join(path);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
        std::fs::write(at, bytes).expect("a file");
        self.ok(&["add", "--all"]).await;
        self.ok(&["commit", "--quiet", "-m", &format!("Change {path}")]).await;
        self.ok(&["rev-parse", "HEAD"]).await
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
