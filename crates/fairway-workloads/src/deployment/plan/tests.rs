use k8s_openapi::api::apps::v1::ReplicaSetStatus;
use serde_json::{Value, json};

use super::*;

fn deployment(replicas: i32, image: &str) -> Deployment {
    deployment_with(json!({ "replicas": replicas }), image)
}

fn deployment_with(extra: Value, image: &str) -> Deployment {
    let mut tree = json!({
        "metadata": { "name": "web", "namespace": "n", "uid": "d1", "generation": 1 },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": image }] },
            },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
        },
    });
    for (key, value) in extra.as_object().unwrap() {
        tree["spec"][key] = value.clone();
    }
    serde_json::from_value(tree).unwrap()
}

/// A small cluster: applies plans to ReplicaSets as the API and the ReplicaSet controller would.
struct World {
    deployment: Deployment,
    sets: Vec<ReplicaSet>,
    now: Timestamp,
    made: u32,
}

impl World {
    fn new(deployment: Deployment) -> Self {
        Self { deployment, sets: Vec::new(), now: Timestamp::from_second(1_000).unwrap(), made: 0 }
    }

    fn pass(&mut self) -> Plan {
        let observed = Observed { deployment: self.deployment.clone(), sets: self.sets.clone() };
        let plan = plan(&observed, self.now);
        for action in &plan.actions {
            match action {
                Action::Create(set) => {
                    self.made += 1;
                    let mut set = set.as_ref().clone();
                    set.metadata.uid = Some(format!("s{}", self.made));
                    self.sets.push(set);
                }
                Action::Scale { name, to, notes, .. } => {
                    let set = self.sets.iter_mut().find(|it| it.name_any() == *name).unwrap();
                    set.spec.as_mut().unwrap().replicas = Some(*to);
                    set.annotations_mut().extend(notes.annotations());
                }
                Action::Delete(name) => self.sets.retain(|it| it.name_any() != *name),
            }
        }
        if let Some(revision) = &plan.revision {
            self.deployment.annotations_mut().insert(revision::ANNOTATION.to_owned(), revision.clone());
        }
        self.deployment.status = Some(plan.status.clone());
        plan
    }

    /// Pods appear and become ready, except those of images that are broken.
    fn pods_follow(&mut self) {
        for set in &mut self.sets {
            let wanted = replicas(set);
            let image = set.spec.as_ref().unwrap().template.as_ref().unwrap().spec.as_ref().unwrap().containers[0]
                .image
                .clone()
                .unwrap();
            let ready = if image.contains("broken") { 0 } else { wanted };
            set.status = Some(ReplicaSetStatus {
                replicas: wanted,
                ready_replicas: Some(ready),
                available_replicas: Some(ready),
                ..ReplicaSetStatus::default()
            });
        }
    }

    fn settle(&mut self) {
        for _ in 0..30 {
            let plan = self.pass();
            self.pods_follow();
            if plan.actions.is_empty() && plan.revision.is_none() {
                return;
            }
        }
        panic!("it never settles");
    }

    fn set_image(&mut self, image: &str) {
        let spec = self.deployment.spec.as_mut().unwrap().template.spec.as_mut().unwrap();
        spec.containers[0].image = Some(image.to_owned());
        self.deployment.metadata.generation = self.deployment.metadata.generation.map(|it| it + 1);
    }

    fn sizes(&self) -> Vec<(i64, i32)> {
        let mut sizes: Vec<_> = self.sets.iter().map(|it| (revision::number(it), replicas(it))).collect();
        sizes.sort_unstable();
        sizes
    }
}

