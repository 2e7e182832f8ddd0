//! The program: picks its role, and says how it ended.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

// Of a static binary, which with musl's own takes 1.7 times the processor's time of glibc's, and with this one 1.3 times.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

const USAGE: &str = "usage: agor-nvim [--version | --help | runner demo | runner ollama | keep CMD…]

Without arguments it is the backend of agor.nvim: Neovim starts it and speaks msgpack-RPC on its stdin and stdout.
  runner demo    the embedded demo agent, which speaks the sidecar protocol
  runner ollama  the embedded agent of an Ollama server's models; --help has its options
  keep CMD…      internal: the keeper of one agent
";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next();
    match first.as_deref().map(|arg| arg.to_string_lossy()).as_deref() {
        // First, before anything is set up: a keeper stays small.
        Some("keep") => agor_nvim::keeper::run(args),
        Some("runner") => runner(args.next()),
        Some("--version" | "-V") => {
            let version = env!("CARGO_PKG_VERSION");
            say(&format!("agor-nvim {version} (protocol {})\n", agor_nvim::nvim::PROTOCOL))
        }
        Some("--help" | "-h") => say(USAGE),
        Some(other) => refuse(&format!("agor-nvim: unknown argument '{other}'\n{USAGE}")),
        None if io::stdin().is_terminal() => {
            refuse("agor-nvim: this is the backend of agor.nvim, which Neovim starts by itself; try :AgorStart there\n")
        }
        None => serve(),
    }
}

fn runner(name: Option<OsString>) -> ExitCode {
    match name.as_deref().map(|name| name.to_string_lossy()).as_deref() {
        Some("demo") => agor_nvim::runner::demo::run(),
        Some("ollama") => agor_nvim::runner::ollama::run(),
        Some(other) => refuse(&format!("agor-nvim: no runner '{other}'\n{USAGE}")),
        None => refuse(&format!("agor-nvim: name the runner\n{USAGE}")),
    }
}

fn say(text: &str) -> ExitCode {
    // A closed pipe is the reader's choice.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn refuse(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}

/// The backend. Leaving by returning would hang on the read of stdin, which tokio cannot cancel: it leaves by `exit`,
/// and agents' keepers see the end of their control pipes.
fn serve() -> ExitCode {
    agor_nvim::keeper::share_heaps();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("agor-nvim: the runtime cannot start: {error}\n")),
    };
    let binary = agor_nvim::agent::process::OwnBinary::of_this_process();
    let code = runtime.block_on(async {
        match tokio::spawn(agor_nvim::nvim::serve(binary, terminated())).await {
            Ok(Ok(())) => 0,
            Ok(Err(error)) => {
                tracing::error!(%error, "the backend ends");
                last_words(&error.to_string())
            }
            Err(_) => last_words("internal error"),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(1));
    std::process::exit(code)
}

/// The editor tells the last line of stderr as the reason of our end.
fn last_words(error: &str) -> i32 {
    let panic = agor_nvim::logging::last_panic().map(|panic| format!(": {panic}"));
    let _ = writeln!(io::stderr(), "agor-nvim: {error}{}", panic.unwrap_or_default());
    101
}

/// Neovim closes our stdin and sends SIGTERM at the same moment.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    let stream = |kind| signal(kind).ok();
    let (mut term, mut hup, mut int) =
        (stream(SignalKind::terminate()), stream(SignalKind::hangup()), stream(SignalKind::interrupt()));
    // A file over the user's limit (`ulimit -f`) is an error of that write: the system's own way is to end us.
    let _too_large = stream(SignalKind::from_raw(libc::SIGXFSZ));
    let next = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    };
    tokio::select! {
        _ = next(&mut term) => {}
        _ = next(&mut hup) => {}
        _ = next(&mut int) => {}
    }
}
