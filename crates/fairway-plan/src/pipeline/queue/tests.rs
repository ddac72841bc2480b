use super::*;

fn asking<'a>(run: &'a str, project: &'a str, since: i64, running: usize, startable: usize) -> Asking<'a> {
    Asking { run, project, since, running, startable }
}

#[test]
fn no_more_than_the_limit_is_under_way_and_no_place_stays_empty() {
    let runs = [asking("a", "shop", 1, 1, 5), asking("b", "shop", 2, 0, 5)];
    let given = places(4, &runs);
    assert_eq!(given.values().sum::<usize>(), 3);
    assert_eq!(given.get("a"), Some(&3), "the older run goes first");
    assert!(places(1, &runs).is_empty(), "the limit is reached");
    assert!(places(0, &runs).is_empty());
}

#[test]
fn projects_take_turns_however_many_runs_one_has() {
    let names: Vec<String> = (0..20).map(|it| format!("busy-{it:02}")).collect();
    let mut runs: Vec<Asking<'_>> = names.iter().map(|it| asking(it, "busy", 0, 0, 3)).collect();
    runs.push(asking("small", "quiet", 99, 0, 2));
    let given = places(4, &runs);
    assert_eq!(given.get("small"), Some(&2));
    assert_eq!(given.values().sum::<usize>(), 4);
}

#[test]
fn what_is_under_way_already_counts_for_its_project() {
    let runs = [asking("old", "busy", 1, 2, 2), asking("new", "quiet", 2, 0, 2)];
    assert_eq!(places(3, &runs), [("new", 1)].into());
}
