//! A container's root: the image under a skeleton, the kernel's file systems, the pod's files and volumes.

use std::ffi::CString;
use std::fmt::Write as _;
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::chown;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, mount_remount, unmount,
};

use super::place::{self, Kind};
use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::{Container, Mount};
use crate::runner::{folder, ranges, raw};

/// Devices every program may expect.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Parts of /proc that tell about the machine, and parts that change it.
const MASKED: [&str; 7] = ["kcore", "keys", "key-users", "latency_stats", "timer_list", "sched_debug", "kpagecount"];
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];
const ETC: [&str; 3] = ["hosts", "hostname", "resolv.conf"];
const SHM_SIZE: &str = "mode=1777,size=64m";

/// Builds the root, goes there, and leaves the machine's own behind.
pub(super) fn build_and_enter(pod: &str, spec: &Container) -> Result<(), Failed> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .step(|| "keep mounts to ourselves".into())?;
    let root = mount_image(pod, spec)?;
    mount_proc(&root)?;
    mount_dev(&root)?;
    spec.scratch.iter().try_for_each(|(path, size)| mount_scratch(&root, path, *size))?;
    spec.mounts.iter().try_for_each(|it| mount_volume(&root, spec, it))?;
    close_root(&root, spec)?;
    rustix::process::fchdir(&root.reopen("/")?).step(|| "enter the container's root".into())?;
    rustix::process::pivot_root(".", ".").step(|| "make it the root".into())?;
    unmount(".", UnmountFlags::DETACH).step(|| "leave the machine's root".into())?;
    std::env::set_current_dir("/").step(|| "enter the container's root".into())
}

/// An open root that every path is looked up in, so that no link of an image leads out.
struct Root(OwnedFd);

impl Root {
    fn open(path: &Path) -> Result<Self, Failed> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, path, flags, Mode::empty()).step(|| format!("open {}", path.display()))?))
    }

    /// What lies at a path now: after a mount, the mount.
    fn reopen(&self, path: &str) -> Result<OwnedFd, Failed> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(&self.0, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
            .step(|| format!("open {path} in the container"))
    }
}

