//! Runs one pod without any API: `fairway-pod STATE SANDBOX.json CONTAINER.json…` starts it, prints what runs, and waits.
//! The pod goes on when this ends. Also the smallest program that can be a pod's init.

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use fairway_clock::SystemEntropy;
use fairway_node::runner::Runner;

/// What `main` may end with: a sentence for people.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    fairway_node::reexec();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Outcome {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(state), Some(sandbox)) = (arguments.next(), arguments.next()) else {
        return Err("usage: fairway-pod STATE SANDBOX.json CONTAINER.json…".into());
    };
    let read = |path: PathBuf| fs::read(&path).map_err(|error| format!("read {}: {error}", path.display()));
    let runner = Runner::open(&state, &env::current_exe()?, &SystemEntropy)?;
    let pod = runner.create(serde_json::from_slice(&read(sandbox)?)?).await?;
    for path in arguments {
        runner.start(&pod, serde_json::from_slice(&read(path)?)?).await?;
    }
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&pod.state())?)?;
    pod.gone().await;
    Ok(())
}
