//! One request on a connection of its own, and its reply as it streams. Knows HTTP and nothing of Ollama.
//!
//! A reply that is dropped closes its connection at once: that is how an answer is cancelled. There is no pool, no
//! redirection is followed and no proxy is used: a server on this machine is never reached by way of another. Connecting
//! is limited in time, the reply is not: a server loads a model, for minutes, before it says its first word.

use std::{io, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle};

use super::{address::Address, tls};
use crate::agent::awake;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Of a reply that is no stream.
const MAX_BODY: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) enum HttpError {
    /// No connection: the reason.
    Connect(String),
    /// The connection broke, or what came over it was no HTTP.
    Broken(String),
}

pub(super) struct Client {
    address: Address,
    api_key: Option<String>,
    tls: Option<tls::Connector>,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) location: String,
    body: Incoming,
    _connection: Connection,
}

/// The task that moves the connection's bytes.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    pub(super) fn new(address: Address, api_key: Option<String>) -> Self {
        Self { address, api_key, tls: None }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// `path` begins with a slash; with a body it is a POST.
    pub(super) async fn send(&mut self, path: &str, body: Option<Vec<u8>>) -> Result<Reply, HttpError> {
        let address = &self.address;
        let mut request = Request::builder()
            .method(if body.is_some() { Method::POST } else { Method::GET })
            .uri(format!("{}{path}", address.path))
            .header(header::HOST, address.authority())
            .header(header::USER_AGENT, concat!("agor-nvim/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        // Never readable on a network.
        if let Some(key) = self.api_key.as_ref().filter(|_| address.tls || address.is_local()) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| HttpError::Connect(format!("the request makes no sense: {error}")))?;
        let stream = match awake::timeout(CONNECT_LIMIT, self.connect()).await {
            Some(connected) => connected.map_err(|error| HttpError::Connect(reason(&error)))?,
            None => {
                let seconds = CONNECT_LIMIT.as_secs();
                return Err(HttpError::Connect(format!("no connection within {seconds} s")));
            }
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let task = tokio::spawn(async move {
            // How it ended, the reply says too.
            let _ = connection.await;
        });
        let connection = Connection(task.abort_handle());
        let reply = sender.send_request(request).await.map_err(broken)?;
        let text =
            |name| reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Reply {
            status: reply.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            location: text(header::LOCATION),
            body: reply.into_body(),
            _connection: connection,
        })
    }

    async fn connect(&mut self) -> io::Result<tls::Stream> {
        let connector = match (&self.tls, self.address.tls) {
            (_, false) => None,
            (Some(connector), true) => Some(connector.clone()),
            (None, true) => {
                let connector = tls::connector()?;
                self.tls = Some(connector.clone());
                Some(connector)
            }
        };
        let address = &self.address;
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        // Requests are written whole; a delay of small packets only costs.
        stream.set_nodelay(true)?;
        tls::wrap(connector, &address.host, stream).await
    }
}

impl Reply {
    /// The next bytes of the body, `None` at its proper end.
    pub(super) async fn more(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(broken(error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The whole body; what is beyond 16 MiB is not read.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(bytes) = self.more().await? {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BODY {
                body.truncate(MAX_BODY);
                break;
            }
        }
        Ok(body)
    }
}

fn broken(error: hyper::Error) -> HttpError {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    HttpError::Broken(text)
}

/// Why there is no connection, in few words.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => "it does not answer".to_owned(),
        _ => error.to_string(),
    }
}
