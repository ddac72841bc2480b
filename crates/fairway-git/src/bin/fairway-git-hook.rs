//! The smallest program that can be a host's hook.

fn main() {
    fairway_git::reexec();
}
