use fairway_api::conditions::{READY, Wanted, merge};
use fairway_api::v1alpha1::{ComponentRepository, ComponentStatus, ComponentType, TemplateSpec};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::Exit;
use crate::commands::template::parse_setting;

fn template(stalled: bool) -> Template {
    let spec: TemplateSpec = serde_json::from_value(json!({
        "version": "v1.0.0", "componentType": "Worker", "source": { "builtin": "worker" },
        "parameters": [{ "name": "port", "type": "integer", "default": 8080 }, { "name": "owner", "required": true }],
    }))
    .unwrap();
    let mut template = Template::new("worker", spec);
    let wanted = if stalled { Wanted::yes(STALLED, "X", "") } else { Wanted::yes(READY, "Usable", "") };
    let mut status = fairway_api::v1alpha1::TemplateStatus::default();
    status.explanation.summary = "its folder has mistakes".to_owned();
    status.conditions = merge(&[], &[wanted], None, Timestamp::UNIX_EPOCH);
    template.status = Some(status);
    template
}

fn create(settings: &[&str]) -> CreateService {
    let settings = settings.iter().map(|it| parse_setting(it).unwrap()).collect();
    CreateService { name: Some("orders".to_owned()), settings, ..CreateService::default() }
}

#[test]
fn the_object_says_the_template_its_type_and_only_what_was_chosen() {
    let spec = spec(&create(&["owner=@ada", "port=9000"]), &template(false)).unwrap();
    assert_eq!(spec.r#type, ComponentType::Worker);
    let wanted = json!({ "name": "worker", "parameters": { "owner": "@ada", "port": 9000 } });
    assert_eq!(serde_json::to_value(spec.template).unwrap(), wanted);
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    let failure = spec(&create(&["prot=1", "port=x"]), &template(false)).unwrap_err();
    assert_eq!((failure.exit, failure.details.len()), (Exit::Usage, 3));
    let failure = spec(&create(&["owner=@ada"]), &template(true)).unwrap_err();
    assert_eq!(failure.exit, Exit::NotReady);
    assert!(failure.what.contains("its folder has mistakes"));
}

#[test]
fn the_repository_is_waited_for_until_it_is_there_or_cannot_be() {
    let name = ComponentName::parse("orders").unwrap();
    let mut component = Component::new("orders", ComponentSpec::default());
    component.metadata.generation = Some(1);
    assert!(matches!(judge(&name, Some(&component)), Verdict::Wait(_)));
    assert!(matches!(judge(&name, None), Verdict::Never(_)));
    let stalled = merge(&[], &[Wanted::yes(STALLED, "TemplateNotFound", "")], None, Timestamp::UNIX_EPOCH);
    let mut status = ComponentStatus { conditions: stalled, ..ComponentStatus::default() };
    status.explanation.summary = "template x does not exist".to_owned();
    component.status = Some(status.clone());
    assert!(matches!(judge(&name, Some(&component)), Verdict::Wait(_)), "it speaks of the object before");
    status.observed_generation = Some(1);
    component.status = Some(status.clone());
    let Verdict::Never(failure) = judge(&name, Some(&component)) else { panic!() };
    assert!(failure.what.contains("template x does not exist"));
    assert_eq!(failure.hint.as_deref(), Some("platform delete component orders"));
    // What is the platform's own fault is no reason to remove a service.
    let pending = [Wanted::yes(STALLED, "RepositoryPending", "")];
    status.conditions = merge(&[], &pending, None, Timestamp::UNIX_EPOCH);
    component.status = Some(status.clone());
    let Verdict::Never(failure) = judge(&name, Some(&component)) else { panic!() };
    assert!(failure.hint.is_some_and(|it| it.contains("platform get component orders") && !it.contains("delete")));
    status.repository = Some(ComponentRepository { url: "https://x/y.git".to_owned(), ..Default::default() });
    component.status = Some(status);
    let Verdict::Done(url) = judge(&name, Some(&component)) else { panic!() };
    assert_eq!(url, "https://x/y.git");
}

#[test]
fn a_database_and_a_cache_are_chosen_like_any_parameter() {
    let mut template = template(false);
    let failure = settings(&CreateService { database: Some("postgres".to_owned()), ..create(&[]) }, &template);
    let failure = failure.unwrap_err();
    assert_eq!((failure.exit, failure.what.as_str()), (Exit::Usage, "template worker has no database to choose"));
    let more: TemplateSpec = serde_json::from_value(json!({
        "version": "v1.0.0", "componentType": "Service", "source": { "builtin": "python-service" },
        "parameters": [
            { "name": "database", "type": "enum", "values": ["none", "postgres"], "default": "none" },
            { "name": "cache", "type": "enum", "values": ["none", "redis"], "default": "none" },
        ],
    }))
    .unwrap();
    template.spec = more;
    let of = |database: &str, cache: &str, settings: &[&str]| {
        let said = |it: &str| (!it.is_empty()).then(|| it.to_owned());
        let create = CreateService { database: said(database), cache: said(cache), ..create(settings) };
        spec(&create, &template).map(|it| serde_json::to_value(it.template.unwrap().parameters).unwrap())
    };
    assert_eq!(of("postgres", "redis", &[]).unwrap(), json!({ "cache": "redis", "database": "postgres" }));
    assert_eq!(of("none", "", &[]).unwrap(), json!({ "database": "none" }));
    assert_eq!(of("mysql", "", &[]).unwrap_err().exit, Exit::Usage, "the template says which there are");
    assert_eq!(of("postgres", "", &["database=none"]).unwrap_err().exit, Exit::Usage, "it is said twice");
}
