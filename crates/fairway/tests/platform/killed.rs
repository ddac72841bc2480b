//! The platform dies, at each named point and at any moment: nothing that was acknowledged is lost, and whoever waits for
//! it is told at once.

mod push;

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::support::hostile::{self, Flaw};
use crate::support::{Home, can_run_containers, text};

/// More services than it takes to reach any point.
const MOST: usize = 60;

#[test]
fn killed_at_each_named_point_it_comes_back_with_everything_it_acknowledged() {
    if !can_run_containers() || !cfg!(debug_assertions) {
        return;
    }
    let home = Home::new();
    home.up();
    let mut acknowledged = Vec::new();
    for point in fairway_store::FAILPOINTS {
        home.ok(&["down"]);
        let passes = if point.starts_with("before-") { 40 } else { 2 };
        let armed = home
            .command(&["up", "--port=0", "--gateway-port=0"])
            .env("FAIRWAY_FAILPOINTS", format!("{point}=kill@{passes}"))
            .output()
            .expect("the binary runs");
        // It may be dead before it was ready: the node's heartbeat counts too.
        let mut alive = armed.status.success();
        assert!(alive || armed.status.code() == Some(6), "{point}: {}", text(&armed.stderr));
        for name in (0..MOST).map(|it| format!("{point}-{it}")) {
            if alive {
                let made = home.run(&["create-service", &format!("--name={name}"), "--from", &home.service(&name)]);
                alive = made.status.success();
                assert!(alive || made.status.code() == Some(6), "{point}: {}", text(&made.stderr));
                acknowledged.extend(alive.then_some(name));
            }
        }
        assert!(!alive, "{point} was never reached");
        let (code, _) = home.fails(&["get", "components"]);
        assert_eq!(code, 6, "{point}: it should be dead");
        home.up();
        let there = home.ok(&["get", "components", "-o", "name"]);
        for name in &acknowledged {
            assert!(there.lines().any(|it| it.ends_with(&format!("/{name}"))), "{point}: {name} is lost: {there}");
        }
        home.ok(&["ledger", "verify"]);
    }
    assert!(!acknowledged.is_empty(), "nothing was acknowledged before any of the deaths");
}

#[test]
fn who_waits_for_a_platform_that_dies_is_told_at_once() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let image = hostile::image(&home, Flaw::None).display().to_string();
    home.ok(&["create-service", "--name=stuck", "--image", &image]);
    // Its instances exit at once, again and again: nobody gets what he waits for.
    let waiting = start(&home, &["deploy", "stuck", "--env=staging", "--release=1", "--timeout=10m"]);
    let waiting = Watched::until(waiting, "is rolling out");
    let following = start(&home, &["logs", "stuck", "--env=staging", "--follow"]);
    let following = Watched::until(following, "hostile: ");
    home.kill();
    for (what, watched) in [("deploy", waiting), ("logs --follow", following)] {
        let (code, said) = watched.end();
        assert!(
            code == Some(6) && said.contains("ended") && said.contains("hint: platform up"),
            "{what}: {code:?} {said}"
        );
    }
    home.up();
    home.ok(&["get", "component", "stuck"]);
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// A command whose words are read while it runs.
struct Watched {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Watched {
    /// Waits until it says something.
    fn until(mut child: Child, part: &str) -> Self {
        let (sender, lines) = channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|it| Box::new(it) as Box<dyn Read + Send>),
            child.stderr.take().map(|it| Box::new(it) as Box<dyn Read + Send>),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines().map_while(Result::ok);
                lines.for_each(|it| _ = sender.send(it));
            });
        }
        drop(sender);
        let mut watched = Self { child, lines, said: String::new() };
        while !watched.said.contains(part) {
            let line = watched.lines.recv().ok();
            assert!(line.is_some(), "it never said {part:?}: {}", watched.said);
            let line = line.unwrap_or_default();
            watched.said.push_str(&line);
            watched.said.push('\n');
        }
        watched
    }

    /// Waits for its end; gives its exit code and everything it said.
    fn end(mut self) -> (Option<i32>, String) {
        self.said.extend(self.lines.iter().map(|it| it + "\n"));
        (self.child.wait().expect("it ends").code(), self.said)
    }
}
