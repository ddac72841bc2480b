use std::collections::BTreeSet;

use super::*;

#[test]
fn the_filter_compiles_and_stays_far_below_the_kernels_limit() {
    let programs = programs().unwrap();
    for program in &programs {
        assert!((1..2048).contains(&program.len()), "{} instructions", program.len());
    }
}

#[test]
fn no_call_is_listed_twice_and_none_that_every_program_needs() {
    let listed: Vec<i64> = DENIED.iter().chain(DENIED_HERE).copied().collect();
    let distinct: BTreeSet<i64> = listed.iter().copied().collect();
    assert_eq!(listed.len(), distinct.len());
    for needed in [libc::SYS_execve, libc::SYS_mmap, libc::SYS_clone, libc::SYS_openat, libc::SYS_futex] {
        assert!(!distinct.contains(&needed), "{needed}");
    }
}
