//! kubectl against the real platform, with pods that run: what people do who know nothing of our own command line.

mod scene;

use scene::Scene;

/// What is applied: a Deployment whose image is filled in, and its Service.
const MANIFEST: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop, labels: { app: shop } }
spec:
  replicas: 1
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
      - name: web
        image: IMAGE
        ports: [{ containerPort: 8080 }]
        readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80, targetPort: 8080 }] }
";

#[test]
fn kubectl_applies_shows_follows_scales_and_deletes_what_runs() {
    let Some(scene) = Scene::begin() else { return };
    let manifest = MANIFEST.replace("IMAGE", &scene.image("first"));
    let mut pods = scene.follow("get pods -w -l app=shop --no-headers");
    scene.send("apply -f -", &manifest, &["deployment.apps/shop created", "service/shop created"]);
    scene.send("apply -f -", &manifest, &["deployment.apps/shop unchanged", "service/shop unchanged"]);
    scene.says("rollout status deployment/shop --timeout=60s", &["successfully rolled out"]);
    pods.until(|it| it.contains("1/1") && it.contains("Running"));
    drop(pods);
    scene.says("get pods -l app=shop", &["READY", "1/1", "Running"]);
    scene.says("get deployments,services,endpointslices", &["deployment.apps/shop", "service/shop", "8080"]);
    scene.says("describe deployment shop", &["1 available", "NewReplicaSet", "ScalingReplicaSet"]);
    scene.says("describe pods -l app=shop", &["Status:", "Running", "Ready", "True", "Started"]);

    let mut log = scene.follow("logs -f deployment/shop");
    log.until(|it| it.contains("listening as first"));
    drop(log);

    let mut deployment = scene.follow("get deployment shop -w --no-headers");
    scene.says("scale deployment shop --replicas=3", &["scaled"]);
    deployment.until(|it| it.contains("3/3"));
    drop(deployment);
    scene.says("rollout status deployment/shop --timeout=60s", &["successfully rolled out"]);
    scene.says("wait --for=condition=Available deployment/shop --timeout=60s", &["condition met"]);

    scene.send("apply --server-side --force-conflicts -f -", &manifest, &["shop serverside-applied"]);
    scene.send("delete -f -", &manifest, &["deployment.apps \"shop\" deleted", "service \"shop\" deleted"]);
    scene.says("wait --for=delete pods -l app=shop --timeout=60s", &[]);
    scene.says("get pods -l app=shop", &["No resources found"]);
}

#[test]
fn kubectl_makes_changes_and_takes_back_a_deployment_without_files() {
    let Some(scene) = Scene::begin() else { return };
    let (first, second) = (scene.image("first"), scene.image("second"));
    scene.says(&format!("create deployment shop --image={first} --port=8080"), &["shop created"]);
    scene.says("rollout status deployment/shop --timeout=60s", &["successfully rolled out"]);
    scene.says("expose deployment shop --port=80 --target-port=8080", &["service/shop exposed"]);
    let set = format!("set image deployment/shop {}={second}", scene.container());
    scene.replaces(&set, &["image updated"]);
    scene.says("logs -l app=shop", &["listening as second"]);
    scene.says("rollout history deployment/shop", &["REVISION", "1", "2"]);
    scene.replaces("rollout undo deployment/shop", &["rolled back"]);
    scene.says("get deployment shop -o jsonpath={.spec.template.spec.containers[0].image}", &[&first]);
    scene.replaces("rollout restart deployment/shop", &["restarted"]);
    scene.says("create configmap one --from-literal=a=b", &["configmap/one created"]);

    scene.says(&format!("run once --image={second} --env=ONCE=yes --restart=Never"), &["pod/once created"]);
    scene.says("wait --for=jsonpath={.status.phase}=Succeeded pod/once --timeout=60s", &["condition met"]);
    scene.says("logs once", &["done once"]);
    scene.says("delete pod once", &["pod \"once\" deleted"]);
    scene.says("api-resources", &["deployments", "components", "deliveries"]);
    scene.says("explain component.spec", &["GROUP:      fairway.dev", "KIND:       Component", "FIELDS:"]);
    scene.refuses("top pods", &["Metrics API not available"]);
    scene.send("exec -i deploy/shop -- /server copy", "first\nsecond\n", &["first\nsecond\ncopied"]);
    scene.refuses("exec deploy/shop -- ls", &["run ls: No such file or directory", "exit code 127"]);
    scene.refuses("exec deploy/shop -c other -- ls", &["container other is not valid for pod"]);
    scene.refuses("port-forward deploy/shop 0:8080", &["platform port-forward"]);
    scene.says("get events", &["Scheduled", "Started"]);
    scene.says("delete deployment,service shop", &["deleted"]);
}
