//! Starting the service, and stopping it without losing what it is doing.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, Shared};
use crate::config::Config;
use crate::dictionary::DictionaryCache;
use crate::error::StartError;
use crate::limiter::Limiters;
use crate::object::Objects;
use crate::store::Store;
use crate::{blob, retention, router, secret};

/// A service that answers. Dropped without [`shutdown`](Running::shutdown), it goes on until the
/// runtime ends.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    maintenance: JoinHandle<()>,
    app: App,
}

/// Opens the database, brings its tables up to date, and starts answering.
///
/// # Errors
///
/// When the database cannot be used, or the address cannot be listened on.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = blindtally_server::Config::sqlite(std::path::Path::new("blindtally.db"));
/// let service = blindtally_server::serve(config).await?;
/// println!("{}", service.base_url());
/// service.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub async fn serve(config: Config) -> Result<Running, StartError> {
    let store = Store::open(&config).await?;
    let prelogin_secret = kept_random(&store, "prelogin").await?;
    let objects = match config.blob_folder() {
        Some(folder) => Some(Arc::new(Objects::open(folder, &kept_random(&store, "blobs").await?)?)),
        None => None,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(StartError::Listen)?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    let app = App::new(Shared {
        limiters: Limiters::new(&config.limits),
        dictionary: DictionaryCache::new(),
        prelogin_secret,
        store,
        objects,
        config,
    });

    let (stop, stopped) = watch::channel(());
    let router = router::router(app.clone())?;
    let mut stop_server = stopped.clone();
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            // An error means that the other end is gone, which is as good a reason to stop.
            let _ = stop_server.changed().await;
        });
    Ok(Running {
        address,
        stop,
        server: tokio::spawn(async move { server.await }),
        maintenance: tokio::spawn(maintain(app.clone(), stopped)),
        app,
    })
}

impl Running {
    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no new requests, finishes those under way, and closes the database.
    ///
    /// # Errors
    ///
    /// When the server had failed before.
    pub async fn shutdown(self) -> std::io::Result<()> {
        let _ = self.stop.send(());
        let result = self.server.await;
        self.maintenance.abort();
        let _ = self.maintenance.await;
        self.app.store.close().await;
        // Only now: nothing commits any more, so whoever opens the folder next sees what is there and what is left over.
        if let Some(objects) = &self.app.objects {
            objects.close();
        }
        result.map_err(std::io::Error::other)?
    }
}

/// 32 random bytes of this database, made once and kept in it: the secret behind invented prelogin answers, so that
/// they stay the same for ever, and the name that its folder of blobs is known by.
async fn kept_random(store: &Store, name: &str) -> Result<[u8; 32], StartError> {
    let fresh = secret::generate().map_err(|_| StartError::Random)?;
    let mut tx = store.write().await.map_err(|_| StartError::Settings)?;
    sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(name)
        .bind(&fresh[..])
        .execute(&mut *tx)
        .await
        .map_err(StartError::Database)?;
    let (kept,): (Vec<u8>,) = sqlx::query_as("SELECT value FROM settings WHERE name = $1")
        .bind(name)
        .fetch_one(&mut *tx)
        .await
        .map_err(StartError::Database)?;
    tx.commit().await.map_err(StartError::Database)?;
    kept.try_into().map_err(|_| StartError::Settings)
}

/// Enforces retention, removes leftovers of uploads and forgets idle rate limits: at once, then every period.
async fn maintain(app: App, mut stopped: watch::Receiver<()>) {
    loop {
        for done in [retention::enforce(&app).await, blob::sweep(&app).await] {
            if let Err(error) = done {
                tracing::warn!(%error, "maintenance will be tried again");
            }
        }
        app.limiters.forget_idle();
        tokio::select! {
            _ = tokio::time::sleep(app.config.maintenance_period) => {}
            _ = stopped.changed() => return,
        }
    }
}
