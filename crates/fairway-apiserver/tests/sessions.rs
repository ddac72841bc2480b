//! Commands in pods and connections to their ports, by WebSocket, as clients open them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program")]

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use fairway_apiserver::{ApiError, Command, Connection, Execution, LogOptions, PodRef, PodStreams};
use fairway_testkit::{Notes, Setup, TestPlane};
use futures::FutureExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, AttachParams, AttachedProcess, DeleteParams, Patch, PatchParams, PostParams, TerminalSize};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

/// Stands for a node: `cat` copies, `size` says what its terminal becomes, everything else fails with 7.
#[derive(Default)]
struct Fake {
    running: Arc<AtomicUsize>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl PodStreams for Fake {
    async fn log(&self, _: PodRef, _: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        Err(ApiError::bad_request("no logs here"))
    }

    async fn exec(&self, pod: PodRef, command: Command) -> Result<Execution, ApiError> {
        if command.words[0] == "nothing" {
            return Err(ApiError::bad_request(format!(
                "container {} of pod {} does not run now",
                pod.container, pod.name
            )));
        }
        self.running.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(Arc::clone(&self.running));
        let (stdin, mut heard) = duplex(1 << 16);
        let (stdout, mut says) = duplex(1 << 16);
        let (stderr, mut complains) = duplex(1 << 16);
        let (sizes, mut sized) = tokio::sync::mpsc::unbounded_channel();
        let ended = async move {
            let _until_it_ends = counted;
            match command.words[0].as_str() {
                "cat" => {
                    tokio::io::copy(&mut heard, &mut says).await.unwrap();
                    Ok(0)
                }
                "size" => {
                    let (columns, rows): (u16, u16) = sized.recv().await.unwrap();
                    says.write_all(format!("{columns}x{rows}").as_bytes()).await.unwrap();
                    Ok(0)
                }
                _ => {
                    complains.write_all(b"no such luck").await.unwrap();
                    Ok(7)
                }
            }
        };
        // It runs whether or not somebody waits for its end.
        let mut running = tokio::task::JoinSet::new();
        running.spawn(ended);
        let ended = async move { running.join_next().await.unwrap().unwrap() };
        Ok(Execution {
            stdin: command.stdin.then(|| Box::pin(stdin) as _),
            stdout: Some(Box::pin(stdout)),
            stderr: (!command.tty).then(|| Box::pin(stderr) as _),
            resize: command.tty.then(|| Box::new(move |c, r| sizes.send((c, r)).unwrap_or_default()) as _),
            ended: ended.boxed(),
        })
    }

    async fn connect(&self, _: PodRef, port: u16) -> Result<Pin<Box<dyn Connection>>, ApiError> {
        if port != 5432 {
            return Err(ApiError::internal(format!("connect to port {port}: Connection refused")));
        }
        let (ours, mut theirs) = duplex(1 << 16);
        let mut line = [0; 6];
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move {
            theirs.read_exact(&mut line).await.unwrap();
            theirs.write_all(b"heard ").await.unwrap();
            theirs.write_all(&line).await.unwrap();
        });
        serving.detach_all();
        Ok(Box::pin(ours))
    }
}

struct Scene {
    plane: TestPlane,
    config: std::path::PathBuf,
    running: Arc<AtomicUsize>,
    notes: Notes,
}

impl Scene {
    async fn new(guarded: bool) -> Self {
        let (fake, notes) = (Fake::default(), Notes::default());
        let running = Arc::clone(&fake.running);
        let journal = Box::new(notes.clone());
        let setup = Setup { pod_streams: Arc::new(fake), journal, guarded, ..Setup::default() };
        let plane = TestPlane::with(setup).await.unwrap();
        let (_, config) = plane.serve().await.unwrap();
        let scene = Self { plane, config, running, notes };
        let api = scene.pods(None).await;
        let pod = |name: &str, node: Option<&str>, containers: &[&str]| -> Pod {
            let containers: Vec<Value> =
                containers.iter().map(|it| json!({ "name": it, "image": "example.test/c:1" })).collect();
            let spec = json!({ "nodeName": node, "containers": containers });
            serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap()
        };
        for it in [pod("one", Some("n"), &["c"]), pod("two", Some("n"), &["c", "d"]), pod("nowhere", None, &["c"])] {
            api.create(&PostParams::default(), &it).await.unwrap();
        }
        scene
    }

    /// The pods as the administrator sees them over the wire, or as somebody whom he acts as.
    async fn pods(&self, user: Option<&str>) -> Api<Pod> {
        Api::namespaced(client(&self.config, user).await, "default")
    }

