//! Pipes that take and give little at once, and end anywhere.

use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;

use super::*;
use crate::agent::process::queue::{Events, queue};

fn pipe() -> (Sender, Receiver) {
    let (reader, writer) = io::pipe().expect("a pipe");
    // As little as it can hold, where that can be told.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, 4096);
    let writer = Sender::from_owned_fd(OwnedFd::from(writer)).expect("a pipe's end");
    (writer, Receiver::from_owned_fd(OwnedFd::from(reader)).expect("and the other"))
}

fn prompts() -> Vec<Vec<u8>> {
    let prompt = |(byte, size): (u8, usize)| vec![byte; size];
    [(b'a', 1), (b'b', 5_000), (b'c', 100), (b'd', 60_000), (b'e', 4_096), (b'f', 7)].map(prompt).to_vec()
}

async fn said(mut events: Events) -> Vec<ProcessEvent> {
    let mut said = Vec::new();
    while let Some(event) = events.recv().await {
        let last = event == ProcessEvent::StdoutEnded;
        said.push(event);
        if last {
            break;
        }
    }
    said
}

#[tokio::test]
async fn whatever_a_reader_takes_at_once_all_that_was_written_comes_in_order() {
    for piece in [1, 7, 4_095, 65_536] {
        let (writer, mut reader) = pipe();
        let (writes, to_write) = mpsc::unbounded_channel();
        let (_running, phase) = watch::channel(Phase::Running);
        prompts().into_iter().for_each(|prompt| writes.send(prompt).expect("taken"));
        drop(writes);
        let (feed, _events) = queue();
        let writing = tokio::spawn(write_stdin(writer, to_write, feed, phase));
        let (mut all, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match reader.read(&mut buffer).await.expect("readable") {
                0 => break,
                length => all.extend_from_slice(&buffer[..length]),
            }
        }
        writing.await.expect("it ends");
        assert!(all == prompts().concat(), "{} bytes, {piece} at once", all.len());
    }
}

#[tokio::test]
async fn what_was_not_read_to_its_end_comes_back_wherever_the_reader_ends() {
    let prompts = prompts();
    for read in [0, 1, 2, 5_000, 5_001, 5_100, 5_101, 40_000, 65_101, 65_102, 69_196, 69_197, 69_203] {
        let (writer, mut reader) = pipe();
        let (writes, to_write) = mpsc::unbounded_channel();
        let (_running, phase) = watch::channel(Phase::Running);
        prompts.iter().for_each(|prompt| writes.send(prompt.clone()).expect("taken"));
        let (feed, mut events) = queue();
        let writing = tokio::spawn(write_stdin(writer, to_write, feed.clone(), phase));
        reader.read_exact(&mut vec![0; read]).await.expect("so much was written");
        drop(reader);
        // All of it may be in the pipe by now: this one finds out.
        let _ = writes.send(b"last".to_vec());
        writing.await.expect("it ends");
        let Some(ProcessEvent::Undelivered(back)) = events.recv().await else { panic!("nothing came back") };
        let mut end = 0;
        let unread = prompts.iter().filter(|prompt| {
            end += prompt.len();
            end > read
        });
        let expect: Vec<Vec<u8>> = unread.cloned().chain([b"last".to_vec()]).collect();
        let sizes = |writes: &[Vec<u8>]| writes.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&back), sizes(&expect), "{read} bytes were read");
        assert!(back == expect, "{read} bytes were read");
        assert!(writes.send(Vec::new()).is_err(), "further ones are refused");
    }
}

#[tokio::test]
async fn a_writer_that_writes_little_at_once_is_heard_whole() {
    let text = "{\"one\":1}\n\r\nzwei ä€😀\nthree without an end";
    for piece in [1, 2, 3, 7, text.len()] {
        let (writer, reader) = pipe();
        let (_running, phase) = watch::channel(Phase::Running);
        let (feed, events) = queue();
        let reading = tokio::spawn(read_stdout(reader, feed, phase));
        for part in text.as_bytes().chunks(piece) {
            writer.writable().await.expect("it has room");
            assert_eq!(writer.try_write(part).expect("written"), part.len());
            tokio::task::yield_now().await;
        }
        drop(writer);
        let frames = said(events).await.into_iter().flat_map(|event| match event {
            ProcessEvent::Frames(frames) => frames,
            _ => Vec::new(),
        });
        let line = |line: &str| Frame::Line(line.to_owned());
        let expect = [line("{\"one\":1}"), line("zwei ä€😀"), line("three without an end")];
        assert_eq!(frames.collect::<Vec<_>>(), expect, "{piece} bytes at once");
        reading.await.expect("it ends");
    }
}
