use std::collections::HashSet;

use super::*;

#[test]
fn a_host_has_one_address_of_its_own_in_every_pod() {
    let (mut one, mut other) = (Names::default(), Names::default());
    let first = one.take("index.crates.io").unwrap();
    other.take("static.crates.io").unwrap();
    assert_eq!(other.take("index.crates.io").unwrap(), first);
    assert_eq!(one.take("index.crates.io").unwrap(), first);
    assert_ne!(one.take("static.crates.io").unwrap().1, first.1);
}

#[test]
fn every_host_has_another_address_within_the_network_and_their_number_is_bounded() {
    let mut names = Names::default();
    for at in 0..MAX_HOSTS {
        names.take(&format!("host-{at}.example.com")).unwrap();
    }
    assert_eq!(names.take("one-more.example.com"), None);
    assert!(names.take("host-7.example.com").is_some(), "who is known stays known");
    let addresses: HashSet<_> = names.all().into_iter().map(|it| it.1).collect();
    assert_eq!(addresses.len(), MAX_HOSTS);
    assert!(addresses.iter().all(|it| matches!(it.octets(), [198, 18 | 19, ..])), "{addresses:?}");
    names.retain(|host| host == "host-7.example.com");
    assert_eq!(names.all().len(), 1);
    assert!(names.take("one-more.example.com").is_some());
}

#[test]
fn hosts_that_fall_on_the_same_place_stand_beside_each_other() {
    let mut names = Names::default();
    let taken = names.take("a.example.com").unwrap().1;
    names.by_host.clear();
    names.by_address.insert(taken, "another".into());
    let beside = names.take("a.example.com").unwrap().1;
    assert_eq!(beside.to_bits(), taken.to_bits() + 1);
}
