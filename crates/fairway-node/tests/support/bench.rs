//! A runner in a folder of its own, an image of one static program, and the check that nothing is left.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "test support: not every test program uses all of it")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use fairway_clock::SystemEntropy;
use fairway_node::machine::UserMode;
use fairway_node::runner::{
    Container, Finished, Footprint, Generation, Limits, LogLimit, LogOptions, LogStream, Pod, PodState, Runner,
    Sandbox, read_log,
};
use futures::StreamExt as _;

const POD: &str = env!("CARGO_BIN_EXE_fairway-pod");
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/program.c");

/// Takes away what a test that failed left running. After one that did not there is nothing.
pub(crate) struct Leftovers(pub(crate) PathBuf);

impl Drop for Leftovers {
    fn drop(&mut self) {
        kill_inits(&self.0);
        let node = fs::read_to_string(self.0.join("node.id")).unwrap_or_default();
        for controller in ["memory", "cpu", "pids"] {
            let top = PathBuf::from(format!("/sys/fs/cgroup/{controller}/fairway-{node}"));
            // Whoever was killed takes a moment to be gone.
            for _ in 0..100 {
                remove_folders(&top);
                if node.is_empty() || !top.exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
}

fn remove_folders(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            remove_folders(&entry.path());
        }
    }
    let _busy_or_gone = fs::remove_dir(path);
}

pub(crate) struct Bench {
    _leftovers: Leftovers,
    folder: tempfile::TempDir,
    pub(crate) runner: Runner,
    pub(crate) image: PathBuf,
    pub(crate) uid: String,
    ip: Ipv4Addr,
}

/// Where a run without root finds the programs that it could not build or reach.
const PROGRAM_COPY: &str = "FAIRWAY_TEST_PROGRAM";
const POD_COPY: &str = "FAIRWAY_TEST_POD";

/// The static program of all containers, built once for each test process.
pub(crate) fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(copy) = std::env::var_os(PROGRAM_COPY) {
            return copy.into();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (target, beside) = (folder.join("program"), folder.join(format!("program-{}", std::process::id())));
        let made = Command::new("gcc").args(["-static", "-O1", "-o"]).arg(&beside).arg(SOURCE).status().unwrap();
        assert!(made.success(), "gcc builds the test program");
        fs::rename(&beside, &target).unwrap();
        target
    })
}

/// The program that becomes pod init.
pub(crate) fn pod_program() -> PathBuf {
    std::env::var_os(POD_COPY).map_or_else(|| PathBuf::from(POD), PathBuf::from)
}

/// Whether pods can run here. Where they cannot, the tests that need them are skipped.
pub(crate) fn can_run_pods() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        assert!(pod_program().is_file(), "{} is built with the tests", pod_program().display());
        let machine = fairway_node::machine::inspect().tried(&pod_program());
        let can = machine.user_mode != UserMode::None;
        if !can {
            skipped(&format!("what needs pods: {}", machine.user_reason));
        }
        can
    })
}

/// Says what is not tried, past the harness, which keeps to itself what tests print that pass.
pub(crate) fn skipped(what: &str) {
    let _nobody_listens = writeln!(std::io::stderr(), "skipped: {what}");
}

/// A container of the test program with these words.
pub(crate) fn program(words: &[&str]) -> Container {
    let argv = std::iter::once("/bin/program").chain(words.iter().copied()).map(str::to_owned).collect();
    Container {
        name: "app".into(),
        attempt: 0,
        image: PathBuf::new(),
        links: Vec::new(),
        files: Vec::new(),
        scratch: Vec::new(),
        argv,
        env: Vec::new(),
        working_dir: String::new(),
        user: 0,
        group: 0,
        groups: Vec::new(),
        capabilities: 0,
        has_range: false,
        read_only_root: true,
        mounts: Vec::new(),
        limits: Limits::default(),
        cgroups: Vec::new(),
        oom_file: None,
    }
}

