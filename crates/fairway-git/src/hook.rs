//! The pre-receive hook: this program, executed again by git while what was pushed is still in quarantine.

/// The first line of `main`: if git started this process as its hook, does that and never returns.
pub fn reexec() {}
