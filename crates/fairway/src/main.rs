//! `platform`: the one binary. Wiring only.

mod platform;

mod tour;

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    fairway_node::reexec();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let home = PathBuf::from(std::env::args().nth(1).unwrap_or_default());
    tokio::runtime::Runtime::new()?.block_on(async {
        let start = platform::Start { home, api_port: 7443, gateway_port: 7080 };
        let platform = platform::Platform::start(start).await?;
        tokio::signal::ctrl_c().await?;
        platform.stop(false).await
    })
}