impl Bench {
    /// Nothing where pods cannot run.
    pub(crate) fn new(ip: &str) -> Option<Self> {
        if !can_run_pods() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("fairway-node-").tempdir().unwrap();
        open_to_all(folder.path());
        let runner = Runner::open(&folder.path().join("node"), &pod_program(), &SystemEntropy).unwrap();
        let image = runner.state_folder().join("images/program");
        put_program(&image);
        let ip: Ipv4Addr = ip.parse().unwrap();
        Some(Self {
            _leftovers: Leftovers(runner.state_folder().to_owned()),
            folder,
            runner,
            image,
            uid: format!("pod-{}", ip.octets()[3]),
            ip,
        })
    }

    /// The same folder, opened once more by somebody with this patience.
    pub(crate) fn again(&self, patience: std::time::Duration) -> Runner {
        Runner::open(self.runner.state_folder(), &pod_program(), &SystemEntropy).unwrap().with_patience(patience)
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        Sandbox {
            uid: self.uid.clone(),
            namespace: "default".into(),
            name: "mypod".into(),
            hostname: "mypod".into(),
            ip: self.ip,
            ranges: vec![
                (Ipv4Addr::new(10, 96, 0, 0), 12),
                (Ipv4Addr::new(10, 244, 0, 0), 16),
                fairway_node::SYNTHETIC,
            ],
            host_user: None,
            has_range: false,
            volume_user: 0,
            fs_group: None,
            memory_volumes: Vec::new(),
            log_limit: LogLimit::default(),
            host_trees: Vec::new(),
            without_images: false,
            cpu_request_milli: 0,
            cgroups: Vec::new(),
        }
    }

    pub(crate) async fn pod(&self) -> Pod {
        self.pod_of(self.sandbox()).await
    }

    pub(crate) async fn pod_of(&self, sandbox: Sandbox) -> Pod {
        let etc = self.runner.etc(&self.uid).unwrap();
        fs::write(etc.join("hostname"), "mypod\n").unwrap();
        fs::write(etc.join("resolv.conf"), "nameserver 10.96.0.10\n").unwrap();
        self.runner.create(sandbox).await.unwrap()
    }

    pub(crate) fn here(&self, container: Container) -> Container {
        Container { image: self.image.clone(), ..container }
    }

    pub(crate) async fn start(&self, pod: &Pod, container: Container) {
        self.runner.start(pod, self.here(container)).await.unwrap();
    }

    pub(crate) async fn run(&self, pod: &Pod, words: &[&str]) {
        self.start(pod, program(words)).await;
    }

    /// How the newest run of a container ended; waits for it.
    pub(crate) async fn ended(&self, pod: &Pod, name: &str) -> Finished {
        let mut states = pod.watch();
        let ended = states.wait_for(|it| it.latest(name).is_some_and(|it| it.finished.is_some())).await.unwrap();
        ended.latest(name).unwrap().finished.clone().unwrap()
    }

