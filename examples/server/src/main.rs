//! `blindtally-server`: the blind service as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use blindtally_server::log::{self, Format};
use blindtally_server::{Config, PeerAddress, serve};
use clap::Parser;

/// Stores sealed activity, counts it, groups it and sorts it, and can read none of it.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Address to listen on. HTTPS is the work of a proxy in front of it.
    #[arg(long, default_value = "127.0.0.1:8080", env = "BLINDTALLY_LISTEN")]
    listen: SocketAddr,
    /// sqlite:///path/blindtally.db or postgres://user@host/database
    #[arg(long, env = "BLINDTALLY_DATABASE", hide_env_values = true)]
    database: String,
    /// Origin of a dashboard that is served from elsewhere, such as https://dash.example; may be repeated.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Answer the API only: the dashboard is served from elsewhere, or not at all.
    #[arg(long)]
    no_dashboard: bool,
    /// Take the address of a client from the last entry of X-Forwarded-For, which a proxy wrote.
    #[arg(long)]
    behind_proxy: bool,
    /// Folder for the bytes of blobs; the SQLite file's name and .blobs without it. PostgreSQL has no default.
    #[arg(long, value_name = "DIR", env = "BLINDTALLY_BLOBS")]
    blobs: Option<PathBuf>,
    /// The largest blob that is taken.
    #[arg(long, value_name = "BYTES")]
    max_blob_bytes: Option<u64>,
    /// The largest that a SQLite file may grow.
    #[arg(long, value_name = "BYTES")]
    max_database_bytes: Option<u64>,
    /// Log one JSON object a line.
    #[arg(long)]
    json_logs: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    log::init(if options.json_logs { Format::Json } else { Format::Text });
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot go on");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::new(options.database);
    config.listen = options.listen;
    config.allow_origins = options.allow_origin;
    config.dashboard = !options.no_dashboard;
    config.blobs = options.blobs;
    if let Some(bytes) = options.max_blob_bytes {
        config.max_blob_bytes = bytes;
    }
    config.max_database_bytes = options.max_database_bytes;
    if options.behind_proxy {
        config.peer_address = PeerAddress::LastForwardedFor;
    }
    let service = serve(config).await?;
    // The one line on standard output: a program that starts the service reads the address here.
    println!("listening on {}", service.base_url());
    stop_signal().await?;
    tracing::info!("stopping");
    service.shutdown().await?;
    Ok(())
}

/// Waits for Ctrl-C, or for SIGTERM where there is such a thing.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
