use fairway_api::v1alpha1::{Component, ComponentSpec, PipelineRunSpec, PipelineRunStatus};
use fairway_plan::pipeline::refs::leads_to;

use super::*;

const PIPELINE: &str = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n  - { name: build, toolchain: rust, run: x, image: { program: x } }\nrefs:\n  - { match: main, release: true, deliverTo: [staging] }\n";
const SCORE: &str = "apiVersion: score.dev/v1b1\nmetadata: { name: orders }\ncontainers: { web: { image: . } }\n";

fn run() -> PipelineRun {
    let spec = PipelineRunSpec {
        component_name: "orders".to_owned(),
        r#ref: "refs/heads/main".to_owned(),
        commit: "a".repeat(40),
        number: 5,
        ..PipelineRunSpec::default()
    };
    let mut run = PipelineRun::new("orders-5", spec);
    run.metadata.namespace = Some("shop".to_owned());
    run
}

/// A world in which all is well, with some files.
fn observed(pipeline: Option<&str>, score_text: &str) -> Observed {
    let parsed = pipeline.map(|text| {
        let (pipeline, findings) = file::parse(text);
        (pipeline, findings.iter().map(|it| it.in_file(file::PATH)).collect())
    });
    let (score, findings) = score::parse(score_text);
    let findings = findings.iter().map(|it| it.in_file("score.yaml")).collect();
    let source = Source { pipeline: parsed, score, findings, tree: "t".to_owned(), ..Source::default() };
    let pipeline = source.pipeline.as_ref().and_then(|it| it.0.clone()).unwrap_or_default();
    Observed {
        component: Some(Component::new("orders", ComponentSpec::default())),
        leads_to: leads_to(&pipeline, "refs/heads/main"),
        source: Some(Arc::new(source)),
        environments: [("staging".to_owned(), "shop--staging".to_owned())].into(),
        ..Observed::default()
    }
}

fn toolchains() -> Toolchains {
    [("rust".to_owned(), Toolchain { digest: "d".to_owned(), ..Toolchain::default() })].into()
}

fn bases() -> BTreeMap<String, Option<String>> {
    [("python-3.11".to_owned(), Some("b".to_owned()))].into()
}

fn checked(run: &PipelineRun, observed: &Observed, toolchains: &Toolchains) -> Result<Input, Problem> {
    validate(run, observed, &Known { toolchains, bases: &bases() })
}

fn said(observed: &Observed, toolchains: &Toolchains) -> (&'static str, String) {
    match checked(&run(), observed, toolchains) {
        Ok(_) => ("", String::new()),
        Err((reason, message)) => (reason.as_str(), message),
    }
}

#[test]
fn what_keeps_a_run_from_going_on_is_said_with_its_place() {
    assert_eq!(said(&observed(Some(PIPELINE), SCORE), &toolchains()).0, "");
    let with = |change: &dyn Fn(&mut Observed)| {
        let mut observed = observed(Some(PIPELINE), SCORE);
        change(&mut observed);
        observed
    };
    let cases: Vec<(Observed, &str, &str)> = vec![
        (with(&|it| it.component = None), "ComponentNotFound", "orders"),
        (with(&|it| it.source = None), "SourceNotFound", "shop/orders has no commit aaaaaaaaaa"),
        (with(&|it| it.environments.clear()), "EnvironmentNotFound", "\"staging\", which does not exist"),
        (observed(None, SCORE), "PipelineNotFound", ".fairway/pipeline.yaml"),
        (observed(Some("steps: 3"), SCORE), "InvalidPipeline", ".fairway/pipeline.yaml:1: "),
        (observed(Some(PIPELINE), ""), "InvalidWorkload", "score.yaml: "),
        (
            observed(Some(PIPELINE), &SCORE.replace("orders", "other")),
            "InvalidWorkload",
            "\"other\", and the component is orders",
        ),
        (observed(Some(&PIPELINE.replace(", image: { program: x }", "")), SCORE), "InvalidWorkload", "no step of"),
    ];
    for (observed, reason, part) in cases {
        let (found, message) = said(&observed, &toolchains());
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(part), "{message}");
    }
    let none = said(&observed(Some(PIPELINE), SCORE), &Toolchains::new());
    assert_eq!(none, ("ToolchainNotFound", "step build asks for toolchain \"rust\"; there are none".to_owned()));
}

