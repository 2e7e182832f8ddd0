//! One end of a JSON-RPC connection over lines: numbers our requests, remembers what each was for, and keeps the agent's
//! until they are answered.
//!
//! A value without I/O: objects in, lines out. Knows no method of any agent. The two ends number independently, so an id
//! says nothing without the direction. An agent may use an id again once its request is answered, and so may the next
//! process of the same session: towards the session each request has a [`RequestId`] that never comes again.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{lines::MAX_LINE, protocol::Output};
use crate::domain::RequestId;

/// `T` says what a request of ours was for.
#[derive(Debug)]
pub struct Peer<T> {
    /// Messages carry `"jsonrpc":"2.0"`.
    versioned: bool,
    nonce: Uuid,
    next: u64,
    sent: Vec<(u64, T)>,
    asked: u64,
    /// The agent's requests that wait for our answer, with the id as it came.
    open: Vec<(RequestId, Value)>,
}

/// What an object from the agent is.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming<T> {
    /// The answer to a request of ours; each is answered once.
    Response {
        id: u64,
        sent: T,
        result: Result<Value, Failure>,
    },
    /// To be answered by [`Peer::reply`] with this id.
    Request {
        id: RequestId,
        method: String,
        params: Value,
    },
    Notification {
        method: String,
        params: Value,
    },
    /// None of these, or none that we can take; what it was, for the log. If it needed an answer, that is written.
    Nonsense(String),
}

/// Why a request was not granted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    pub code: i64,
    pub message: String,
    /// Whatever the other end adds; null if nothing.
    pub data: Value,
}

/// How much of an object goes to the log.
const SHOWN: usize = 200;

impl Failure {
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    pub const INVALID_PARAMS: i64 = -32602;
    pub const INTERNAL: i64 = -32603;

    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    pub fn unknown_method(method: &str) -> Self {
        Self::new(Self::METHOD_NOT_FOUND, format!("agor.nvim does not know the request '{method}'"))
    }

    fn read(error: &Value) -> Self {
        let message = match error.get("message").and_then(Value::as_str) {
            Some(message) if !message.trim().is_empty() => message.to_owned(),
            _ => error.as_str().unwrap_or("it did not say why").to_owned(),
        };
        Self {
            code: error.get("code").and_then(Value::as_i64).unwrap_or(Self::INTERNAL),
            message,
            data: error.get("data").cloned().unwrap_or(Value::Null),
        }
    }

    fn to_value(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if !self.data.is_null() {
            error["data"] = self.data.clone();
        }
        error
    }
}

impl<T> Peer<T> {
    /// The nonce keeps the [`RequestId`]s of two processes apart.
    pub fn new(versioned: bool, nonce: Uuid) -> Self {
        let nonce = Uuid::new_v5(&nonce, b"requests");
        Self { versioned, nonce, next: 0, sent: Vec::new(), asked: 0, open: Vec::new() }
    }

    /// Asks the agent; its answer comes with `sent`. The id is for naming the request to the agent.
    pub fn request(&mut self, out: &mut Output, sent: T, method: &str, params: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.sent.push((id, sent));
        self.write(out, vec![("id", json!(id)), ("method", json!(method)), ("params", params)]);
        id
    }

    pub fn notify(&self, out: &mut Output, method: &str, params: Value) {
        self.write(out, vec![("method", json!(method)), ("params", params)]);
    }

    /// Answers a request of the agent. False if it waits for no answer, or no longer: then nothing is written.
    pub fn reply(&mut self, out: &mut Output, id: &RequestId, result: Result<Value, Failure>) -> bool {
        let Some(at) = self.open.iter().position(|(open, _)| open == id) else { return false };
        let (_, id) = self.open.remove(at);
        match result {
            // An answer must have a result, be it null.
            Ok(result) => {
                self.write_with(out, vec![("id", id)], Some(("result", result)));
            }
            Err(failure) => self.write(out, vec![("id", id), ("error", failure.to_value())]),
        }
        true
    }

    /// The agent waits for no answer any more, and gets none.
    pub fn forget(&mut self, id: &RequestId) {
        self.open.retain(|(open, _)| open != id);
    }

    /// The agent's open request with this id of its own.
    pub fn open(&self, id: &Value) -> Option<&RequestId> {
        self.open.iter().find(|(_, open)| open == id).map(|(id, _)| id)
    }

    /// The requests of ours that wait for an answer, in the order sent.
    pub fn waiting(&self) -> impl Iterator<Item = (u64, &T)> {
        self.sent.iter().map(|(id, sent)| (*id, sent))
    }

    /// The connection has ended: nobody answers any more, and nobody waits for answers.
    pub fn end(&mut self) -> Vec<T> {
        self.open.clear();
        self.sent.drain(..).map(|(_, sent)| sent).collect()
    }

