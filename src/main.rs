use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        // First, before anything is set up: a keeper stays small.
        Some(role) if role == "keep" => agor_nvim::keeper::run(args),
        _ => ExitCode::from(2),
    }
}
