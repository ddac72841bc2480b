//! A private index that is asked without credentials: the script of the golden path, real pip, and what the pipeline says,
//! on this machine and in a step.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener, ToSocketAddrs as _};
use std::process::{Command, Stdio};

use fairway_plan::pipeline::failed_packages;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::support::developer::Developer;
use crate::support::{Home, text};

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"packages\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn a_private_index_that_is_asked_without_credentials_is_named() {
    let pip =
        Command::new("python3").args(["-m", "pip", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !pip.is_ok_and(|it| it.success()) {
        eprintln!("skipped: this machine has no pip");
        return;
    }
    let home = Home::new();
    home.ok(&["template", "render", "python-service", "--name=orders", "--into=orders"]);
    let address = format!("127.0.0.1:{}", index("127.0.0.1".parse().expect("an address")));
    let output = Command::new("sh")
        .args(["scripts/packages.sh", "requirements.lock", "out/packages"])
        .current_dir(home.work().join("orders"))
        .env("PIP_INDEX_URL", format!("http://{address}/simple"))
        .envs([
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_NO_INPUT", "1"),
            ("NO_PROXY", "127.0.0.1"),
            ("no_proxy", "127.0.0.1"),
        ])
        .env_remove("PIP_EXTRA_INDEX_URL")
        .stdin(Stdio::null())
        .output();
    let output = output.expect("sh runs");
    let log = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success(), "{log}");
    let wanted = format!(
        "the package index {address} refuses: it wants a name and a password, and none that it knows were given"
    );
    assert_eq!(failed_packages::why(&log), Some(wanted), "{log}");
}

/// The port of an index that lets nobody in. It ends with the test program.
fn index(address: IpAddr) -> u16 {
    let index = TcpListener::bind((address, 0)).expect("a port");
    let port = index.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in index.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(REFUSED.as_bytes());
        }
    });
    port
}

/// An index in the company's own network: a name of this machine, which steps may reach.
pub(super) struct Inside {
    name: String,
    address: IpAddr,
}

impl Inside {
    /// Nothing where this machine does not know its own name.
    pub(super) fn here() -> Option<Self> {
        let name = text(&Command::new("hostname").output().ok()?.stdout).trim().to_owned();
        let mut found = (name.as_str(), 0).to_socket_addrs().ok()?.map(|it| it.ip());
        let address = found.find(IpAddr::is_ipv4).filter(|_| name != "localhost");
        if address.is_none() {
            eprintln!("skipped: this machine does not know its own name");
        }
        Some(Self { name, address: address? })
    }

    /// What `platform up` has to be told so that it is reached.
    pub(super) fn settings(here: Option<&Self>) -> Vec<(&'static str, String)> {
        let Some(it) = here else { return Vec::new() };
        let direct = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
        let direct = format!("{direct},{}", it.name);
        vec![
            ("FAIRWAY_EGRESS_EXCEPTIONS", format!("{}/32", it.address)),
            ("NO_PROXY", direct.clone()),
            ("no_proxy", direct),
        ]
    }

    /// A step that asks it, without credentials and with such as do not hold: the first line says what it wants, no secret
    /// is in a log, and what served goes on serving.
    pub(super) fn refuses_a_step(
        &self,
        developer: &Developer<'_>,
        home: &Home,
        files: &[(&str, &str)],
        pipeline: &str,
    ) {
        let host = format!("{}:{}", self.name, index(self.address));
        self.allow(home, &host);
        let before = developer.page();
        for account in ["", "reader:s3cr3t@"] {
            // What the runs before fetched is not to be found.
            let asks = format!(
                "run: |\n      unset WHEELS; export PIP_NO_CACHE_DIR=1 PIP_TRUSTED_HOST={} PIP_INDEX_URL=http://{account}{host}/simple",
                self.name
            );
            let mut files = files.to_vec();
            let pipeline = pipeline.replacen("run: |", &asks, 1);
            files.push((".fairway/pipeline.yaml", &pipeline));
            let commit = developer.push(&files);
            let said = developer.ends(&commit, "StepFailed");
            let wanted = format!("step check failed: the package index {host} refuses: it wants a name and a password");
            assert!(said.starts_with(&wanted), "{said}");
            let run = developer.run_of(&commit).expect("the run");
            let printed = developer.printed(&run);
            assert!(!printed.contains("s3cr3t") && !said.contains("s3cr3t"), "{said}{printed}");
        }
        assert!(before.is_some() && developer.page() == before, "the last good version goes on serving");
    }

    /// The platform team lets steps reach it.
    fn allow(&self, home: &Home, host: &str) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = home.client().await;
            let lists: Api<ConfigMap> = Api::namespaced(client.clone(), "fairway-system");
            let list = lists.get("egress").await.expect("the lists").data.unwrap_or_default();
            let pipeline = format!("{}{host}\n", list.get("pipeline").cloned().unwrap_or_default());
            let patch = Patch::Merge(json!({ "data": { "pipeline": pipeline } }));
            lists.patch("egress", &PatchParams::default(), &patch).await.expect("the list is changed");
            let namespaces: Api<Namespace> = Api::all(client);
            for _ in 0..300 {
                let found = namespaces.get("sandbox").await.expect("the project's namespace");
                if found.metadata.annotations.unwrap_or_default().values().any(|it| it.contains(host)) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            unreachable!("{} is never allowed", self.name)
        });
    }
}
