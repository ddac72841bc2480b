use fairway_api::v1alpha1::{ProjectSpec, TeamSpec};

use super::*;

fn project(name: &str) -> Project {
    Project::new(name, ProjectSpec { team_name: "checkout".to_owned(), description: None })
}

fn namespace(mark: Option<&str>) -> Namespace {
    let annotations = mark.map(|it| [(ANNOTATION_OWNER.to_owned(), it.to_owned())].into());
    Namespace { metadata: ObjectMeta { annotations, ..ObjectMeta::default() }, ..Namespace::default() }
}

fn judged(name: &str, team: bool, there: Option<Namespace>) -> Result<ProjectName, Problem> {
    let team = team.then(|| Team::new("checkout", TeamSpec::default()));
    validate(&project(name), &Observed { team, namespace: there, egress: Egress::default() })
}

fn egress() -> Wanted {
    Egress::plan(None, "pipeline").condition(true)
}

#[test]
fn a_project_needs_a_good_name_a_team_and_a_namespace_that_is_its_own() {
    assert!(judged("shop", true, None).is_ok());
    assert!(judged("shop", true, Some(namespace(Some("Project/shop")))).is_ok());
    assert_eq!(judged("Shop", true, None).unwrap_err().0, ProjectReason::InvalidName);
    assert_eq!(judged("shop", false, None).unwrap_err().0, ProjectReason::TeamNotFound);
    for foreign in [namespace(None), namespace(Some("Project/other")), namespace(Some("Environment/shop"))] {
        let (reason, message) = judged("shop", true, Some(foreign)).unwrap_err();
        assert_eq!(reason, ProjectReason::NamespaceTaken);
        assert!(message.contains("choose another name"), "{message}");
    }
}

#[test]
fn a_status_says_the_state_in_one_sentence_and_is_equal_when_nothing_changed() {
    let mut it = project("shop");
    let now = Timestamp::from_second(5).unwrap();
    let first = status(&it, Ok(()), None, Some(egress()), now);
    assert_eq!(first.explanation.summary, "namespace shop is in force for team checkout");
    it.status = Some(first.clone());
    assert_eq!(status(&it, Ok(()), None, Some(egress()), Timestamp::from_second(99).unwrap()), first);
    let problem = (ProjectReason::TeamNotFound, "team does not exist".to_owned());
    let stalled = status(&it, Err(&problem), None, Some(egress()), now);
    assert!(stalled.conditions.iter().any(|it| it.type_ == STALLED && it.status == "True"));
    assert!(stalled.explanation.next_step.is_some());
    let egress_of =
        |it: &ProjectStatus| it.conditions.iter().find(|it| it.type_ == "EgressEnforced").unwrap().status.clone();
    assert_eq!((egress_of(&first).as_str(), egress_of(&stalled).as_str()), ("True", "Unknown"));
}
