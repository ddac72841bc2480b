//! From a fresh fork of pod init to a container's own program.
//!
//! The order matters: mounts are made while this process still has every right in the pod's user namespace; then a user
//! namespace below it is entered, which owns none of the others, and all rights are given up.

mod place;
mod privileges;
pub(super) mod range;
mod root;
pub(super) mod seccomp;
mod users;

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::Mode;
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags, move_into_link_name_space, move_into_thread_name_spaces,
};

use super::failed::{Failed, Step as _};
use super::init::Streams;
use super::protocol::Container;
use super::{launch, raw};

pub(super) use users::wanted;

/// Becomes the container's program. Comes back only with the reason why it cannot. What hears of its calls for other users
/// goes to `init`.
pub(super) fn enter(
    pod: &str,
    spec: &Container,
    network: Option<&OwnedFd>,
    (stdout, stderr): (OwnedFd, OwnedFd),
    init: &OwnedFd,
) -> Failed {
    match prepare(pod, spec, network, init) {
        Err(failed) => failed,
        Ok(()) => {
            if spec.has_range {
                range::give_stream(spec, &stdout);
                range::give_stream(spec, &stderr);
            }
            let streams = [Stdio::null(), Stdio::from(stdout), Stdio::from(stderr)];
            become_program(spec, &spec.argv, streams, Some(init))
        }
    }
}

fn prepare(pod: &str, spec: &Container, network: Option<&OwnedFd>, init: &OwnedFd) -> Result<(), Failed> {
    launch::join(&spec.cgroups)?;
    if let Some(network) = network {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .step(|| "enter the pod's network".into())?;
    }
    rustix::process::setsid().step(|| "start a session".into())?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    raw::unshare(UnshareFlags::NEWNS).step(|| "make a mount namespace".into())?;
    root::build_and_enter(pod, spec)?;
    if spec.has_range {
        return range::enter_namespace(init);
    }
    raw::unshare(UnshareFlags::NEWUSER).step(|| "make the container's user namespace".into())?;
    launch::map_user(spec.user, 0, spec.group, 0)
}

/// Becomes a command inside a running container. Comes back only with the reason why it cannot.
pub(super) fn follow(spec: &Container, container: &OwnedFd, argv: &[String], streams: &Streams) -> Failed {
    let entered = (|| {
        launch::join(&spec.cgroups)?;
        rustix::process::setsid().step(|| "start a session".into())?;
        if streams.is_terminal {
            rustix::process::ioctl_tiocsctty(&streams.output).step(|| "take the terminal".into())?;
        }
        rustix::process::umask(Mode::from_raw_mode(0o022));
        let (mounts, network) = (ThreadNameSpaceType::MOUNT, ThreadNameSpaceType::NETWORK);
        move_into_thread_name_spaces(container.as_fd(), mounts | network)
            .step(|| "enter the container's mounts and network".into())?;
        move_into_thread_name_spaces(container.as_fd(), ThreadNameSpaceType::USER)
            .step(|| "enter the container's user namespace".into())?;
        if spec.has_range {
            let all = [&streams.output, &streams.errors].into_iter().chain(&streams.input);
            all.for_each(|it| range::give_stream(spec, it));
        }
        let stream = |it: &OwnedFd| it.try_clone().map(Stdio::from).step(|| "hand the streams over".into());
        let stdin = streams.input.as_ref().map_or(Ok(Stdio::null()), stream)?;
        Ok([stdin, stream(&streams.output)?, stream(&streams.errors)?])
    })();
    match entered {
        Err(failed) => failed,
        Ok(streams) => become_program(spec, argv, streams, None),
    }
}

fn become_program(spec: &Container, argv: &[String], streams: [Stdio; 3], init: Option<&OwnedFd>) -> Failed {
    let Some((program, arguments)) = argv.split_first() else {
        return failed("find a command: neither container nor image names one", rustix::io::Errno::NOENT.into());
    };
    let working_dir = if spec.working_dir.is_empty() { "/" } else { &spec.working_dir };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    let [stdin, stdout, stderr] = streams;
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let ready = std::env::set_current_dir(Path::new(working_dir))
        .step(|| format!("enter the working folder {working_dir}"))
        .and_then(|()| raw::close_on_exec().step(|| "close descriptors".into()))
        .and_then(|()| privileges::give_up(spec));
    if let Some(init) = init.filter(|_| !spec.has_range) {
        // Where somebody outside listens already nobody else can: then only the words are missing.
        let _unheard = users::announce(spec).and_then(|calls| raw::hand_over(init, &calls));
    }
    match ready {
        Err(failed) => failed,
        Ok(()) => failed(&format!("run {program}"), command.exec()),
    }
}

fn failed(step: &str, error: std::io::Error) -> Failed {
    match Err::<(), _>(error).step(|| step.into()) {
        Err(failed) => failed,
        Ok(()) => unreachable!("an error stays an error"),
    }
}
