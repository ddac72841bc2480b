//! A private index that is asked without credentials: the script of the golden path, real pip, and what the pipeline says.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use fairway_plan::pipeline::failed_packages;

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
    let index = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = index.local_addr().expect("an address");
    // It ends with the test program.
    std::thread::spawn(move || {
        for mut stream in index.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(REFUSED.as_bytes());
        }
    });
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
