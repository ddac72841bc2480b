use std::collections::BTreeSet;

use super::parse;

#[test]
fn every_part_has_points_under_names_of_their_own_and_the_page_names_them_all() {
    let all = [&fairway_store::FAILPOINTS[..], &fairway_git::FAILPOINTS, &fairway_controllers::FAILPOINTS].concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    let page = include_str!("../../../../../CONTRIBUTING.md");
    for point in all {
        let armed = parse(&format!("{point}=kill")).expect("it is known");
        assert!(armed.arms(&[point]), "{point}");
        assert!(page.contains(&format!("`{point}`")), "CONTRIBUTING.md does not name {point}");
    }
    assert!(parse("nowhere=kill").is_err());
}
