use super::super::file::RefRule;
use super::*;

fn pipeline(rules: &[(&str, bool, &[&str])]) -> Pipeline {
    let rule = |it: &(&str, bool, &[&str])| RefRule {
        r#match: it.0.to_owned(),
        release: it.1,
        deliver_to: it.2.iter().map(|it| (*it).to_owned()).collect(),
    };
    Pipeline { refs: rules.iter().map(rule).collect(), ..Pipeline::default() }
}

#[test]
fn the_first_rule_that_matches_says_what_a_branch_leads_to() {
    let rules = pipeline(&[("main", true, &["staging"]), ("release/*", true, &[]), ("*", false, &[])]);
    let cases: [(&str, bool, &[&str]); 6] = [
        ("refs/heads/main", true, &["staging"]),
        ("refs/heads/release/1.0", true, &[]),
        ("refs/heads/release/1.0/fix", true, &[]),
        ("refs/heads/mainline", false, &[]),
        ("refs/tags/main", false, &[]),
        ("refs/heads/", false, &[]),
    ];
    for (reference, release, deliver_to) in cases {
        let led = leads_to(&rules, reference);
        assert_eq!(
            (led.release, led.deliver_to.iter().map(String::as_str).collect::<Vec<_>>()),
            (release, deliver_to.to_vec()),
            "{reference}"
        );
    }
}

#[test]
fn without_rules_main_release_and_hotfix_branches_make_a_release_and_deliver_nothing() {
    let none = pipeline(&[]);
    for (branch, release) in [("main", true), ("release/2", true), ("hotfix/a", true), ("feature/x", false)] {
        let led = leads_to(&none, &format!("refs/heads/{branch}"));
        assert_eq!(led, LeadsTo { release, deliver_to: Vec::new() }, "{branch}");
    }
}
