//! How fast the pure parts of the backend are, in bytes a second: `cargo bench`, one group by `cargo bench -- transcript`.
//!
//! They run one after the other on what an agent says: lines into messages (`adapter`), messages into a transcript
//! (`transcript`), a transcript into lines and highlights (`render`, and its parts `markdown` and `code`), those into what goes
//! to the editor (`patch`). What an editor feels of it is measured by `make bench`.

#[allow(dead_code, reason = "its tests need more of it")]
#[path = "../../tests/acp_replay/dialect.rs"]
mod acp;
#[path = "../../tests/claude_replay/dialect.rs"]
mod claude;
#[path = "../../tests/codex_replay/dialect.rs"]
mod codex;
mod recorded;
#[path = "../../tests/support/replay/mod.rs"]
mod replay;
mod said;

use std::{hint::black_box, time::Duration};

use agor_nvim::{
    domain::AgentMessage,
    nvim::encode_patch,
    render::{
        Budget, Document, Head, Patch, Readings, Scene, View, Window,
        code::{Highlighter, Side, Source, Syntaxes},
    },
    transcript::Transcript,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use recorded::Exchange;

/// What a frame may cost, as the painter gives it.
const FRAME: f64 = 1500.0;
/// Bytes of text that each bench of a stream handles.
const STREAM: usize = 1 << 20;

fn adapter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("adapter");
    for (name, exchanges) in [
        ("claude", Exchange::all::<claude::Dialect>("claude")),
        ("codex", Exchange::all::<codex::Dialect>("codex-app-server")),
        ("acp", Exchange::all::<acp::Dialect>("acp-codex")),
    ] {
        group.throughput(Throughput::Bytes(exchanges.iter().map(|exchange| exchange.bytes).sum()));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || exchanges.iter().map(Exchange::open).collect::<Vec<_>>(),
                |open| open.into_iter().map(recorded::Open::play).sum::<usize>(),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn transcript(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transcript");
    for (name, messages) in [("chunks of 40 B", said::chunks(STREAM, 40)), ("tools", said::edits(500))] {
        group.throughput(Throughput::Bytes(said::bytes(&messages)));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| messages.clone(), folded, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn folded(messages: Vec<AgentMessage>) -> Transcript {
    let mut transcript = Transcript::default();
    for message in messages {
        black_box(transcript.fold(message));
    }
    transcript
}

/// A view that is shown while the agent speaks: a frame after each 16 KiB.
fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    for (name, messages) in [("stream", said::chunks(STREAM, 4096)), ("tools", said::edits(500))] {
        group.throughput(Throughput::Bytes(said::bytes(&messages)));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| messages.clone(), |messages| painted(messages).len(), BatchSize::LargeInput);
        });
    }
    let long = folded(said::chunks(8 * STREAM, 4096));
    group.throughput(Throughput::Elements(1));
    group.bench_function("first screen of 8 MiB", |bencher| {
        bencher.iter(|| view().next(&long, &mut Readings::default(), 0, Budget::micros(FRAME)));
    });
    group.finish();
}

fn view() -> View {
    let mut view = View::new(Head::default(), Scene::default());
    view.set_windows(vec![Window { top: 0, height: 40, follows: true }]);
    view
}

fn painted(messages: Vec<AgentMessage>) -> Vec<Patch> {
    let (mut transcript, mut readings) = (Transcript::default(), Readings::default());
    let (mut view, mut patches) = (view(), Vec::new());
    for messages in messages.chunks(4) {
        for message in messages {
            if let Some(change) = transcript.fold(message.clone()) {
                view.follow(&transcript, change);
            }
        }
        patches.extend(view.next(&transcript, &mut readings, 0, Budget::micros(FRAME)));
    }
    while view.has_more() {
        patches.extend(view.next(&transcript, &mut readings, 0, Budget::micros(FRAME)));
    }
    patches
}

/// All marks of a message, as if all of it were looked at: while it grows, and as a whole.
fn markdown(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("markdown");
    let text = said::markdown(STREAM / 8);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("chunks of 512 B", |bencher| {
        bencher.iter(|| {
            let mut document = Document::default();
            let mut marks = 0;
            for end in (512..text.len()).step_by(512).map(|end| said::boundary(&text, end)).chain([text.len()]) {
                let from = document.advance(&text[..end]);
                marks += document.read(&text[..end], from..end, Scene::default()).marks.len();
            }
            marks
        });
    });
    group.bench_function("whole", |bencher| {
        bencher.iter(|| {
            let mut document = Document::default();
            document.advance(&text);
            document.read(&text, 0..text.len(), Scene::default()).marks.len()
        });
    });
    group.finish();
}

/// Code line by line, as the colours' thread reads it.
fn code(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("code");
    let mut syntaxes = Syntaxes::load();
    for (language, text) in said::CODE {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*language, |bencher| {
            let source = Source::Info((*language).to_owned());
            bencher.iter(|| {
                let mut lines = text.lines();
                let first = lines.clone().next().unwrap_or_default();
                let mut code = Highlighter::new(&mut syntaxes, &source, first).expect("a language that is known");
                lines.by_ref().map(|line| code.line(&mut syntaxes, line, Side::Both).len()).sum::<usize>()
            });
        });
    }
    group.finish();
}

fn patch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("patch");
    let patches = painted(said::chunks(STREAM, 4096));
    group.throughput(Throughput::Bytes(patches.iter().map(|patch| patch.bytes() as u64).sum()));
    group.bench_function("encode", |bencher| {
        let mut bytes = Vec::new();
        bencher.iter(|| {
            bytes.clear();
            for patch in &patches {
                rmpv::encode::write_value(&mut bytes, &encode_patch::patch(1, patch)).expect("a vector takes all");
            }
            bytes.len()
        });
    });
    group.finish();
}

fn config() -> Criterion {
    let config = Criterion::default().sample_size(20);
    config.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).without_plots()
}

criterion_group!(name = backend; config = config(); targets = adapter, transcript, render, markdown, code, patch);
criterion_main!(backend);