/// A path by which the kernel finds an open file.
fn by_descriptor(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

fn mount_image(pod: &str, spec: &Container) -> Result<Root, Failed> {
    if spec.image.as_os_str().is_empty() {
        return mount_empty(pod, spec);
    }
    let base = folder::attempt(pod, &spec.name, spec.attempt);
    let (skeleton, target) = (base.join("skeleton"), base.join("root"));
    let folders = [skeleton.clone(), target.clone(), base.join("upper"), base.join("work")];
    for folder in &folders {
        fs::create_dir_all(folder).step(|| format!("make {}", folder.display()))?;
    }
    fill_skeleton(pod, spec, &skeleton)?;
    let mut options = format!("userxattr,lowerdir={}:{}", escape(&skeleton), escape(&spec.image));
    if !spec.read_only_root {
        let _never_fails =
            write!(options, ",upperdir={},workdir={}", escape(&base.join("upper")), escape(&base.join("work")));
    }
    let options = CString::new(options).map_err(std::io::Error::other).step(|| "name the image's layers".into())?;
    mount("overlay", &target, "overlay", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .step(|| format!("mount the image {}", spec.image.display()))?;
    Root::open(&target)
}

/// No image: a small root in memory, which holds nothing but places for what is mounted.
fn mount_empty(pod: &str, spec: &Container) -> Result<Root, Failed> {
    let target = folder::attempt(pod, &spec.name, spec.attempt).join("root");
    fs::create_dir_all(&target).step(|| format!("make {}", target.display()))?;
    mount("tmpfs", &target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0755,size=16m")
        .step(|| "mount an empty root".into())?;
    for (path, to) in &spec.links {
        place::link(&target, path, to).step(|| format!("link {path} in the container"))?;
    }
    let spec = Container { image: target.clone(), ..spec.clone() };
    fill_skeleton(pod, &spec, &target)?;
    Root::open(&target)
}

fn mount_scratch(root: &Root, path: &str, size: u64) -> Result<(), Failed> {
    let options = CString::new(format!("mode=1777,size={size}")).expect("digits have no NUL");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", by_descriptor(&root.reopen(path)?), "tmpfs", flags, options.as_c_str())
        .step(|| format!("mount {path}"))
}

/// Nothing more is written into a root without an image: it holds places, not files.
fn close_root(root: &Root, spec: &Container) -> Result<(), Failed> {
    if !spec.image.as_os_str().is_empty() {
        return Ok(());
    }
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(by_descriptor(&root.0), flags, c"").step(|| "close the root".into())
}

/// Overlay options are a list: its separators in a path need a backslash.
fn escape(path: &Path) -> String {
    let mut escaped = String::new();
    for it in path.to_string_lossy().chars() {
        if matches!(it, '\\' | ':' | ',') {
            escaped.push('\\');
        }
        escaped.push(it);
    }
    escaped
}

/// Gives what was made for a container to its user. Where there is but one it is his already.
fn give(spec: &Container, path: &Path) -> std::io::Result<()> {
    let inside = |id: u32| Some(id.min(ranges::USERS - 1));
    if spec.has_range { chown(path, inside(spec.user), inside(spec.group)) } else { Ok(()) }
}

fn fill_skeleton(pod: &str, spec: &Container, skeleton: &Path) -> Result<(), Failed> {
    let ensure = |path: &str, kind| {
        place::ensure(&spec.image, skeleton, path, kind).step(|| format!("make {path} in the container"))
    };
    for path in ["/proc", "/dev", "/sys"] {
        ensure(path, Kind::Folder)?;
    }
    if !spec.working_dir.is_empty() {
        let place = ensure(&spec.working_dir, Kind::Folder)?;
        if !spec.image.join(&place).exists() {
            give(spec, &skeleton.join(&place)).step(|| format!("give {} away", spec.working_dir))?;
        }
    }
    for path in spec.scratch.iter().map(|it| &it.0) {
        ensure(path, Kind::Folder)?;
    }
    for (path, text) in &spec.files {
        place::put(&spec.image, skeleton, path, text.as_bytes()).step(|| format!("write {path}"))?;
    }
    for name in ETC {
        if let Ok(bytes) = fs::read(folder::etc(pod).join(name)) {
            let path = format!("/etc/{name}");
            place::put(&spec.image, skeleton, &path, &bytes).step(|| format!("write {path}"))?;
        }
    }
    for mount in &spec.mounts {
        let source = source(spec, mount)?;
        let is_folder = fs::metadata(by_descriptor(&source)).is_ok_and(|it| it.is_dir());
        ensure(&mount.target, if is_folder { Kind::Folder } else { Kind::File })?;
    }
    Ok(())
}

fn mount_proc(root: &Root) -> Result<(), Failed> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", by_descriptor(&root.reopen("/proc")?), "proc", flags, None).step(|| "mount /proc".into())?;
    let opened = root.reopen("/proc")?;
    let base = by_descriptor(&opened);
    for name in MASKED.iter().map(|it| base.join(it)).filter(|it| it.exists()) {
        mount_bind_recursive("/dev/null", &name).step(|| format!("mask {}", name.display()))?;
    }
    for name in READ_ONLY.iter().filter(|it| base.join(it).exists()) {
        let path = format!("/proc/{name}");
        bind(root, &base.join(name), &path, true)?;
    }
    Ok(())
}

fn mount_dev(root: &Root) -> Result<(), Failed> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("tmpfs", by_descriptor(&root.reopen("/dev")?), "tmpfs", flags, c"mode=0755,size=64k")
        .step(|| "mount /dev".into())?;
    let opened = root.reopen("/dev")?;
    let base = by_descriptor(&opened);
    for name in DEVICES {
        let (source, target) = (Path::new("/dev").join(name), base.join(name));
        fs::write(&target, "").step(|| format!("make /dev/{name}"))?;
        mount_bind_recursive(&source, &target).step(|| format!("mount /dev/{name}"))?;
    }
    for (name, target) in LINKS {
        std::os::unix::fs::symlink(target, base.join(name)).step(|| format!("link /dev/{name}"))?;
    }
    fs::create_dir(base.join("shm")).step(|| "make /dev/shm".into())?;
    let flags = flags | MountFlags::NODEV;
    let options = CString::new(SHM_SIZE).expect("a constant without NUL");
    mount("tmpfs", base.join("shm"), "tmpfs", flags, options.as_c_str()).step(|| "mount /dev/shm".into())?;
    mount_remount(&base, MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC, c"")
        .step(|| "close /dev".into())
}

fn mount_volume(root: &Root, spec: &Container, volume: &Mount) -> Result<(), Failed> {
    let source = source(spec, volume)?;
    bind(root, &by_descriptor(&source), &volume.target, volume.read_only)
}

/// Opens what is mounted: the volume, or a part of it that never lies outside.
fn source(spec: &Container, volume: &Mount) -> Result<OwnedFd, Failed> {
    let what = || format!("open volume {}", volume.source.display());
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let whole = openat(CWD, &volume.source, flags, Mode::empty()).step(what)?;
    let Some(part) = volume.sub_path.as_deref().filter(|it| !it.is_empty()) else { return Ok(whole) };
    if Path::new(part).components().any(|it| !matches!(it, Component::Normal(_) | Component::CurDir)) {
        return Err(Errno::XDEV).step(|| format!("stay inside the volume with {part}"));
    }
    let open = || openat2(&whole, part, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS);
    match open() {
        Err(Errno::NOENT) => {
            let made = by_descriptor(&whole).join(part);
            fs::create_dir_all(&made).and_then(|()| give(spec, &made)).step(|| format!("make {part} in the volume"))?;
            open().step(what)
        }
        other => other.step(|| format!("open {part} in volume {}", volume.source.display())),
    }
}

fn bind(root: &Root, source: &Path, target: &str, read_only: bool) -> Result<(), Failed> {
    let below = root.reopen(target)?;
    mount_bind_recursive(source, by_descriptor(&below)).step(|| format!("mount {target}"))?;
    // Only ever less than the source's own mounts allow, and so for all of them that came along.
    raw::limit_mount(&root.reopen(target)?, read_only).step(|| format!("limit {target}"))
}
