use serde_json::json;

use super::*;
use crate::runner::protocol::Limits;

fn container() -> Container {
    serde_json::from_value(json!({
        "name": "app", "attempt": 0, "image": "images/x", "argv": ["x"], "env": [], "working_dir": "", "user": 65532,
        "group": 100, "read_only_root": true, "mounts": [], "limits": Limits::default(),
    }))
    .unwrap()
}

#[test]
fn what_a_call_asks_for_is_the_first_user_or_group_that_is_not_the_containers() {
    let keep = u64::from(u32::MAX);
    for (call, arguments, expected) in [
        (libc::SYS_setuid, [0, 0, 0], Some(Want::User(0))),
        (libc::SYS_setuid, [65532, 0, 0], None),
        (libc::SYS_setresuid, [keep, 65532, 101], Some(Want::User(101))),
        (libc::SYS_setresuid, [keep, keep, u64::MAX], None),
        (libc::SYS_setresgid, [100, 101, keep], Some(Want::Group(101))),
        (libc::SYS_setgroups, [1, 0, 0], Some(Want::Groups)),
        (libc::SYS_fchown, [3, 65532, 7], Some(Want::Group(7))),
        (libc::SYS_fchown, [3, 999, 7], Some(Want::User(999))),
        (libc::SYS_read, [999, 999, 999], None),
    ] {
        let [a, b, c] = arguments;
        assert_eq!(wanted(&container(), call, &[a, b, c, 0, 0, 0]), expected, "{call} {arguments:?}");
    }
}

#[test]
fn the_filter_asks_and_never_refuses() {
    let program = program(&container()).unwrap();
    let verdicts: Vec<u32> = program.iter().filter(|it| it.code == 0x06).map(|it| it.k).collect();
    assert!(verdicts.contains(&ASK) && !verdicts.contains(&LOG), "{verdicts:x?}");
}