    async fn until_nothing_runs(&self) {
        while self.running.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn client(config: &Path, user: Option<&str>) -> Client {
    let mut config = Kubeconfig::read_from(config).unwrap();
    config.auth_infos[0].auth_info.as_mut().unwrap().impersonate = user.map(str::to_owned);
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn all(from: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let mut text = String::new();
    from.unwrap().read_to_string(&mut text).await.unwrap();
    text
}

/// How it ended: the exit code, or why there is none.
async fn ended(process: &mut AttachedProcess) -> Result<i32, String> {
    let status = process.take_status().unwrap().await.unwrap();
    match status.status.as_deref() {
        Some("Success") => Ok(0),
        _ => {
            let cause = status.details.and_then(|it| it.causes?.into_iter().next());
            let code = cause.filter(|it| it.reason.as_deref() == Some("ExitCode")).and_then(|it| it.message);
            code.map(|it| it.parse().unwrap()).ok_or(status.message.unwrap_or_default())
        }
    }
}

#[tokio::test]
async fn a_command_hears_its_input_to_the_end_and_its_code_comes_back() {
    let scene = Scene::new(false).await;
    let pods = scene.pods(None).await;
    let mut process = pods.exec("one", ["cat", "secret"], &AttachParams::default().stdin(true)).await.unwrap();
    let (mut stdin, stdout) = (process.stdin().unwrap(), process.stdout());
    let much = "0123456789abcdef".repeat(20_000);
    let (heard, ()) = tokio::join!(all(stdout), async {
        stdin.write_all(much.as_bytes()).await.unwrap();
        stdin.shutdown().await.unwrap();
    });
    assert!(heard == much, "{} of {} bytes", heard.len(), much.len());
    assert_eq!(ended(&mut process).await, Ok(0));

    let mut process = pods.exec("two", ["fail"], &AttachParams::default().container("d")).await.unwrap();
    assert_eq!(all(process.stderr()).await, "no such luck");
    assert_eq!(ended(&mut process).await, Ok(7));

    let mut process = pods.exec("one", ["nothing"], &AttachParams::default()).await.unwrap();
    assert_eq!(ended(&mut process).await, Err("container c of pod one does not run now".into()));

    let tty = AttachParams::interactive_tty();
    let mut process = pods.exec("one", ["size"], &tty).await.unwrap();
    let mut sizes = process.terminal_size().unwrap();
    futures::SinkExt::send(&mut sizes, TerminalSize { width: 132, height: 43 }).await.unwrap();
    assert_eq!(all(process.stdout()).await, "132x43");
    assert_eq!(ended(&mut process).await, Ok(0));

    let recorded: Vec<_> = scene.notes.all().iter().filter_map(|it| it.entered.clone()).collect();
    assert_eq!(recorded[0], json!({ "container": "c", "program": "cat", "terminal": false }));
    assert_eq!(recorded[1]["container"], "d");
    assert!(!format!("{:?}", scene.notes.all()).contains("secret"), "what it is told is its own affair");
    scene.until_nothing_runs().await;
    scene.plane.stop().await;
}

#[tokio::test]
async fn a_port_is_connected_and_one_where_nobody_listens_says_so() {
    let scene = Scene::new(false).await;
    let pods = scene.pods(None).await;
    let mut forward = pods.portforward("one", &[5432, 1]).await.unwrap();
    let mut stream = forward.take_stream(5432).unwrap();
    stream.write_all(b"hello\n").await.unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"heard hello\n");
    let error = forward.take_error(1).unwrap().await;
    assert_eq!(error.as_deref(), Some("Internal error occurred: connect to port 1: Connection refused"));
    let recorded = scene.notes.all().iter().find_map(|it| it.entered.clone());
    assert_eq!(recorded, Some(json!({ "ports": [5432, 1] })));
    drop((stream, forward));
    scene.plane.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_opened() {
    let scene = Scene::new(false).await;
    let client = client(&scene.config, None).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let done = json!({ "status": { "phase": "Succeeded" } });
    pods.create(
        &PostParams::default(),
        &serde_json::from_value(json!({ "metadata": { "name": "done" }, "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "x" }] } })).unwrap(),
    )
    .await
    .unwrap();
    pods.patch_status("done", &PatchParams::default(), &Patch::Merge(done)).await.unwrap();
    let cases = [
        ("one", vec!["ls"], AttachParams::default().container("z"), "container z is not valid for pod one"),
        ("two", vec!["ls"], AttachParams::default(), "choose one of: [c d]"),
        ("nowhere", vec!["ls"], AttachParams::default(), "pod nowhere does not have a host assigned"),
        ("done", vec!["ls"], AttachParams::default(), "cannot exec a completed pod; current phase is Succeeded"),
        ("none", vec!["ls"], AttachParams::default(), "pods \"none\" not found"),
        ("one", vec![], AttachParams::default(), "you must specify at least one command"),
        ("one", vec![""], AttachParams::default(), "you must specify at least one command"),
    ];
    for (pod, words, parameters, expected) in cases {
        let refused = pods.exec(pod, words, &parameters).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains(expected), "{pod}: {refused}");
    }
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request =
            http::Request::builder().method(method).uri(format!("/api/v1/namespaces/default/pods/{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        client.request_text(request.body(Vec::new()).unwrap()).await.unwrap_err().to_string()
    };
    let exec = "one/exec?command=ls&stdout=true";
    let spdy = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];
    let websocket = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("sec-websocket-protocol", "chat"),
    ];
    for (method, path, headers, expected) in [
        ("GET", exec, &[][..], "Upgrade request required"),
        ("POST", exec, &spdy[..], "this server speaks WebSocket"),
        ("POST", "one/portforward", &spdy[..], "platform port-forward"),
        ("GET", exec, &websocket[..2], "the WebSocket handshake is incomplete"),
        ("GET", exec, &websocket[..], "none of the subprotocols offered"),
        ("GET", "one/exec?command=ls", &websocket[..], "at least 1 of stdin, stdout, stderr"),
        ("GET", "one/exec?command=ls&stderr=true&tty=true", &websocket[..], "tty and stderr cannot both be true"),
    ] {
        let refused = ask(method, path, headers).await;
        assert!(refused.contains(expected), "{method} {path}: {refused}");
    }
    assert!(scene.notes.all().iter().all(|it| it.entered.is_none()));
    assert_eq!(scene.running.load(Ordering::SeqCst), 0);
    scene.plane.stop().await;
}

#[tokio::test]
async fn the_right_to_create_is_needed_and_a_session_ends_with_it_or_with_its_client() {
    let scene = Scene::new(true).await;
    let bind = async |verbs: &[&str]| {
        let rules = json!([{ "apiGroups": [""], "resources": ["pods/exec"], "verbs": verbs }]);
        let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "exec" }, "rules": rules });
        let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "exec" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "exec" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane" }] });
        let parameters = PatchParams::apply("test").force();
        let roles: Api<k8s_openapi::api::rbac::v1::Role> = Api::namespaced(scene.plane.client(), "default");
        roles.patch("exec", &parameters, &Patch::Apply(role)).await.unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(scene.plane.client(), "default");
        bindings.patch("exec", &parameters, &Patch::Apply(binding)).await.unwrap();
        bindings
    };
    let pods = scene.pods(Some("jane")).await;
    let attach = AttachParams::default().stdin(true);
    bind(&["get"]).await;
    let refused = pods.exec("one", ["cat"], &attach).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("cannot create resource \"pods/exec\""), "{refused}");
    let bindings = bind(&["create"]).await;
    let open = async || loop {
        // The rights follow a moment later.
        if let Ok(process) = pods.exec("one", ["cat"], &attach).await {
            return process;
        }
    };
    let process = open().await;
    while scene.running.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(process);
    scene.until_nothing_runs().await;
    let mut process = open().await;
    bindings.delete("exec", &DeleteParams::default()).await.unwrap();
    assert_eq!(all(process.stdout()).await, "", "it ends although its input does not");
    scene.until_nothing_runs().await;
    assert!(ended(&mut process).await.unwrap_err().starts_with("the session was ended: the right to it"));
    scene.plane.stop().await;
}

