//! Neovim as a front end: the only folder that knows nvim-rs and msgpack.
//!
//! `link` carries, `decode` and `encode` translate, `dispatch` turns what the editor wants into requests, and `painter`
//! is the one place that calls the editor, as much at a time as `pace` allows. The wire is described in `doc/wire.md`.

mod decode;
mod dispatch;
mod encode;
pub mod encode_patch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod link;
mod pace;
mod painter;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use link::LinkError;

use crate::{
    agent::process::OwnBinary,
    client::Stats,
    logging::Logging,
    session::{Hub, HubConfig, Level, Update},
};

/// Raised whenever the wire changes in a way that the other side would misread.
pub const PROTOCOL: u64 = 5;

/// Serves the editor on stdin and stdout until it is gone, or until `terminated`.
pub async fn serve(binary: OwnBinary, terminated: impl Future<Output = ()>) -> Result<(), LinkError> {
    let (link, mut incoming) = link::connect().await?;
    // Replies out of nesting order close a channel unless Neovim knows that this is a plain msgpack-rpc peer.
    link.introduce(env!("CARGO_PKG_VERSION")).await?;
    let mut logging = Logging::default();
    let Some(hello) = dispatch::handshake(&mut incoming).await else { return Ok(()) };
    let log_folder = hello.state_dir.join("log");
    let no_log = logging.start(&log_folder, &hello.log_level).err();
    let stats = Arc::new(Stats::default());
    let (told, updates) = mpsc::unbounded_channel();
    let config = HubConfig {
        journals: Some(hello.data_dir.join("sessions")),
        traces: Some(hello.state_dir.join("trace")),
        peers: Some(hello.state_dir.join("peers")),
        interrupted: Some(hello.state_dir.join("interrupted")),
        trace: hello.trace,
        binary,
    };
    // There is no log to say it in. The editor hears of it once its plugin is sure of us.
    let no_log = no_log.map(|error| {
        let message =
            format!("no log is written: {} cannot be used: {error}. :Agor restart tries again", log_folder.display());
        (told.clone(), Update::Notify { session: None, level: Level::Warn, message })
    });
    let hub = Hub::spawn(config, told);
    let (tasks, orders) = mpsc::unbounded_channel();
    let painter = painter::Painter::new(Box::new(link), hub.clone(), Arc::clone(&stats), updates, orders);
    let painter = tokio::spawn(painter.run());
    tokio::task::spawn_blocking(|| {
        let killed = crate::agent::process::sweep_stale();
        if killed > 0 {
            tracing::warn!(killed, "killed what an earlier backend had left behind");
        }
    });
    hello.accept(logging.path());
    if let Some((told, update)) = no_log {
        let _ = told.send(update);
    }
    let mut dispatch = dispatch::Dispatch::new(hub.clone(), stats, tasks, logging);
    tokio::select! {
        () = dispatch.run(incoming) => {}
        () = terminated => {}
        // A painter that panicked paints nothing any more: better no backend than a mute one.
        ended = painter => if ended.is_err_and(|error| error.is_panic()) {
            return Err(LinkError::Painter);
        }
    }
    // So is one without its sessions.
    if hub.is_gone() {
        return Err(LinkError::Hub);
    }
    hub.shutdown().await;
    Ok(())
}
