//! A blocking msgpack-RPC client over an editor's stdin and stdout, or its socket, with the editor's screen beside it.
//!
//! One thread reads; everyone else waits on one condition variable for answers, notifications and flushes. Knows the
//! wire and the grid, not how an editor is started.

use std::{
    collections::HashMap,
    fmt,
    io::{BufReader, Read, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Instant,
};

use rmpv::Value;

use super::grid::Grid;

#[derive(Debug)]
pub enum RpcError {
    /// Neovim's own words.
    Refused(String),
    /// No answer by the deadline: the editor may be waiting for a key.
    Silent,
    /// The editor has ended.
    Closed,
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RpcError::Refused(message) => write!(f, "Neovim refused: {message}"),
            RpcError::Silent => write!(f, "Neovim did not answer in time"),
            RpcError::Closed => write!(f, "Neovim has ended"),
        }
    }
}

#[derive(Default)]
pub struct State {
    pub grid: Grid,
    answers: HashMap<u64, Result<Value, String>>,
    /// What the editor sent by `rpcnotify`, but for `redraw`: method and arguments, in order.
    pub notifications: Vec<(String, Vec<Value>)>,
    pub closed: bool,
    last_id: u64,
}

#[derive(Clone)]
pub struct Rpc {
    shared: Arc<(Mutex<State>, Condvar)>,
    stdin: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
}

impl Rpc {
    /// `stdin` is what the editor reads, `stdout` what it writes.
    pub fn new(stdin: impl Write + Send + 'static, stdout: impl Read + Send + 'static) -> Self {
        let rpc = Rpc { shared: Arc::default(), stdin: Arc::new(Mutex::new(Some(Box::new(stdin)))) };
        let reader = rpc.clone();
        std::thread::spawn(move || reader.read_all(stdout));
        rpc
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until `look` finds something; it is asked again after everything that the editor sends.
    pub fn wait<T>(&self, deadline: Instant, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let woken = self.shared.1.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken.0;
        }
    }

    pub fn call(&self, method: &str, args: Vec<Value>, deadline: Instant) -> Result<Value, RpcError> {
        let id = {
            let mut state = self.state();
            state.last_id += 1;
            state.last_id
        };
        self.write(&Value::Array(vec![0.into(), id.into(), method.into(), Value::Array(args)]))?;
        let answer = self.wait(deadline, |state| match state.answers.remove(&id) {
            Some(answer) => Some(answer.map_err(RpcError::Refused)),
            None => state.closed.then_some(Err(RpcError::Closed)),
        });
        answer.unwrap_or(Err(RpcError::Silent))
    }

    pub fn notify(&self, method: &str, args: Vec<Value>) -> Result<(), RpcError> {
        self.write(&Value::Array(vec![2.into(), method.into(), Value::Array(args)]))
    }

    /// Closes the editor's stdin, as a terminal that goes away does.
    pub fn hang_up(&self) {
        self.stdin.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    }

    fn write(&self, message: &Value) -> Result<(), RpcError> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, message).expect("a Vec takes everything");
        let mut stdin = self.stdin.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let stdin = stdin.as_mut().ok_or(RpcError::Closed)?;
        stdin.write_all(&bytes).and_then(|()| stdin.flush()).map_err(|_| RpcError::Closed)
    }

    fn read_all(&self, stdout: impl Read) {
        let mut input = BufReader::with_capacity(1 << 16, stdout);
        while let Ok(Value::Array(message)) = rmpv::decode::read_value(&mut input) {
            self.receive(message);
            self.shared.1.notify_all();
        }
        self.state().closed = true;
        self.shared.1.notify_all();
    }

    fn receive(&self, message: Vec<Value>) {
        match message.as_slice() {
            [kind, id, error, result] if kind.as_u64() == Some(1) => {
                let answer = if error.is_nil() { Ok(result.clone()) } else { Err(sentence(error)) };
                self.state().answers.insert(id.as_u64().unwrap_or(0), answer);
            }
            [kind, method, Value::Array(args)] if kind.as_u64() == Some(2) => match method.as_str() {
                Some("redraw") => self.state().grid.redraw(args),
                Some(method) => self.state().notifications.push((method.to_owned(), args.clone())),
                None => {}
            },
            [kind, id, ..] if kind.as_u64() == Some(0) => {
                let refusal = Value::from("the test's end of the channel answers no requests");
                // An editor that is gone by now needs no answer.
                let _ = self.write(&Value::Array(vec![1.into(), id.clone(), refusal, Value::Nil]));
            }
            _ => {}
        }
    }
}

/// Errors come as `[type, message]`.
fn sentence(error: &Value) -> String {
    let message = error.as_array().and_then(|pair| pair.get(1)).and_then(Value::as_str);
    message.map_or_else(|| error.to_string(), str::to_owned)
}
