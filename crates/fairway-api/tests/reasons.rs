//! Every reason that a status can give has its page in `docs/reference/reasons/`, and every page has its reason.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use fairway_api::v1alpha1::{
    ComponentReason, DeliveryReason, EgressReason, EnvironmentReason, PipelineRunReason, ProjectReason, ReleaseReason,
    ResourceClassReason, ResourceReason, TeamReason, TemplateReason,
};

/// The words of a kind's reasons.
macro_rules! words {
    ($reasons:ident) => {
        $reasons::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>()
    };
}

/// Every kind with its reasons.
fn kinds() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("Team", words!(TeamReason)),
        ("Project", [words!(ProjectReason), words!(EgressReason)].concat()),
        ("Environment", [words!(EnvironmentReason), words!(EgressReason)].concat()),
        ("Template", words!(TemplateReason)),
        ("ResourceClass", words!(ResourceClassReason)),
        ("Component", words!(ComponentReason)),
        ("Release", words!(ReleaseReason)),
        ("Delivery", words!(DeliveryReason)),
        ("Resource", words!(ResourceReason)),
        ("PipelineRun", words!(PipelineRunReason)),
    ]
}

/// The pages by the reason they are named after.
fn pages() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/reasons");
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().and_then(|it| it.to_str()), Some("md"), "{} is no page", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        pages.insert(name, fs::read_to_string(&path).unwrap());
    }
    pages
}

#[test]
fn every_reason_has_a_page_and_every_page_has_a_reason() {
    let reasons: BTreeSet<String> = kinds().into_iter().flat_map(|it| it.1).map(str::to_owned).collect();
    let pages: BTreeSet<String> = pages().into_keys().collect();
    let missing: Vec<_> = reasons.difference(&pages).collect();
    let surplus: Vec<_> = pages.difference(&reasons).collect();
    assert!(missing.is_empty(), "reasons without a page in docs/reference/reasons: {missing:?}");
    assert!(surplus.is_empty(), "pages in docs/reference/reasons of no reason: {surplus:?}");
}

#[test]
fn every_page_names_each_kind_that_gives_its_reason_and_no_other() {
    let pages = pages();
    for (name, page) in &pages {
        let named: BTreeSet<&str> = page
            .lines()
            .filter_map(|it| it.strip_prefix("**On** ")?.split(" · ").next())
            .flat_map(|it| it.split(", "))
            .collect();
        let giving: BTreeSet<&str> =
            kinds().into_iter().filter(|it| it.1.contains(&name.as_str())).map(|it| it.0).collect();
        assert_eq!(named, giving, "the kinds on the page {name}.md");
    }
}

#[test]
fn every_page_says_what_it_means_who_mends_it_and_the_next_command() {
    for (name, page) in pages() {
        assert_eq!(page.lines().next(), Some(format!("# {name}").as_str()), "the heading of {name}.md");
        for part in ["**Meaning.** ", "**Who mends it.** ", "**Next command.**", "```console\n$ "] {
            assert!(page.contains(part), "{name}.md has no {part:?}");
        }
    }
}
