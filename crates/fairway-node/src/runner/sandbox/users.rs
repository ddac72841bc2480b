//! A container has one user. A program that asks for another is told no by the kernel, in words that nobody understands:
//! so pod init hears of it, and can say what the matter is.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::runner::protocol::{Container, Want};
use crate::runner::raw;

/// "As it was", where a call takes several users.
const KEEP: u64 = u32::MAX as u64;
/// What a filter says for "ask whoever listens", which the compiler of filters has no word for, and a word it has.
const ASK: u32 = 0x7fc0_0000;
const LOG: u32 = 0x7ffc_0000;

/// Calls that change users, and which of their arguments are users and groups.
const CALLS: &[(i64, &[u8], &[u8])] = &[
    (libc::SYS_setuid, &[0], &[]),
    (libc::SYS_setreuid, &[0, 1], &[]),
    (libc::SYS_setresuid, &[0, 1, 2], &[]),
    (libc::SYS_setgid, &[], &[0]),
    (libc::SYS_setregid, &[], &[0, 1]),
    (libc::SYS_setresgid, &[], &[0, 1, 2]),
    (libc::SYS_fchown, &[1], &[2]),
    (libc::SYS_fchownat, &[2], &[3]),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chown, &[1], &[2]),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_lchown, &[1], &[2]),
];

/// From now on pod init hears of every such call that asks for what the container does not have.
pub(super) fn announce(spec: &Container) -> io::Result<OwnedFd> {
    raw::listen_to_calls(&program(spec).map_err(io::Error::other)?)
}

fn program(spec: &Container) -> Result<BpfProgram, seccompiler::Error> {
    let mut rules = BTreeMap::new();
    for (call, users, groups) in CALLS {
        let users = users.iter().map(|at| other_than(*at, spec.user));
        let groups = groups.iter().map(|at| other_than(*at, spec.group));
        rules.insert(*call, users.chain(groups).collect::<Result<Vec<_>, _>>()?);
    }
    // An empty list of groups is what a container has.
    let some = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_setgroups, vec![SeccompRule::new(vec![some])?]);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Log, architecture)?;
    let mut program: BpfProgram = filter.try_into()?;
    program.iter_mut().filter(|it| it.k == LOG).for_each(|it| it.k = ASK);
    Ok(program)
}

fn other_than(argument: u8, own: u32) -> Result<SeccompRule, seccompiler::Error> {
    let is_not = |value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value);
    Ok(SeccompRule::new(vec![is_not(u64::from(own))?, is_not(KEEP)?])?)
}

/// What a call asks for.
pub(in crate::runner) fn wanted(spec: &Container, call: i64, arguments: &[u64; 6]) -> Option<Want> {
    if call == libc::SYS_setgroups {
        return Some(Want::Groups);
    }
    let (_, users, groups) = CALLS.iter().find(|it| it.0 == call)?;
    let other = |places: &[u8], own: u32| {
        let mut given = places.iter().map(|at| u32::try_from(arguments[usize::from(*at)] & KEEP).unwrap_or(own));
        given.find(|it| *it != own && u64::from(*it) != KEEP)
    };
    other(users, spec.user).map(Want::User).or_else(|| other(groups, spec.group).map(Want::Group))
}

#[cfg(test)]
mod tests;
