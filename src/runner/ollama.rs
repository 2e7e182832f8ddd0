//! The Ollama agent: a model of an Ollama server with tools for the session's directory. `ollama/help.txt` has its options.
//!
//! It says what `agent::adapter::ollama` reads. A thread reads stdin; everything else is one task, which waits for the host
//! and for the server at once, so that `interrupt`, `stop` and the end of the input act at once and close the connection.

mod address;
mod agent;
mod conversation;
mod failure;
mod host;
mod http;
mod model;
mod request;
mod root;
mod server;
mod settings;
mod store;
mod tls;
mod tools;
mod turn;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use tokio::sync::mpsc::channel;
use uuid::Uuid;

use self::{
    agent::Agent,
    host::Host,
    settings::{Settings, Told},
};
use super::inbox;

pub const HELP: &str = include_str!("ollama/help.txt");

/// `agor-nvim runner ollama`: until `stop` or the end of its input.
pub fn run() -> ExitCode {
    let settings = match Settings::read(std::env::args_os().skip(3), |name| std::env::var(name).ok()) {
        Ok(Told::Run(settings)) => settings,
        Ok(Told::Help) => return print(&mut io::stdout(), HELP, 0),
        Err(sentence) => return print(&mut io::stderr(), &format!("{sentence}\n\n{HELP}"), 2),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return print(&mut io::stderr(), &format!("the runtime cannot start: {error}\n"), 1),
    };
    let run = Uuid::new_v4().simple().to_string();
    runtime.block_on(async {
        let (sender, receiver) = channel(64);
        inbox::listen(io::stdin(), move |message| sender.blocking_send(message).is_ok());
        Agent::new(Host::new(io::stdout(), receiver, &run[..8]), *settings).serve().await;
    });
    // A search that was cancelled may still look at its last file.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

fn print(to: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    match to.write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}
