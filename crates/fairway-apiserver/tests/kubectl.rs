//! The program people use, against a real server over HTTPS. Where there is no kubectl nothing is shown here, and the
//! test says so.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use fairway_testkit::TestPlane;
use fairway_testkit::kubectl::{programs, say_skipped};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const WORKLOAD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: \"example.test/c:1\", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
";

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Crew, type: integer, jsonPath: .spec.crew}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What the boat is like.
            properties: {crew: {type: integer, description: How many sail it.}}
";

struct Kubectl {
    program: PathBuf,
    config: PathBuf,
    home: PathBuf,
}

impl Kubectl {
    fn new(config: &Path, home: &Path) -> Option<Self> {
        Some(Self { program: programs().pop()?, config: config.to_owned(), home: home.to_owned() })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(line.split_whitespace());
        // Nothing but the test's own files is read or written, and nobody else is asked.
        command.env_clear().env("KUBECONFIG", &self.config).env("HOME", &self.home).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What a command prints, both ways, with whether it succeeded.
    async fn run(&self, line: &str, input: &str) -> (bool, String) {
        let mut child = self.command(line).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Flow style looks like JSON to kubectl unless a document is begun.
        stdin.write_all(format!("---\n{input}\n").as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }
}

/// A command, what is sent to it, and what it must print (a `!` before it: must fail).
type Line<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Plays a scene with the newest kubectl.
async fn play(scene: &[Line<'_>]) {
    if let Some(program) = programs().pop() {
        play_with(program, scene).await;
    } else {
        say_skipped("what kubectl shows");
    }
}

async fn play_with(program: PathBuf, scene: &[Line<'_>]) {
    let plane = TestPlane::guarded().await.unwrap();
    let (_, config) = plane.serve().await.unwrap();
    let kubectl = Kubectl { program, config, home: plane.folder().to_owned() };
    for (line, input, expected) in scene {
        let fails = line.starts_with('!');
        let (succeeded, text) = kubectl.run(line.trim_start_matches('!'), input).await;
        assert_eq!(succeeded, !fails, "{} {line}: {text}", kubectl.program.display());
        for it in *expected {
            assert!(text.contains(it), "{} {line} does not say {it:?} but:\n{text}", kubectl.program.display());
        }
    }
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_makes_shows_changes_and_deletes_objects() {
    play(&[
        ("version", "", &["Server Version: v1.34.0"]),
        ("get namespaces", "", &["default", "Active"]),
        ("api-resources", "", &["deployments", "deploy", "apps/v1", "customresourcedefinitions"]),
        ("api-versions", "", &["apps/v1", "v1"]),
        ("apply -f -", WORKLOAD, &["deployment.apps/web created", "configmap/settings created"]),
        ("apply -f -", WORKLOAD, &["deployment.apps/web unchanged", "configmap/settings unchanged"]),
        ("get deployments", "", &["READY", "0/2", "web"]),
        ("get configmaps,deployments -o name", "", &["configmap/settings", "deployment.apps/web"]),
        ("describe deployment web", "", &["Selector:               app=web", "2 desired", "example.test/c:1"]),
        ("scale deployment web --replicas=3", "", &["scaled"]),
        ("get deployment web -o jsonpath={.spec.replicas}/{.metadata.generation}", "", &["3/2"]),
        ("set image deployment/web c=example.test/c:2", "", &["image updated"]),
        ("!diff -f -", WORKLOAD, &["-  replicas: 3", "+  replicas: 2"]),
        ("label configmap settings tier=front", "", &["labeled"]),
        ("get configmaps -l tier=front", "", &["settings"]),
        ("patch configmap settings --type=json -p [{\"op\":\"remove\",\"path\":\"/data/a\"}]", "", &["patched"]),
        ("explain deployment.spec.replicas", "", &["GROUP:", "apps", "integer"]),
        ("delete -f -", WORKLOAD, &["deployment.apps \"web\" deleted"]),
        ("!get deployment web", "", &["NotFound", "deployments.apps \"web\" not found"]),
    ])
    .await;
}

/// Newer ones send these in protobuf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_1_kubectl_makes_small_things_without_files() {
    play(&[
        ("create namespace shop", "", &["namespace/shop created"]),
        ("create configmap one --from-literal=a=b -n shop", "", &["configmap/one created"]),
        ("get configmap one -n shop -o jsonpath={.data.a}", "", &["b"]),
        ("create secret generic two --from-literal=a=b -n shop", "", &["secret/two created"]),
        ("get secret two -n shop -o jsonpath={.data.a}", "", &["Yg=="]),
        ("create serviceaccount robot -n shop", "", &["serviceaccount/robot created"]),
        ("create token robot -n shop", "", &["ey"]),
        ("auth can-i create pods -n shop", "", &["yes"]),
        ("auth whoami", "", &["admin"]),
        ("delete namespace shop", "", &["namespace \"shop\" deleted"]),
    ])
    .await;
}

/// The kinds that `create` and its like make, which newer ones send in protobuf and older ones in JSON.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kubectl_at_hand_makes_shows_and_changes_things() {
    let scene: &[Line<'_>] = &[
        ("api-resources", "", &["deployments", "apps/v1"]),
        ("explain deployment.spec.replicas", "", &["integer"]),
        ("explain deployment.spec.replicas --output=plaintext-openapiv2", "", &["integer"]),
        ("create deployment web --image=example.test/c:1 --replicas=2 --port=80", "", &["web created"]),
        ("get deployment web -o jsonpath={.spec.replicas}/{.spec.template.spec.containers[0].name}", "", &["2/c"]),
        ("create deployment none --image=example.test/c:1 --replicas=0", "", &["none created"]),
        ("get deployment none -o jsonpath={.spec.replicas}", "", &["0"]),
        ("expose deployment web --port=80 --target-port=8080", "", &["service/web exposed"]),
        ("get service web -o jsonpath={.spec.ports[0].targetPort}/{.spec.selector.app}", "", &["8080/web"]),
        ("create service clusterip other --tcp=5678:8080", "", &["service/other created"]),
        ("run one --image=example.test/c:1 --env=A=b --restart=Never", "", &["pod/one created"]),
        ("get pod one -o jsonpath={.spec.containers[0].env[0].value}/{.spec.restartPolicy}", "", &["b/Never"]),
        ("set image deployment/web c=example.test/c:2", "", &["image updated"]),
        ("set env deployment/web GREETING=hi", "", &["env updated"]),
        ("set resources deployment/web --limits=cpu=200m,memory=512Mi", "", &["resource requirements updated"]),
        ("rollout restart deployment/web", "", &["restarted"]),
        ("annotate deployment web note=seen", "", &["annotated"]),
        ("create job once --image=example.test/c:1", "", &["job.batch/once created"]),
        ("create cronjob often --image=example.test/c:1 --schedule=@hourly", "", &["often created"]),
        ("create role reader --verb=get,list --resource=pods", "", &["reader created"]),
        ("create rolebinding readers --role=reader --user=anna", "", &["readers created"]),
        ("create clusterrole looker --verb=get --non-resource-url=/metrics", "", &["looker created"]),
        ("auth can-i list pods --as=anna", "", &["yes"]),
        ("create ingress way --rule=example.test/=web:80", "", &["way created"]),
        ("create quota few --hard=pods=3", "", &["few created"]),
        ("create poddisruptionbudget some --selector=app=web --min-available=50%", "", &["some created"]),
        ("get poddisruptionbudget some -o jsonpath={.spec.minAvailable}", "", &["50%"]),
        ("create priorityclass high --value=1000", "", &["high created"]),
        ("create configmap one --from-literal=a=b", "", &["configmap/one created"]),
        ("apply -f -", WORKLOAD, &["deployment.apps/web configured", "configmap/settings created"]),
        ("apply -f -", WORKLOAD, &["deployment.apps/web unchanged", "configmap/settings unchanged"]),
        ("apply --server-side --force-conflicts -f -", WORKLOAD, &["web serverside-applied"]),
        ("delete deployment,service,pod,job,cronjob --all", "", &["\"web\" deleted", "\"other\" deleted"]),
    ];
    for program in programs() {
        play_with(program, scene).await;
    }
}

/// What is not there says so: none of these is taken and then forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_is_told_what_is_not_there() {
    play(&[
        ("run one --image=example.test/c:1", "", &["pod/one created"]),
        ("!top pods", "", &["Metrics API not available"]),
        ("!exec one -- ls", "", &["pod one does not have a host assigned"]),
        ("!port-forward pod/one 8080:80", "", &["unable to forward port because pod is not running"]),
        ("logs one", "", &[]),
        ("!create -f -", "{apiVersion: example.com/v1, kind: Boat, metadata: {name: a}}", &["no matches for kind"]),
        ("!get boats", "", &["the server doesn't have a resource type \"boats\""]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_applies_on_the_server_and_sees_conflicts() {
    play(&[
        ("apply --server-side -f -", WORKLOAD, &["web serverside-applied", "settings serverside-applied"]),
        ("apply --server-side -f -", WORKLOAD, &["web serverside-applied"]),
        (
            "!apply --server-side --field-manager=other -f -",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: c}}",
            &["conflict", "kubectl", ".data.a"],
        ),
        (
            "apply --server-side --field-manager=other --force-conflicts -f -",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: c}}",
            &["serverside-applied"],
        ),
        ("get configmap settings -o jsonpath={.data.a}", "", &["c"]),
        (
            "!apply --server-side --validate=strict -f -",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, nope: 1}",
            &["nope"],
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_knows_custom_resources_as_soon_as_they_are_defined() {
    let boat = "{apiVersion: example.com/v1, kind: Boat, metadata: {name: a}, spec: {crew: 3}}";
    play(&[
        ("apply -f -", DEFINITION, &["customresourcedefinition.apiextensions.k8s.io/boats.example.com created"]),
        ("wait --for=condition=Established crd/boats.example.com", "", &["condition met"]),
        ("apply -f -", boat, &["boat.example.com/a created"]),
        ("get bt", "", &["NAME", "CREW", "3"]),
        ("explain boat.spec", "", &["What the boat is like.", "crew", "How many sail it."]),
        ("delete crd boats.example.com", "", &["deleted"]),
        ("!get boats", "", &["could not find the requested resource"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_watches() {
    let plane = TestPlane::guarded().await.unwrap();
    let (_, config) = plane.serve().await.unwrap();
    if let Some(kubectl) = Kubectl::new(&config, plane.folder()) {
        let mut watch = kubectl.command("get configmaps -w --no-headers -o name").spawn().unwrap();
        let mut lines = tokio::io::BufReader::new(watch.stdout.take().unwrap());
        let mut line = String::new();
        for name in ["one", "two"] {
            let object = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
            assert!(kubectl.run("apply -f -", &object).await.0);
            line.clear();
            tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line).await.unwrap();
            assert_eq!(line.trim(), format!("configmap/{name}"));
        }
        watch.kill().await.unwrap();
    }
    plane.stop().await;
}
