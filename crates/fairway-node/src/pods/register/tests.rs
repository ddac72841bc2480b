use super::limits;
use crate::machine::{Machine, inspect};

#[test]
fn a_node_says_whether_limits_hold_and_why_not() {
    let with = |cgroups: &str, controllers: &[&str], why: Option<&str>| Machine {
        cgroups: cgroups.to_owned(),
        controllers: controllers.iter().map(|it| (*it).to_owned()).collect(),
        cgroups_reason: why.map(str::to_owned),
        ..inspect()
    };
    for (machine, status, message) in [
        (with("v2", &["memory", "cpu"], None), "True", "limits are set through cgroups v2"),
        (
            with("none", &[], Some("it is not delegated to this user")),
            "False",
            "memory and processor limits are not enforced: it is not delegated to this user",
        ),
        (with("v1", &["pids"], None), "False", "memory and processor limits are not enforced: no memory controller"),
    ] {
        let told = limits(&machine);
        assert_eq!((told.0, told.2.as_str()), (status, message));
    }
}
