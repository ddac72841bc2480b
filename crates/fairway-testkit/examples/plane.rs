//! A plane to try things on: prints the path of its kubeconfig and runs until it is interrupted.

use fairway_testkit::TestPlane;

#[expect(clippy::print_stdout, reason = "the path is what it is started for")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let plane = TestPlane::guarded().await?;
    let (_, kubeconfig) = plane.serve().await?;
    println!("{}", kubeconfig.display());
    tokio::signal::ctrl_c().await?;
    plane.stop().await;
    Ok(())
}