/// What kubectl says, both of its outputs together, and whether it was content.
async fn kubectl(
    program: std::path::PathBuf,
    config: std::path::PathBuf,
    line: &str,
    input: &'static str,
) -> (bool, String) {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let run = move || {
        let mut command = std::process::Command::new("timeout");
        command.arg("60").arg(program).args(words).env("KUBECONFIG", &config).env("HOME", config.parent().unwrap());
        let piped = std::process::Stdio::piped;
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        let _not_read = io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_runs_commands_and_is_told_what_to_use_for_ports() {
    let programs = fairway_testkit::kubectl::programs();
    if programs.is_empty() {
        return fairway_testkit::kubectl::say_skipped("what kubectl does in pods");
    }
    let scene = Scene::new(false).await;
    let running = json!({ "status": { "phase": "Running" } });
    scene.pods(None).await.patch_status("one", &PatchParams::default(), &Patch::Merge(running)).await.unwrap();
    for program in programs {
        let run = async |line, input| kubectl(program.clone(), scene.config.clone(), line, input).await;
        assert_eq!(run("exec -i one -- cat", "first\nsecond\n").await, (true, "first\nsecond\n".to_owned()));
        for (line, expected) in [
            ("exec two -c d -- fail", &["no such luck", "exit code 7"][..]),
            ("exec one -- nothing", &["container c of pod one does not run now"]),
            ("exec one -c z -- ls", &["container z is not valid for pod one"]),
            ("port-forward pod/one 0:5432", &["platform port-forward"]),
        ] {
            let (content, said) = run(line, "").await;
            assert!(!content, "{} {line}: {said}", program.display());
            for it in expected {
                assert!(said.contains(it), "{} {line} does not say {it:?} but: {said}", program.display());
            }
        }
    }
    scene.until_nothing_runs().await;
    scene.plane.stop().await;
}
