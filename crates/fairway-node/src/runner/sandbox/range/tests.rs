use super::*;

#[test]
fn whoever_has_no_number_in_the_range_is_its_last() {
    assert_eq!(map(None), "0 0 65536\n");
    assert_eq!(map(Some(1_000_650_000)), "0 0 65535\n1000650000 65535 1\n");
    assert!(is_high(65_535) && !is_high(65_534));
}

#[test]
fn only_root_of_a_range_keeps_rights_and_no_others_than_these() {
    let spec = |user: u32, has_range: bool, capabilities: u64| -> Container {
        serde_json::from_value(serde_json::json!({
            "name": "app", "attempt": 0, "image": "", "argv": [], "env": [], "working_dir": "", "user": user, "group": 0,
            "read_only_root": true, "mounts": [], "limits": {}, "has_range": has_range, "capabilities": capabilities,
        }))
        .unwrap()
    };
    assert_eq!(kept(&spec(0, true, u64::MAX)), RIGHTS);
    assert_eq!(kept(&spec(0, true, CapabilitySet::CHOWN.bits())), CapabilitySet::CHOWN);
    for nothing in [
        spec(0, true, 0),
        spec(0, true, CapabilitySet::SYS_ADMIN.bits()),
        spec(1, true, u64::MAX),
        spec(0, false, u64::MAX),
    ] {
        assert_eq!(kept(&nothing), CapabilitySet::empty());
    }
    let groups = Container { group: 70_000, groups: vec![5, 80_000], ..spec(1, true, 0) };
    assert_eq!(high_group(&groups), Some(70_000));
}
