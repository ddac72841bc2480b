//! The filter of system calls: what a container has no business with answers EPERM.
//!
//! The container has no capability at all, so most of these would fail anyway; the filter keeps bugs in rarely used
//! corners of the kernel out of reach (user namespaces, keyrings, BPF, io_uring, perf, old interfaces).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const EAFNOSUPPORT: u32 = 97;
/// What a socket may be of: itself, the pod's network, and asking about that. Others lead past the pod's network (the machine
/// that hosts a virtual one) or into rarely used corners of the kernel.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// Bit of the numbers that the x32 interface uses for the same calls.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
/// Every kind of new namespace that `clone` and `unshare` know.
const NEW_NAMESPACES: u64 =
    0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;

const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_uselib,
    libc::SYS_ustat,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[];

/// Installs the filter for this process and all it becomes.
pub(super) fn install() -> Result<(), seccompiler::Error> {
    if let Some(programs) = READY.get() {
        return apply(programs);
    }
    apply(&programs()?)
}

/// Makes the filter ahead, for those that are forked from here.
pub(crate) fn prepare() {
    if let Ok(programs) = programs() {
        let _made_before = READY.set(programs);
    }
}

static READY: OnceLock<[BpfProgram; 3]> = OnceLock::new();

fn apply(programs: &[BpfProgram]) -> Result<(), seccompiler::Error> {
    programs.iter().try_for_each(|it| seccompiler::apply_filter(it))
}

fn programs() -> Result<[BpfProgram; 3], seccompiler::Error> {
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for number in DENIED.iter().chain(DENIED_HERE) {
        insert(&mut denied, *number, Vec::new());
    }
    // `clone` makes threads and processes as ever, only no namespaces: one rule for each flag.
    let flags = (0..64).map(|bit| 1u64 << bit).filter(|flag| NEW_NAMESPACES & flag != 0);
    let rules = flags.map(|flag| {
        let masked = SeccompCmpOp::MaskedEq(flag);
        SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Qword, masked, flag)?])
    });
    let rules = rules.collect::<Result<Vec<_>, _>>()?;
    insert(&mut denied, libc::SYS_clone, rules);
    // Its flags lie in memory where no filter can look; the C library takes "no such call" for an answer and uses `clone`.
    let mut unknown = BTreeMap::new();
    insert(&mut unknown, libc::SYS_clone3, Vec::new());
    let others = FAMILIES.iter().map(|family| {
        let family = u64::try_from(*family).unwrap_or(0);
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    });
    let mut families = BTreeMap::new();
    insert(&mut families, libc::SYS_socket, vec![SeccompRule::new(others.collect::<Result<_, _>>()?)?]);
    Ok([filter(denied, EPERM)?, filter(unknown, ENOSYS)?, filter(families, EAFNOSUPPORT)?])
}

fn insert(rules: &mut BTreeMap<i64, Vec<SeccompRule>>, number: i64, conditions: Vec<SeccompRule>) {
    #[cfg(target_arch = "x86_64")]
    rules.insert(number | X32, conditions.clone());
    rules.insert(number, conditions);
}

fn filter(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: u32) -> Result<BpfProgram, seccompiler::Error> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), architecture)?.try_into()?)
}

#[cfg(test)]
mod tests;
