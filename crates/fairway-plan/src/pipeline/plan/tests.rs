use super::super::file::{ImageOf, ProgramImage};
use super::*;

mod simulated;

fn step(name: &str, needs: &[&str]) -> Step {
    let needs = needs.iter().map(|it| (*it).to_owned()).collect();
    Step { name: name.to_owned(), needs, ..Step::default() }
}

fn usual() -> Pipeline {
    let build = Step {
        image: Some(ImageOf::Program(ProgramImage { program: "out/app".to_owned() })),
        ..step("build", &["test"])
    };
    Pipeline { steps: vec![step("test", &[]), build, step("lint", &[])], ..Pipeline::default() }
}

struct Case {
    pipeline: Pipeline,
    leads_to: LeadsTo,
    steps: Vec<(&'static str, Standing)>,
    earlier: Vec<(&'static str, Option<&'static str>)>,
    stop: bool,
    prepared: bool,
    places: usize,
    released: Released,
    delivered: Vec<&'static str>,
    forbidden: Vec<&'static str>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            pipeline: usual(),
            leads_to: LeadsTo { release: true, deliver_to: vec!["staging".to_owned()] },
            steps: Vec::new(),
            earlier: Vec::new(),
            stop: false,
            prepared: true,
            places: 10,
            released: Released::No,
            delivered: Vec::new(),
            forbidden: Vec::new(),
        }
    }
}

impl Case {
    /// Keys are the names of the steps: those in `earlier` succeeded in run `before`.
    fn plan(&self) -> Plan {
        let names = self.pipeline.steps.iter().map(|it| (it.name.clone(), it.name.clone())).collect();
        let earlier = |it: &(&str, Option<&str>)| {
            let found = Earlier { run: "before".to_owned(), image_digest: it.1.map(str::to_owned) };
            (it.0.to_owned(), found)
        };
        plan(&Facts {
            pipeline: &self.pipeline,
            leads_to: &self.leads_to,
            steps: &self.steps.iter().map(|it| (it.0.to_owned(), it.1)).collect(),
            keys: &names,
            earlier: &self.earlier.iter().map(earlier).collect(),
            stop: self.stop,
            prepared: self.prepared,
            places: self.places,
            released: &self.released,
            delivered: &self.delivered.iter().map(|it| (*it).to_owned()).collect(),
            forbidden: &self.forbidden.iter().map(|it| (*it).to_owned()).collect(),
        })
    }
}

fn start(name: &str) -> Decision {
    Decision::Start(name.to_owned())
}

#[test]
fn the_workspace_is_filled_before_anything_starts_and_only_when_there_is_a_place() {
    let fresh = Case { prepared: false, ..Case::default() };
    assert_eq!(fresh.plan().decisions, [Decision::Prepare]);
    let no_place = Case { prepared: false, places: 0, ..Case::default() };
    assert_eq!(no_place.plan(), Plan { decisions: vec![], queued: vec!["test".to_owned(), "lint".to_owned()] });
}

#[test]
fn steps_start_when_what_they_need_succeeded_and_there_is_a_place() {
    assert_eq!(Case::default().plan().decisions, [start("test"), start("lint")]);
    let one = Case { places: 1, ..Case::default() };
    assert_eq!(one.plan(), Plan { decisions: vec![start("test")], queued: vec!["lint".to_owned()] });
    let tested = Case { steps: vec![("test", Standing::Exited), ("lint", Standing::Running)], ..Case::default() };
    assert_eq!(tested.plan().decisions, [Decision::Complete("test".to_owned()), start("build")]);
}

#[test]
fn a_failed_step_blocks_what_needs_it_and_lets_the_others_end() {
    let failed = Case { steps: vec![("test", Standing::Failed), ("lint", Standing::Running)], ..Case::default() };
    assert_eq!(failed.plan().decisions, [Decision::Block("build".to_owned(), "test".to_owned())]);
    let ended = Case { steps: vec![("test", Standing::Failed), ("lint", Standing::Succeeded)], ..Case::default() };
    let verdict = Verdict::StepsFailed(vec!["test".to_owned()]);
    let block = Decision::Block("build".to_owned(), "test".to_owned());
    assert_eq!(ended.plan().decisions, [block, Decision::Finish(verdict)]);
}

