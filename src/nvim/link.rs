//! The connection: nvim-rs, alone, behind what it takes to use it safely.
//!
//! A dropped call would kill the connection, so every call runs in a task of its own. A handler that does not return at
//! once would hold up all responses, so ours only forwards. Knows nothing of what is said.

use async_trait::async_trait;
use nvim_rs::{Handler, Neovim, compat::tokio::Compat};
use rmpv::Value;
use tokio::{
    fs::File,
    sync::{mpsc, oneshot},
};

type Writer = Compat<File>;

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("stdin and stdout cannot be used: {0}")]
    Io(#[from] std::io::Error),
    #[error("Neovim does not answer: {0}")]
    Call(String),
    #[error("the painter has died")]
    Painter,
    #[error("the list of sessions has died")]
    Hub,
}

/// What the editor says.
#[derive(Debug)]
pub enum Incoming {
    Notification { method: String, args: Vec<Value> },
    Request { method: String, args: Vec<Value>, reply: oneshot::Sender<Result<Value, Value>> },
}

#[derive(Clone)]
pub struct Link {
    neovim: Neovim<Writer>,
}

/// The answer to a call; an error ends in text.
pub type Answer = oneshot::Receiver<Result<Value, String>>;

/// Takes stdin and stdout. The channel ends when the editor has gone.
pub async fn connect() -> Result<(Link, mpsc::UnboundedReceiver<Incoming>), LinkError> {
    let (forward, incoming) = mpsc::unbounded_channel();
    let (neovim, io) = nvim_rs::create::tokio::new_parent(Forward { forward: forward.clone() }).await?;
    tokio::spawn(async move {
        match io.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_channel_closed() || error.is_reader_error() => {}
            Ok(Err(error)) => tracing::error!(%error, "the connection to Neovim has ended"),
            Err(error) => tracing::error!(%error, "the connection's task has died"),
        }
        // Not a message of the editor's: the sign that none will come.
        let _ = forward.send(Incoming::Notification { method: CLOSED.to_owned(), args: Vec::new() });
    });
    Ok((Link { neovim }, incoming))
}

/// The method of the last notification of all.
pub const CLOSED: &str = "\0closed";

impl Link {
    /// Has to be the first call.
    pub async fn introduce(&self, version: &str) -> Result<(), LinkError> {
        let mut numbers = version.split('.').map(|number| Value::from(number.parse::<u64>().unwrap_or(0)));
        let version = ["major", "minor", "patch"]
            .into_iter()
            .map(|name| (Value::from(name), numbers.next().unwrap_or(Value::from(0))))
            .collect();
        let args = vec![
            Value::from("agor"),
            Value::Map(version),
            Value::from("msgpack-rpc"),
            Value::Map(Vec::new()),
            Value::Map(Vec::new()),
        ];
        match self.call("nvim_set_client_info", args).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(LinkError::Call(error)),
            Err(_) => Err(LinkError::Call("the connection has ended".to_owned())),
        }
    }
}

/// Whoever takes calls: the editor, and in tests what stands for it.
pub trait Caller: Send {
    /// The receiver may be dropped: the call goes on.
    fn call(&self, method: &'static str, args: Vec<Value>) -> Answer;
}

impl Caller for Link {
    fn call(&self, method: &'static str, args: Vec<Value>) -> Answer {
        let (done, answer) = oneshot::channel();
        let neovim = self.neovim.clone();
        tokio::spawn(async move {
            let result = match neovim.call(method, args).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => Err(error_text(&error)),
                Err(error) => Err(error.to_string()),
            };
            let _ = done.send(result);
        });
        answer
    }
}

/// Neovim's errors are `[kind, message]`.
fn error_text(error: &Value) -> String {
    let text = error.as_array().and_then(|parts| parts.get(1)).and_then(Value::as_str);
    text.map_or_else(|| error.to_string(), str::to_owned)
}

#[derive(Clone)]
struct Forward {
    forward: mpsc::UnboundedSender<Incoming>,
}

#[async_trait]
impl Handler for Forward {
    type Writer = Writer;

    async fn handle_request(&self, method: String, args: Vec<Value>, _: Neovim<Writer>) -> Result<Value, Value> {
        let (reply, answer) = oneshot::channel();
        let _ = self.forward.send(Incoming::Request { method, args, reply });
        answer.await.unwrap_or_else(|_| Err(Value::from("the backend is ending")))
    }

    async fn handle_notify(&self, method: String, args: Vec<Value>, _: Neovim<Writer>) {
        let _ = self.forward.send(Incoming::Notification { method, args });
    }
}
