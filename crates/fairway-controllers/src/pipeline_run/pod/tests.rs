use fairway_api::v1alpha1::PipelineRunSpec;

use super::*;

fn run() -> PipelineRun {
    let spec = PipelineRunSpec { component_name: "orders".to_owned(), ..PipelineRunSpec::default() };
    let mut run = PipelineRun::new("orders-1", spec);
    run.metadata.namespace = Some("shop".to_owned());
    run.metadata.uid = Some("u".to_owned());
    run
}

fn step() -> Step {
    Step {
        name: "test".to_owned(),
        run: "cargo test".to_owned(),
        timeout: 60,
        cpu: 1500,
        memory: 1 << 30,
        log: 50 << 20,
        ..Step::default()
    }
}

fn toolchain() -> Toolchain {
    let environment =
        [("CARGO_TARGET_DIR".to_owned(), "/cache/target/{component}".to_owned()), ("A".to_owned(), "tool".to_owned())];
    Toolchain { image: "host/rust".to_owned(), environment: environment.into(), ..Toolchain::default() }
}

fn shown(authorities: bool) -> Shown {
    Shown { cache: Cache::Releases, authorities }
}

#[test]
fn a_step_is_a_pod_that_may_do_nothing_but_its_work() {
    let mut step = step();
    step.environment = [("A".to_owned(), "step".to_owned())].into();
    let pod = serde_json::to_value(pod(&run(), &step, &toolchain(), &shown(false)).unwrap()).unwrap();
    assert_eq!(pod["metadata"]["name"], "orders-1-test");
    assert_eq!(pod["metadata"]["labels"][LABEL_STEP], "test");
    assert_eq!(pod["metadata"]["annotations"], json!({ LOG_LIMIT: "52428800", PROCESS_LIMIT: "1024" }));
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "PipelineRun");
    let spec = &pod["spec"];
    assert_eq!((&spec["restartPolicy"], &spec["activeDeadlineSeconds"]), (&json!("Never"), &json!(60)));
    assert_eq!(spec["automountServiceAccountToken"], json!(false));
    assert_eq!(spec["securityContext"]["runAsNonRoot"], json!(true));
    let container = &spec["containers"][0];
    assert_eq!(container["command"], json!(["/bin/sh", "-eu", "-c", "cargo test"]));
    assert_eq!(container["resources"]["limits"], json!({ "cpu": "1500m", "memory": "1073741824" }));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], json!(true));
    let env = container["env"].as_array().unwrap();
    let value = |name: &str| env.iter().find(|it| it["name"] == name).map(|it| it["value"].clone());
    assert_eq!(value("CARGO_TARGET_DIR"), Some(json!("/cache/target/orders")));
    assert_eq!(value("A"), Some(json!("step")), "what the file says wins");
}

#[test]
fn a_step_may_narrow_what_it_reaches_and_nothing_is_said_where_it_does_not() {
    let annotation = |network: Option<Vec<String>>| {
        let step = Step { network, ..step() };
        pod(&run(), &step, &toolchain(), &shown(false)).unwrap().annotations().get(EGRESS_ANNOTATION).cloned()
    };
    assert_eq!(annotation(None), None);
    assert_eq!(annotation(Some(Vec::new())).as_deref(), Some(""));
    assert_eq!(annotation(Some(vec!["a:1".to_owned(), "b:2".to_owned()])).as_deref(), Some("a:1,b:2"));
}

#[test]
fn a_workspace_is_the_runs_own_and_says_what_it_holds() {
    let mut claim: PersistentVolumeClaim = serde_json::from_value(workspace(
        &run(),
        &Pipeline { steps: vec![Step { workspace: 4096, ..step() }], ..Pipeline::default() },
        Cache::Branches,
    ))
    .unwrap();
    assert_eq!(claim.owner_references()[0].name, "orders-1");
    assert_eq!(claim.spec.clone().unwrap().resources.unwrap().requests.unwrap()["storage"].0, "4096");
    assert_eq!(uses(&claim), Some(Cache::Branches));
    assert!(!holds(&claim, "a"));
    claim.annotations_mut().insert(HOLDS.to_owned(), "a".to_owned());
    assert!(holds(&claim, "a") && !holds(&claim, "b"));
    assert_eq!(filled("a")["metadata"]["annotations"][HOLDS], "a");
}

#[test]
fn a_step_in_a_base_image_gets_what_a_host_image_has_by_itself() {
    let toolchain = Toolchain { base: Some("python-3.11-tools".to_owned()), ..toolchain() };
    let of =
        |authorities| serde_json::to_value(pod(&run(), &step(), &toolchain, &shown(authorities)).unwrap()).unwrap();
    let mounted = |pod: &Value| -> Vec<String> {
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap().clone();
        mounts.iter().map(|it| it["mountPath"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(mounted(&of(false)), ["/workspace", "/cache", "/tmp"]);
    let with = of(true);
    assert_eq!(mounted(&with), ["/workspace", "/cache", "/tmp", "/var/run/authorities"]);
    let env = with["spec"]["containers"][0]["env"].as_array().unwrap();
    for name in ["SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"] {
        let value = env.iter().find(|it| it["name"] == name).map(|it| it["value"].clone());
        assert_eq!(value, Some(json!("/var/run/authorities/ca-certificates.crt")), "{name}");
    }
    assert_eq!(with["spec"]["volumes"][3]["configMap"]["name"], "pipeline-authorities");
}
