use fairway_api::v1alpha1::PipelineRunSpec;
use fairway_git::Commit;
use fairway_plan::pipeline::file;

use super::*;

const MAIN: &str = "refs/heads/main";
const FILE: &str = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n  - { name: build, toolchain: rust, run: x }\nrefs:\n  - { match: main, release: true }\n  - { match: \"release/*\", release: true }\n";

fn run(reference: &str, digit: char) -> PipelineRun {
    let (reference, commit) = (reference.to_owned(), digit.to_string().repeat(40));
    PipelineRun::new("orders-1", PipelineRunSpec { r#ref: reference, commit, ..PipelineRunSpec::default() })
}

#[test]
fn only_what_a_releasing_branch_is_at_uses_the_cache_of_releases() {
    let at = |digit: char| {
        let commit = Commit::parse(&digit.to_string().repeat(40)).unwrap();
        Ref { commit, pushed_by: None, groups: Vec::new(), cause: None }
    };
    let refs: BTreeMap<String, Ref> = [(MAIN, 'a'), ("refs/heads/release/1", 'b'), ("refs/heads/work", 'c')]
        .map(|(name, digit)| (name.to_owned(), at(digit)))
        .into();
    let pipeline = file::parse(FILE).0;
    let of = |run: &PipelineRun| which(run, MAIN, &refs, pipeline.as_ref());
    assert_eq!(of(&run(MAIN, 'a')), Cache::Releases);
    assert_eq!(of(&run("refs/heads/release/1", 'b')), Cache::Releases);
    assert_eq!(of(&run("refs/heads/work", 'c')), Cache::Branches, "whatever its own file says");
    assert_eq!(of(&run(MAIN, 'c')), Cache::Branches, "a run somebody made that says it is of main");
    assert_eq!(of(&run("refs/heads/gone", 'a')), Cache::Branches);
    assert_eq!(which(&run("refs/heads/release/1", 'b'), MAIN, &refs, None), Cache::Branches);
}