    /// Waits until a container has written these words.
    pub(crate) async fn said(&self, pod: &Pod, name: &str, words: &str) {
        let options = LogOptions { follow: true, ..LogOptions::default() };
        let mut stream = self.stream(pod, name, 0, options);
        let mut seen = String::new();
        while !seen.contains(words) {
            let bytes = stream.next().await.expect("it says so before it ends").unwrap();
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    pub(crate) async fn log(&self, name: &str, attempt: u32) -> String {
        let parts = read_log(self.runner.state_folder(), &self.uid, name, attempt, LogOptions::default(), || true);
        joined(parts.collect().await)
    }

    fn stream(&self, pod: &Pod, name: &str, attempt: u32, options: LogOptions) -> LogStream {
        let (states, name_again) = (pod.watch(), name.to_owned());
        let over = move || states.borrow().latest(&name_again).is_none_or(|it| it.finished.is_some());
        read_log(self.runner.state_folder(), &self.uid, name, attempt, options, over)
    }

    pub(crate) async fn log_with(&self, pod: &Pod, name: &str, attempt: u32, options: LogOptions) -> String {
        joined(self.stream(pod, name, attempt, options).collect().await)
    }

    fn logs(&self, name: &str) -> Vec<u64> {
        let folder = self.runner.state_folder().join("pods").join(&self.uid).join("logs").join(name);
        fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.metadata().map_or(0, |it| it.len())).collect()
    }

    pub(crate) fn log_files(&self, name: &str) -> usize {
        self.logs(name).len()
    }

    pub(crate) fn log_bytes(&self, name: &str) -> u64 {
        self.logs(name).iter().sum()
    }

    /// Waits for something that no event tells.
    pub(crate) async fn until(&self, condition: impl Fn() -> bool) {
        while !condition() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn can_limit(&self, controller: &str) -> bool {
        match self.runner.limits() {
            Generation::V1(controllers) => controllers.contains(&controller),
            Generation::V2(_, controllers) => controllers.contains(&controller),
            Generation::None(_) => false,
        }
    }

    /// What a limit of a run is set to, where this machine has the first generation of cgroups and lets us write.
    pub(crate) fn limit(&self, controller: &str, run: &str, file: &str) -> Option<String> {
        let Generation::V1(controllers) = self.runner.limits() else { return None };
        let node = fs::read_to_string(self.runner.state_folder().join("node.id")).unwrap();
        let folder = format!("/sys/fs/cgroup/{controller}/fairway-{node}/{}/{run}", self.uid);
        let path = Path::new(&folder).join(file);
        // A kernel may be built without this one.
        (controllers.contains(&controller) && path.exists())
            .then(|| fs::read_to_string(path).unwrap().trim().to_owned())
    }

    /// Lets another process start the pod and a container, and kills that process the hard way.
    pub(crate) fn start_elsewhere(&self, container: &Container) -> PodState {
        let (sandbox, spec) = (self.folder.path().join("sandbox.json"), self.folder.path().join("container.json"));
        fs::write(&sandbox, serde_json::to_vec(&self.sandbox()).unwrap()).unwrap();
        fs::write(&spec, serde_json::to_vec(&self.here(container.clone())).unwrap()).unwrap();
        let mut command = Command::new(pod_program());
        command.arg(self.runner.state_folder()).arg(&sandbox).arg(&spec).stdout(Stdio::piped());
        let mut owner = command.spawn().unwrap();
        let (mut line, mut byte) = (Vec::new(), [0u8]);
        let output = owner.stdout.as_mut().unwrap();
        while output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        serde_json::from_slice(&line).unwrap()
    }

    /// Removes the pod and checks that the machine is as before.
    pub(crate) async fn clean(self) {
        self.runner.remove(&self.uid).await.unwrap();
        assert_eq!(self.runner.footprint(), Footprint::default());
    }
}

/// Stops a process of ours without ending it.
pub(crate) fn pause(pid: i32) {
    assert!(Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap().success());
}

pub(crate) fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn close_to_others(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// Makes an unpacked image of the test program.
pub(crate) fn put_program(root: &Path) {
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy(built(), root.join("bin/program")).unwrap();
    open_to_all(&root.join("bin/program"));
}

/// Kills the inits of all pods of a state folder, and nothing else.
pub(crate) fn kill_inits(state: &Path) {
    let Ok(state) = fs::canonicalize(state) else { return };
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = command.split(|it| *it == 0).collect();
        if words.first() == Some(&&b"fairway-pod-init"[..])
            && words.get(1) == Some(&state.as_os_str().as_encoded_bytes())
        {
            let pid = entry.file_name().into_string().unwrap();
            let _gone_by_itself = Command::new("kill").args(["-9", &pid]).stderr(Stdio::null()).status();
        }
    }
}

fn joined(parts: Vec<std::io::Result<bytes::Bytes>>) -> String {
    parts.into_iter().map(|it| String::from_utf8_lossy(&it.unwrap()).into_owned()).collect()
}

pub(crate) fn stream(socket: OwnedFd) -> tokio::net::TcpStream {
    tokio::net::TcpStream::from_std(socket.into()).unwrap()
}

pub(crate) fn listener(socket: OwnedFd) -> tokio::net::TcpListener {
    tokio::net::TcpListener::from_std(socket.into()).unwrap()
}

/// Runs this whole test program once more, as a user without rights, if we are root and can.
pub(crate) fn again_without_root() {
    Again::default().run(|_| {});
}

/// The same, and the machine lends that user a range of others: what `newuidmap` would say is said by us. `set` are variables.
pub(crate) fn again_with_lent_users(arguments: &[&str], set: &[(&str, &Path)]) {
    let wait = &["unshare", "--user", "sh", "-c", r#"echo; read -r line; exec "$0" "$@""#];
    Again { how: "with lent users", words: wait, arguments, set, ..Again::default() }.run(|child| {
        let mut byte = [0u8];
        assert_eq!(child.stdout.as_mut().unwrap().read(&mut byte).unwrap(), 1, "it is in its namespace");
        for map in ["gid_map", "uid_map"] {
            let text = format!("0 {NOBODY} 1\n{LENT_HERE} {LENT} 65536\n");
            fs::write(format!("/proc/{}/{map}", child.id()), text).unwrap();
        }
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    });
}

const NOBODY: u32 = 65_534;
/// The first user that is lent, on the machine: before those that root gives to pods.
const LENT: u32 = 0x6ff0_0000;
/// And in the namespace.
const LENT_HERE: u32 = 65_536;

/// Whether all pods have one range, which the machine lends.
pub(crate) fn are_users_lent() -> bool {
    fs::read_to_string("/proc/self/uid_map").unwrap().contains(&format!(" {LENT_HERE} "))
}

/// Who on disk is a user of an image.
pub(crate) fn of_image(user: u32) -> u32 {
    if are_users_lent() { LENT_HERE + user } else { user }
}

/// How this test program is run once more.
pub(crate) struct Again<'a> {
    pub(crate) how: &'a str,
    /// User and group.
    pub(crate) who: (u32, u32),
    /// What runs it.
    pub(crate) words: &'a [&'a str],
    pub(crate) arguments: &'a [&'a str],
    pub(crate) set: &'a [(&'a str, &'a Path)],
}

