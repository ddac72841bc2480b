//! The command line where somebody sits: questions on a terminal, another cluster than this machine's, kubectl's file.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::support::hostile::{Flaw, image};
use crate::support::{Home, can_run_containers, text};

/// A command on a terminal of its own, which `script` makes.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn open(home: &Home, arguments: &[&str]) -> Option<Self> {
        let line = format!("{} {}", env!("CARGO_BIN_EXE_platform"), arguments.join(" "));
        let inner = home.command(&[]);
        let mut command = std::process::Command::new("script");
        command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).env("TERM", "xterm");
        command.current_dir(home.work()).env("SHELL", "/bin/sh");
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: script is not installed");
            return None;
        };
        let mut out = child.stdout.take()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut chunk) {
                let _ = sender.send(chunk[..count].to_vec());
            }
        });
        Some(Self { child, output, shown: String::new() })
    }

    /// Waits until something is shown, then types.
    fn answer(&mut self, question: &str, keys: &str) {
        while !self.shown.contains(question) {
            let chunk = self.output.recv();
            assert!(chunk.is_ok(), "{question:?} was never asked: {}", self.shown);
            self.shown.push_str(&text(&chunk.unwrap_or_default()));
        }
        let stdin = self.child.stdin.as_mut().expect("a keyboard");
        stdin.write_all(keys.as_bytes()).and_then(|()| stdin.flush()).expect("type");
    }

    /// Waits for its end; gives its exit code and everything that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let rest: Vec<Vec<u8>> = self.output.iter().collect();
        self.shown.push_str(&text(&rest.concat()));
        (self.child.wait().expect("it ends").code(), self.shown)
    }
}

#[test]
fn who_sits_at_a_terminal_is_asked() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let image = image(&home, Flaw::None).display().to_string();
    home.ok(&["create-service", "--name=asked", "--image", &image]);
    home.ok(&["deploy", "asked", "--env=staging", "--release=1", "--no-wait"]);
    let Some(mut terminal) = Terminal::open(&home, &["scale", "asked", "--no-wait"]) else { return };
    terminal.answer("How many instances?", "3\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    let delivery = home.ok(&["get", "delivery", "asked", "--env=staging", "-o", "json"]);
    let delivery: serde_json::Value = serde_json::from_str(&delivery).expect("a delivery");
    assert_eq!(delivery["spec"]["replicas"], 3);

    home.ok(&["get", "environments"]);
    home.ok(&["create-service", "--name=unwanted", "--from", &home.service("unwanted")]);
    let mut terminal = Terminal::open(&home, &["delete", "component", "unwanted"]).expect("a terminal");
    terminal.answer("Remove component unwanted", "n\r");
    let (code, shown) = terminal.end();
    assert!(code == Some(4) && shown.contains("nothing was done"), "{code:?} {shown}");
    home.ok(&["get", "component", "unwanted"]);
    let mut terminal = Terminal::open(&home, &["delete", "component", "unwanted"]).expect("a terminal");
    terminal.answer("Remove component unwanted", "y\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");

    let mut terminal = Terminal::open(&home, &["down", "--purge"]).expect("a terminal");
    terminal.answer("Remove every service", "\r");
    assert_eq!(terminal.end().0, Some(4), "the default is no");
    home.ok(&["whoami"]);
}

#[test]
fn off_a_terminal_nobody_is_asked_and_the_flag_is_named() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let image = image(&home, Flaw::None).display().to_string();
    home.ok(&["create-service", "--name=asked", "--image", &image]);
    home.ok(&["deploy", "asked", "--env=staging", "--release=1", "--no-wait"]);
    for (arguments, code, flag) in [
        (&["scale", "asked"][..], 2, "--replicas=NUMBER"),
        (&["delete", "delivery", "asked"], 2, "--env=NAME"),
        (&["down", "--purge"], 4, "--yes"),
        (&["--project=nobodys", "status", "asked"], 3, "platform get projects"),
        (&["status", "nobody"], 3, "platform create-service --name=nobody"),
        (&["logs", "nobody"], 3, "platform create-service --name=nobody"),
        (&["deploy", "asked", "--from=/nowhere"], 2, "--from=FOLDER"),
        (&["get", "component", "nobody"], 3, "platform get component"),
    ] {
        let (found, said) = home.fails(arguments);
        assert!(found == code && said.starts_with("error: "), "{arguments:?}: {found} {said}");
        assert!(said.lines().any(|it| it.starts_with("hint: ") && it.contains(flag)), "{arguments:?}: {said}");
    }
}

#[test]
fn another_cluster_is_reached_through_its_kubeconfig() {
    if !can_run_containers() {
        return;
    }
    let (here, there) = (Home::new(), Home::new());
    there.up();
    let file = here.work().join("kubeconfig");
    std::fs::write(&file, there.ok(&["kubeconfig"])).expect("write it");
    let path = file.display().to_string();
    let flag = format!("--kubeconfig={path}");
    assert!(here.ok(&["whoami", &flag]).contains("local:"));
    assert!(here.ok(&["whoami", &flag, "--context=fairway"]).contains("local:"));
    let by_variable = here.command(&["get", "projects", "-o", "name"]).env("FAIRWAY_KUBECONFIG", &path).output();
    assert_eq!(text(&by_variable.expect("the binary runs").stdout), "project.fairway.dev/sandbox\n");
    let by_kubectls = here.command(&["whoami", "--context=fairway"]).env("KUBECONFIG", &path).output();
    assert!(by_kubectls.expect("the binary runs").status.success());
    for (arguments, part) in [
        (["whoami", &flag, "--context=nowhere"], "nowhere"),
        (["whoami", "--kubeconfig=/nowhere/config", "-v"], "/nowhere/config"),
    ] {
        let (code, said) = here.fails(&arguments);
        assert!(code == 2 && said.contains(part) && said.contains("hint: check --kubeconfig"), "{code} {said}");
    }
    there.ok(&["down"]);
    let (code, said) = here.fails(&["whoami", &flag]);
    assert!(code == 6 && said.contains("does not answer") && said.contains("kubeconfig"), "{code} {said}");
}

#[test]
fn kubectls_own_file_gets_our_entries_and_keeps_the_others() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let file = home.work().join("kube/config");
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("a folder");
    std::fs::write(
        &file,
        "apiVersion: v1\nkind: Config\nclusters: [{ name: work, cluster: { server: 'https://w' } }]\n",
    )
    .expect("write it");
    let write = || {
        let written = home.command(&["kubeconfig", "--write"]).env("KUBECONFIG", &file).output();
        written.expect("the binary runs")
    };
    let written = write();
    assert!(written.status.success() && text(&written.stderr).contains("kube/config"), "{}", text(&written.stderr));
    let content = std::fs::read_to_string(&file).expect("the file");
    assert!(content.contains("https://w") && content.contains("current-context: fairway"), "{content}");
    assert!(write().status.success(), "once more");
    assert_eq!(content, std::fs::read_to_string(&file).expect("the file"), "it is there once");
    let used = home.command(&["whoami", "--context=fairway"]).env("KUBECONFIG", &file).output();
    assert!(used.expect("the binary runs").status.success());
    std::fs::write(&file, "- not a map\n").expect("write it");
    let refused = write();
    assert!(!refused.status.success() && text(&refused.stderr).contains("hint: "), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "- not a map\n", "it is left alone");
}