#[test]
fn a_branch_that_makes_no_release_needs_no_workload() {
    let mut observed = observed(Some(PIPELINE), "");
    observed.leads_to = leads_to(&Pipeline::default(), "refs/heads/work");
    assert_eq!(said(&observed, &toolchains()).0, "");
}

fn sibling(number: i64, reference: &str, trigger: PipelineTrigger) -> PipelineRun {
    let spec = PipelineRunSpec { number, r#ref: reference.to_owned(), trigger, ..run().spec };
    PipelineRun::new(&format!("orders-{number}"), spec)
}

#[test]
fn only_a_newer_push_to_the_same_ref_takes_a_runs_place() {
    let main = "refs/heads/main";
    let cases = [
        (sibling(6, main, PipelineTrigger::Push), Some(Stop::Superseded("orders-6".to_owned()))),
        (sibling(4, main, PipelineTrigger::Push), None),
        (sibling(6, "refs/heads/other", PipelineTrigger::Push), None),
        (sibling(6, main, PipelineTrigger::Rerun), None),
    ];
    for (other, expected) in cases {
        let name = other.name_any();
        let observed = Observed { siblings: vec![other], ..Observed::default() };
        assert_eq!(stop(&run(), &observed), expected, "{name}");
    }
    let mut asked = run();
    asked.spec.cancel = true;
    assert_eq!(stop(&asked, &Observed::default()), Some(Stop::Asked));
    let gone = Observed { branch_is_gone: true, ..Observed::default() };
    assert_eq!(stop(&asked, &gone), Some(Stop::BranchGone));
    assert_eq!(stop(&run(), &gone), None, "it is asked to stop first");
}

#[test]
fn what_succeeded_in_other_runs_is_known_by_key_and_a_rerun_does_not_ask() {
    let with = |number: i64, state: StepState, reason: Option<StepReason>| {
        let mut other = sibling(number, "refs/heads/main", PipelineTrigger::Push);
        let step = PipelineStep {
            key: Some("k".to_owned()),
            state,
            reason: reason.map(|it| it.as_str().to_owned()),
            ..PipelineStep::default()
        };
        other.status = Some(PipelineRunStatus { steps: vec![step], ..PipelineRunStatus::default() });
        other
    };
    let of = |siblings: &[PipelineRun]| earlier(siblings).get("k").map(|it| it.run.clone());
    let unchanged = || with(4, StepState::Skipped, Some(StepReason::Unchanged));
    assert_eq!(of(&[unchanged(), with(3, StepState::Succeeded, None)]).as_deref(), Some("orders-3"));
    assert_eq!(of(&[unchanged()]).as_deref(), Some("orders-4"), "the run it succeeded in is gone");
    assert_eq!(
        of(&[with(3, StepState::Failed, None), with(2, StepState::Skipped, Some(StepReason::NeedFailed))]),
        None
    );
    let mut observed = observed(Some(PIPELINE), SCORE);
    observed.siblings = vec![with(3, StepState::Succeeded, None)];
    let asked = |trigger| {
        let mut run = run();
        run.spec.trigger = trigger;
        checked(&run, &observed, &toolchains()).map_or(0, |it| it.earlier.len())
    };
    assert_eq!((asked(PipelineTrigger::Push), asked(PipelineTrigger::Rerun)), (1, 0));
}

#[test]
fn a_run_whose_name_could_be_no_folder_is_told_so() {
    for (name, reason) in [("orders-5", ""), ("a.b", "InvalidName"), (&*"a".repeat(64), "InvalidName")] {
        let mut run = run();
        run.metadata.name = Some(name.to_owned());
        let found = checked(&run, &observed(Some(PIPELINE), SCORE), &toolchains());
        assert_eq!(found.map_or_else(|it| it.0.as_str(), |_| ""), reason, "{name}");
    }
}

#[test]
fn an_image_on_a_base_that_nobody_knows_is_refused_before_anything_runs() {
    let on = |base: &str| {
        let image = format!("image: {{ base: {base}, folder: out, entrypoint: [x] }}");
        said(&observed(Some(&PIPELINE.replace("image: { program: x }", &image)), SCORE), &toolchains())
    };
    assert_eq!(on("python-3.11").0, "");
    let (reason, message) = on("python-9");
    assert_eq!(reason, "InvalidPipeline");
    assert_eq!(message, "step build makes an image on base \"python-9\"; there are python-3.11");
}