    /// Takes one object of the agent's.
    pub fn receive(&mut self, out: &mut Output, value: Value) -> Incoming<T> {
        let Value::Object(mut object) = value else { return nonsense("no object", &value) };
        let id = object.get("id").filter(|id| !id.is_null()).cloned();
        match (object.get("method"), id) {
            (Some(Value::String(_)), None) => {
                let (method, params) = call(&mut object);
                Incoming::Notification { method, params }
            }
            (Some(Value::String(_)), Some(id)) => self.asked(out, id, &mut object),
            (Some(_), id) => {
                let failure = Failure::new(Failure::INVALID_REQUEST, "the method of a request is a string");
                self.write(out, vec![("id", id.unwrap_or(Value::Null)), ("error", failure.to_value())]);
                nonsense("a request without a method", &Value::Object(object))
            }
            (None, Some(id)) => self.answered(&id, object),
            // The other end could not read a line of ours: nobody knows which.
            (None, None) if object.contains_key("error") => {
                nonsense("an error that names no request", &Value::Object(object))
            }
            (None, None) => nonsense("neither method nor id", &Value::Object(object)),
        }
    }

    /// The same for one that was too long to be held: of its beginning the id is enough to refuse a request, and not to
    /// wait for an answer that has come.
    pub fn receive_head(&mut self, out: &mut Output, head: &str, bytes: u64) -> Incoming<T> {
        let members = first_members(head);
        let mib = MAX_LINE >> 20;
        let failure = Failure::new(
            Failure::INVALID_REQUEST,
            format!("the message has {bytes} bytes, and agor.nvim takes no more than {mib} MiB"),
        );
        if let (Some(id), true) = (members.get("id"), members.contains_key("method")) {
            self.write(out, vec![("id", id.clone()), ("error", failure.to_value())]);
        } else if let Some(id) = members.get("id")
            && let Some(at) = self.sent.iter().position(|(sent, _)| id.as_u64() == Some(*sent))
        {
            let (id, sent) = self.sent.remove(at);
            return Incoming::Response { id, sent, result: Err(failure) };
        }
        nonsense("a message that is too long", &Value::from(head))
    }

    fn asked(&mut self, out: &mut Output, wire: Value, object: &mut Map<String, Value>) -> Incoming<T> {
        let failure = if !wire.is_number() && !wire.is_string() {
            Failure::new(Failure::INVALID_REQUEST, "the id of a request is a number or a string")
        } else if self.open.iter().any(|(_, open)| *open == wire) {
            Failure::new(Failure::INVALID_REQUEST, format!("the id {wire} belongs to a request that still waits"))
        } else {
            self.asked += 1;
            let id = RequestId::from(format!("{}-{}", self.nonce.simple(), self.asked));
            self.open.push((id.clone(), wire));
            let (method, params) = call(object);
            return Incoming::Request { id, method, params };
        };
        let what = failure.message.clone();
        self.write(out, vec![("id", wire), ("error", failure.to_value())]);
        nonsense(&what, &Value::Object(std::mem::take(object)))
    }

    fn answered(&mut self, id: &Value, mut object: Map<String, Value>) -> Incoming<T> {
        let Some(at) = self.sent.iter().position(|(sent, _)| id.as_u64() == Some(*sent)) else {
            return nonsense("an answer to no request of ours", &Value::Object(object));
        };
        let (id, sent) = self.sent.remove(at);
        let result = match object.get("error") {
            Some(error) if !error.is_null() => Err(Failure::read(error)),
            // Some write no result where they have none to give.
            _ => Ok(object.remove("result").unwrap_or(Value::Null)),
        };
        Incoming::Response { id, sent, result }
    }

    /// Null members are left out.
    fn write(&self, out: &mut Output, members: Vec<(&str, Value)>) {
        let members = members.into_iter().filter(|(key, value)| *key == "id" || !value.is_null()).collect();
        self.write_with(out, members, None);
    }

    fn write_with(&self, out: &mut Output, members: Vec<(&str, Value)>, last: Option<(&str, Value)>) {
        let version = self.versioned.then(|| ("jsonrpc", json!("2.0")));
        let members = version.into_iter().chain(members).chain(last);
        out.write(&Value::Object(members.map(|(key, value)| (key.to_owned(), value)).collect()));
    }
}

fn call(object: &mut Map<String, Value>) -> (String, Value) {
    let method = object.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    (method, object.remove("params").unwrap_or(Value::Null))
}

/// The members that an object begins with, up to the one that is cut off.
fn first_members(head: &str) -> Map<String, Value> {
    let mut members = Map::new();
    let mut rest = head.trim_start().strip_prefix('{');
    while let Some((key, after)) = rest.and_then(first_value) {
        let value = after.trim_start().strip_prefix(':').and_then(first_value);
        let (Value::String(key), Some((value, after))) = (key, value) else { break };
        let after = after.trim_start();
        // The end of a number that is cut off cannot be seen.
        rest = after.strip_prefix(',').or_else(|| after.strip_prefix('}').map(|_| ""));
        if rest.is_some() {
            members.insert(key, value);
        }
    }
    members
}

fn first_value(text: &str) -> Option<(Value, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, text.get(values.byte_offset()..)?))
}

fn nonsense<T>(what: &str, value: &Value) -> Incoming<T> {
    let text: String = value.to_string().chars().take(SHOWN).collect();
    Incoming::Nonsense(format!("{what}: {text}"))
}

#[cfg(test)]
mod tests;