impl Default for Again<'_> {
    fn default() -> Self {
        Self { how: "without root", who: (NOBODY, NOBODY), words: &[], arguments: &[], set: &[] }
    }
}

impl Again<'_> {
    pub(crate) fn run(self, begin: impl Fn(&mut std::process::Child)) {
        let how = self.how;
        let Ok(status) = fs::read_to_string("/proc/self/status") else { return };
        if !status.contains("Uid:\t0\t0\t0\t0") || std::env::var_os(POD_COPY).is_some() {
            return;
        }
        if ["setpriv", "unshare"].iter().any(|it| Command::new(it).arg("--version").output().is_err()) {
            return skipped(&format!("running once more {how}: there is no setpriv or no unshare"));
        }
        // One after the other: beside them everything runs as root already.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Copies, because that user may have no way to where these programs lie.
        let folder = tempfile::Builder::new().prefix("fairway-rootless-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let copy = |name: &str, from: &Path| {
            let to = folder.path().join(name);
            fs::copy(from, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
            to
        };
        let mut child = Command::new("setpriv")
            .args([format!("--reuid={}", self.who.0), format!("--regid={}", self.who.1), "--clear-groups".into()])
            .args(self.words)
            .arg(copy("tests", &std::env::current_exe().unwrap()))
            .args(self.arguments)
            .envs(self.set.iter().copied())
            .env("TMPDIR", folder.path())
            .env(PROGRAM_COPY, copy("program", built()))
            .env(POD_COPY, copy("pod", Path::new(POD)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        begin(&mut child);
        let output = child.wait_with_output().unwrap();
        let (text, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{text}\n{told}");
        told.lines().filter_map(|it| it.strip_prefix("skipped: ")).for_each(|it| skipped(&format!("{how}: {it}")));
    }
}