#[test]
fn what_did_not_change_is_left_out_unless_what_must_run_needs_it() {
    let all = Case { earlier: vec![("test", None), ("lint", None), ("build", Some("sha256:1"))], ..Case::default() };
    let decisions = all.plan().decisions;
    assert!(matches!(&decisions[..], [Decision::Skip(..), Decision::Skip(..), Decision::Skip(..), Decision::Release]));
    let no_image = Case { earlier: vec![("test", None), ("build", None)], ..Case::default() };
    assert_eq!(no_image.plan().decisions, [start("test"), start("lint")], "build must run, and needs what test leaves");
    let lint = Case { earlier: vec![("lint", None)], ..Case::default() };
    assert!(matches!(&lint.plan().decisions[..], [Decision::Skip(name, _), Decision::Start(_)] if name == "lint"));
}

#[test]
fn an_image_is_made_before_its_step_has_succeeded() {
    let exited = Case {
        steps: vec![("test", Standing::Succeeded), ("build", Standing::Exited), ("lint", Standing::Succeeded)],
        ..Case::default()
    };
    assert_eq!(exited.plan().decisions, [Decision::MakeImage("build".to_owned())]);
}

#[test]
fn when_all_ended_well_release_and_deliveries_follow_as_the_ref_asks() {
    let ended = |released: Released, delivered: &[&'static str], leads_to: LeadsTo| {
        let steps = ["test", "build", "lint"].map(|it| (it, Standing::Succeeded)).to_vec();
        Case { steps, released, delivered: delivered.to_vec(), leads_to, ..Case::default() }.plan().decisions
    };
    let full = || LeadsTo { release: true, deliver_to: vec!["staging".to_owned()] };
    let over = |it| vec![Decision::Finish(it)];
    assert_eq!(ended(Released::No, &[], full()), [Decision::Release]);
    assert_eq!(ended(Released::Checking, &[], full()), []);
    assert_eq!(ended(Released::Ready, &[], full()), [Decision::Deliver("staging".to_owned())]);
    assert_eq!(ended(Released::Ready, &["staging"], full()), over(Verdict::Succeeded));
    assert_eq!(ended(Released::Refused("no".to_owned()), &[], full()), over(Verdict::ReleaseRefused("no".to_owned())));
    assert_eq!(ended(Released::No, &[], LeadsTo::default()), over(Verdict::Succeeded), "a branch without a rule");
}

#[test]
fn where_it_may_not_be_delivered_is_told_after_it_was_delivered_to_the_others() {
    let places = ["staging", "production"].map(str::to_owned);
    let ended = |delivered: &[&'static str], forbidden: &[&'static str]| {
        let steps = ["test", "build", "lint"].map(|it| (it, Standing::Succeeded)).to_vec();
        let leads_to = LeadsTo { release: true, deliver_to: places.to_vec() };
        let (delivered, forbidden) = (delivered.to_vec(), forbidden.to_vec());
        Case { steps, released: Released::Ready, delivered, forbidden, leads_to, ..Case::default() }.plan().decisions
    };
    let told =
        |names: &[&str]| vec![Decision::Finish(Verdict::Forbidden(names.iter().map(|it| (*it).to_owned()).collect()))];
    assert_eq!(ended(&[], &["production"]), [Decision::Deliver("staging".to_owned())]);
    assert_eq!(ended(&["staging"], &["production"]), told(&["production"]));
    assert_eq!(ended(&[], &["production", "staging"]), told(&["staging", "production"]));
    // Somebody else has wished for it there.
    assert_eq!(ended(&["staging", "production"], &["production"]), [Decision::Finish(Verdict::Succeeded)]);
}

#[test]
fn a_stopped_run_ends_at_once_and_makes_nothing_more() {
    let steps = vec![("test", Standing::Succeeded), ("build", Standing::Running), ("lint", Standing::Lost)];
    let stopped = Case { steps, stop: true, released: Released::Ready, ..Case::default() };
    let cancel = |it: &str| Decision::Cancel(it.to_owned());
    assert_eq!(stopped.plan().decisions, [cancel("build"), cancel("lint"), Decision::Finish(Verdict::Stopped)]);
}

#[test]
fn a_lost_step_failed_and_is_not_started_again() {
    let lost = Case { steps: vec![("test", Standing::Lost), ("lint", Standing::Succeeded)], ..Case::default() };
    let decisions = lost.plan().decisions;
    assert_eq!(decisions[0], Decision::Lose("test".to_owned()));
    assert_eq!(decisions.last(), Some(&Decision::Finish(Verdict::StepsFailed(vec!["test".to_owned()]))));
}
