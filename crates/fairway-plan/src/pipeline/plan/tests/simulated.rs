//! A run in a small world: whatever the shape of the pipeline, whatever fails, and whenever the controller is killed.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Script {
    pipeline: Pipeline,
    /// Whether the command of each step ends well.
    well: Vec<bool>,
    /// Which steps succeeded before.
    before: Vec<bool>,
    /// After how many writes the controller is killed, for each pass; beyond its end never.
    kills: Vec<usize>,
    places: usize,
    stop_at: Option<usize>,
}

fn script() -> impl Strategy<Value = Script> {
    (1usize..8).prop_flat_map(|count| {
        let needs = prop::collection::vec(prop::collection::vec(any::<bool>(), count), count);
        let flags = || prop::collection::vec(any::<bool>(), count);
        let kills = prop::collection::vec(0usize..6, 0..12);
        (needs, flags(), flags(), flags(), kills, 1usize..4, prop::option::of(0usize..20)).prop_map(
            move |(needs, images, well, before, kills, places, stop_at)| {
                let only = images.iter().position(|it| *it);
                let steps = (0..count).map(|index| Step {
                    image: (only == Some(index)).then(|| ImageOf::Program(ProgramImage::default())),
                    // Steps need some of those above them: never a circle.
                    needs: (0..index).filter(|it| needs[index][*it]).map(|it| format!("s{it}")).collect(),
                    name: format!("s{index}"),
                    ..Step::default()
                });
                let pipeline = Pipeline { steps: steps.collect(), ..Pipeline::default() };
                Script { pipeline, well, before, kills, places, stop_at }
            },
        )
    })
}

/// What is outside the controller, and so survives it.
#[derive(Default)]
struct Outside {
    /// Pods: none as long as one runs, then whether it ended well.
    pods: BTreeMap<String, Option<bool>>,
    /// What the last report said.
    reported: BTreeMap<String, Standing>,
    workspace: bool,
    prepared: bool,
    release: bool,
    delivered: BTreeSet<String>,
    starts: BTreeMap<String, usize>,
    finished: Option<Verdict>,
}

impl Outside {
    fn seen(&self, name: &str) -> Standing {
        let reported = self.reported.get(name).copied().unwrap_or_default();
        match (reported, self.pods.get(name)) {
            (it, _) if it.ended() => it,
            (_, Some(None)) => Standing::Running,
            (_, Some(Some(true))) => Standing::Exited,
            (_, Some(Some(false))) => Standing::Failed,
            (Standing::Running, None) => Standing::Lost,
            (_, None) => Standing::Waiting,
        }
    }

    /// Carries one decision out; what a report would say of it goes to `report`.
    fn apply(&mut self, decision: &Decision, script: &Script, report: &mut BTreeMap<String, Standing>) {
        match decision {
            Decision::Prepare => self.workspace = true,
            Decision::Start(name) => {
                let step = script.pipeline.step(name).unwrap();
                for need in &step.needs {
                    let standing = report.get(need).copied().unwrap_or_else(|| self.seen(need));
                    assert!(standing.well(), "{name} starts while {need} is {standing:?}");
                    assert_ne!(standing, Standing::Unchanged, "{name} needs the files of {need}, which was left out");
                }
                assert!(self.prepared, "{name} starts in an empty workspace");
                assert_eq!(self.pods.insert(name.clone(), None), None, "{name} starts twice");
                *self.starts.entry(name.clone()).or_default() += 1;
                report.insert(name.clone(), Standing::Running);
            }
            Decision::Skip(name, _) => drop(report.insert(name.clone(), Standing::Unchanged)),
            Decision::Block(name, _) => drop(report.insert(name.clone(), Standing::Blocked)),
            Decision::Complete(name) | Decision::MakeImage(name) => {
                report.insert(name.clone(), Standing::Succeeded);
            }
            Decision::Lose(name) => drop(report.insert(name.clone(), Standing::Failed)),
            Decision::Cancel(name) => {
                self.pods.remove(name);
                report.insert(name.clone(), Standing::Cancelled);
            }
            Decision::Release => self.release = true,
            Decision::Deliver(name) => {
                assert!(self.release, "what is delivered was released");
                self.delivered.insert(name.clone());
            }
            Decision::Finish(_) => {}
        }
    }
}