fn reason(status: &DeploymentStatus, r#type: &str) -> String {
    status.conditions.iter().flatten().find(|it| it.type_ == r#type).and_then(|it| it.reason.clone()).unwrap()
}

#[test]
fn a_new_deployment_gets_one_replica_set_of_its_size() {
    let mut world = World::new(deployment(3, "a:1"));
    world.settle();
    assert_eq!(world.sizes(), [(1, 3)]);
    let set = &world.sets[0];
    let hash = &set.labels()[revision::LABEL];
    assert_eq!(set.name_any(), format!("web-{hash}"));
    assert_eq!(set.spec.as_ref().unwrap().selector.match_labels.as_ref().unwrap()[revision::LABEL], *hash);
    assert_eq!(set.owner_references()[0].uid, "d1");
}

#[test]
fn a_second_pass_over_an_unchanged_world_does_nothing() {
    let mut world = World::new(deployment(2, "a:1"));
    world.settle();
    let before = world.pass();
    let again = world.pass();
    assert!(again.actions.is_empty() && again.revision.is_none());
    assert_eq!(before.status, again.status);
    assert_eq!(reason(&again.status, "Progressing"), "NewReplicaSetAvailable");
    assert_eq!(reason(&again.status, "Available"), "MinimumReplicasAvailable");
}

#[test]
fn a_changed_template_replaces_the_old_step_by_step_and_going_back_reuses_it() {
    let mut world = World::new(deployment(3, "a:1"));
    world.settle();
    world.set_image("a:2");
    world.settle();
    assert_eq!(world.sizes(), [(1, 0), (2, 3)]);
    world.set_image("a:1");
    world.settle();
    assert_eq!(world.sizes(), [(2, 0), (3, 3)], "the first set came back under a new number");
}

#[test]
fn a_broken_version_stops_at_the_surge_and_the_old_goes_on() {
    let mut world = World::new(deployment(3, "a:1"));
    world.settle();
    world.set_image("broken:2");
    world.settle();
    assert_eq!(world.sizes(), [(1, 3), (2, 1)]);
    let plan = world.pass();
    assert_eq!(plan.status.available_replicas, Some(3));
    assert!(matches!(plan.next, Next::After(_)), "the deadline is watched");
    world.now = world.now.saturating_add(Duration::from_secs(601)).unwrap();
    let late = world.pass();
    assert_eq!(reason(&late.status, "Progressing"), "ProgressDeadlineExceeded");
    world.now = world.now.saturating_add(Duration::from_secs(1)).unwrap();
    let later = world.pass();
    assert_eq!(later.status, late.status, "the condition's own change is no progress");
    world.set_image("a:3");
    assert_eq!(reason(&world.pass().status, "Progressing"), "ReplicaSetUpdated", "a new wish is");
}

#[test]
fn scaling_changes_the_only_set_and_paused_stops_a_rollout_but_not_scaling() {
    let mut world = World::new(deployment(1, "a:1"));
    world.settle();
    world.deployment.spec.as_mut().unwrap().replicas = Some(4);
    world.settle();
    assert_eq!(world.sizes(), [(1, 4)]);
    world.deployment.spec.as_mut().unwrap().paused = Some(true);
    world.deployment.spec.as_mut().unwrap().replicas = Some(2);
    world.settle();
    assert_eq!(world.sizes(), [(1, 2)]);
    world.set_image("a:2");
    let plan = world.pass();
    assert!(plan.actions.is_empty(), "{:?}", plan.actions);
}

#[test]
fn recreate_lets_the_old_go_before_the_new_comes() {
    let mut world = World::new(deployment_with(json!({ "replicas": 2, "strategy": { "type": "Recreate" } }), "a:1"));
    world.settle();
    world.set_image("a:2");
    world.pass();
    assert_eq!(world.sizes(), [(1, 0), (2, 0)], "the old is still there");
    world.pods_follow();
    world.settle();
    assert_eq!(world.sizes(), [(1, 0), (2, 2)]);
}

#[test]
fn only_as_many_old_sets_are_kept_as_the_history_limit_says() {
    let mut world = World::new(deployment_with(json!({ "replicas": 1, "revisionHistoryLimit": 2 }), "a:1"));
    for version in 1..8 {
        world.set_image(&format!("a:{version}"));
        world.settle();
    }
    assert_eq!(world.sets.len(), 3, "the new one and two old");
}

fn sizes_of(world: &World) -> Vec<i32> {
    world.sets.iter().map(replicas).collect()
}

#[test]
fn a_deployment_that_is_scaled_in_a_rollout_is_scaled_in_proportion_and_goes_on() {
    let limits = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 3, "maxUnavailable": 2 } });
    let with = |wanted: i32, image: &str| deployment_with(json!({ "replicas": wanted, "strategy": limits }), image);
    let mut world = World::new(with(10, "v1"));
    world.settle();
    world.deployment.spec = with(10, "broken").spec;
    world.settle();
    assert_eq!(sizes_of(&world), [8, 5]);
    world.deployment.spec = with(15, "broken").spec;
    world.pass();
    assert_eq!(sizes_of(&world), [11, 7], "what works and what does not keep their parts");
    assert_eq!(revision::noted(&world.sets[1], revision::DESIRED), Some(15));
    assert_eq!(revision::noted(&world.sets[1], revision::MOST), Some(18));
    world.pods_follow();
    world.settle();
    assert!(world.sets[0].spec.as_ref().unwrap().replicas >= Some(11), "no more than may is taken away");
    world.deployment.spec = with(5, "broken").spec;
    world.pass();
    assert_eq!(sizes_of(&world).iter().sum::<i32>(), 8);
    world.deployment.spec = with(5, "v3").spec;
    world.pods_follow();
    world.settle();
    assert_eq!(sizes_of(&world).iter().sum::<i32>(), 5);
}

#[test]
fn a_paused_rollout_is_scaled_and_does_not_go_on() {
    let mut world = World::new(deployment(3, "v1"));
    world.settle();
    world.deployment.spec = deployment(3, "broken").spec;
    world.settle();
    assert_eq!(sizes_of(&world), [3, 1]);
    world.deployment.spec = deployment_with(json!({ "replicas": 6, "paused": true }), "broken").spec;
    world.settle();
    assert_eq!(sizes_of(&world), [5, 2]);
}

#[test]
fn a_replica_set_that_cannot_make_its_pods_says_so_through_its_deployment() {
    let mut world = World::new(deployment(1, "one"));
    world.pass();
    let condition =
        json!([{ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "full" }]);
    world.sets[0].status = serde_json::from_value(json!({ "replicas": 0, "conditions": condition })).unwrap();
    let observed = Observed { deployment: world.deployment.clone(), sets: world.sets.clone() };
    let told = plan(&observed, world.now).status.conditions.unwrap();
    let told = told.iter().find(|it| it.type_ == "ReplicaFailure").unwrap();
    assert_eq!((told.reason.as_deref(), told.message.as_deref()), (Some("FailedCreate"), Some("full")));
}