/// One pass; a killed one reports nothing.
fn pass(outside: &mut Outside, script: &Script, stop: bool, kill: Option<usize>) {
    let steps: BTreeMap<String, Standing> =
        script.pipeline.steps.iter().map(|it| (it.name.clone(), outside.seen(&it.name))).collect();
    let running = steps.values().filter(|it| **it == Standing::Running).count();
    let keys = steps.keys().map(|it| (it.clone(), it.clone())).collect();
    let before = script.pipeline.steps.iter().zip(&script.before).filter(|it| *it.1);
    let earlier =
        before.map(|it| (it.0.name.clone(), Earlier { image_digest: Some("d".into()), ..Earlier::default() }));
    let released = if outside.release { Released::Ready } else { Released::No };
    let leads_to = LeadsTo { release: true, deliver_to: vec!["staging".to_owned()] };
    let plan = plan(&Facts {
        pipeline: &script.pipeline,
        leads_to: &leads_to,
        steps: &steps,
        keys: &keys,
        earlier: &earlier.collect(),
        stop,
        prepared: outside.prepared,
        places: script.places.saturating_sub(running),
        released: &released,
        delivered: &outside.delivered.clone(),
        forbidden: &BTreeSet::new(),
    });
    let mut report: BTreeMap<String, Standing> =
        steps.iter().filter(|it| *it.1 != Standing::Waiting).map(|it| (it.0.clone(), *it.1)).collect();
    for (index, decision) in plan.decisions.iter().enumerate() {
        if kill == Some(index) {
            return;
        }
        if stop {
            assert!(matches!(decision, Decision::Cancel(_) | Decision::Finish(Verdict::Stopped)), "{decision:?}");
        }
        outside.apply(decision, script, &mut report);
    }
    if kill.is_some() {
        return;
    }
    outside.prepared |= outside.workspace;
    outside.reported = report;
    if let Some(Decision::Finish(verdict)) = plan.decisions.last() {
        outside.finished = Some(verdict.clone());
    }
}

fn settle(outside: &mut Outside, script: &Script) {
    // The first that runs ends.
    if let Some((name, state)) = outside.pods.iter_mut().find(|it| it.1.is_none()) {
        let index: usize = name[1..].parse().unwrap();
        *state = Some(script.well[index]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_run_ends_whatever_happens_and_starts_nothing_before_its_time(script in script()) {
        let mut outside = Outside::default();
        for round in 0..200 {
            let stop = script.stop_at.is_some_and(|it| round >= it);
            pass(&mut outside, &script, stop, script.kills.get(round).copied());
            if outside.finished.is_some() {
                break;
            }
            let running = outside.pods.values().filter(|it| it.is_none()).count();
            prop_assert!(running <= script.places, "{running} steps are under way");
            settle(&mut outside, &script);
        }
        let Some(verdict) = outside.finished.clone() else { return Err(TestCaseError::fail("it never ends")) };
        for step in &script.pipeline.steps {
            prop_assert!(outside.seen(&step.name).ended(), "{} is {:?}", step.name, outside.seen(&step.name));
            prop_assert!(outside.starts.get(&step.name).copied().unwrap_or(0) <= 1);
        }
        let all_well = script.pipeline.steps.iter().all(|it| outside.seen(&it.name).well());
        match verdict {
            Verdict::Succeeded => prop_assert!(all_well && outside.delivered.contains("staging")),
            Verdict::StepsFailed(failed) => prop_assert!(!failed.is_empty() && !outside.release),
            Verdict::Stopped => prop_assert!(outside.pods.values().all(Option::is_some), "something still runs"),
            Verdict::ReleaseRefused(_) | Verdict::Forbidden(_) => prop_assert!(false),
        }
    }
}
